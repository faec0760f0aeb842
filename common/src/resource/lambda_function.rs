//! `lambda_function`: a function, as `ListFunctions` gives it, with its resource policy.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A Lambda function. `id` is its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Function {
    /// Its name.
    pub function_name: String,
    /// `python3.13`, ...
    pub runtime: Option<String>,
    /// The role that it runs as.
    pub role: Option<String>,
    /// When it was last changed, as Lambda writes it.
    pub last_modified: Option<String>,
    /// `Zip` or `Image`.
    pub package_type: Option<String>,
    /// In seconds.
    pub timeout: Option<i32>,
    /// In MB.
    pub memory_size: Option<i32>,
    /// Its VPC, if it is in one.
    pub vpc_id: Option<String>,
    /// The names of its environment variables; never their values.
    pub environment: Vec<String>,
    /// Its resource policy; `null` where it has none.
    pub policy: Option<Value>,
}
