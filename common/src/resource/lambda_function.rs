//! `lambda_function`: a function, as `ListFunctions` gives it, with its resource policy.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A Lambda function. `id` is its name.
///
/// `ListFunctions` leaves out what Lambda has to look up for each (`State`, `LastUpdateStatus`), and so does this.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Function {
    /// Its name.
    pub function_name: String,
    /// What its maker said of it.
    pub description: Option<String>,
    /// `python3.13`, ...; `null` for a container image.
    pub runtime: Option<String>,
    /// The ARN of the role that it runs as.
    pub role: Option<String>,
    /// What of the code is called; `null` for a container image.
    pub handler: Option<String>,
    /// When it was last changed, as Lambda writes it.
    pub last_modified: Option<String>,
    /// `Zip` or `Image`.
    pub package_type: Option<String>,
    /// `x86_64`, `arm64`.
    pub architectures: Vec<String>,
    /// In bytes.
    pub code_size: i64,
    /// In seconds.
    pub timeout: Option<i32>,
    /// In MB.
    pub memory_size: Option<i32>,
    /// The VPC that it reaches into, if any.
    pub vpc_config: Option<VpcConfig>,
    /// The customer's key that encrypts its environment, if any.
    #[serde(rename = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
    /// The names of its environment variables; never their values.
    pub environment: Vec<String>,
    /// The resource policy of the function itself, not those of its versions and aliases; `null` where it has none.
    pub policy: Option<Value>,
    /// How much concurrency is reserved for it: known from a closer look alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

/// Concurrency that is reserved for a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Concurrency {
    /// How many of it may run at once; with 0 it does not run, with `null` nothing is reserved.
    pub reserved_concurrent_executions: Option<i32>,
}

/// Where in a VPC a function has its network interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct VpcConfig {
    /// The VPC.
    pub vpc_id: Option<String>,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The security groups.
    pub security_group_ids: Vec<String>,
}
