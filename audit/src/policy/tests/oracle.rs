//! What IAM does with one request, word for word from its documentation, to hold the evaluator against.
//!
//! It shares no code with the evaluator: it reads the JSON itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// A caller with one request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: &'static str,
    /// An ARN, a service's name, or `None` for anonymous.
    pub(super) arn: Option<&'static str>,
    pub(super) service: bool,
    /// By keys in lower case.
    pub(super) context: BTreeMap<&'static str, Vec<&'static str>>,
    pub(super) action: &'static str,
    pub(super) resource: &'static str,
}

impl Request {
    fn account(&self) -> Option<&'static str> {
        if self.service { None } else { self.arn.and_then(|arn| arn.split(':').nth(4)) }
    }

    /// Whether a grantee is a true description of the caller.
    pub(super) fn is(&self, grantee: &Grantee) -> bool {
        let has = |key: &str, value: &str| {
            self.context.get(key).is_some_and(|found| found.iter().any(|found| like(value, found)))
        };
        match grantee {
            Grantee::Public => true,
            Grantee::Network { key, value } if key == "aws:sourceip" => {
                self.context.get("aws:sourceip").is_some_and(|ip| in_network(value, ip[0]))
            }
            Grantee::Network { key, value } | Grantee::Restricted { key, value } => has(key, value),
            Grantee::AccessPoint { account } => has("s3:dataaccesspointaccount", account),
            Grantee::UniqueId { id } => has("aws:userid", id),
            Grantee::Organization { id, path: None } => has("aws:principalorgid", id),
            Grantee::Organization { path: Some(path), .. } => has("aws:principalorgpaths", path),
            Grantee::Account { id, principal } => {
                self.account() == Some(id)
                    && principal.as_ref().is_none_or(|arn| like(arn, self.arn.unwrap_or_default()))
            }
            Grantee::Own { principal } => {
                self.account() == Some("111122223333")
                    && principal.as_ref().is_none_or(|arn| like(arn, self.arn.unwrap_or_default()))
            }
            Grantee::Service { name, source } => {
                self.service
                    && name.as_ref().is_none_or(|name| Some(name.as_str()) == self.arn)
                    && match source {
                        Some(Source::Account(id)) => has("aws:sourceaccount", id),
                        Some(Source::Organization(id)) => has("aws:sourceorgid", id),
                        Some(Source::Resource(arn)) => has("aws:sourcearn", arn),
                        Some(Source::Token) => has("lambda:eventsourcetoken", "*"),
                        None => true,
                    }
            }
            Grantee::Federated { .. }
            | Grantee::CanonicalUser { .. }
            | Grantee::OriginAccessIdentity { .. }
            | Grantee::Deleted { .. } => false,
        }
    }
}

/// An explicit Deny, or else an Allow.
pub(super) fn allows(statements: &[Value], request: &Request) -> bool {
    let effect =
        |effect: &str| statements.iter().any(|statement| statement["Effect"] == effect && applies(statement, request));
    effect("Allow") && !effect("Deny")
}

/// Whether this one Allow lets the request in, with all Denies.
pub(super) fn allows_through(statements: &[Value], index: usize, request: &Request) -> bool {
    statements[index]["Effect"] == "Allow" && applies(&statements[index], request) && allows(statements, request)
}

fn applies(statement: &Value, request: &Request) -> bool {
    let principal = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => is_principal(principal, request),
        (_, Some(not)) => !is_principal(not, request),
        _ => unreachable!(),
    };
    let any = |value: &Value, text: &str, lower: bool| {
        list(value).iter().any(|pattern| like(&if lower { pattern.to_lowercase() } else { pattern.clone() }, text))
    };
    let action = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(value), _) => any(value, &request.action.to_lowercase(), true),
        (_, Some(not)) => !any(not, &request.action.to_lowercase(), true),
        _ => unreachable!(),
    };
    let resource = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(value), _) => any(value, request.resource, false),
        (_, Some(not)) => !any(not, request.resource, false),
        _ => true,
    };
    let empty = serde_json::Map::new();
    let block = statement.get("Condition").map_or(&empty, |block| block.as_object().unwrap());
    let condition = block.iter().all(|(operator, keys)| {
        keys.as_object()
            .unwrap()
            .iter()
            .all(|(key, values)| holds(operator, &key.to_lowercase(), &list(values), request))
    });
    principal && action && resource && condition
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().map_or_else(|| one.to_string(), str::to_owned)],
    }
}

