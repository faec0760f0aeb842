//! A statement of a function's policy, as `AddPermission` takes it and as Lambda writes it down.
//!
//! Lambda takes no policy as a whole: statements are added by what they are to say and removed by their `Sid`.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// What `AddPermission` is told of a statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Permission {
    pub(super) statement_id: String,
    pub(super) action: String,
    pub(super) principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_account: Option<String>,
    #[serde(rename = "PrincipalOrgID", skip_serializing_if = "Option::is_none")]
    pub(super) principal_org_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_source_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_url_auth_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invoked_via_function_url: Option<bool>,
}

/// Where in a statement what a permission may be narrowed by stands.
const SOURCE_ARN: (&str, &str) = ("ArnLike", "AWS:SourceArn");
const SOURCE_ACCOUNT: (&str, &str) = ("StringEquals", "AWS:SourceAccount");
const PRINCIPAL_ORG_ID: (&str, &str) = ("StringEquals", "aws:PrincipalOrgID");
const EVENT_SOURCE_TOKEN: (&str, &str) = ("StringEquals", "lambda:EventSourceToken");
const FUNCTION_URL_AUTH_TYPE: (&str, &str) = ("StringEquals", "lambda:FunctionUrlAuthType");
const INVOKED_VIA_FUNCTION_URL: (&str, &str) = ("Bool", "lambda:InvokedViaFunctionUrl");

impl Permission {
    /// The permission that makes this very statement; `None` where there is none: the statement says more than
    /// `AddPermission` takes.
    pub(super) fn of(statement: &Value, function: &str) -> Option<Self> {
        let principal = match &statement["Principal"] {
            Value::String(anyone) => anyone.clone(),
            // The kind of principal is told from its name.
            Value::Object(kinds) => kinds.values().next()?.as_str()?.to_owned(),
            _ => return None,
        };
        let permission = Self {
            statement_id: statement["Sid"].as_str()?.to_owned(),
            action: statement["Action"].as_str()?.to_owned(),
            principal,
            source_arn: narrowing(statement, SOURCE_ARN),
            source_account: narrowing(statement, SOURCE_ACCOUNT),
            principal_org_id: narrowing(statement, PRINCIPAL_ORG_ID),
            event_source_token: narrowing(statement, EVENT_SOURCE_TOKEN),
            function_url_auth_type: narrowing(statement, FUNCTION_URL_AUTH_TYPE),
            invoked_via_function_url: narrowing(statement, INVOKED_VIA_FUNCTION_URL).map(|said| said == "true"),
        };
        same(&permission.statement(function), statement).then_some(permission)
    }

    /// The statement that Lambda makes of it in the policy of the function with this ARN.
    fn statement(&self, function: &str) -> Value {
        let principal = match self.principal.as_str() {
            "*" => json!("*"),
            arn if arn.starts_with("arn:") => json!({"AWS": arn}),
            service => json!({"Service": service}),
        };
        let mut condition = Map::new();
        let url = self.invoked_via_function_url.map(|via| via.to_string());
        for ((operator, key), value) in [
            (SOURCE_ARN, &self.source_arn),
            (SOURCE_ACCOUNT, &self.source_account),
            (PRINCIPAL_ORG_ID, &self.principal_org_id),
            (EVENT_SOURCE_TOKEN, &self.event_source_token),
            (FUNCTION_URL_AUTH_TYPE, &self.function_url_auth_type),
            (INVOKED_VIA_FUNCTION_URL, &url),
        ] {
            if let Some(value) = value {
                condition.entry(operator).or_insert_with(|| json!({}))[key] = json!(value);
            }
        }
        let mut statement = json!({
            "Sid": self.statement_id, "Effect": "Allow", "Principal": principal, "Action": self.action,
            "Resource": function,
        });
        if !condition.is_empty() {
            statement["Condition"] = Value::Object(condition);
        }
        statement
    }
}

/// The value of a condition key, whose name counts in any case.
fn narrowing(statement: &Value, (operator, key): (&str, &str)) -> Option<String> {
    let keys = statement.get("Condition")?.get(operator)?.as_object()?;
    let (_, value) = keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    value.as_str().map(str::to_owned)
}

