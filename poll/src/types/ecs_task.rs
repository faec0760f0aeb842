//! `ecs_task`: `ListTasks` for each cluster, `DescribeTasks` for a page of them, and `DescribeNetworkInterfaces` for the
//! addresses of those that have a network of their own.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::{Attachment, DesiredStatus, Task as DescribedTask, TaskField};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    EC2_DESCRIBE_NETWORK_INTERFACES, ECS_DESCRIBE_TASKS, ECS_LIST_CLUSTERS, ECS_LIST_TASKS, Operation,
};
use common::record::Resource;
use common::resource::{EcsTask, TaskInterface};
use futures_util::{StreamExt, stream};

use super::ecs::{Listed, arn, clusters, failure, is_gone, last, split, tag_map};
use super::{AT_ONCE, Owner, Polled, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// How many values a filter of EC2 takes:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html>.
const FILTER_VALUES: usize = 200;

/// The public address of each network interface that exists, if it has one.
type Addresses = BTreeMap<String, Option<String>>;

impl Polled for EcsTask {
    const LIST: &'static [Operation] =
        &[EC2_DESCRIBE_NETWORK_INTERFACES, ECS_DESCRIBE_TASKS, ECS_LIST_CLUSTERS, ECS_LIST_TASKS];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_NETWORK_INTERFACES, ECS_DESCRIBE_TASKS];

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let mut result = Ok(());
        for region in reach.regions() {
            let clusters = clusters(account, region, sink.only_tests()).await;
            result = result.and(clusters.error.map_or(Ok(()), Err));
            let tasks = Tasks::new(&account.session, region);
            let mut listed =
                stream::iter(clusters.found).map(|cluster| tasks.list(cluster, sink)).buffer_unordered(AT_ONCE);
            while let Some(listed) = listed.next().await {
                result = result.and(listed);
            }
        }
        result
    }

    /// A task that has stopped is gone: AWS shows it for about an hour, and nothing brings it back.
    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let (cluster, task) = split(id, ECS_DESCRIBE_TASKS, "<cluster>/<task>")?;
        let described = Tasks::new(session, region).describe(cluster, vec![task.to_owned()], |_| true).await;
        match (described.found.into_iter().next(), described.error) {
            (Some(task), _) => Ok(Some(task)),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }
}

/// A region's tasks while they are described.
struct Tasks<'a> {
    region: &'a Region,
    owner: Owner,
    ecs: aws_sdk_ecs::Client,
    ec2: aws_sdk_ec2::Client,
}

impl<'a> Tasks<'a> {
    fn new(session: &Session, region: &'a Region) -> Self {
        Self {
            region,
            owner: Owner::of(session),
            ecs: client!(aws_sdk_ecs, session, region),
            ec2: client!(aws_sdk_ec2, session, region),
        }
    }

    /// Lists the tasks of a cluster that are to run. Those that are being stopped are as good as gone.
    async fn list(&self, cluster: String, sink: &Sink) -> Result<(), AwsError> {
        let mut result = Ok(());
        let call = self.ecs.list_tasks().cluster(&cluster).desired_status(DesiredStatus::Running);
        // As many as DescribeTasks takes.
        let mut pages = call.into_paginator().page_size(100).send();
        while let Some(page) = pages.next().await {
            let page = match page.map_err(|error| AwsError::new(ECS_LIST_TASKS, error)) {
                Ok(page) => page,
                // The cluster vanished since it was listed.
                Err(error) if is_gone(&error) => break,
                Err(error) => return result.and(Err(error)),
            };
            let arns = page.task_arns.unwrap_or_default();
            if arns.is_empty() {
                continue;
            }
            let wanted = |task: &Resource<EcsTask>| !sink.only_tests() || task.tags.contains_key(TEST_TAG);
            let described = self.describe(&cluster, arns, wanted).await;
            for task in described.found {
                sink.resource(task).await;
            }
            result = result.and(described.error.map_or(Ok(()), Err));
        }
        result
    }

