//! What is done to RDS instances.

use std::time::Duration;

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::DbInstance;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// How long a database may take to be seen changed. Its states pass slowly: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
/// speaks of minutes, and of more with a standby.
pub(super) const PATIENCE: Duration = Duration::from_mins(20);

/// A call on an instance.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Stop {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
    },
    Start {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
    },
    /// Without `ApplyImmediately`, which would carry out whatever else waits for the maintenance window (a new version,
    /// another class): this parameter is applied at once in any case, see
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>.
    Modify {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
        #[serde(rename = "PubliclyAccessible")]
        publicly_accessible: bool,
    },
}

type InstancePlan = Result<Planned<DbInstance, Step>, Refusal>;

impl Mended for DbInstance {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("stop", &[operation::RDS_STOP_DB_INSTANCE]),
        ("start", &[operation::RDS_START_DB_INSTANCE]),
        ("make_private", &[operation::RDS_MODIFY_DB_INSTANCE]),
        ("make_public", &[operation::RDS_MODIFY_DB_INSTANCE]),
    ];

    const PATIENCE: Duration = PATIENCE;

    fn plan(action: &Action, resource: &Resource<Self>) -> InstancePlan {
        match action {
            Action::Stop => stop(resource),
            Action::Start => start(resource),
            Action::MakePrivate => set_public(resource, false),
            Action::MakePublic => set_public(resource, true),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// RDS changes nothing of a stopped instance, which AWS starts again after seven days with the address that it has: it is
    /// made private before it is stopped, and on the way back started before it is made public.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::MakePrivate | Action::Start) { Turn::First } else { Turn::Usual }
    }
}

fn stop(resource: &Resource<DbInstance>) -> InstancePlan {
    let instance = &resource.config;
    match (instance.db_instance_status.as_str(), instance.why_it_cannot_stop()) {
        ("stopping" | "stopped" | "deleting", _) => Ok(Planned::nothing(resource)),
        (_, Some(why)) => Err(Refusal::Impossible(format!("it {why}"))),
        ("available", None) => {
            let step = Step::Stop { id: resource.id.clone() };
            Ok(Planned::one(step, Some(Action::Start), in_status(instance, "stopped")))
        }
        (other, None) => Err(Refusal::Impossible(unavailable(other))),
    }
}

fn start(resource: &Resource<DbInstance>) -> InstancePlan {
    let instance = &resource.config;
    match (instance.db_instance_status.as_str(), instance.db_cluster_identifier.as_deref()) {
        ("stopped", Some(cluster)) if !cluster.is_empty() => {
            Err(Refusal::Impossible(format!("it can be started only with its cluster {cluster}")))
        }
        ("stopped", _) => {
            let step = Step::Start { id: resource.id.clone() };
            Ok(Planned::one(step, Some(Action::Stop), in_status(instance, "available")))
        }
        ("stopping", _) => Err(Refusal::Impossible(STOPPING.to_owned())),
        ("deleting", _) => Err(Refusal::Changed(DELETING.to_owned())),
        _ => Ok(Planned::nothing(resource)),
    }
}

/// Why a database is not started.
pub(super) const STOPPING: &str = "it is still stopping, which can take some minutes: start it then";
/// Why nothing is done to a database.
pub(super) const DELETING: &str = "it is being deleted";

/// Why a database is not changed.
pub(super) fn unavailable(status: &str) -> String {
    format!("its status is `{status}`, and RDS takes this only while it is `available`: try again then")
}

fn in_status(instance: &DbInstance, status: &str) -> DbInstance {
    DbInstance { db_instance_status: status.to_owned(), ..instance.clone() }
}

