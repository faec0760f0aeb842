//! What is done to functions: statements go out of their resource policies, and come back as they were.

mod permission;

use aws_sdk_lambda::types::FunctionUrlAuthType;
use common::action::{Action, Change, Kill, Statements};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{Concurrency, Function};
use common::settings::Remediate;
use serde::Serialize;
use serde_json::{Value, json};

use self::permission::{Permission, same};
use super::call::sent;
use super::change::pending;
use super::policy;
use super::refusal::{foreign, known, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on a function.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Remove {
        function_name: String,
        statement_id: String,
    },
    Add {
        function_name: String,
        #[serde(flatten)]
        permission: Box<Permission>,
    },
    Reserve {
        function_name: String,
        reserved_concurrent_executions: i32,
    },
    Unreserve {
        function_name: String,
    },
    Delete {
        function_name: String,
    },
}

type FunctionPlan = Result<Planned<Function, Step>, Refusal>;

impl Mended for Function {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::LAMBDA_PUT_FUNCTION_CONCURRENCY]),
        ("kill", &[operation::LAMBDA_DELETE_FUNCTION]),
        ("lambda_remove_permissions", &[operation::LAMBDA_REMOVE_PERMISSION]),
        ("lambda_add_permissions", &[operation::LAMBDA_ADD_PERMISSION]),
        (
            "lambda_set_concurrency",
            &[operation::LAMBDA_DELETE_FUNCTION_CONCURRENCY, operation::LAMBDA_PUT_FUNCTION_CONCURRENCY],
        ),
    ];

    const CLOSELY: &'static [&'static str] = &["disable", "lambda_set_concurrency"];

    fn plan(action: &Action, resource: &Resource<Self>) -> FunctionPlan {
        match action {
            Action::LambdaRemovePermissions(unwanted) => remove(resource, &unwanted.statements),
            Action::LambdaAddPermissions(wanted) => add(resource, &wanted.statements),
            Action::LambdaSetConcurrency(change) => set_concurrency(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    /// With no concurrency to run in, a function is not run, whoever calls it: see
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>.
    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        Ok(vec![Action::LambdaSetConcurrency(Change { from: reserved(resource)?, to: Some(0) })])
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> FunctionPlan {
        let step = Step::Delete { function_name: resource.config.function_name.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

/// How much concurrency is reserved for it.
fn reserved(resource: &Resource<Function>) -> Result<Option<i32>, Refusal> {
    Ok(known(resource, "Concurrency", resource.config.concurrency.as_ref())?.reserved_concurrent_executions)
}

fn set_concurrency(resource: &Resource<Function>, change: &Change<Option<i32>>) -> FunctionPlan {
    let now = reserved(resource)?;
    if !pending(change, &now, "its reserved concurrency")? {
        return Ok(Planned::nothing(resource));
    }
    let function_name = resource.config.function_name.clone();
    let step = match change.to {
        Some(reserved) => Step::Reserve { function_name, reserved_concurrent_executions: reserved },
        None => Step::Unreserve { function_name },
    };
    let concurrency = Some(Concurrency { reserved_concurrent_executions: change.to });
    let after = Function { concurrency, ..resource.config.clone() };
    let undo = Action::LambdaSetConcurrency(Change { from: change.to, to: now });
    Ok(Planned::one(step, Some(undo), after))
}

/// The statements that the function's policy has.
fn present(resource: &Resource<Function>) -> Result<Vec<Value>, Refusal> {
    needs(resource, &["Policy"])?;
    Ok(resource.config.policy.as_ref().map(policy::statements).unwrap_or_default())
}

/// Removes these statements, of which each must be one that can be put back.
fn remove(resource: &Resource<Function>, unwanted: &[Value]) -> FunctionPlan {
    let (gone, kept): (Vec<Value>, Vec<Value>) =
        present(resource)?.into_iter().partition(|it| unwanted.iter().any(|unwanted| same(unwanted, it)));
    let mut steps = Vec::new();
    for statement in &gone {
        let statement_id = sid(statement)?;
        if kept.iter().chain(&gone).filter(|other| other["Sid"] == *statement_id).count() > 1 {
            return Err(Refusal::Impossible(format!(
                "Lambda removes statements by their Sid, and {statement_id} is not the only one of that Sid; remove it by hand"
            )));
        }
        permission(resource, statement)?;
        let function_name = resource.config.function_name.clone();
        steps.push(Step::Remove { function_name, statement_id: statement_id.to_owned() });
    }
    if steps.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let undo = Action::LambdaAddPermissions(Statements { statements: gone });
    Ok(Planned { steps, undo: Some(undo), after: Some(with(resource, kept)) })
}

/// Adds those of the statements that are not there.
fn add(resource: &Resource<Function>, wanted: &[Value]) -> FunctionPlan {
    let mut statements = present(resource)?;
    let missing: Vec<Value> =
        wanted.iter().filter(|wanted| !statements.iter().any(|it| same(it, wanted))).cloned().collect();
    let mut steps = Vec::new();
    for statement in &missing {
        let statement_id = sid(statement)?;
        if statements.iter().any(|other| other["Sid"] == *statement_id) {
            return Err(Refusal::Changed(format!("the policy has another statement of the Sid {statement_id} now")));
        }
        let permission = Box::new(permission(resource, statement)?);
        steps.push(Step::Add { function_name: resource.config.function_name.clone(), permission });
        statements.push(statement.clone());
    }
    if steps.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let undo = Action::LambdaRemovePermissions(Statements { statements: missing });
    Ok(Planned { steps, undo: Some(undo), after: Some(with(resource, statements)) })
}

/// What Lambda knows a statement by.
fn sid(statement: &Value) -> Result<&str, Refusal> {
    let none = || {
        let why = "a statement has no Sid, by which alone Lambda removes and adds statements; change it by hand";
        Refusal::Impossible(why.to_owned())
    };
    statement["Sid"].as_str().ok_or_else(none)
}

/// The permission that makes this statement.
fn permission(resource: &Resource<Function>, statement: &Value) -> Result<Permission, Refusal> {
    Permission::of(statement, &resource.arn.to_string()).ok_or_else(|| {
        Refusal::Impossible(format!(
            "the statement {} says more than Lambda's AddPermission takes, so that it could not be put back; change it by \
             hand",
            statement["Sid"].as_str().unwrap_or_default()
        ))
    })
}

/// The function with these statements. Lambda keeps no policy without any, and makes one with the first.
fn with(resource: &Resource<Function>, statements: Vec<Value>) -> Function {
    let policy = (!statements.is_empty()).then(|| {
        let begun = resource.config.policy.clone();
        let mut policy = begun.unwrap_or_else(|| json!({"Version": "2012-10-17", "Id": "default", "Statement": []}));
        policy["Statement"] = Value::Array(statements);
        policy
    });
    Function { policy, ..resource.config.clone() }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Remove { .. } => operation::LAMBDA_REMOVE_PERMISSION,
            Self::Add { .. } => operation::LAMBDA_ADD_PERMISSION,
            Self::Reserve { .. } => operation::LAMBDA_PUT_FUNCTION_CONCURRENCY,
            Self::Unreserve { .. } => operation::LAMBDA_DELETE_FUNCTION_CONCURRENCY,
            Self::Delete { .. } => operation::LAMBDA_DELETE_FUNCTION,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_lambda, session, region);
        match self {
            Self::Remove { function_name, statement_id } => {
                let remove = client.remove_permission().function_name(function_name).statement_id(statement_id);
                sent(self.operation(), remove.send().await)
            }
            Self::Add { function_name, permission: it } => {
                let auth_type = it.function_url_auth_type.as_deref().map(FunctionUrlAuthType::from);
                let add = client
                    .add_permission()
                    .function_name(function_name)
                    .statement_id(&it.statement_id)
                    .action(&it.action)
                    .principal(&it.principal)
                    .set_source_arn(it.source_arn.clone())
                    .set_source_account(it.source_account.clone())
                    .set_principal_org_id(it.principal_org_id.clone())
                    .set_event_source_token(it.event_source_token.clone())
                    .set_function_url_auth_type(auth_type)
                    .set_invoked_via_function_url(it.invoked_via_function_url);
                sent(self.operation(), add.send().await)
            }
            Self::Reserve { function_name, reserved_concurrent_executions } => {
                let reserve = client.put_function_concurrency().function_name(function_name);
                let reserve = reserve.reserved_concurrent_executions(*reserved_concurrent_executions);
                sent(self.operation(), reserve.send().await)
            }
            Self::Unreserve { function_name } => {
                sent(self.operation(), client.delete_function_concurrency().function_name(function_name).send().await)
            }
            Self::Delete { function_name } => {
                sent(self.operation(), client.delete_function().function_name(function_name).send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::record::Call;

    use super::*;
    use crate::actions::tests::{Samples, after, needs, planned, resource, the_call};

    const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";

    fn allow(sid: &str, principal: &Value) -> Value {
        json!({
            "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": ARN,
        })
    }

    fn open() -> Value {
        allow("open", &json!("*"))
    }

    fn events() -> Value {
        allow("events", &json!({"Service": "events.amazonaws.com"}))
    }

    fn function(statements: &[Value]) -> Resource<Function> {
        let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
        let config = Function {
            function_name: "resize".into(),
            policy: Some(policy).filter(|_| !statements.is_empty()),
            ..Function::default()
        };
        resource("resize", ARN, config)
    }

    fn removal(statements: &[Value]) -> Action {
        Action::LambdaRemovePermissions(Statements { statements: statements.to_vec() })
    }

    fn addition(statements: &[Value]) -> Action {
        Action::LambdaAddPermissions(Statements { statements: statements.to_vec() })
    }

    /// A function with so much concurrency of its own.
    fn reserving(reserved_concurrent_executions: Option<i32>) -> Resource<Function> {
        let concurrency = Some(Concurrency { reserved_concurrent_executions });
        function(&[open()]).map(|config| Function { concurrency, ..config })
    }

    impl Samples for Function {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (removal(&[open()]), function(&[events(), open()])),
                (removal(&[open()]), function(&[open()])),
                (removal(&[open(), events()]), function(&[events(), open()])),
                (addition(&[open()]), function(&[])),
                (Action::Disable, reserving(None)),
                (Action::Disable, reserving(Some(5))),
                (Action::LambdaSetConcurrency(Change { from: Some(5), to: Some(7) }), reserving(Some(5))),
                (Action::Kill(Kill::default()), function(&[open()])),
            ]
        }
    }

    #[test]
    fn one_call_for_each_statement_and_the_others_stay() {
        let (operation, parameters) = the_call(&removal(&[open()]), &function(&[events(), open()]));
        assert_eq!(operation, "lambda:RemovePermission");
        assert_eq!(parameters, json!({"FunctionName": "resize", "StatementId": "open"}));
        let plan = planned(&removal(&[open(), events()]), &function(&[events(), open()])).unwrap();
        let calls = plan.calls();
        let ids: Vec<_> = calls.iter().map(|Call { parameters, .. }| &parameters["StatementId"]).collect();
        assert_eq!(ids, ["events", "open"]);
        assert_eq!(after::<Function>(&plan).config.policy, None, "Lambda keeps no empty policy");
        let (operation, parameters) = the_call(&addition(&[open()]), &function(&[events()]));
        assert_eq!(operation, "lambda:AddPermission");
        assert_eq!(
            parameters,
            json!({
                "FunctionName": "resize", "StatementId": "open", "Action": "lambda:InvokeFunction", "Principal": "*",
            })
        );
    }

    #[test]
    fn what_could_not_be_put_back_is_not_removed() {
        let mut narrowed = open();
        narrowed["Condition"] = json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
        let mut nameless = open();
        nameless.as_object_mut().unwrap().remove("Sid");
        for (statement, expected) in [(narrowed, "could not be put back"), (nameless, "has no Sid")] {
            let function = function(&[events(), statement.clone()]);
            let refused = planned(&removal(&[events(), statement.clone()]), &function).unwrap_err();
            assert!(matches!(&refused, Refusal::Impossible(why) if why.contains(expected)), "{refused}");
            let other = planned(&removal(&[events()]), &function).unwrap();
            assert_eq!(other.steps.len(), 1, "it is in nobody's way");
        }
        let twins = [open(), allow("open", &json!({"Service": "events.amazonaws.com"}))];
        let refused = planned(&removal(&[open()]), &function(&twins)).unwrap_err();
        assert!(matches!(&refused, Refusal::Impossible(why) if why.contains("not the only one")), "{refused}");
    }

    #[test]
    fn a_statement_that_took_the_name_since_stays() {
        let another = allow("open", &json!({"AWS": "arn:aws:iam::444455556666:root"}));
        assert!(matches!(planned(&addition(&[open()]), &function(&[another])), Err(Refusal::Changed(_))));
    }

    #[test]
    fn no_concurrency_is_left_and_what_there_was_comes_back() {
        for (before, operation, parameters) in [
            (None, "lambda:DeleteFunctionConcurrency", json!({"FunctionName": "resize"})),
            (
                Some(5),
                "lambda:PutFunctionConcurrency",
                json!({"FunctionName": "resize", "ReservedConcurrentExecutions": 5}),
            ),
        ] {
            let (disable, zero) = the_call(&Action::Disable, &reserving(before));
            assert_eq!(disable, "lambda:PutFunctionConcurrency");
            assert_eq!(zero, json!({"FunctionName": "resize", "ReservedConcurrentExecutions": 0}));
            let plan = planned(&Action::Disable, &reserving(before)).unwrap();
            let back = the_call(plan.undo.as_ref().unwrap(), &after::<Function>(&plan));
            assert_eq!(back, (operation.to_owned(), parameters));
            let changed = planned(plan.undo.as_ref().unwrap(), &reserving(Some(9)));
            assert!(matches!(changed, Err(Refusal::Changed(_))), "{changed:?}");
        }
        assert!(planned(&Action::Disable, &reserving(Some(0))).unwrap().steps.is_empty());
        let unseen = planned(&Action::Disable, &function(&[open()]));
        assert!(matches!(&unseen, Err(Refusal::Impossible(why)) if why.contains("`Concurrency`")), "{unseen:?}");
        assert!(needs(&Action::Disable, reserving(None), "Concurrency"));
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        assert!(needs(&removal(&[open()]), function(&[open()]), "Policy"));
        assert!(needs(&addition(&[open()]), function(&[open()]), "Policy"));
    }
}
