//! Policies and whom they let in.

mod conditions;
mod denies;
mod documented;
mod laws;
mod oracle;
mod strict;
mod transport;

use serde_json::{Value, json};

use super::*;

/// The resource of most rows.
const BUCKET: Owner<'static> = Owner { account: "111122223333", arn: "arn:aws:s3:::acme" };
const QUEUE: Owner<'static> = Owner { account: "111122223333", arn: "arn:aws:sqs:eu-west-1:111122223333:jobs" };

fn document(statements: &Value) -> Document {
    Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

/// The grantees as short texts, in the order of the statements: `0 public`, `1 account 222233334444`.
fn grantees(statements: &Value, owner: &Owner<'_>) -> Vec<String> {
    shown(&evaluate(&document(statements), owner))
}

fn shown(access: &Access) -> Vec<String> {
    access.grants.iter().map(|grant| format!("{} {}", grant.statement, short(&grant.grantee))).collect()
}

fn short(grantee: &Grantee) -> String {
    let with = |kind: &str, id: &str, more: Option<&String>| {
        more.map_or_else(|| format!("{kind} {id}"), |more| format!("{kind} {id} {more}"))
    };
    match grantee {
        Grantee::Public => "public".to_owned(),
        Grantee::Network { key, value } => format!("network {key}={value}"),
        Grantee::Restricted { key, .. } => format!("restricted {key}"),
        Grantee::AccessPoint { account } => format!("access point {account}"),
        Grantee::UniqueId { id } => format!("unique {id}"),
        Grantee::Organization { id, path } => with("organization", id, path.as_ref()),
        Grantee::Account { id, principal } => with("account", id, principal.as_ref()),
        Grantee::Own { principal } => principal.as_ref().map_or_else(|| "own".to_owned(), |who| format!("own {who}")),
        Grantee::Federated { provider, .. } => format!("federated {provider}"),
        Grantee::CanonicalUser { id } => format!("canonical {id}"),
        Grantee::OriginAccessIdentity { id } => format!("oai {id}"),
        Grantee::Deleted { id } => format!("deleted {id}"),
        Grantee::Service { name, source } => {
            let name = name.as_deref().unwrap_or("any");
            match source {
                None => format!("service {name}"),
                Some(Source::Account(id)) => format!("service {name} for account {id}"),
                Some(Source::Organization(id)) => format!("service {name} for organization {id}"),
                Some(Source::Resource(arn)) => format!("service {name} for {arn}"),
                Some(Source::Token) => format!("service {name} for a token"),
            }
        }
    }
}

/// `Allow * s3:GetObject` on the bucket's objects under a condition.
fn allow(condition: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*", "Condition": condition})
}

fn deny(condition: &Value) -> Value {
    json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*",
           "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"], "Condition": condition})
}

#[track_caller]
fn check(rows: &[(&str, Value, &[&str])], owner: &Owner<'_>) {
    for (name, statements, expected) in rows {
        assert_eq!(grantees(statements, owner), *expected, "{name}");
    }
}