fn set_public(resource: &Resource<DbInstance>, public: bool) -> InstancePlan {
    let instance = &resource.config;
    if instance.publicly_accessible == Some(public) {
        return Ok(Planned::nothing(resource));
    }
    if instance.publicly_accessible.is_none() {
        return Err(Refusal::Impossible("its record does not say PubliclyAccessible".to_owned()));
    }
    match (instance.db_instance_status.as_str(), instance.why_its_address_stays()) {
        ("deleting", _) => Err(Refusal::Changed(DELETING.to_owned())),
        (_, Some(why)) => Err(Refusal::Impossible(format!("it {why}"))),
        ("stopping" | "stopped", None) => {
            Err(Refusal::Impossible("RDS changes nothing of an instance that is stopped: start it first".to_owned()))
        }
        _ => {
            let step = Step::Modify { id: resource.id.clone(), publicly_accessible: public };
            let after = DbInstance { publicly_accessible: Some(public), ..instance.clone() };
            let undo = if public { Action::MakePrivate } else { Action::MakePublic };
            Ok(Planned::one(step, Some(undo), after))
        }
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Stop { .. } => operation::RDS_STOP_DB_INSTANCE,
            Self::Start { .. } => operation::RDS_START_DB_INSTANCE,
            Self::Modify { .. } => operation::RDS_MODIFY_DB_INSTANCE,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_rds, session, region);
        let operation = self.operation();
        match self {
            Self::Stop { id } => sent(operation, client.stop_db_instance().db_instance_identifier(id).send().await),
            Self::Start { id } => sent(operation, client.start_db_instance().db_instance_identifier(id).send().await),
            Self::Modify { id, publicly_accessible } => {
                let call = client.modify_db_instance().db_instance_identifier(id);
                sent(operation, call.publicly_accessible(*publicly_accessible).send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn instance(fields: Value) -> Resource<DbInstance> {
        let mut config = json!({
            "DBInstanceIdentifier": "shop", "DBInstanceStatus": "available", "Engine": "mysql", "PubliclyAccessible": true,
        });
        let (Value::Object(config_fields), Value::Object(fields)) = (&mut config, fields) else { panic!("objects") };
        config_fields.extend(fields);
        let arn = "arn:aws:rds:eu-west-1:111122223333:db:shop";
        resource("shop", arn, serde_json::from_value(config).unwrap())
    }

    impl Samples for DbInstance {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Stop, instance(json!({}))),
                (Action::Start, instance(json!({"DBInstanceStatus": "stopped"}))),
                (Action::MakePrivate, instance(json!({}))),
                (Action::MakePublic, instance(json!({"PubliclyAccessible": false}))),
            ]
        }
    }

    #[test]
    fn only_the_address_is_sent_so_that_nothing_that_waits_is_applied() {
        let (operation, parameters) = the_call(&Action::MakePrivate, &instance(json!({})));
        assert_eq!(
            (operation.as_str(), parameters),
            ("rds:ModifyDBInstance", json!({"DBInstanceIdentifier": "shop", "PubliclyAccessible": false}))
        );
        let (operation, parameters) = the_call(&Action::Stop, &instance(json!({})));
        assert_eq!((operation.as_str(), parameters), ("rds:StopDBInstance", json!({"DBInstanceIdentifier": "shop"})));
    }

    #[test]
    fn what_rds_does_not_do_is_refused_with_the_reason() {
        for (action, fields, why) in [
            (Action::Stop, json!({"DBClusterIdentifier": "all", "Engine": "aurora-mysql"}), "with its cluster all"),
            (Action::Stop, json!({"ReadReplicaDBInstanceIdentifiers": ["two"]}), "read replica (two)"),
            (Action::Stop, json!({"Engine": "sqlserver-se", "MultiAZ": true}), "SQL Server"),
            (Action::Stop, json!({"DBInstanceStatus": "backing-up"}), "`backing-up`"),
            (Action::Start, json!({"DBInstanceStatus": "stopping"}), "still stopping"),
            (Action::Start, json!({"DBInstanceStatus": "stopped", "DBClusterIdentifier": "all"}), "its cluster all"),
            (Action::MakePrivate, json!({"DBInstanceStatus": "stopped"}), "start it first"),
            (Action::MakePrivate, json!({"DBInstanceStatus": "stopping"}), "start it first"),
            (Action::MakePrivate, json!({"DBClusterIdentifier": "all"}), "Multi-AZ cluster all"),
            (Action::MakePrivate, json!({"PubliclyAccessible": null}), "PubliclyAccessible"),
        ] {
            let refused = planned(&action, &instance(fields.clone()));
            assert!(
                matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)),
                "{action:?} {fields}: {refused:?}"
            );
        }
        for action in [Action::Start, Action::MakePrivate] {
            let refused = planned(&action, &instance(json!({"DBInstanceStatus": "deleting"})));
            assert!(matches!(refused, Err(Refusal::Changed(_))), "{action:?}: {refused:?}");
        }
    }

    #[test]
    fn nothing_is_left_to_do_where_it_is_done() {
        for (action, fields) in [
            (Action::Stop, json!({"DBInstanceStatus": "stopping"})),
            (Action::Stop, json!({"DBInstanceStatus": "deleting"})),
            (Action::Stop, json!({"DBInstanceStatus": "stopped", "DBClusterIdentifier": "all"})),
            (Action::Start, json!({"DBInstanceStatus": "backing-up"})),
            (Action::MakePublic, json!({})),
            (Action::MakePrivate, json!({"PubliclyAccessible": false, "DBInstanceStatus": "stopped"})),
        ] {
            assert!(planned(&action, &instance(fields.clone())).unwrap().steps.is_empty(), "{action:?} {fields}");
        }
    }

    #[test]
    fn the_address_goes_before_the_instance_is_stopped() {
        assert_eq!(DbInstance::turn(&Action::MakePrivate), Turn::First);
        assert_eq!(DbInstance::turn(&Action::Stop), Turn::Usual);
        assert_eq!(DbInstance::turn(&Action::Start), Turn::First);
        assert_eq!(DbInstance::turn(&Action::MakePublic), Turn::Usual);
    }
}
