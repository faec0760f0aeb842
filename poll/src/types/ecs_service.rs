//! `ecs_service`: `ListServices` for each cluster, then `DescribeServices` for ten at a time.

use std::sync::Arc;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Service as DescribedService, ServiceField};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{ECS_DESCRIBE_SERVICES, ECS_LIST_CLUSTERS, ECS_LIST_SERVICES, Operation};
use common::record::Resource;
use common::resource::{DeploymentController, EcsService, EcsTaskSet};
use futures_util::{StreamExt, stream};

use super::ecs::{Listed, arn, clusters, failure, is_gone, last, network, split, tag_map};
use super::{AT_ONCE, Owner, Polled, ecs_task_set, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

/// How many services ECS describes at a time:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>.
const DESCRIBED_AT_ONCE: usize = 10;

/// A service, and its task sets, whose tags its description does not have.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(super) service: Resource<EcsService>,
    pub(super) task_sets: Vec<Resource<EcsTaskSet>>,
}

impl Polled for EcsService {
    const LIST: &'static [Operation] = &[ECS_DESCRIBE_SERVICES, ECS_LIST_CLUSTERS, ECS_LIST_SERVICES];
    const LOOK: &'static [Operation] = &[ECS_DESCRIBE_SERVICES];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let mut result = Ok(());
        for region in reach.regions() {
            let services = services(account, region, sink.only_tests()).await;
            for described in &services.found {
                sink.resource(described.service.clone()).await;
            }
            result = result.and(services.error.clone().map_or(Ok(()), Err));
        }
        result
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let (cluster, service) = split(id, ECS_DESCRIBE_SERVICES, "<cluster>/<service>")?;
        let client = client!(aws_sdk_ecs, session, region);
        let described = describe(&client, &Owner::of(session), region, cluster, vec![service.to_owned()]).await;
        match (described.found.into_iter().next(), described.error) {
            (Some(described), _) => Ok(Some(described.service)),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }
}

/// A region's services, described once for this type and for that of the task sets.
pub(super) async fn services(account: &Account, region: &Region, only_tests: bool) -> Arc<Listed<Described>> {
    account.ecs.services.get_or_init(region, || describe_all(account, region, only_tests)).await
}

async fn describe_all(account: &Account, region: &Region, only_tests: bool) -> Listed<Described> {
    let clusters = clusters(account, region, only_tests).await;
    let mut all = Listed { found: Vec::new(), error: clusters.error };
    let client = client!(aws_sdk_ecs, &account.session, region);
    let owner = Owner::of(&account.session);
    let mut of_clusters = stream::iter(clusters.found)
        .map(|cluster| of_cluster(&client, &owner, region, cluster))
        .buffer_unordered(AT_ONCE);
    while let Some(listed) = of_clusters.next().await {
        all.extend(listed);
    }
    all
}

async fn of_cluster(client: &Client, owner: &Owner, region: &Region, cluster: String) -> Listed<Described> {
    let mut all = Listed::default();
    let mut pages = client.list_services().cluster(&cluster).into_paginator().page_size(100).send();
    while let Some(page) = pages.next().await {
        let page = match page.map_err(|error| AwsError::new(ECS_LIST_SERVICES, error)) {
            Ok(page) => page,
            // The cluster vanished since it was listed.
            Err(error) if is_gone(&error) => break,
            Err(error) => {
                all.error = all.error.or(Some(error));
                break;
            }
        };
        let arns = page.service_arns.unwrap_or_default();
        let tens: Vec<Vec<String>> = arns.chunks(DESCRIBED_AT_ONCE).map(<[_]>::to_vec).collect();
        let mut described =
            stream::iter(tens).map(|names| describe(client, owner, region, &cluster, names)).buffer_unordered(AT_ONCE);
        while let Some(listed) = described.next().await {
            all.extend(listed);
        }
    }
    all
}

/// The services of these names or ARNs, as far as they exist.
async fn describe(
    client: &Client,
    owner: &Owner,
    region: &Region,
    cluster: &str,
    names: Vec<String>,
) -> Listed<Described> {
    let call = client.describe_services().cluster(cluster).set_services(Some(names)).include(ServiceField::Tags);
    match call.send().await.map_err(|error| AwsError::new(ECS_DESCRIBE_SERVICES, error)) {
        Ok(answer) => Listed {
            found: answer
                .services
                .unwrap_or_default()
                .into_iter()
                .filter_map(|service| convert(owner, region, service))
                .collect(),
            error: failure(ECS_DESCRIBE_SERVICES, answer.failures),
        },
        Err(error) if is_gone(&error) => Listed::default(),
        Err(error) => Listed { found: Vec::new(), error: Some(error) },
    }
}