fn is_principal(principal: &Value, request: &Request) -> bool {
    if principal == "*" {
        return true;
    }
    principal.as_object().unwrap().iter().any(|(kind, values)| {
        list(values).iter().any(|value| match kind.as_str() {
            // SQS's own documentation has SNS call with a policy for {"AWS": "*"}.
            "AWS" if value == "*" => true,
            "AWS" => request.account().is_some_and(|account| {
                value == account
                    || *value == format!("arn:aws:iam::{account}:root")
                    || Some(value.as_str()) == request.arn
            }),
            "Service" => request.service && Some(value.as_str()) == request.arn,
            _ => false,
        })
    })
}

fn holds(operator: &str, key: &str, values: &[String], request: &Request) -> bool {
    let found = request.context.get(key);
    if operator == "Null" {
        return values.iter().any(|value| (value == "true") == found.is_none());
    }
    let (quantifier, operator) = operator.split_once(':').unwrap_or(("", operator));
    let (operator, if_exists) =
        operator.strip_suffix("IfExists").map_or((operator, false), |operator| (operator, true));
    let Some(found) = found else {
        return if_exists || quantifier == "ForAllValues" || (quantifier.is_empty() && operator.contains("Not"));
    };
    let one = |found: &&str| {
        let same = |value: &String| match operator.replace("Not", "").as_str() {
            "StringEquals" => value == found,
            "Bool" => value.eq_ignore_ascii_case(found),
            "StringLike" => like(value, found),
            "ArnLike" | "ArnEquals" => {
                let (left, right): (Vec<_>, Vec<_>) = (value.splitn(6, ':').collect(), found.splitn(6, ':').collect());
                left.len() == right.len() && left.iter().zip(right).all(|(pattern, text)| like(pattern, text))
            }
            "IpAddress" => in_network(value, found),
            other => unreachable!("{other}"),
        };
        values.iter().any(same) != operator.contains("Not")
    };
    if quantifier == "ForAllValues" { found.iter().all(one) } else { found.iter().any(one) }
}

fn in_network(range: &str, address: &str) -> bool {
    let range = if range.contains('/') { range.to_owned() } else { format!("{range}/32") };
    range.parse::<ipnet::IpNet>().unwrap().contains(&address.parse::<std::net::IpAddr>().unwrap())
}

fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(&pattern[1..], &text[at..]))
        }
        Some(c) => {
            text.starts_with(|found| c == '?' || c == found)
                && like(&pattern[c.len_utf8()..], &text[text.chars().next().map_or(0, char::len_utf8)..])
        }
    }
}

