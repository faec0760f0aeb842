//! What is done to RDS instances.

use std::time::Duration;

use common::action::{Action, Change, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{DbInstance, VpcSecurityGroup};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::closed;
use super::database::{Final, may_be_removed, wants_final_snapshot};
use super::refusal::{foreign, known};
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
    /// Without `ApplyImmediately` for the same reason: RDS moves an instance at once in any case, see
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>.
    SetSecurityGroups {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
        #[serde(rename = "VpcSecurityGroupIds")]
        groups: Vec<String>,
    },
    /// The automated backups go the way of RDS's defaults.
    Delete {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
        #[serde(flatten)]
        last: Final,
    },
}

type InstancePlan = Result<Planned<DbInstance, Step>, Refusal>;

impl Mended for DbInstance {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::RDS_MODIFY_DB_INSTANCE, operation::RDS_STOP_DB_INSTANCE]),
        ("kill", &[operation::RDS_DELETE_DB_INSTANCE]),
        ("stop", &[operation::RDS_STOP_DB_INSTANCE]),
        ("start", &[operation::RDS_START_DB_INSTANCE]),
        ("make_private", &[operation::RDS_MODIFY_DB_INSTANCE]),
        ("make_public", &[operation::RDS_MODIFY_DB_INSTANCE]),
        ("set_security_groups", &[operation::RDS_MODIFY_DB_INSTANCE]),
    ];

    const CLOSELY: &'static [&'static str] = &["kill"];

    const PATIENCE: Duration = PATIENCE;

    fn plan(action: &Action, resource: &Resource<Self>) -> InstancePlan {
        match action {
            Action::Stop => stop(resource),
            Action::Start => start(resource),
            Action::MakePrivate => set_public(resource, false),
            Action::MakePublic => set_public(resource, true),
            Action::SetSecurityGroups(change) => set_security_groups(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, settings: &Remediate) -> Result<Vec<Action>, Refusal> {
        let instance = &resource.config;
        match (instance.db_instance_status.as_str(), instance.why_it_cannot_stop()) {
            ("stopping" | "stopped" | "deleting", _) => Ok(Vec::new()),
            (_, None) => Ok(vec![Action::Stop]),
            (_, Some(why)) if instance.cluster().is_some() => Err(Refusal::Impossible(format!(
                "it {why}, which has its security groups to itself as well: disable the cluster"
            ))),
            (_, Some(why)) => {
                let vpc = instance.db_subnet_group.as_ref().and_then(|group| group.vpc_id.as_deref());
                closed::disable(&why, vpc, instance.security_group_ids(), settings)
            }
        }
    }

    fn kill(resource: &Resource<Self>, kill: Kill, settings: &Remediate) -> InstancePlan {
        let instance = &resource.config;
        if instance.db_instance_status == "deleting" {
            return Ok(Planned::nothing(resource));
        }
        if let Some(cluster) = instance.multi_az_cluster() {
            return Err(Refusal::Impossible(format!("it goes only with its Multi-AZ cluster {cluster}: kill that")));
        }
        may_be_removed(kill, instance.deletion_protection)?;
        let step = Step::Delete { id: resource.id.clone(), last: last(resource, settings)? };
        Ok(Planned { steps: vec![step], undo: None, after: None })
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

/// What is left of an instance: a snapshot, but for those of which RDS makes none. A read replica's data is its source's,
/// and a member's that of its cluster. See
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>.
fn last(resource: &Resource<DbInstance>, settings: &Remediate) -> Result<Final, Refusal> {
    let instance = &resource.config;
    if !wants_final_snapshot(settings) || instance.cluster().is_some() || instance.replica_of().is_some() {
        return Ok(Final::NONE);
    }
    let without = |why: String| {
        Refusal::Impossible(format!(
            "RDS makes no final snapshot of an instance {why}: to remove it without one, say `final_snapshot = false` under \
             [remediate] in the settings"
        ))
    };
    if instance.is_custom() {
        return Err(without("of RDS Custom".to_owned()));
    }
    let status = instance.db_instance_status.as_str();
    if matches!(status, "failed" | "incompatible-restore" | "incompatible-network") {
        return Err(without(format!("whose status is `{status}`")));
    }
    let taken = known(resource, "DBSnapshots", instance.db_snapshots.as_ref())?;
    Ok(Final::named(&resource.id, instance.dbi_resource_id.as_deref(), taken))
}

fn set_security_groups(resource: &Resource<DbInstance>, change: &Change<Vec<String>>) -> InstancePlan {
    let instance = &resource.config;
    closed::plan(resource, change, instance.security_group_ids(), |groups| {
        if let Some(cluster) = instance.cluster() {
            let why = format!("its security groups are those of its cluster {cluster}: change them there");
            return Err(Refusal::Impossible(why));
        }
        may_be_moved(&instance.db_instance_status, "an instance")?;
        let vpc_security_groups = groups.iter().map(|group| VpcSecurityGroup::active(group)).collect();
        let after = DbInstance { vpc_security_groups, ..instance.clone() };
        Ok((Step::SetSecurityGroups { id: resource.id.clone(), groups }, after))
    })
}

/// Refuses to change the security groups of a database in a state in which RDS does not.
pub(super) fn may_be_moved(status: &str, what: &str) -> Result<(), Refusal> {
    match status {
        "deleting" => Err(Refusal::Changed(DELETING.to_owned())),
        "stopping" | "stopped" => {
            Err(Refusal::Impossible(format!("RDS changes nothing of {what} that is stopped: start it first")))
        }
        _ => Ok(()),
    }
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
        (status, Some(why)) if status != "deleting" => Err(Refusal::Impossible(format!("it {why}"))),
        (status, _) => {
            may_be_moved(status, "an instance")?;
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
            Self::Modify { .. } | Self::SetSecurityGroups { .. } => operation::RDS_MODIFY_DB_INSTANCE,
            Self::Delete { .. } => operation::RDS_DELETE_DB_INSTANCE,
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
            Self::SetSecurityGroups { id, groups } => {
                let call = client.modify_db_instance().db_instance_identifier(id);
                sent(operation, call.set_vpc_security_group_ids(Some(groups.clone())).send().await)
            }
            Self::Delete { id, last } => {
                let call = client.delete_db_instance().db_instance_identifier(id);
                let call = call.skip_final_snapshot(last.skip_final_snapshot);
                sent(
                    operation,
                    call.set_final_db_snapshot_identifier(last.final_db_snapshot_identifier.clone()).send().await,
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::actions::closed::tests::{moves, moves_into_the_closed_group, stays_where_the_settings_name_no_group};
    use crate::actions::tests::{Samples, needs, planned, resource, settings, the_call};

    const KILL: Action = Action::Kill(Kill { include_data: true });

    fn instance(fields: Value) -> Resource<DbInstance> {
        let mut config = json!({
            "DBInstanceIdentifier": "shop", "DBInstanceStatus": "available", "Engine": "mysql", "PubliclyAccessible": true,
            "DbiResourceId": "db-ABC", "DBSubnetGroup": {"VpcId": "vpc-1"}, "DBSnapshots": [],
            "VpcSecurityGroups": [
                {"VpcSecurityGroupId": "sg-2", "Status": "active"}, {"VpcSecurityGroupId": "sg-1", "Status": "active"},
                {"VpcSecurityGroupId": "sg-0", "Status": "removing"},
            ],
        });
        let (Value::Object(config_fields), Value::Object(fields)) = (&mut config, fields) else { panic!("objects") };
        config_fields.extend(fields);
        let arn = "arn:aws:rds:eu-west-1:111122223333:db:shop";
        resource("shop", arn, serde_json::from_value(config).unwrap())
    }

    /// One that cannot be stopped.
    fn replica(fields: Value) -> Resource<DbInstance> {
        let mut instance = instance(fields);
        instance.config.read_replica_source_db_instance_identifier = Some("first".into());
        instance.config.vpc_security_groups.truncate(2);
        instance
    }

    impl Samples for DbInstance {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Disable, instance(json!({}))),
                (Action::Disable, replica(json!({}))),
                (KILL, instance(json!({}))),
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

    #[test]
    fn what_cannot_be_stopped_is_moved_to_the_closed_group_of_its_vpc() {
        let call = json!({"DBInstanceIdentifier": "shop", "VpcSecurityGroupIds": ["sg-closed"]});
        moves_into_the_closed_group(&replica(json!({})), ("rds:ModifyDBInstance", &call));
        stays_where_the_settings_name_no_group(&replica(json!({"DBSubnetGroup": {"VpcId": "vpc-2"}})), "vpc-2");
        let stopped = the_call(&Action::Disable, &instance(json!({})));
        assert_eq!(stopped, the_call(&Action::Stop, &instance(json!({}))), "what can be is");
        for (fields, why) in [
            (json!({"DBSubnetGroup": null}), "does not say its VPC"),
            (json!({"DBClusterIdentifier": "all", "Engine": "aurora-mysql"}), "disable the cluster"),
        ] {
            let refused = planned(&Action::Disable, &replica(fields.clone()));
            assert!(matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)), "{fields}: {refused:?}");
        }
        for status in ["stopped", "stopping", "deleting"] {
            let plan = planned(&Action::Disable, &replica(json!({"DBInstanceStatus": status}))).unwrap();
            assert!(plan.steps.is_empty(), "{status}");
        }
        let to = moves(&["sg-1", "sg-2"], &["sg-3"]);
        for (fields, why) in [
            (json!({"DBInstanceStatus": "stopped"}), "start it first"),
            (json!({"DBClusterIdentifier": "all", "Engine": "docdb"}), "of its cluster all"),
        ] {
            let refused = planned(&to, &instance(fields.clone()));
            assert!(matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)), "{fields}: {refused:?}");
        }
        let deleting = planned(&to, &instance(json!({"DBInstanceStatus": "deleting"})));
        assert!(matches!(deleting, Err(Refusal::Changed(_))), "{deleting:?}");
    }

    #[test]
    fn an_instance_leaves_a_snapshot_where_rds_makes_one() {
        let named = |name: &str| json!({"DBInstanceIdentifier": "shop", "SkipFinalSnapshot": false, "FinalDBSnapshotIdentifier": name});
        let none = || json!({"DBInstanceIdentifier": "shop", "SkipFinalSnapshot": true});
        for (fields, expected) in [
            (json!({}), named("shop-sluice-final-abc")),
            (json!({"DBSnapshots": ["shop-sluice-final-abc"]}), named("shop-sluice-final-abc-2")),
            (json!({"ReadReplicaSourceDBClusterIdentifier": "first"}), none()),
            (json!({"DBClusterIdentifier": "all", "Engine": "aurora-mysql", "DBSnapshots": null}), none()),
        ] {
            let (operation, parameters) = the_call(&KILL, &instance(fields.clone()));
            assert_eq!((operation.as_str(), parameters), ("rds:DeleteDBInstance", expected), "{fields}");
        }
        let without = Remediate { final_snapshot: Some(false), ..settings() };
        let kill = Kill { include_data: true };
        for fields in [json!({}), json!({"DBInstanceStatus": "failed"}), json!({"Engine": "custom-oracle-ee"})] {
            let plan = DbInstance::kill(&instance(fields), kill, &without).unwrap();
            assert_eq!(serde_json::to_value(&plan.steps).unwrap(), json!([none()]));
        }
    }

    #[test]
    fn a_database_goes_only_where_it_is_said_that_it_may() {
        for (action, fields, why) in [
            (Action::Kill(Kill::default()), json!({}), "IncludeData"),
            (KILL, json!({"DeletionProtection": true}), "turn that off first"),
            (KILL, json!({"DBInstanceStatus": "failed"}), "`failed`"),
            (KILL, json!({"DBInstanceStatus": "incompatible-network"}), "final_snapshot = false"),
            (KILL, json!({"Engine": "custom-sqlserver-ee"}), "RDS Custom"),
            (KILL, json!({"DBClusterIdentifier": "all"}), "Multi-AZ cluster all"),
            (KILL, json!({"DBSnapshots": null}), "`DBSnapshots`"),
        ] {
            let refused = planned(&action, &instance(fields.clone()));
            assert!(matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)), "{fields}: {refused:?}");
        }
        assert!(needs(&KILL, instance(json!({})), "DBSnapshots"));
        let going = instance(json!({"DBInstanceStatus": "deleting", "DeletionProtection": true}));
        assert!(planned(&KILL, &going).unwrap().steps.is_empty());
    }
}
