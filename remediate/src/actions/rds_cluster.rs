//! What is done to RDS clusters, those of Neptune and DocumentDB included.

use std::time::Duration;

use common::action::{Action, Change, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{DbCluster, ResourceType, VpcSecurityGroup};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::closed;
use super::database::{Final, may_be_removed, wants_final_snapshot};
use super::rds::{DELETING, PATIENCE, STOPPING, may_be_moved, unavailable};
use super::refusal::{foreign, known, needs};
use super::{Along, ApiCall, Mended, Planned, Refusal, Turn};

/// A call on a cluster.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Stop {
        #[serde(rename = "DBClusterIdentifier")]
        id: String,
    },
    Start {
        #[serde(rename = "DBClusterIdentifier")]
        id: String,
    },
    /// Without `ApplyImmediately`, which would carry out whatever else waits for the maintenance window: the security
    /// groups need no outage, and are changed at once.
    SetSecurityGroups {
        #[serde(rename = "DBClusterIdentifier")]
        id: String,
        #[serde(rename = "VpcSecurityGroupIds")]
        groups: Vec<String>,
    },
    DeleteMember {
        #[serde(rename = "DBInstanceIdentifier")]
        id: String,
        #[serde(flatten)]
        last: Final,
    },
    /// The automated backups go the way of RDS's defaults.
    Delete {
        #[serde(rename = "DBClusterIdentifier")]
        id: String,
        #[serde(flatten)]
        last: Final,
    },
}

type ClusterPlan = Result<Planned<DbCluster, Step>, Refusal>;