/// Whether two statements say the same: the names of condition keys count in any case, and `*` is `{"AWS": "*"}`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-anonymous>
pub(super) fn same(one: &Value, other: &Value) -> bool {
    fn plain(statement: &Value) -> Value {
        let mut statement = statement.clone();
        if statement.get("Principal") == Some(&json!("*")) {
            statement["Principal"] = json!({"AWS": "*"});
        }
        if let Some(operators) = statement.get_mut("Condition").and_then(Value::as_object_mut) {
            for keys in operators.values_mut() {
                if let Value::Object(named) = keys {
                    *named = std::mem::take(named).into_iter().map(|(key, it)| (key.to_lowercase(), it)).collect();
                }
            }
        }
        statement
    }
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";

    fn statement(principal: &Value, condition: &Value) -> Value {
        let mut statement = json!({
            "Sid": "s", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": FUNCTION,
        });
        if !condition.is_null() {
            statement["Condition"] = condition.clone();
        }
        statement
    }

    #[test]
    fn what_lambda_writes_is_what_it_was_told() {
        let bucket = json!({
            "StringEquals": {"AWS:SourceAccount": "111122223333"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::acme"},
        });
        let url = json!({
            "StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}, "Bool": {"lambda:InvokedViaFunctionUrl": "true"},
        });
        let organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}});
        let skill = json!({"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}});
        let root = "arn:aws:iam::444455556666:root";
        let rows = [
            (json!("*"), Value::Null, json!({"Principal": "*"})),
            (json!({"AWS": "*"}), Value::Null, json!({"Principal": "*"})),
            (json!({"AWS": root}), Value::Null, json!({"Principal": root})),
            (json!("*"), organization, json!({"Principal": "*", "PrincipalOrgID": "o-acme"})),
            (
                json!({"Service": "s3.amazonaws.com"}),
                bucket,
                json!({
                    "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::acme", "SourceAccount": "111122223333",
                }),
            ),
            (
                json!({"Service": "alexa-appkit.amazon.com"}),
                skill,
                json!({"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.x"}),
            ),
            (json!("*"), url, json!({"Principal": "*", "FunctionUrlAuthType": "NONE", "InvokedViaFunctionUrl": true})),
        ];
        for (principal, condition, expected) in rows {
            let statement = statement(&principal, &condition);
            let permission = Permission::of(&statement, FUNCTION).unwrap();
            let mut parameters = json!({"StatementId": "s", "Action": "lambda:InvokeFunction"});
            parameters.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(&permission).unwrap(), parameters);
            assert!(same(&permission.statement(FUNCTION), &statement));
        }
        let lower = statement(&json!("*"), &json!({"StringEquals": {"AWS:PRINCIPALORGID": "o-acme"}}));
        assert_eq!(Permission::of(&lower, FUNCTION).unwrap().principal_org_id.as_deref(), Some("o-acme"));
    }

    #[test]
    fn what_cannot_be_told_to_lambda_has_no_permission() {
        let anyone = json!("*");
        let mut rows = vec![
            statement(&anyone, &json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
            statement(&anyone, &json!({"StringLike": {"aws:PrincipalOrgID": "o-acme"}})),
            statement(&anyone, &json!({"StringEquals": {"aws:PrincipalOrgID": ["o-acme", "o-more"]}})),
            statement(&anyone, &json!({"Bool": {"lambda:InvokedViaFunctionUrl": "maybe"}})),
            statement(&json!({"AWS": ["*", "arn:aws:iam::444455556666:root"]}), &Value::Null),
            statement(&json!({"AWS": "*", "Service": "s3.amazonaws.com"}), &Value::Null),
            statement(&json!({"Federated": "accounts.google.com"}), &Value::Null),
            json!("odd"),
        ];
        for (field, value) in [
            ("Effect", json!("Deny")),
            ("Resource", json!(format!("{FUNCTION}:live"))),
            ("Action", json!(["lambda:InvokeFunction", "lambda:GetFunction"])),
            ("NotPrincipal", json!("*")),
        ] {
            let mut odd = statement(&anyone, &Value::Null);
            odd[field] = value;
            rows.push(odd);
        }
        for field in ["Sid", "Principal", "Action", "Resource", "Effect"] {
            let mut less = statement(&anyone, &Value::Null);
            less.as_object_mut().unwrap().remove(field);
            rows.push(less);
        }
        for odd in rows {
            assert_eq!(Permission::of(&odd, FUNCTION), None, "{odd}");
        }
    }
}
