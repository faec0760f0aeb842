//! `lambda_function`: `ListFunctions`, then `GetPolicy` and `ListTags` for each.
//!
//! A function is judged by its policy alone, which `AddPermission` changes at once whatever state the function is in. So
//! a record is always settled; `ListFunctions` does not tell the state anyway.

use std::collections::BTreeMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_concurrency::GetFunctionConcurrencyOutput;
use aws_sdk_lambda::types::{EnvironmentResponse, VpcConfigResponse};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    LAMBDA_GET_FUNCTION_CONCURRENCY, LAMBDA_GET_FUNCTION_CONFIGURATION, LAMBDA_GET_POLICY, LAMBDA_LIST_FUNCTIONS,
    LAMBDA_LIST_TAGS, Operation,
};
use common::record::{Resource, Unread};
use common::resource::{Concurrency, Function, VpcConfig};
use futures_util::{StreamExt, stream};

use super::{AT_ONCE, Owner, Polled, document, or_absent, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// The code of an answer that there is no such function, or no policy of it.
const NO_SUCH: &str = "ResourceNotFoundException";

type Policy = Result<Option<String>, AwsError>;
type Tags = Result<BTreeMap<String, String>, AwsError>;

/// `ListFunctions` and `GetFunctionConfiguration` have the same fields in two structs.
macro_rules! facts {
    ($it:expr, $operation:expr) => {{
        let it = $it;
        let mut unread = Vec::new();
        let architectures = it.architectures.unwrap_or_default();
        Facts {
            arn: it.function_arn.and_then(|arn| arn.parse().ok()),
            config: Function {
                function_name: it.function_name.unwrap_or_default(),
                description: it.description.filter(|text| !text.is_empty()),
                runtime: it.runtime.map(|it| it.as_str().to_owned()),
                role: it.role,
                handler: it.handler,
                last_modified: it.last_modified,
                package_type: it.package_type.map(|it| it.as_str().to_owned()),
                architectures: architectures.iter().map(|it| it.as_str().to_owned()).collect(),
                code_size: it.code_size,
                timeout: it.timeout,
                memory_size: it.memory_size,
                vpc_config: it.vpc_config.and_then(vpc),
                kms_key_arn: it.kms_key_arn,
                environment: names(it.environment, $operation, &mut unread),
                policy: None,
                concurrency: None,
            },
            unread,
        }
    }};
}

impl Polled for Function {
    const LIST: &'static [Operation] = &[LAMBDA_GET_POLICY, LAMBDA_LIST_FUNCTIONS, LAMBDA_LIST_TAGS];
    const LOOK: &'static [Operation] = &[LAMBDA_GET_FUNCTION_CONFIGURATION, LAMBDA_GET_POLICY, LAMBDA_LIST_TAGS];
    const CLOSER: &'static [Operation] = &[LAMBDA_GET_FUNCTION_CONCURRENCY];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_lambda, session, region);
            let mut pages = client.list_functions().into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(LAMBDA_LIST_FUNCTIONS, error))?;
                let facts = page.functions.unwrap_or_default().into_iter().map(|it| facts!(it, LAMBDA_LIST_FUNCTIONS));
                let mut described = stream::iter(facts)
                    .map(|facts| describe(&client, &owner, region, facts, sink.only_tests()))
                    .buffer_unordered(AT_ONCE);
                while let Some(function) = described.next().await {
                    if let Some(function) = function {
                        sink.resource(function).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// A function by its name.
    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        if id.contains(':') {
            // Lambda would take it for an ARN, which may be another account's, or for one version of the function.
            let message = format!("`{id}` is no name of a function; name it without account, region and version");
            return Err(AwsError::of(LAMBDA_GET_FUNCTION_CONFIGURATION, "BadReference", message));
        }
        let client = client!(aws_sdk_lambda, session, region);
        let answer = client.get_function_configuration().function_name(id).send().await;
        let answer = answer.map_err(|error| AwsError::new(LAMBDA_GET_FUNCTION_CONFIGURATION, error));
        let Some(function) = or_absent(answer, NO_SUCH)? else { return Ok(None) };
        let facts = facts!(function, LAMBDA_GET_FUNCTION_CONFIGURATION);
        Ok(describe(&client, &Owner::of(session), region, facts, false).await)
    }

    /// How much concurrency is reserved for it.
    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_lambda, session, region);
        for function in found {
            let answer = client.get_function_concurrency().function_name(&function.id).send().await;
            let answer = answer.map_err(|error| AwsError::new(LAMBDA_GET_FUNCTION_CONCURRENCY, error));
            let reserved = |answer: GetFunctionConcurrencyOutput| Concurrency {
                reserved_concurrent_executions: answer.reserved_concurrent_executions,
            };
            function.config.concurrency = read(answer.map(reserved), &["Concurrency"], &mut function.unread);
        }
    }
}