impl Mended for DbCluster {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::RDS_MODIFY_DB_CLUSTER, operation::RDS_STOP_DB_CLUSTER]),
        ("kill", &[operation::RDS_DELETE_DB_CLUSTER, operation::RDS_DELETE_DB_INSTANCE]),
        ("stop", &[operation::RDS_STOP_DB_CLUSTER]),
        ("start", &[operation::RDS_START_DB_CLUSTER]),
        ("set_security_groups", &[operation::RDS_MODIFY_DB_CLUSTER]),
    ];

    const CLOSELY: &'static [&'static str] = &["disable", "kill"];

    const PATIENCE: Duration = PATIENCE;

    fn plan(action: &Action, resource: &Resource<Self>) -> ClusterPlan {
        match action {
            Action::Stop => stop(resource),
            Action::Start => start(resource),
            Action::SetSecurityGroups(change) => set_security_groups(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, settings: &Remediate) -> Result<Vec<Action>, Refusal> {
        let cluster = &resource.config;
        match (cluster.status.as_str(), cluster.why_it_cannot_stop()) {
            ("stopping" | "stopped" | "deleting", _) => Ok(Vec::new()),
            (_, None) => Ok(vec![Action::Stop]),
            (_, Some(why)) => {
                needs(resource, &["VpcId"])?;
                closed::disable(&why, cluster.vpc_id.as_deref(), cluster.security_group_ids(), settings)
            }
        }
    }

    /// The instances first, those that read before the one that writes, which no other then has to take over from. A cluster
    /// whose instances are all on their way out can follow them. See
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html>.
    fn kill(resource: &Resource<Self>, kill: Kill, settings: &Remediate) -> ClusterPlan {
        let cluster = &resource.config;
        if cluster.status == "deleting" {
            return Ok(Planned::nothing(resource));
        }
        if let Some(global) = cluster.global_cluster() {
            let why = format!("it is a part of the global database {global}: take it out of that first");
            return Err(Refusal::Impossible(why));
        }
        may_be_removed(kill, cluster.deletion_protection)?;
        if matches!(cluster.status.as_str(), "stopping" | "stopped") {
            return Err(Refusal::Impossible("RDS deletes no cluster that is stopped: start it first".to_owned()));
        }
        let mut steps = members(resource)?;
        let last = if wants_final_snapshot(settings) {
            let taken = known(resource, "DBClusterSnapshots", cluster.db_cluster_snapshots.as_ref())?;
            Final::named(&resource.id, cluster.db_cluster_resource_id.as_deref(), taken)
        } else {
            Final::NONE
        };
        steps.push(Step::Delete { id: resource.id.clone(), last });
        Ok(Planned { steps, undo: None, after: None })
    }

    /// Its instances, which stop and go with it.
    fn along(action: &Action, resource: &Resource<Self>) -> Result<Vec<Along>, Refusal> {
        let cluster = &resource.config;
        let done = cluster.status == "deleting" || cluster.db_cluster_members.is_empty();
        if done || !matches!(action, Action::Disable | Action::Kill(_)) {
            return Ok(Vec::new());
        }
        needs(resource, &["DBInstanceStatus"])?;
        let members = cluster.db_cluster_members.iter().filter_map(|member| {
            let id = member.db_instance_identifier.as_deref()?;
            Some(Along::of(resource, ResourceType::Rds, id, "db:", format!("its instance {id}")).tagged(&member.tags))
        });
        Ok(members.collect())
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// RDS deletes no instance twice: those that are to go by themselves are on their way by then.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

fn stop(resource: &Resource<DbCluster>) -> ClusterPlan {
    let cluster = &resource.config;
    match (cluster.status.as_str(), cluster.why_it_cannot_stop()) {
        ("stopping" | "stopped" | "deleting", _) => Ok(Planned::nothing(resource)),
        (_, Some(why)) => Err(Refusal::Impossible(format!("it {why}"))),
        ("available", None) => {
            let step = Step::Stop { id: resource.id.clone() };
            Ok(Planned::one(step, Some(Action::Start), in_status(cluster, "stopped")))
        }
        (other, None) => Err(Refusal::Impossible(unavailable(other))),
    }
}

fn start(resource: &Resource<DbCluster>) -> ClusterPlan {
    match resource.config.status.as_str() {
        "stopped" => {
            let step = Step::Start { id: resource.id.clone() };
            Ok(Planned::one(step, Some(Action::Stop), in_status(&resource.config, "available")))
        }
        "stopping" => Err(Refusal::Impossible(STOPPING.to_owned())),
        "deleting" => Err(Refusal::Changed(DELETING.to_owned())),
        _ => Ok(Planned::nothing(resource)),
    }
}

/// The calls that delete the instances of a cluster, save those that are on their way out; those of a Multi-AZ cluster go
/// with it.
fn members(resource: &Resource<DbCluster>) -> Result<Vec<Step>, Refusal> {
    let cluster = &resource.config;
    if cluster.is_multi_az() == Some(true) || cluster.db_cluster_members.is_empty() {
        return Ok(Vec::new());
    }
    needs(resource, &["DBInstanceStatus"])?;
    let mut members: Vec<_> = cluster.db_cluster_members.iter().collect();
    members.retain(|member| member.db_instance_status.as_deref() != Some("deleting"));
    members.sort_by_key(|member| member.is_cluster_writer == Some(true));
    let ids = members.into_iter().filter_map(|member| member.db_instance_identifier.clone());
    Ok(ids.map(|id| Step::DeleteMember { id, last: Final::NONE }).collect())
}

fn set_security_groups(resource: &Resource<DbCluster>, change: &Change<Vec<String>>) -> ClusterPlan {
    let cluster = &resource.config;
    closed::plan(resource, change, cluster.security_group_ids(), |groups| {
        may_be_moved(&cluster.status, "a cluster")?;
        let vpc_security_groups = groups.iter().map(|group| VpcSecurityGroup::active(group)).collect();
        let after = DbCluster { vpc_security_groups, ..cluster.clone() };
        Ok((Step::SetSecurityGroups { id: resource.id.clone(), groups }, after))
    })
}

fn in_status(cluster: &DbCluster, status: &str) -> DbCluster {
    DbCluster { status: status.to_owned(), ..cluster.clone() }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Stop { .. } => operation::RDS_STOP_DB_CLUSTER,
            Self::Start { .. } => operation::RDS_START_DB_CLUSTER,
            Self::SetSecurityGroups { .. } => operation::RDS_MODIFY_DB_CLUSTER,
            Self::DeleteMember { .. } => operation::RDS_DELETE_DB_INSTANCE,
            Self::Delete { .. } => operation::RDS_DELETE_DB_CLUSTER,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_rds, session, region);
        let operation = self.operation();
        match self {
            Self::Stop { id } => sent(operation, client.stop_db_cluster().db_cluster_identifier(id).send().await),
            Self::Start { id } => sent(operation, client.start_db_cluster().db_cluster_identifier(id).send().await),
            Self::SetSecurityGroups { id, groups } => {
                let call = client.modify_db_cluster().db_cluster_identifier(id);
                sent(operation, call.set_vpc_security_group_ids(Some(groups.clone())).send().await)
            }
            Self::DeleteMember { id, last } => {
                let call = client.delete_db_instance().db_instance_identifier(id);
                sent(operation, call.skip_final_snapshot(last.skip_final_snapshot).send().await)
            }
            Self::Delete { id, last } => {
                let call = client.delete_db_cluster().db_cluster_identifier(id);
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

    fn cluster(engine: &str, status: &str) -> Resource<DbCluster> {
        let config = DbCluster {
            db_cluster_identifier: "books".into(),
            status: status.into(),
            engine: Some(engine.into()),
            ..DbCluster::default()
        };
        resource("books", "arn:aws:rds:eu-west-1:111122223333:cluster:books", config)
    }

    /// A cluster as a closer look sees it.
    fn closely(fields: Value) -> Resource<DbCluster> {
        let mut config = json!({
            "DBClusterIdentifier": "books", "Status": "available", "Engine": "aurora-mysql",
            "DbClusterResourceId": "cluster-ABC", "VpcId": "vpc-1", "DBClusterSnapshots": [],
            "VpcSecurityGroups": [
                {"VpcSecurityGroupId": "sg-2", "Status": "active"}, {"VpcSecurityGroupId": "sg-1", "Status": "active"},
            ],
        });
        let (Value::Object(config_fields), Value::Object(fields)) = (&mut config, fields) else { panic!("objects") };
        config_fields.extend(fields);
        cluster("", "").map(|_| serde_json::from_value(config).unwrap())
    }

    fn member(id: &str, writes: bool, status: &str) -> Value {
        json!({"DBInstanceIdentifier": id, "IsClusterWriter": writes, "DBInstanceStatus": status})
    }

    impl Samples for DbCluster {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Disable, closely(json!({}))),
                (Action::Disable, closely(json!({"Engine": "mysql"}))),
                (KILL, closely(json!({"DBClusterMembers": [member("books-1", true, "available")]}))),
                (Action::Stop, cluster("aurora-mysql", "available")),
                (Action::Stop, cluster("neptune", "available")),
                (Action::Start, cluster("docdb", "stopped")),
            ]
        }
    }

    #[test]
    fn a_cluster_is_stopped_as_a_whole() {
        let (operation, parameters) = the_call(&Action::Stop, &cluster("aurora-mysql", "available"));
        assert_eq!((operation.as_str(), parameters), ("rds:StopDBCluster", json!({"DBClusterIdentifier": "books"})));
    }

    #[test]
    fn what_rds_does_not_do_is_refused_with_the_reason() {
        for (action, engine, status, why) in [
            (Action::Stop, "postgres", "available", "Multi-AZ"),
            (Action::Stop, "aurora-mysql", "backing-up", "`backing-up`"),
            (Action::Start, "aurora-mysql", "stopping", "still stopping"),
        ] {
            let refused = planned(&action, &cluster(engine, status));
            assert!(
                matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)),
                "{action:?} {engine} {status}: {refused:?}"
            );
        }
        let deleting = cluster("aurora-mysql", "deleting");
        assert!(matches!(planned(&Action::Start, &deleting), Err(Refusal::Changed(_))));
        assert!(planned(&Action::Stop, &deleting).unwrap().steps.is_empty());
        assert!(planned(&Action::Stop, &cluster("aurora-mysql", "stopping")).unwrap().steps.is_empty());
    }

    #[test]
    fn what_cannot_be_stopped_is_moved_to_the_closed_group_of_its_vpc() {
        let call = json!({"DBClusterIdentifier": "books", "VpcSecurityGroupIds": ["sg-closed"]});
        for fields in [json!({"Engine": "postgres"}), json!({"GlobalClusterIdentifier": "world"})] {
            moves_into_the_closed_group(&closely(fields), ("rds:ModifyDBCluster", &call));
        }
        let elsewhere = closely(json!({"Engine": "postgres", "VpcId": "vpc-2"}));
        stays_where_the_settings_name_no_group(&elsewhere, "vpc-2");
        assert!(needs(&Action::Disable, closely(json!({"Engine": "postgres"})), "VpcId"));
        let stopped = the_call(&Action::Disable, &closely(json!({"VpcId": null})));
        assert_eq!(stopped, the_call(&Action::Stop, &closely(json!({}))), "what can be is");
        for (status, refused) in [("stopped", "start it first"), ("stopping", "start it first")] {
            let cluster = closely(json!({"Engine": "postgres", "Status": status}));
            assert!(planned(&Action::Disable, &cluster).unwrap().steps.is_empty(), "{status}");
            let moved = planned(&moves(&["sg-1", "sg-2"], &["sg-3"]), &cluster);
            assert!(matches!(&moved, Err(Refusal::Impossible(why)) if why.contains(refused)), "{status}: {moved:?}");
        }
    }

    /// The calls of a kill: what is deleted, in its order, and the name of the snapshot that is left.
    fn killed(cluster: &Resource<DbCluster>) -> Vec<(String, Value)> {
        let calls = planned(&KILL, cluster).unwrap().calls();
        calls.into_iter().map(|call| (call.operation, call.parameters)).collect()
    }

    #[test]
    fn its_instances_go_first_and_the_one_that_writes_last() {
        let instance = |id: &str| {
            ("rds:DeleteDBInstance".to_owned(), json!({"DBInstanceIdentifier": id, "SkipFinalSnapshot": true}))
        };
        let cluster = |name: &str| {
            let parameters =
                json!({"DBClusterIdentifier": "books", "SkipFinalSnapshot": false, "FinalDBSnapshotIdentifier": name});
            ("rds:DeleteDBCluster".to_owned(), parameters)
        };
        let (first, second, third) = ("books-1", "books-2", "books-3");
        let available = "available";
        let members =
            json!([member(first, true, available), member(second, false, available), member(third, false, available)]);
        let last = || cluster("books-sluice-final-abc");
        let all = closely(json!({"DBClusterMembers": members}));
        assert_eq!(killed(&all), [instance(second), instance(third), instance(first), last()]);
        // Where another run was interrupted.
        let rest = json!([member(first, true, available), member(second, false, "deleting")]);
        assert_eq!(killed(&closely(json!({"DBClusterMembers": rest}))), [instance(first), last()]);
        let going = json!([member(first, true, "deleting")]);
        assert_eq!(killed(&closely(json!({"DBClusterMembers": going}))), [last()]);
        let multi_az = closely(json!({"Engine": "mysql", "DBClusterMembers": [member(first, true, available)]}));
        assert_eq!(killed(&multi_az), [last()], "RDS deletes these itself");
        let again = closely(json!({"DBClusterSnapshots": ["books-sluice-final-abc"]}));
        assert_eq!(killed(&again), [cluster("books-sluice-final-abc-2")]);
        assert!(killed(&closely(json!({"Status": "deleting", "DBClusterMembers": members}))).is_empty());
        assert!(needs(&KILL, all, "DBInstanceStatus"));

        let without = Remediate { final_snapshot: Some(false), ..settings() };
        let plan = DbCluster::kill(&closely(json!({})), Kill { include_data: true }, &without).unwrap();
        assert_eq!(
            serde_json::to_value(&plan.steps).unwrap(),
            json!([{"DBClusterIdentifier": "books", "SkipFinalSnapshot": true}])
        );
    }

    #[test]
    fn a_cluster_goes_only_where_it_is_said_that_it_may() {
        for (action, fields, why) in [
            (Action::Kill(Kill::default()), json!({}), "IncludeData"),
            (KILL, json!({"DeletionProtection": true}), "turn that off first"),
            (KILL, json!({"GlobalClusterIdentifier": "world"}), "global database world"),
            (KILL, json!({"Status": "stopped"}), "start it first"),
            (KILL, json!({"DBClusterSnapshots": null}), "`DBClusterSnapshots`"),
        ] {
            let refused = planned(&action, &closely(fields.clone()));
            assert!(matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)), "{fields}: {refused:?}");
        }
        assert!(needs(&KILL, closely(json!({})), "DBClusterSnapshots"));
    }
}
