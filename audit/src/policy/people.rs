//! Which people, and which workloads, a role's trust policy lets in.

use std::collections::BTreeSet;

use super::access::Grant;
use super::document::Document;
use super::evaluate::{Owner, evaluate};
use super::grantee::Grantee;
use super::principal::{Principal, Principals};
use super::wildcard;

/// How a principal in AWS assumes a role, and how one does whom a SAML provider vouches for.
const BY_PRINCIPAL: &str = "sts:assumerole";
const BY_SAML: &str = "sts:assumerolewithsaml";

/// Who gets into a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumers {
    /// Whom of those that a person may be: the account's own users, other accounts, and whoever signs in by SAML.
    ///
    /// Not services, not roles of the account's own (who is kept out of those does not come by them), and not web
    /// identities: clusters, pipelines and apps come by these. A role of IAM Identity Center counts as people, since the
    /// account cannot keep anybody out of it.
    pub people: BTreeSet<String>,
    /// The statements by which people get in.
    pub by: BTreeSet<usize>,
    /// The statements by which services and web identities do.
    pub workloads: BTreeSet<usize>,
}

/// Whom a trust policy lets assume its role.
pub fn assumers(document: &Document, owner: &Owner<'_>) -> Assumers {
    let mut found = Assumers::default();
    for grant in &evaluate(document, owner).grants {
        if let Some(person) = person(document, grant) {
            found.people.insert(person);
            found.by.insert(grant.statement);
        } else if is_workload_of(&grant.grantee) {
            found.workloads.insert(grant.statement);
        }
    }
    found
}

/// Whether it is AWS, or a cluster, a pipeline or an app, that comes in.
fn is_workload_of(grantee: &Grantee) -> bool {
    match grantee {
        Grantee::Service { .. } => true,
        Grantee::Federated { provider, .. } => !provider.contains(":saml-provider/"),
        _ => false,
    }
}

fn person(document: &Document, grant: &Grant) -> Option<String> {
    let (who, how) = match &grant.grantee {
        Grantee::Own { principal: None } => ("the account's users".to_owned(), BY_PRINCIPAL),
        Grantee::Own { principal: Some(arn) } if !is_workload(arn) => (arn.clone(), BY_PRINCIPAL),
        Grantee::Account { id, principal: None } => (format!("account {id}"), BY_PRINCIPAL),
        Grantee::Account { principal: Some(arn), .. } => (arn.clone(), BY_PRINCIPAL),
        Grantee::Organization { id, .. } => (format!("organization {id}"), BY_PRINCIPAL),
        Grantee::UniqueId { id } => (id.clone(), BY_PRINCIPAL),
        Grantee::Federated { provider, .. } if provider.contains(":saml-provider/") => (provider.clone(), BY_SAML),
        Grantee::Public | Grantee::Network { .. } | Grantee::Restricted { .. } if names_aws(document, grant) => {
            ("anyone".to_owned(), BY_PRINCIPAL)
        }
        _ => return None,
    };
    let assumes = |action: &String| action.starts_with("* except ") || wildcard::overlaps(&action.to_lowercase(), how);
    grant.actions.iter().any(assumes).then_some(who)
}

/// Whether one of the account's own principals is a role, which is closed by itself if people can assume it.
fn is_workload(arn: &str) -> bool {
    (arn.contains(":role/") || arn.contains(":assumed-role/"))
        && !arn.contains("/aws-reserved/")
        && !arn.contains(":assumed-role/AWSReservedSSO_")
}