/// What Lambda says of a function whichever way it is asked: the record without its policy.
struct Facts {
    config: Function,
    arn: Option<Arn>,
    unread: Vec<Unread>,
}

/// A function that is in no VPC may have an empty one.
fn vpc(given: VpcConfigResponse) -> Option<VpcConfig> {
    let vpc_id = given.vpc_id.filter(|id| !id.is_empty())?;
    let sorted = |ids: Option<Vec<String>>| {
        let mut ids = ids.unwrap_or_default();
        ids.sort_unstable();
        ids
    };
    Some(VpcConfig {
        vpc_id: Some(vpc_id),
        subnet_ids: sorted(given.subnet_ids),
        security_group_ids: sorted(given.security_group_ids),
    })
}

/// The names of environment variables, sorted; their values stay here. Lambda may be unable to decrypt them.
fn names(given: Option<EnvironmentResponse>, operation: Operation, unread: &mut Vec<Unread>) -> Vec<String> {
    let Some(environment) = given else { return Vec::new() };
    if let Some(error) = environment.error {
        unread.push(Unread {
            field: "Environment".to_owned(),
            operation: operation.into(),
            code: error.error_code.unwrap_or_default(),
            message: error.message,
        });
    }
    let mut names: Vec<String> = environment.variables.unwrap_or_default().into_keys().collect();
    names.sort_unstable();
    names
}

/// A function's record; nothing for one that vanished since being listed.
async fn describe(
    client: &Client,
    owner: &Owner,
    region: &Region,
    facts: Facts,
    only_tests: bool,
) -> Option<Resource<Function>> {
    let name = facts.config.function_name.clone();
    let arn = facts.arn.clone().unwrap_or_else(|| owner.arn("lambda", region, format!("function:{name}")));
    let (policy, tags) = if only_tests {
        let tags = tags_of(client, &arn).await;
        if !tags.as_ref().is_ok_and(|tags| tags.contains_key(TEST_TAG)) {
            return None;
        }
        (policy_of(client, &name).await, tags)
    } else {
        tokio::join!(policy_of(client, &name), tags_of(client, &arn))
    };
    convert(owner, region, arn, facts, policy, tags)
}

async fn policy_of(client: &Client, name: &str) -> Policy {
    let answer = client.get_policy().function_name(name).send().await;
    let answer = answer.map_err(|error| AwsError::new(LAMBDA_GET_POLICY, error));
    Ok(or_absent(answer, NO_SUCH)?.and_then(|answer| answer.policy))
}

