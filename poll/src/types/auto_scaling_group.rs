//! `auto_scaling_group`: `DescribeAutoScalingGroups`, which tells all at once; for a closer look, `DescribeInstances`, for
//! the group itself does not say whether its instances run.

use std::collections::HashMap;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup as Described, Filter, Instance, LaunchTemplateSpecification, SuspendedProcess as Suspended,
};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS, EC2_DESCRIBE_INSTANCES, Operation};
use common::record::Resource;
use common::resource::{
    AutoScalingGroup, GroupInstance, InstanceState, LaunchTemplate, MixedInstancesPolicy, MixedLaunchTemplate,
    SuspendedProcess,
};

use super::{Owner, Polled, answers, ec2, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// The most that one answer holds, and the most names that one request takes.
pub(super) const PAGE: i32 = 100;

impl Polled for AutoScalingGroup {
    const LIST: &'static [Operation] = &[AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS];
    const LOOK: &'static [Operation] = &[AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS];
    const CLOSER: &'static [Operation] = &[EC2_DESCRIBE_INSTANCES];
    const TOGETHER: usize = 100;
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let only_tests = || vec![Filter::builder().name("tag-key").values(TEST_TAG).build()];
            let call = client!(aws_sdk_autoscaling, session, region).describe_auto_scaling_groups();
            let call = call.set_filters(sink.only_tests().then(only_tests)).max_records(PAGE);
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS, error))?;
                for described in page.auto_scaling_groups.unwrap_or_default() {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let mut looks = Self::look_all(session, region, &[id.to_owned()]).await;
        looks.pop().unwrap_or(Ok(None))
    }

    /// AWS leaves out what does not exist.
    async fn look_all(
        session: &Session,
        region: &Region,
        ids: &[String],
    ) -> Vec<Result<Option<Resource<Self>>, AwsError>> {
        let client = client!(aws_sdk_autoscaling, session, region);
        let owner = Owner::of(session);
        answers(ids, describe(&client, ids.to_vec()).await, |it| convert(&owner, region, it))
    }

    /// Whether the instances run.
    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        let instances = found.iter().flat_map(|group| &group.config.instances);
        let ids: Vec<String> = instances.map(|instance| instance.instance_id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        let states = ec2::states(session, region, &ids).await;
        for group in found {
            add_states(group, states.as_ref().map_err(Clone::clone));
        }
    }
}

/// The groups of these names that there are. As many names as stand on one [`PAGE`].
pub(super) async fn describe(client: &Client, names: Vec<String>) -> Result<HashMap<String, Described>, AwsError> {
    // Without a name it would be all groups.
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let call = client.describe_auto_scaling_groups().set_auto_scaling_group_names(Some(names)).max_records(PAGE);
    let mut pages = call.into_paginator().send();
    let mut groups = HashMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS, error))?;
        let page = page.auto_scaling_groups.unwrap_or_default();
        groups.extend(page.into_iter().map(|group| (group.auto_scaling_group_name.clone().unwrap_or_default(), group)));
    }
    Ok(groups)
}

/// What each group does not do at present, sorted.
pub(super) fn suspended(processes: Option<Vec<Suspended>>) -> Vec<SuspendedProcess> {
    let names = processes.unwrap_or_default().into_iter().filter_map(|process| process.process_name);
    let mut processes: Vec<_> = names.map(|process_name| SuspendedProcess { process_name }).collect();
    processes.sort_unstable();
    processes
}