/// Whether anyone is let in as a principal of AWS, and not as the customer of an identity provider that all share.
fn names_aws(document: &Document, grant: &Grant) -> bool {
    let statement = document.statements.iter().find(|statement| statement.index == grant.statement);
    statement.is_some_and(|statement| match &statement.principals {
        Principals::AllBut(_) => true,
        Principals::Only(list) => {
            list.iter().any(|principal| principal.is_everyone() || matches!(principal, Principal::Pattern(_)))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn who(statements: &Value) -> Vec<String> {
        let document = Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap();
        let owner = Owner { account: "111122223333", arn: "arn:aws:iam::111122223333:role/deploy" };
        assumers(&document, &owner).people.into_iter().collect()
    }

    fn trust(principal: &Value, action: &str) -> Value {
        json!({"Effect": "Allow", "Principal": principal, "Action": action})
    }

    #[test]
    fn people_are_users_other_accounts_and_saml() {
        const SAML: &str = "arn:aws:iam::111122223333:saml-provider/okta";
        const OIDC: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
        const SSO: &str = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0abc";
        let aws = |principal: &str| trust(&json!({"AWS": principal}), "sts:AssumeRole");
        let of_web = |provider: &str| trust(&json!({"Federated": provider}), "sts:AssumeRoleWithWebIdentity");
        let own_if = |condition: Value| json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole", "Condition": condition});
        let rows: &[(&str, Value, &[&str])] = &[
            ("the account", aws("111122223333"), &["the account's users"]),
            ("the account's root", aws("arn:aws:iam::111122223333:root"), &["the account's users"]),
            ("a user", aws("arn:aws:iam::111122223333:user/jane"), &["arn:aws:iam::111122223333:user/jane"]),
            ("a role", aws("arn:aws:iam::111122223333:role/ci"), &[]),
            ("a session", aws("arn:aws:sts::111122223333:assumed-role/ci/x"), &[]),
            ("a role of Identity Center", aws(SSO), &[SSO]),
            ("another account", aws("444455556666"), &["account 444455556666"]),
            (
                "a role of another account",
                aws("arn:aws:iam::444455556666:role/ci"),
                &["arn:aws:iam::444455556666:role/ci"],
            ),
            ("anyone", aws("*"), &["anyone"]),
            ("anyone, in another way", trust(&json!("*"), "sts:*"), &["anyone"]),
            (
                "an organization",
                json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole",
                       "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}}),
                &["organization o-acme"],
            ),
            ("SAML", trust(&json!({"Federated": SAML}), "sts:AssumeRoleWithSAML"), &[SAML]),
            ("a service", trust(&json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole"), &[]),
            ("a cluster", of_web(OIDC), &[]),
            ("anyone's identity pool", of_web("cognito-identity.amazonaws.com"), &[]),
            ("somebody who was deleted", aws("AIDAJQABLZS4A3QDU576Q"), &[]),
            ("no way in", trust(&json!({"AWS": "111122223333"}), "sts:TagSession"), &[]),
            ("another way in", trust(&json!({"AWS": "111122223333"}), "sts:AssumeRoleWithSAML"), &[]),
            (
                "all but tags",
                json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "NotAction": "sts:TagSession"}),
                &["the account's users"],
            ),
            (
                "a service and a person",
                json!([
                    trust(&json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole"),
                    trust(&json!({"AWS": ["arn:aws:iam::111122223333:role/ci", "444455556666"]}), "sts:AssumeRole"),
                ]),
                &["account 444455556666"],
            ),
            (
                "MFA keeps no person out",
                own_if(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
                &["the account's users"],
            ),
            (
                "the account's roles by a condition",
                own_if(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci-*"}})),
                &[],
            ),
            (
                "everyone is denied",
                json!([aws("111122223333"), {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}]),
                &[],
            ),
        ];
        for (name, statements, expected) in rows {
            assert_eq!(who(statements), *expected, "{name}");
        }
    }

    #[test]
    fn what_lets_people_in_is_told_from_what_lets_workloads_in() {
        let service = trust(&json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole");
        let cluster =
            trust(&json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/x"}), "sts:AssumeRoleWithWebIdentity");
        let person = trust(&json!({"AWS": "444455556666"}), "sts:AssumeRole");
        let both = trust(&json!({"AWS": "444455556666", "Service": "ec2.amazonaws.com"}), "sts:AssumeRole");
        for (statements, by, workloads) in [
            (json!([service, person]), &[1][..], &[0][..]),
            (json!([person, cluster]), &[0], &[1]),
            (json!([both]), &[0], &[0]),
            (json!([person]), &[0], &[]),
        ] {
            let document = Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap();
            let owner = Owner { account: "111122223333", arn: "arn:aws:iam::111122223333:role/deploy" };
            let Assumers { by: found, workloads: others, .. } = assumers(&document, &owner);
            let list = |set: BTreeSet<usize>| set.into_iter().collect::<Vec<_>>();
            assert_eq!((list(found), list(others)), (by.to_vec(), workloads.to_vec()), "{statements}");
        }
    }
}
