//! Grants of an ACL, which go out one by one.

use common::action::{Change, Grants};
use common::record::Resource;
use common::resource::{AccessControlPolicy, Bucket, Grant, Grantee};

use super::{BucketPlan, set_acl};
use crate::actions::{Planned, Refusal};

/// The permissions of an ACL: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>.
const PERMISSIONS: [&str; 5] = [FULL_CONTROL, "READ", "WRITE", "READ_ACP", "WRITE_ACP"];

/// All of the others at once.
const FULL_CONTROL: &str = "FULL_CONTROL";

/// Takes out exactly what is named.
pub(super) fn remove(resource: &Resource<Bucket>, unwanted: &Grants) -> BucketPlan {
    if let Some(odd) = unwanted.permissions.iter().find(|name| !PERMISSIONS.contains(&name.as_str())) {
        let why = format!("`{odd}` in `Permissions` is none of an ACL: name {}", PERMISSIONS.join(", "));
        return Err(Refusal::Impossible(why));
    }
    let owner = resource.config.owner.as_ref().map(|owner| owner.id.as_str());
    let named = |grantee: &Grantee| match &unwanted.principal {
        Some(principal) => is(grantee, principal),
        None => grantee.id.is_none() || grantee.id.as_deref() != owner,
    };
    let all = unwanted.permissions.is_empty();
    let has = |permission: &String| all || unwanted.permissions.contains(permission);
    let now = resource.config.access_control_policy();
    let (gone, kept): (Vec<Grant>, Vec<Grant>) =
        now.grants.iter().cloned().partition(|grant| named(&grant.grantee) && has(&grant.permission));
    // Else it would read as taken away, and be had all the same.
    if kept.iter().any(|grant| named(&grant.grantee) && grant.permission == FULL_CONTROL) {
        let why = format!("what is to go is had by a grant of {FULL_CONTROL} too: name that as well");
        return Err(Refusal::Impossible(why));
    }
    if gone.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    set_acl(resource, &Change { from: now.clone(), to: AccessControlPolicy { grants: kept, ..now } })
}

/// Whether a grantee is the one of this URI, canonical id or address.
fn is(grantee: &Grantee, principal: &str) -> bool {
    let same = |uri: &String| uri.trim_end_matches('/').eq_ignore_ascii_case(principal.trim_end_matches('/'));
    grantee.uri.as_ref().is_some_and(same)
        || grantee.id.as_deref() == Some(principal)
        || grantee.email_address.as_deref() == Some(principal)
}

#[cfg(test)]
mod tests {
    use common::action::Action;

    use super::super::tests::bucket;
    use super::*;
    use crate::actions::tests::{after, needs, planned};

    #[test]
    fn exactly_the_grants_that_are_named_go() {
        const LOGS: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
        let left = |principal: Option<&str>, permissions: &[&str], bucket: &Resource<Bucket>| {
            let grants = Grants {
                principal: principal.map(str::to_owned),
                permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
            };
            planned(&Action::S3RemoveGrants(grants), bucket).map(|plan| {
                let after: Resource<Bucket> = after(&plan);
                let grants = after.config.grants.into_iter();
                let mut left: Vec<String> = grants.map(|it| it.grantee.uri.or(it.grantee.id).unwrap()).collect();
                left.sort();
                left
            })
        };
        let owner = bucket().config.owner.unwrap().id;
        let owner = owner.as_str();
        let (all, accounts) = (Grantee::ALL_USERS, Grantee::AUTHENTICATED_USERS);
        let rows: [(Option<&str>, &[&str], &[&str]); 8] = [
            (None, &[], &[owner]),
            (None, &["READ", "READ_ACP"], &[LOGS, owner]),
            (Some(all), &[], &[accounts, LOGS, owner]),
            (Some(&all.to_uppercase()), &["READ"], &[accounts, LOGS, owner]),
            (Some(all), &["WRITE"], &[all, accounts, LOGS, owner]),
            (Some(LOGS), &["READ", "WRITE"], &[all, accounts, owner]),
            (Some(owner), &[], &[all, accounts, LOGS]),
            (Some("nobody"), &[], &[all, accounts, LOGS, owner]),
        ];
        for (principal, permissions, expected) in rows {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(left(principal, permissions, &bucket()).unwrap(), expected, "{principal:?} {permissions:?}");
        }
        let odd = left(None, &["READS"], &bucket());
        assert!(matches!(odd, Err(Refusal::Impossible(why)) if why.contains("`READS`")));
        // Who has all of them has that one, too.
        let mut full = bucket();
        for grant in &mut full.config.grants {
            grant.permission = "FULL_CONTROL".into();
        }
        let refused = left(Some(all), &["READ"], &full);
        assert!(matches!(refused, Err(Refusal::Impossible(why)) if why.contains("FULL_CONTROL")));
        assert_eq!(left(None, &["FULL_CONTROL"], &full).unwrap(), [owner]);
        for field in ["Owner", "Grants"] {
            assert!(needs(&Action::S3RemoveGrants(Grants::default()), bucket(), field), "{field}");
        }
    }
}