/// Adds the states of its instances to a group. One that AWS shows no more is gone.
fn add_states(group: &mut Resource<AutoScalingGroup>, states: Result<&HashMap<String, String>, AwsError>) {
    let Some(states) = read(states, &["Instances"], &mut group.unread) else { return };
    for instance in &mut group.config.instances {
        let name = states.get(&instance.instance_id).map_or("terminated", String::as_str);
        instance.state = Some(InstanceState { name: name.to_owned() });
    }
}

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<AutoScalingGroup> {
    let name = it.auto_scaling_group_name.unwrap_or_default();
    let arn = it.auto_scaling_group_arn;
    let mut instances: Vec<_> = it.instances.unwrap_or_default().into_iter().map(instance).collect();
    instances.sort_unstable_by(|one, other| one.instance_id.cmp(&other.instance_id));
    let mixed = it.mixed_instances_policy.map(|policy| {
        let template = policy.launch_template.and_then(|template| template.launch_template_specification);
        let launch_template_specification = template.map(launch_template).unwrap_or_default();
        MixedInstancesPolicy { launch_template: MixedLaunchTemplate { launch_template_specification } }
    });
    let config = AutoScalingGroup {
        auto_scaling_group_name: name.clone(),
        auto_scaling_group_arn: arn.clone(),
        min_size: it.min_size,
        max_size: it.max_size,
        desired_capacity: it.desired_capacity,
        suspended_processes: suspended(it.suspended_processes),
        instances,
        launch_template: it.launch_template.map(launch_template),
        launch_configuration_name: it.launch_configuration_name,
        mixed_instances_policy: mixed,
        health_check_type: it.health_check_type,
        created_time: it.created_time.as_ref().map(time),
        vpc_zone_identifier: it.vpc_zone_identifier.filter(|subnets| !subnets.is_empty()),
        status: it.status,
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    // Nobody could make up the unique id in it.
    let unnamed = || owner.arn("autoscaling", region, format!("autoScalingGroup::autoScalingGroupName/{name}"));
    let arn = arn.and_then(|arn| arn.parse().ok()).unwrap_or_else(unnamed);
    owner.resource(region, &name, arn, tags, config)
}

fn instance(it: Instance) -> GroupInstance {
    GroupInstance {
        instance_id: it.instance_id.unwrap_or_default(),
        lifecycle_state: it.lifecycle_state.map(|state| state.as_str().to_owned()),
        health_status: it.health_status,
        state: None,
    }
}

fn launch_template(it: LaunchTemplateSpecification) -> LaunchTemplate {
    LaunchTemplate {
        launch_template_id: it.launch_template_id,
        launch_template_name: it.launch_template_name,
        version: it.version,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::primitives::DateTime;
    use aws_sdk_autoscaling::types::{LifecycleState, TagDescription};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ARN: &str = "arn:aws-cn:autoscaling:cn-north-1:111122223333:autoScalingGroup:0f9d-1:autoScalingGroupName/web";

    fn described(instances: [&str; 2], suspended: [&str; 2]) -> Described {
        let instance =
            |id: &str| Instance::builder().instance_id(id).lifecycle_state(LifecycleState::InService).build();
        let process = |name: &str| {
            Suspended::builder().process_name(name).suspension_reason("User suspended at 2026-11-20T10:00:00Z").build()
        };
        Described::builder()
            .auto_scaling_group_name("web")
            .auto_scaling_group_arn(ARN)
            .min_size(1)
            .max_size(4)
            .desired_capacity(2)
            .launch_template(LaunchTemplateSpecification::builder().launch_template_name("web").version("3").build())
            .set_instances(Some(instances.map(instance).into()))
            .set_suspended_processes(Some(suspended.map(process).into()))
            .created_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .vpc_zone_identifier("subnet-1,subnet-2")
            .tags(TagDescription::builder().key("Owner").value("web").propagate_at_launch(true).build())
            .build()
    }

    fn record(instances: [&str; 2], suspended: [&str; 2]) -> Resource<AutoScalingGroup> {
        convert(&owner(), &"cn-north-1".parse().unwrap(), described(instances, suspended))
    }

    #[test]
    fn a_group_has_the_names_of_the_aws_cli_whatever_the_order() {
        let record = record(["i-2", "i-1"], ["Terminate", "Launch"]);
        assert_eq!((record.id.as_str(), record.arn.to_string().as_str()), ("web", ARN));
        assert_eq!(record.tags["Owner"], "web");
        let config = serde_json::to_value(&record.config).unwrap();
        let instance = |id| json!({"InstanceId": id, "LifecycleState": "InService", "HealthStatus": null});
        assert_eq!(
            config,
            json!({
                "AutoScalingGroupName": "web", "AutoScalingGroupARN": ARN, "MinSize": 1, "MaxSize": 4,
                "DesiredCapacity": 2, "SuspendedProcesses": [{"ProcessName": "Launch"}, {"ProcessName": "Terminate"}],
                "Instances": [instance("i-1"), instance("i-2")],
                "LaunchTemplate": {"LaunchTemplateId": null, "LaunchTemplateName": "web", "Version": "3"},
                "LaunchConfigurationName": null, "MixedInstancesPolicy": null, "HealthCheckType": null,
                "CreatedTime": "2023-11-14T22:13:20Z", "VPCZoneIdentifier": "subnet-1,subnet-2", "Status": null,
            })
        );
    }

    #[test]
    fn a_closer_look_adds_whether_the_instances_run_or_says_that_it_is_not_known() {
        let mut group = record(["i-1", "i-2"], ["Launch", "Terminate"]);
        add_states(&mut group, Ok(&[("i-1".to_owned(), "stopped".to_owned())].into()));
        let states: Vec<_> = group.config.instances.iter().map(|it| it.state.clone().unwrap().name).collect();
        assert_eq!((states, group.unread.len()), (vec!["stopped".to_owned(), "terminated".to_owned()], 0));

        let mut group = record(["i-1", "i-2"], ["Launch", "Terminate"]);
        add_states(&mut group, Err(denied("ec2:DescribeInstances")));
        assert!(group.config.instances.iter().all(|instance| instance.state.is_none()));
        assert!(group.unread("Instances").is_some_and(|unread| unread.operation == "ec2:DescribeInstances"));
    }
}
