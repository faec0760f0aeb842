//! `ecs_task_set`: what the services' descriptions tell of their task sets, and `DescribeTaskSets` for the tags.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{TaskSet as DescribedSet, TaskSetField};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    ECS_DESCRIBE_SERVICES, ECS_DESCRIBE_TASK_SETS, ECS_LIST_CLUSTERS, ECS_LIST_SERVICES, Operation,
};
use common::record::Resource;
use common::resource::EcsTaskSet;
use futures_util::{StreamExt, stream};

use super::ecs::{arn, failure, is_gone, network, split, tag_map};
use super::ecs_service::services;
use super::{AT_ONCE, Owner, Polled, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

type Sets = Vec<Resource<EcsTaskSet>>;

impl Polled for EcsTaskSet {
    const LIST: &'static [Operation] =
        &[ECS_DESCRIBE_SERVICES, ECS_DESCRIBE_TASK_SETS, ECS_LIST_CLUSTERS, ECS_LIST_SERVICES];
    const LOOK: &'static [Operation] = &[ECS_DESCRIBE_TASK_SETS];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let owner = Owner::of(&account.session);
        let mut result = Ok(());
        for region in reach.regions() {
            let services = services(account, region, sink.only_tests()).await;
            let client = client!(aws_sdk_ecs, &account.session, region);
            // A service with ECS's own deployments, as nearly all are, has none, and needs no call.
            let with_sets = services.found.iter().filter(|described| !described.task_sets.is_empty()).cloned();
            let with_sets: Vec<_> = with_sets.map(|described| (described.service.id, described.task_sets)).collect();
            let mut described = stream::iter(with_sets)
                .map(|(service, sets)| with_tags(&client, &owner, region, service, sets))
                .buffer_unordered(AT_ONCE);
            while let Some((sets, error)) = described.next().await {
                for set in sets {
                    sink.resource(set).await;
                }
                result = result.and(error.map_or(Ok(()), Err));
            }
            result = result.and(services.error.clone().map_or(Ok(()), Err));
        }
        result
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        const FORM: &str = "<cluster>/<service>/<task set>";
        let (cluster, rest) = split(id, ECS_DESCRIBE_TASK_SETS, FORM)?;
        let (service, set) = split(rest, ECS_DESCRIBE_TASK_SETS, FORM)?;
        let client = client!(aws_sdk_ecs, session, region);
        let service = format!("{cluster}/{service}");
        match describe(&client, &Owner::of(session), region, &service, Some(set)).await {
            Ok((sets, error)) => match (sets.into_iter().find(|found| found.id == id), error) {
                (Some(set), _) => Ok(Some(set)),
                (None, Some(error)) => Err(error),
                (None, None) => Ok(None),
            },
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The task sets of a service with their tags; without them where they cannot be had.
async fn with_tags(
    client: &Client,
    owner: &Owner,
    region: &Region,
    service: String,
    known: Sets,
) -> (Sets, Option<AwsError>) {
    match describe(client, owner, region, &service, None).await {
        Ok(described) => described,
        Err(error) if is_gone(&error) => (Vec::new(), None),
        Err(error) => (known.into_iter().map(|set| untagged(set, &error)).collect(), None),
    }
}

/// All else is known from the service.
fn untagged(mut set: Resource<EcsTaskSet>, error: &AwsError) -> Resource<EcsTaskSet> {
    set.unread.push(error.unread("Tags"));
    set
}

/// The task sets of a service, or one of them, and what ECS could not describe of them.
async fn describe(
    client: &Client,
    owner: &Owner,
    region: &Region,
    service: &str,
    set: Option<&str>,
) -> Result<(Sets, Option<AwsError>), AwsError> {
    let (cluster, name) = split(service, ECS_DESCRIBE_TASK_SETS, "<cluster>/<service>")?;
    let wanted = set.map(|set| vec![set.to_owned()]);
    let call = client.describe_task_sets().cluster(cluster).service(name).set_task_sets(wanted);
    let answer = call.include(TaskSetField::Tags).send().await;
    let answer = answer.map_err(|error| AwsError::new(ECS_DESCRIBE_TASK_SETS, error))?;
    let sets = answer.task_sets.unwrap_or_default();
    let sets = sets.into_iter().map(|set| convert(owner, region, service, set)).collect();
    Ok((sets, failure(ECS_DESCRIBE_TASK_SETS, answer.failures)))
}

/// The record of a task set of the service `<cluster>/<service>`. It is settled also while its tasks are being started or
/// stopped: its configuration never changes.
pub(super) fn convert(owner: &Owner, region: &Region, service: &str, it: DescribedSet) -> Resource<EcsTaskSet> {
    let set = it.id.unwrap_or_default();
    let id = format!("{service}/{set}");
    let arn = arn(owner, region, "task-set", &id, it.task_set_arn.as_deref());
    let config = EcsTaskSet {
        id: set,
        cluster_arn: it.cluster_arn.unwrap_or_default(),
        service_arn: it.service_arn.unwrap_or_default(),
        status: it.status,
        started_by: it.started_by,
        launch_type: it.launch_type.map(|kind| kind.as_str().to_owned()),
        platform_version: it.platform_version,
        task_definition: it.task_definition,
        external_id: it.external_id,
        created_at: it.created_at.as_ref().map(time),
        network_configuration: network(it.network_configuration),
    };
    owner.resource(region, &id, arn, tag_map(it.tags), config)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{AssignPublicIp, AwsVpcConfiguration, NetworkConfiguration, StabilityStatus, Tag};

    use super::*;
    use crate::types::tests::{denied, owner};

    fn set() -> Resource<EcsTaskSet> {
        let network = AwsVpcConfiguration::builder().subnets("subnet-1").assign_public_ip(AssignPublicIp::Enabled);
        let described = DescribedSet::builder()
            .id("ecs-svc/123")
            .task_set_arn("arn:aws-cn:ecs:cn-north-1:111122223333:task-set/blue/web/ecs-svc/123")
            .status("ACTIVE")
            .started_by("CODE_DEPLOY")
            .stability_status(StabilityStatus::Stabilizing)
            .network_configuration(
                NetworkConfiguration::builder().awsvpc_configuration(network.build().unwrap()).build(),
            )
            .tags(Tag::builder().key("Owner").value("web").build());
        convert(&owner(), &"cn-north-1".parse().unwrap(), "blue/web", described.build())
    }

    #[test]
    fn a_task_set_has_the_names_of_the_aws_cli() {
        let set = set();
        assert_eq!(set.id, "blue/web/ecs-svc/123");
        assert_eq!(set.arn.to_string(), "arn:aws-cn:ecs:cn-north-1:111122223333:task-set/blue/web/ecs-svc/123");
        assert_eq!(set.tags["Owner"], "web");
        assert!(set.settled);
        let config = serde_json::to_value(&set.config).unwrap();
        assert_eq!(config["Id"], "ecs-svc/123");
        assert_eq!(config["StartedBy"], "CODE_DEPLOY");
        assert_eq!(config["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"], "ENABLED");
    }

    #[test]
    fn without_its_tags_a_task_set_is_known_all_the_same() {
        let set = untagged(set(), &denied("ecs:DescribeTaskSets"));
        assert!(set.unread("Tags").is_some_and(|unread| unread.operation == "ecs:DescribeTaskSets"));
        assert_eq!(set.config.status.as_deref(), Some("ACTIVE"));
    }
}