    /// The tasks of these ids or ARNs that exist and are wanted, with their addresses.
    async fn describe(
        &self,
        cluster: &str,
        names: Vec<String>,
        wanted: impl Fn(&Resource<EcsTask>) -> bool,
    ) -> Listed<Resource<EcsTask>> {
        let call = self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(names)).include(TaskField::Tags);
        let answer = match call.send().await.map_err(|error| AwsError::new(ECS_DESCRIBE_TASKS, error)) {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Listed::default(),
            Err(error) => return Listed { found: Vec::new(), error: Some(error) },
        };
        let tasks = answer.tasks.unwrap_or_default().into_iter();
        let mut found: Vec<_> =
            tasks.filter_map(|task| convert(&self.owner, self.region, task)).filter(|task| wanted(task)).collect();
        let mut interfaces: Vec<String> = found
            .iter()
            .flat_map(|task| &task.config.network_interfaces)
            .map(|interface| interface.network_interface_id.clone())
            .collect();
        interfaces.sort_unstable();
        interfaces.dedup();
        if !interfaces.is_empty() {
            let addresses = self.addresses(&interfaces).await;
            for task in &mut found {
                address(task, &addresses);
            }
        }
        Listed { found, error: failure(ECS_DESCRIBE_TASKS, answer.failures) }
    }

    /// The addresses of network interfaces. It is a filter that names them: where it finds nothing it says nothing, while
    /// the parameter that is meant for ids makes the whole call fail when a single interface has vanished.
    async fn addresses(&self, interfaces: &[String]) -> Result<Addresses, AwsError> {
        let mut addresses = Addresses::new();
        for ids in interfaces.chunks(FILTER_VALUES) {
            let ids = Filter::builder().name("network-interface-id").set_values(Some(ids.to_vec())).build();
            let call = self.ec2.describe_network_interfaces().filters(ids);
            let mut found = call.into_paginator().page_size(1000).items().send();
            while let Some(interface) = found.next().await {
                let interface = interface.map_err(|error| AwsError::new(EC2_DESCRIBE_NETWORK_INTERFACES, error))?;
                let address = interface.association.and_then(|association| association.public_ip);
                addresses.insert(interface.network_interface_id.unwrap_or_default(), address);
            }
        }
        Ok(addresses)
    }
}

/// The record of a task, without its addresses, unless it has stopped.
///
/// It is settled when it runs, and when it is about to stop; the states are those of
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>.
fn convert(owner: &Owner, region: &Region, it: DescribedTask) -> Option<Resource<EcsTask>> {
    if matches!(it.last_status.as_deref(), Some("STOPPED" | "DELETED")) {
        return None;
    }
    let settled = !matches!(it.last_status.as_deref(), Some("PROVISIONING" | "PENDING" | "ACTIVATING"));
    let cluster_arn = it.cluster_arn.unwrap_or_default();
    let given = it.task_arn.unwrap_or_default();
    let id = format!("{}/{}", last(&cluster_arn), last(&given));
    let arn = arn(owner, region, "task", &id, Some(&given));
    let config = EcsTask {
        task_arn: given,
        cluster_arn,
        last_status: it.last_status,
        desired_status: it.desired_status,
        group: it.group,
        launch_type: it.launch_type.map(|kind| kind.as_str().to_owned()),
        platform_version: it.platform_version,
        task_definition_arn: it.task_definition_arn,
        started_by: it.started_by,
        enable_execute_command: Some(it.enable_execute_command),
        created_at: it.created_at.as_ref().map(time),
        network_interfaces: interfaces(it.attachments.unwrap_or_default()),
    };
    let task = owner.resource(region, &id, arn, tag_map(it.tags), config);
    Some(Resource { settled, ..task })
}

/// The network interfaces among what is attached to a task, but for those that are detached.
fn interfaces(attachments: Vec<Attachment>) -> Vec<TaskInterface> {
    let mut interfaces: Vec<_> = attachments
        .into_iter()
        .filter(|attachment| !matches!(attachment.status.as_deref(), Some("DETACHED" | "DELETED" | "FAILED")))
        .flat_map(|attachment| attachment.details.unwrap_or_default())
        .filter(|detail| detail.name.as_deref() == Some("networkInterfaceId"))
        .filter_map(|detail| detail.value)
        .map(|network_interface_id| TaskInterface { network_interface_id, public_ip: None })
        .collect();
    interfaces.sort_unstable();
    interfaces
}

