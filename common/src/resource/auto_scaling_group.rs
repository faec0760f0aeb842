//! `auto_scaling_group`: a group, as `DescribeAutoScalingGroups` gives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InstanceState;

/// The tag that a group gives its instances, with its name, and takes from those that it lets go:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html>.
pub const TAG: &str = "aws:autoscaling:groupName";

/// The processes of a group that would start, terminate or replace its instances, sorted: what the emergency brake suspends
/// before it stops them, of
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/understand-how-suspending-processes-affects-other-processes.html>.
///
/// Without `Launch` and `Terminate` nothing is started or terminated, and that would do until they are resumed. Then the
/// group would at once replace what `HealthCheck` has marked unhealthy meanwhile, which is each stopped instance, and move
/// to the capacity that `AlarmNotification` (idle instances are a reason to have fewer) and `ScheduledActions` have set
/// meanwhile; so they are suspended as well. `AddToLoadBalancer` is not: nothing is launched that it could add.
pub const REPLACING: [&str; 8] = [
    "AZRebalance",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
];

/// An Auto Scaling group. `id` is its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AutoScalingGroup {
    /// Its name.
    pub auto_scaling_group_name: String,
    /// Its ARN.
    #[serde(rename = "AutoScalingGroupARN")]
    pub auto_scaling_group_arn: Option<String>,
    /// Fewer instances it never has.
    pub min_size: Option<i32>,
    /// More instances it never has.
    pub max_size: Option<i32>,
    /// How many instances it is to have now.
    pub desired_capacity: Option<i32>,
    /// What it does not do at present, sorted.
    pub suspended_processes: Vec<SuspendedProcess>,
    /// Its instances, by id.
    pub instances: Vec<GroupInstance>,
    /// What it launches from; `null` where that is a launch configuration or a mix.
    pub launch_template: Option<LaunchTemplate>,
    /// What it launches from, in groups of old.
    pub launch_configuration_name: Option<String>,
    /// What it launches from, where it mixes instance types or Spot and on demand.
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// `EC2`, `ELB`, ...: whose word on the health of an instance counts.
    pub health_check_type: Option<String>,
    /// When it was made.
    pub created_time: Option<Timestamp>,
    /// Its subnets, separated by commas.
    #[serde(rename = "VPCZoneIdentifier")]
    pub vpc_zone_identifier: Option<String>,
    /// `Delete in progress`, or `null`.
    pub status: Option<String>,
}

/// A process that is suspended. Why and since when is left out: it is another text each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SuspendedProcess {
    /// Such as `Launch`.
    pub process_name: String,
}

/// An instance of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupInstance {
    /// `i-...`.
    pub instance_id: String,
    /// `InService`, `Pending`, `Standby`, ...: see
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>.
    pub lifecycle_state: Option<String>,
    /// `Healthy` or `Unhealthy`.
    pub health_status: Option<String>,
    /// Whether it runs: `DescribeInstances` says so, of a closer look alone. One that it no longer shows is `terminated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<InstanceState>,
}

/// A launch template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct LaunchTemplate {
    /// `lt-...`.
    pub launch_template_id: Option<String>,
    /// Its name.
    pub launch_template_name: Option<String>,
    /// A number, `$Latest` or `$Default`.
    pub version: Option<String>,
}

/// What a group mixes. Of this only the template is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MixedInstancesPolicy {
    /// What it launches from.
    pub launch_template: MixedLaunchTemplate,
}

/// The template of a mix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MixedLaunchTemplate {
    /// The template that the others start from.
    pub launch_template_specification: LaunchTemplate,
}

impl AutoScalingGroup {
    /// Those of [`REPLACING`] that are not suspended: nothing, where its instances can be stopped without being replaced.
    pub fn replacing(&self) -> Vec<&'static str> {
        active(&self.suspended_processes)
    }

    /// Whether it is being deleted, and its instances with it.
    pub fn is_deleting(&self) -> bool {
        self.status.is_some()
    }
}

/// Those of [`REPLACING`] that are not among these.
pub(super) fn active(suspended: &[SuspendedProcess]) -> Vec<&'static str> {
    let is_active = |name: &&str| !suspended.iter().any(|process| process.process_name == *name);
    REPLACING.into_iter().filter(is_active).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_replaces_nothing_once_all_that_could_is_suspended() {
        let suspended = |names: &[&str]| AutoScalingGroup {
            suspended_processes: names.iter().map(|&name| SuspendedProcess { process_name: name.to_owned() }).collect(),
            ..AutoScalingGroup::default()
        };
        assert!(REPLACING.is_sorted(), "as `Processes` has them");
        assert_eq!(suspended(&[]).replacing(), REPLACING);
        assert_eq!(suspended(&["AddToLoadBalancer"]).replacing(), REPLACING);
        assert_eq!(suspended(&REPLACING).replacing(), [""; 0]);
        assert_eq!(suspended(&REPLACING[1..]).replacing(), ["AZRebalance"]);
    }
}
