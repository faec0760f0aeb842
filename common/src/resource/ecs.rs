//! `ecs_service`, `ecs_task` and `ecs_task_set`: what runs on ECS, and whether it has an address on the internet.
//!
//! Tasks without a network of their own (the network modes `host` and `bridge`) use that of their instance: see `ec2`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A service. `id` is `<cluster>/<service>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EcsService {
    /// Its name.
    pub service_name: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// `ACTIVE`, `DRAINING`, `INACTIVE`.
    pub status: Option<String>,
    /// How many tasks it is to run.
    pub desired_count: Option<i32>,
    /// `FARGATE`, `EC2`, `EXTERNAL`; nothing where capacity providers decide.
    pub launch_type: Option<String>,
    /// The version of Fargate: `1.4.0`, `LATEST`.
    pub platform_version: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// Who replaces its tasks by newer ones.
    pub deployment_controller: DeploymentController,
    /// Whether commands can be run in its containers (ECS Exec).
    pub enable_execute_command: Option<bool>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Its network, where its tasks have their own and it is the service that says which. With the deployment controller
    /// `EXTERNAL` each task set has one instead.
    pub network_configuration: Option<NetworkConfiguration>,
}

/// Who replaces a service's tasks by newer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DeploymentController {
    /// `ECS`, `CODE_DEPLOY`, `EXTERNAL`; nothing means `ECS`, the default.
    pub r#type: Option<String>,
}

/// The network of tasks that have their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkConfiguration {
    /// The only kind that there is.
    pub awsvpc_configuration: AwsvpcConfiguration,
}

/// Where the network interfaces of tasks are, and whether they are on the internet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AwsvpcConfiguration {
    /// The ids of its subnets, sorted.
    pub subnets: Vec<String>,
    /// The ids of its security groups, sorted; without any, it is the default group of the VPC.
    pub security_groups: Vec<String>,
    /// `ENABLED`: each task gets a public address; or `DISABLED`.
    pub assign_public_ip: Option<String>,
}

/// A task. `id` is `<cluster>/<task>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EcsTask {
    /// Its ARN.
    pub task_arn: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// `RUNNING`, `PENDING`, `STOPPED`, ...
    pub last_status: Option<String>,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: Option<String>,
    /// `service:<name>` for a task of a service, else mostly `family:<task definition>`.
    pub group: Option<String>,
    /// `FARGATE`, `EC2`, `EXTERNAL`.
    pub launch_type: Option<String>,
    /// The version of Fargate: `1.4.0`.
    pub platform_version: Option<String>,
    /// The ARN of its task definition.
    pub task_definition_arn: Option<String>,
    /// Who started it.
    pub started_by: Option<String>,
    /// Whether commands can be run in its containers (ECS Exec).
    pub enable_execute_command: Option<bool>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Its network interfaces, sorted; none where it uses its instance's.
    pub network_interfaces: Vec<TaskInterface>,
}

/// A network interface of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskInterface {
    /// `eni-...`.
    pub network_interface_id: String,
    /// Its address on the internet, if any.
    pub public_ip: Option<String>,
}

/// A task set: a deployment of a service with the controller `EXTERNAL` or `CODE_DEPLOY`. `id` is
/// `<cluster>/<service>/<task set>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EcsTaskSet {
    /// `ecs-svc/...`.
    pub id: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// The ARN of its service.
    pub service_arn: String,
    /// `PRIMARY` (it serves), `ACTIVE`, `DRAINING` (its tasks are being stopped).
    pub status: Option<String>,
    /// `CODE_DEPLOY` where a deployment of `CodeDeploy` made it.
    pub started_by: Option<String>,
    /// `FARGATE`, `EC2`, `EXTERNAL`; nothing where capacity providers decide.
    pub launch_type: Option<String>,
    /// The version of Fargate: `1.4.0`, `LATEST`.
    pub platform_version: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// The name that its maker gave it.
    pub external_id: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Its network, where its tasks have their own.
    pub network_configuration: Option<NetworkConfiguration>,
}