async fn tags_of(client: &Client, arn: &Arn) -> Tags {
    let answer = client.list_tags().resource(arn.to_string()).send().await;
    let answer = answer.map_err(|error| AwsError::new(LAMBDA_LIST_TAGS, error))?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

/// The record of a function, or nothing when it vanished: then it is `ListTags` that says so, since to `GetPolicy` a
/// function without a policy is the same.
fn convert(
    owner: &Owner,
    region: &Region,
    arn: Arn,
    facts: Facts,
    policy: Policy,
    tags: Tags,
) -> Option<Resource<Function>> {
    if tags.as_ref().is_err_and(|error| error.code() == NO_SUCH) {
        return None;
    }
    let Facts { mut config, mut unread, .. } = facts;
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let policy = read(policy, &["Policy"], &mut unread).flatten();
    config.policy = document::parse(policy.as_deref(), "Policy", LAMBDA_GET_POLICY, &mut unread);
    let name = config.function_name.clone();
    let mut record = owner.resource(region, &name, arn, tags, config);
    record.unread = unread;
    Some(record)
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
    use aws_sdk_lambda::types::{Architecture, EnvironmentError, FunctionConfiguration, PackageType, Runtime};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ARN: &str = "arn:aws-cn:lambda:cn-north-1:111122223333:function:resize";

    fn function(facts: Facts, policy: Policy, tags: Tags) -> Option<Resource<Function>> {
        let arn = facts.arn.clone().unwrap();
        convert(&owner(), &"cn-north-1".parse().unwrap(), arn, facts, policy, tags)
    }

    fn plain() -> Facts {
        facts!(
            FunctionConfiguration::builder().function_name("resize").function_arn(ARN).build(),
            LAMBDA_LIST_FUNCTIONS
        )
    }

    fn environment() -> EnvironmentResponse {
        EnvironmentResponse::builder().variables("TOKEN", "hunter2").variables("STAGE", "prod").build()
    }

    fn in_vpc() -> VpcConfigResponse {
        VpcConfigResponse::builder()
            .vpc_id("vpc-1")
            .subnet_ids("subnet-2")
            .subnet_ids("subnet-1")
            .security_group_ids("sg-1")
            .build()
    }

    #[test]
    fn both_ways_of_asking_end_in_the_same_record_which_has_the_names_of_the_aws_cli() {
        macro_rules! filled {
            ($builder:expr) => {
                $builder
                    .function_name("resize")
                    .function_arn(ARN)
                    .runtime(Runtime::from("python3.13"))
                    .role("arn:aws-cn:iam::111122223333:role/resize")
                    .handler("main.run")
                    .description("")
                    .last_modified("2026-11-01T10:00:00.000+0000")
                    .package_type(PackageType::Zip)
                    .architectures(Architecture::Arm64)
                    .code_size(1024)
                    .timeout(3)
                    .memory_size(128)
                    .vpc_config(in_vpc())
                    .environment(environment())
                    .build()
            };
        }
        let policy = || Ok(Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()));
        let tags = || Ok(BTreeMap::from([("Owner".to_owned(), "web".to_owned())]));
        let swept = facts!(filled!(FunctionConfiguration::builder()), LAMBDA_LIST_FUNCTIONS);
        let asked = facts!(filled!(GetFunctionConfigurationOutput::builder()), LAMBDA_GET_FUNCTION_CONFIGURATION);
        let swept = function(swept, policy(), tags()).unwrap();
        let asked = function(asked, policy(), tags()).unwrap();
        assert_eq!((&swept.config, &swept.arn, &swept.tags), (&asked.config, &asked.arn, &asked.tags));
        assert_eq!((swept.id.as_str(), swept.arn.to_string().as_str()), ("resize", ARN));
        let config = serde_json::to_value(&swept.config).unwrap();
        assert!(!config.to_string().contains("hunter2"), "values of environment variables are secrets");
        assert_eq!(
            config,
            json!({
                "FunctionName": "resize", "Description": null, "Runtime": "python3.13",
                "Role": "arn:aws-cn:iam::111122223333:role/resize", "Handler": "main.run",
                "LastModified": "2026-11-01T10:00:00.000+0000", "PackageType": "Zip", "Architectures": ["arm64"],
                "CodeSize": 1024, "Timeout": 3, "MemorySize": 128,
                "VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
                "KMSKeyArn": null, "Environment": ["STAGE", "TOKEN"],
                "Policy": {"Version": "2012-10-17", "Statement": []},
            })
        );
    }

    #[test]
    fn no_policy_is_none_and_what_is_denied_or_garbled_is_unread() {
        let record = function(plain(), Ok(None), Ok(BTreeMap::new())).unwrap();
        assert_eq!((&record.config.policy, record.unread.len()), (&None, 0));
        let record = function(plain(), Err(denied("lambda:GetPolicy")), Err(denied("lambda:ListTags"))).unwrap();
        let fields: Vec<_> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
        assert_eq!(fields, ["Tags", "Policy"]);
        let record = function(plain(), Ok(Some("{".to_owned())), Ok(BTreeMap::new())).unwrap();
        assert!(record.unread("Policy").is_some_and(|unread| unread.code == "MalformedPolicy"));

        let error = EnvironmentError::builder().error_code("AccessDeniedException").message("kms").build();
        let locked = EnvironmentResponse::builder().error(error).build();
        let mut unread = Vec::new();
        assert_eq!(names(Some(locked), LAMBDA_LIST_FUNCTIONS, &mut unread), [""; 0]);
        assert_eq!((unread[0].field.as_str(), unread[0].code.as_str()), ("Environment", "AccessDeniedException"));
    }

    #[test]
    fn an_empty_vpc_is_none_and_a_function_that_vanished_is_left_out() {
        assert_eq!(vpc(VpcConfigResponse::builder().vpc_id("").build()), None);
        let gone = AwsError::of(LAMBDA_LIST_TAGS, NO_SUCH, "");
        assert!(function(plain(), Ok(None), Err(gone)).is_none());
    }
}
