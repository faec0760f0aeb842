//! Lambda functions: <https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{Function, ResourceType};
use serde_json::Value;

use super::policies::{self, HasPolicy};
use super::{About, Check, Checked, always};

impl Checked for Function {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "lambda_function_public",
                kind: ResourceType::LambdaFunction,
                severity: Severity::Critical,
                controls: &["FSBP Lambda.1"],
                actions: &["lambda_remove_permissions"],
                fix: true,
                needs: &["Policy"],
                meaning: "The function's resource policy lets in anyone, by its API, by its URL, or by way of a bucket in S3.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-1",
            },
            arises: always,
            judge: |case| {
                let mut problems = policies::public(case, remove)?;
                problems.extend(policies::unguarded(case, "s3.amazonaws.com")?);
                Ok(problems)
            },
        },
        Check {
            about: About {
                id: "lambda_function_outsiders",
                kind: ResourceType::LambdaFunction,
                severity: Severity::High,
                controls: &[],
                actions: &["lambda_remove_permissions"],
                fix: true,
                needs: &["Policy"],
                meaning: "The function's resource policy lets in somebody whom the settings do not trust.",
                page: "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",
            },
            arises: always,
            judge: |case| policies::outsiders(case, remove),
        },
    ];
}

fn remove(statements: Vec<Value>) -> Action {
    Action::LambdaRemovePermissions(Statements { statements })
}

impl HasPolicy for Function {
    const CALLED: &'static str = "resource policy";

    fn policy(&self) -> Option<&Value> {
        self.policy.as_ref()
    }
}