/// Callers of every kind, with the keys that AWS documents for them, doing two things each.
pub(super) fn callers() -> Vec<Request> {
    let caller = |name, arn, service, context: &[(&'static str, &'static str)]| Request {
        name,
        arn,
        service,
        context: context.iter().map(|(key, value)| (*key, vec![*value])).collect(),
        action: "s3:GetObject",
        resource: "arn:aws:s3:::acme/a",
    };
    let people = [
        caller(
            "anonymous",
            None,
            false,
            &[("aws:principalaccount", "anonymous"), ("aws:userid", "anonymous"), ("aws:sourceip", "198.51.100.7")],
        ),
        caller(
            "anonymous in a VPC",
            None,
            false,
            &[
                ("aws:principalaccount", "anonymous"),
                ("aws:userid", "anonymous"),
                ("aws:sourcevpc", "vpc-evil"),
                ("aws:sourcevpce", "vpce-evil"),
                ("aws:vpcsourceip", "10.0.0.1"),
            ],
        ),
        caller(
            "anonymous at the office",
            None,
            false,
            &[("aws:principalaccount", "anonymous"), ("aws:userid", "anonymous"), ("aws:sourceip", "203.0.113.9")],
        ),
        caller(
            "stranger",
            Some("arn:aws:iam::999999999999:role/acme"),
            false,
            &[
                ("aws:principalaccount", "999999999999"),
                ("aws:principalarn", "arn:aws:iam::999999999999:role/acme"),
                ("aws:userid", "AROAEVILEVILEVIL:s"),
                ("aws:principalisawsservice", "false"),
                ("aws:viaawsservice", "true"),
                ("aws:sourceip", "198.51.100.7"),
            ],
        ),
        caller(
            "stranger in an organization",
            Some("arn:aws:iam::999999999999:user/x"),
            false,
            &[
                ("aws:principalaccount", "999999999999"),
                ("aws:principalarn", "arn:aws:iam::999999999999:user/x"),
                ("aws:userid", "AIDAEVILEVILEVIL"),
                ("aws:principalisawsservice", "false"),
                ("aws:principalorgid", "o-evil"),
                ("aws:principalorgpaths", "o-evil/r-1/ou-1/"),
                ("aws:sourcevpc", "vpc-evil"),
                ("aws:sourcevpce", "vpce-evil"),
                ("aws:viaawsservice", "false"),
            ],
        ),
        caller(
            "partner",
            Some("arn:aws:iam::222233334444:user/bob"),
            false,
            &[
                ("aws:principalaccount", "222233334444"),
                ("aws:principalarn", "arn:aws:iam::222233334444:user/bob"),
                ("aws:userid", "AIDABOBBOBBOBBOB"),
                ("aws:principalisawsservice", "false"),
                ("aws:principalorgid", "o-acme"),
                ("aws:principalorgpaths", "o-acme/r-1/ou-2/"),
                ("aws:sourceip", "203.0.113.9"),
            ],
        ),
        caller(
            "own role",
            Some("arn:aws:iam::111122223333:role/r"),
            false,
            &[
                ("aws:principalaccount", "111122223333"),
                ("aws:principalarn", "arn:aws:iam::111122223333:role/r"),
                ("aws:userid", "AROAOWNOWNOWNOWN:s"),
                ("aws:principalisawsservice", "false"),
                ("aws:principalorgid", "o-acme"),
                ("aws:principalorgpaths", "o-acme/r-1/"),
                ("aws:sourcevpc", "vpc-1"),
                ("aws:sourcevpce", "vpce-1"),
                ("aws:viaawsservice", "false"),
            ],
        ),
        caller(
            "SNS for the owner",
            Some("sns.amazonaws.com"),
            true,
            &[
                ("aws:principalisawsservice", "true"),
                ("aws:sourceaccount", "111122223333"),
                ("aws:sourcearn", "arn:aws:sns:eu-west-1:111122223333:t"),
                ("aws:sourceorgid", "o-acme"),
            ],
        ),
        caller(
            "SNS for a stranger",
            Some("sns.amazonaws.com"),
            true,
            &[
                ("aws:principalisawsservice", "true"),
                ("aws:sourceaccount", "999999999999"),
                ("aws:sourcearn", "arn:aws:sns:eu-west-1:999999999999:t"),
            ],
        ),
        caller(
            "S3 for a bucket",
            Some("s3.amazonaws.com"),
            true,
            &[
                ("aws:principalisawsservice", "true"),
                ("aws:sourcearn", "arn:aws:s3:::logs"),
                ("aws:sourceaccount", "111122223333"),
            ],
        ),
    ];
    let lists = |caller: &Request| Request { action: "s3:ListBucket", resource: "arn:aws:s3:::acme", ..caller.clone() };
    let deep = |caller: &Request| Request { resource: "arn:aws:s3:::acme/secret/b", ..caller.clone() };
    people.iter().flat_map(|caller| [caller.clone(), lists(caller), deep(caller)]).collect()
}

#[test]
fn the_oracle_knows_the_basics() {
    let callers = callers();
    let anonymous = &callers[0];
    assert!(allows(&[allow(&json!({}))], anonymous));
    assert!(!allows(
        &[allow(&json!({})), deny(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}))],
        anonymous
    ));
    assert!(allows(&[allow(&json!({})), deny(&json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}))], anonymous));
    assert!(allows(&[allow(&json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}))], anonymous));
    assert!(!allows(&[allow(&json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}))], anonymous));
}