/// The record of a service, unless it is deleted: AWS shows it as `INACTIVE` for some time after that.
///
/// A service is settled even while it is being deployed: its configuration is the new one as soon as a deployment begins, and
/// a service that cannot start its tasks is being deployed for ever.
fn convert(owner: &Owner, region: &Region, it: DescribedService) -> Option<Described> {
    if it.status.as_deref() == Some("INACTIVE") {
        return None;
    }
    let cluster_arn = it.cluster_arn.unwrap_or_default();
    let service_name = it.service_name.unwrap_or_default();
    let id = format!("{}/{service_name}", last(&cluster_arn));
    let arn = arn(owner, region, "service", &id, it.service_arn.as_deref());
    let config = EcsService {
        service_name,
        cluster_arn,
        status: it.status,
        desired_count: Some(it.desired_count),
        launch_type: it.launch_type.map(|kind| kind.as_str().to_owned()),
        platform_version: it.platform_version,
        task_definition: it.task_definition,
        deployment_controller: DeploymentController {
            r#type: it.deployment_controller.map(|controller| controller.r#type.as_str().to_owned()),
        },
        enable_execute_command: Some(it.enable_execute_command),
        created_at: it.created_at.as_ref().map(time),
        network_configuration: network(it.network_configuration),
    };
    let task_sets = it.task_sets.unwrap_or_default();
    Some(Described {
        task_sets: task_sets.into_iter().map(|set| ecs_task_set::convert(owner, region, &id, set)).collect(),
        service: owner.resource(region, &id, arn, tag_map(it.tags), config),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::{
        AssignPublicIp, AwsVpcConfiguration, DeploymentController as DescribedController, DeploymentControllerType,
        LaunchType, NetworkConfiguration, Tag, TaskSet,
    };
    use serde_json::json;

    use super::*;
    use crate::types::tests::owner;

    fn service(status: &str) -> DescribedService {
        let network = AwsVpcConfiguration::builder().subnets("subnet-1").assign_public_ip(AssignPublicIp::Enabled);
        DescribedService::builder()
            .service_name("web")
            .service_arn("arn:aws-cn:ecs:cn-north-1:111122223333:service/web")
            .cluster_arn("arn:aws-cn:ecs:cn-north-1:111122223333:cluster/blue")
            .status(status)
            .desired_count(2)
            .launch_type(LaunchType::Fargate)
            .deployment_controller(
                DescribedController::builder().r#type(DeploymentControllerType::CodeDeploy).build().unwrap(),
            )
            .created_at(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .network_configuration(
                NetworkConfiguration::builder().awsvpc_configuration(network.build().unwrap()).build(),
            )
            .tags(Tag::builder().key("Owner").value("web").build())
            .task_sets(TaskSet::builder().id("ecs-svc/1").status("PRIMARY").build())
            .build()
    }

    #[test]
    fn a_service_has_the_names_of_the_aws_cli() {
        let Described { service, task_sets } =
            convert(&owner(), &"cn-north-1".parse().unwrap(), service("ACTIVE")).unwrap();
        assert_eq!(service.id, "blue/web");
        assert_eq!(service.arn.to_string(), "arn:aws-cn:ecs:cn-north-1:111122223333:service/blue/web");
        assert_eq!(service.tags["Owner"], "web");
        assert!(service.settled);
        let config = serde_json::to_value(&service.config).unwrap();
        assert_eq!(config["DeploymentController"], json!({"Type": "CODE_DEPLOY"}));
        assert_eq!(config["CreatedAt"], "2023-11-14T22:13:20Z");
        assert_eq!(
            config["NetworkConfiguration"],
            json!({"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": [], "AssignPublicIp": "ENABLED"}})
        );
        assert_eq!(task_sets[0].id, "blue/web/ecs-svc/1");
    }

    #[test]
    fn a_deleted_service_is_gone_and_one_that_is_being_deleted_is_not() {
        let region = "cn-north-1".parse().unwrap();
        assert!(convert(&owner(), &region, service("INACTIVE")).is_none());
        assert!(convert(&owner(), &region, service("DRAINING")).is_some());
    }

    #[test]
    fn a_service_of_which_aws_says_little_is_a_record() {
        let bare = DescribedService::builder().service_name("web").cluster_arn("arn:x:cluster/blue").build();
        let service = convert(&owner(), &"cn-north-1".parse().unwrap(), bare).unwrap().service;
        assert_eq!(service.id, "blue/web");
        assert_eq!(service.config.network_configuration, None);
        assert_eq!(service.config.deployment_controller, DeploymentController::default());
    }
}
