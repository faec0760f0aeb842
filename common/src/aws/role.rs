//! The role that is assumed in each account.

use crate::arn::Arn;
use crate::id::AccountId;

use super::start::StartError;

/// What stands for the account in a role's ARN.
const PLACEHOLDER: &str = "{account}";

/// A role as it was given: `NAME`, `path/NAME`, or an ARN, in which `{account}` stands for the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Path and name; partition and account come from elsewhere.
    Name(String),
    /// An ARN, with or without `{account}`.
    Arn(String),
}

impl Role {
    /// Reads a role, and says what is wrong with it before any account is asked.
    pub(super) fn parse(text: &str) -> Result<Self, StartError> {
        let fail = || StartError::Role(text.chars().take(200).collect());
        if text.starts_with("arn:") {
            let example: Arn = text.replace(PLACEHOLDER, "111122223333").parse().map_err(|_| fail())?;
            let name = example.resource.strip_prefix("role/").ok_or_else(fail)?;
            let fits = example.service == "iam" && example.account.parse::<AccountId>().is_ok() && is_role_name(name);
            return if fits { Ok(Self::Arn(text.to_owned())) } else { Err(fail()) };
        }
        let name = text.strip_prefix('/').unwrap_or(text);
        let name = name.strip_prefix("role/").unwrap_or(name);
        if is_role_name(name) { Ok(Self::Name(name.to_owned())) } else { Err(fail()) }
    }

    /// The role's ARN in an account. `None` when the role is that of one other account.
    pub(super) fn arn(&self, partition: &str, account: &AccountId) -> Option<String> {
        match self {
            Self::Name(name) => Some(format!("arn:{partition}:iam::{account}:role/{name}")),
            Self::Arn(arn) => {
                let arn = arn.replace(PLACEHOLDER, account.as_str());
                let parsed: Arn = arn.parse().ok()?;
                (parsed.account == account.as_str()).then_some(arn)
            }
        }
    }

    /// What a policy says of the role in all accounts.
    pub(super) fn everywhere(&self, partition: &str) -> String {
        match self {
            Self::Name(name) => format!("arn:{partition}:iam::*:role/{name}"),
            Self::Arn(arn) => arn.replace(PLACEHOLDER, "*"),
        }
    }

    /// The role as it was given.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Arn(text) => text,
        }
    }
}

/// The role that reads the organization: the ARN of one, since it is not clear in which account it would be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrgRole {
    /// The account that it is in.
    pub(super) account: AccountId,
    pub(super) arn: String,
}

impl OrgRole {
    /// Reads the ARN.
    pub(super) fn parse(text: &str) -> Result<Self, StartError> {
        let fail = || StartError::OrgRole(text.chars().take(200).collect());
        match Role::parse(text) {
            Ok(Role::Arn(arn)) if !arn.contains(PLACEHOLDER) => {
                let account = arn.parse::<Arn>().ok().and_then(|arn| arn.account.parse().ok()).ok_or_else(fail)?;
                Ok(Self { account, arn })
            }
            _ => Err(fail()),
        }
    }
}

/// Path and name of a role: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
fn is_role_name(text: &str) -> bool {
    text.len() <= 512 + 64
        && text.split('/').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_in_each_account_and_partition() {
        let account: AccountId = "111122223333".parse().unwrap();
        for (role, partition, arn) in [
            ("audit", "aws", "arn:aws:iam::111122223333:role/audit"),
            ("team/ops/audit", "aws-us-gov", "arn:aws-us-gov:iam::111122223333:role/team/ops/audit"),
            ("/team/audit", "aws", "arn:aws:iam::111122223333:role/team/audit"),
            ("role/audit", "aws-cn", "arn:aws-cn:iam::111122223333:role/audit"),
            ("arn:aws:iam::{account}:role/x/audit", "aws", "arn:aws:iam::111122223333:role/x/audit"),
            ("arn:aws:iam::111122223333:role/audit", "aws", "arn:aws:iam::111122223333:role/audit"),
            ("arn:aws:iam::{account}:role/audit-{account}", "aws", "arn:aws:iam::111122223333:role/audit-111122223333"),
        ] {
            assert_eq!(Role::parse(role).unwrap().arn(partition, &account).as_deref(), Some(arn), "{role}");
        }
    }

    #[test]
    fn a_policy_names_the_role_of_any_account() {
        for (role, arn) in [
            ("team/audit", "arn:aws-cn:iam::*:role/team/audit"),
            ("arn:aws:iam::{account}:role/audit", "arn:aws:iam::*:role/audit"),
            ("arn:aws:iam::111122223333:role/audit", "arn:aws:iam::111122223333:role/audit"),
        ] {
            assert_eq!(Role::parse(role).unwrap().everywhere("aws-cn"), arn);
        }
    }

    #[test]
    fn a_role_of_another_account_is_not_taken_for_this_one() {
        let role = Role::parse("arn:aws:iam::444455556666:role/audit").unwrap();
        assert_eq!(role.arn("aws", &"111122223333".parse().unwrap()), None);
    }

    #[test]
    fn the_organizations_role_is_one_of_one_account() {
        let arn = "arn:aws-cn:iam::111122223333:role/team/org-read";
        let role = OrgRole::parse(arn).unwrap();
        assert_eq!((role.account.as_str(), role.arn.as_str()), ("111122223333", arn));
        for bad in ["org-read", "arn:aws:iam::{account}:role/org-read", "arn:aws:iam::1:role/x", "a:b", ""] {
            let error = OrgRole::parse(bad).unwrap_err();
            assert!(matches!(&error, StartError::OrgRole(named) if named == bad), "{bad}: {error}");
        }
    }

    #[test]
    fn what_is_no_role_is_named() {
        for bad in [
            "",
            "/",
            "a//b",
            "a b",
            "a\n",
            "{account}",
            "arn:aws:iam::{account}:user/x",
            "arn:aws:sts::{account}:role/x",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam:::role/x",
            "arn:aws:iam::{account}:role/",
            "arn:aws",
        ] {
            assert!(matches!(Role::parse(bad), Err(StartError::Role(named)) if named == bad), "{bad}");
        }
    }
}