/// Gives a task's interfaces their addresses. An interface that EC2 does not know is new, or has gone with its task since
/// that was described: nobody can say then whether it has an address.
fn address(task: &mut Resource<EcsTask>, addresses: &Result<Addresses, AwsError>) {
    let mut unread = None;
    for interface in &mut task.config.network_interfaces {
        let id = &interface.network_interface_id;
        match addresses.as_ref().map(|addresses| addresses.get(id)) {
            Ok(Some(address)) => interface.public_ip.clone_from(address),
            Ok(None) => {
                let message = format!("EC2 does not know the network interface {id}, or not any more");
                unread = Some(AwsError::of(EC2_DESCRIBE_NETWORK_INTERFACES, "NotFound", message));
            }
            Err(error) => unread = Some(error.clone()),
        }
    }
    task.unread.extend(unread.map(|error| error.unread("NetworkInterfaces")));
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::{KeyValuePair, LaunchType, Tag};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    fn attachment(status: &str, details: &[(&str, &str)]) -> Attachment {
        let details = details.iter().map(|(name, value)| KeyValuePair::builder().name(*name).value(*value).build());
        Attachment::builder()
            .r#type("ElasticNetworkInterface")
            .status(status)
            .set_details(Some(details.collect()))
            .build()
    }

    fn task(status: &str, attachments: Vec<Attachment>) -> Option<Resource<EcsTask>> {
        let described = DescribedTask::builder()
            .task_arn("arn:aws-cn:ecs:cn-north-1:111122223333:task/blue/0f9d")
            .cluster_arn("arn:aws-cn:ecs:cn-north-1:111122223333:cluster/blue")
            .last_status(status)
            .desired_status("RUNNING")
            .group("family:web")
            .launch_type(LaunchType::Fargate)
            .created_at(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .set_attachments(Some(attachments))
            .tags(Tag::builder().key("Owner").value("web").build());
        convert(&owner(), &"cn-north-1".parse().unwrap(), described.build())
    }

    fn with(interfaces: &[&str], addresses: &Result<Addresses, AwsError>) -> Resource<EcsTask> {
        let attachments =
            interfaces.iter().map(|id| attachment("ATTACHED", &[("subnetId", "s"), ("networkInterfaceId", id)]));
        let mut task = task("RUNNING", attachments.collect()).unwrap();
        address(&mut task, addresses);
        task
    }

    fn known(addresses: &[(&str, Option<&str>)]) -> Addresses {
        addresses.iter().map(|(id, address)| ((*id).to_owned(), address.map(str::to_owned))).collect()
    }

    #[test]
    fn a_task_has_the_names_of_the_aws_cli_and_its_addresses() {
        let task = with(&["eni-2", "eni-1"], &Ok(known(&[("eni-1", Some("203.0.113.7")), ("eni-2", None)])));
        assert_eq!(task.id, "blue/0f9d");
        assert_eq!(task.arn.to_string(), "arn:aws-cn:ecs:cn-north-1:111122223333:task/blue/0f9d");
        assert_eq!(task.tags["Owner"], "web");
        assert_eq!(task.unread, []);
        let config = serde_json::to_value(&task.config).unwrap();
        assert_eq!(
            config["NetworkInterfaces"],
            json!([
                {"NetworkInterfaceId": "eni-1", "PublicIp": "203.0.113.7"},
                {"NetworkInterfaceId": "eni-2", "PublicIp": null},
            ])
        );
        assert_eq!((&config["LastStatus"], &config["Group"]), (&json!("RUNNING"), &json!("family:web")));
        assert_eq!(config["CreatedAt"], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn an_address_that_cannot_be_had_is_unread() {
        let task = with(&["eni-1"], &Err(denied("ec2:DescribeNetworkInterfaces")));
        assert!(task.unread("NetworkInterfaces").is_some_and(|unread| unread.code == "AccessDenied"));
        let task = with(&["eni-1", "eni-2"], &Ok(known(&[("eni-1", None)])));
        let unread = task.unread("NetworkInterfaces").unwrap();
        assert!(unread.message.as_deref().is_some_and(|message| message.contains("eni-2")), "{unread:?}");
        // Who has no interface has no address.
        assert_eq!(with(&[], &Err(denied("ec2:DescribeNetworkInterfaces"))).unread, []);
    }

    #[test]
    fn only_what_is_an_interface_and_attached_counts() {
        let attachments = vec![
            attachment("ATTACHED", &[("subnetId", "subnet-1")]),
            attachment("ATTACHED", &[("volumeId", "vol-1")]),
            attachment("DELETED", &[("networkInterfaceId", "eni-old")]),
            attachment("ATTACHING", &[("networkInterfaceId", "eni-new")]),
        ];
        let task = task("PENDING", attachments).unwrap();
        let ids: Vec<_> = task.config.network_interfaces.iter().map(|it| it.network_interface_id.as_str()).collect();
        assert_eq!(ids, ["eni-new"]);
    }

    #[test]
    fn a_task_is_settled_from_when_it_runs_and_gone_when_it_stopped() {
        for (status, settled) in [
            ("PROVISIONING", Some(false)),
            ("PENDING", Some(false)),
            ("ACTIVATING", Some(false)),
            ("RUNNING", Some(true)),
            ("DEACTIVATING", Some(true)),
            ("STOPPING", Some(true)),
            ("DEPROVISIONING", Some(true)),
            ("STOPPED", None),
            ("DELETED", None),
        ] {
            assert_eq!(task(status, Vec::new()).map(|task| task.settled), settled, "{status}");
        }
    }
}
