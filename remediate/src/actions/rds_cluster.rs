//! What is done to RDS clusters, those of Neptune and DocumentDB included.

use std::time::Duration;

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::DbCluster;
use serde::Serialize;

use super::call::sent;
use super::rds::{DELETING, PATIENCE, STOPPING, unavailable};
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

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
}

type ClusterPlan = Result<Planned<DbCluster, Step>, Refusal>;

impl Mended for DbCluster {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] =
        &[("stop", &[operation::RDS_STOP_DB_CLUSTER]), ("start", &[operation::RDS_START_DB_CLUSTER])];

    const PATIENCE: Duration = PATIENCE;

    fn plan(action: &Action, resource: &Resource<Self>) -> ClusterPlan {
        match action {
            Action::Stop => stop(resource),
            Action::Start => start(resource),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
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

fn in_status(cluster: &DbCluster, status: &str) -> DbCluster {
    DbCluster { status: status.to_owned(), ..cluster.clone() }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Stop { .. } => operation::RDS_STOP_DB_CLUSTER,
            Self::Start { .. } => operation::RDS_START_DB_CLUSTER,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_rds, session, region);
        let operation = self.operation();
        match self {
            Self::Stop { id } => sent(operation, client.stop_db_cluster().db_cluster_identifier(id).send().await),
            Self::Start { id } => sent(operation, client.start_db_cluster().db_cluster_identifier(id).send().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn cluster(engine: &str, status: &str) -> Resource<DbCluster> {
        let config = DbCluster {
            db_cluster_identifier: "books".into(),
            status: status.into(),
            engine: Some(engine.into()),
            ..DbCluster::default()
        };
        resource("books", "arn:aws:rds:eu-west-1:111122223333:cluster:books", config)
    }

    impl Samples for DbCluster {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
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
}
