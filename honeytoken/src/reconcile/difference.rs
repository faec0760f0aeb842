//! `difference`: something that the registry and IAM do not say alike.

use std::fmt;

use common::arn::Arn;
use common::id::AccountId;
use common::record::Token;
use serde::Serialize;

use crate::iam::list::{Listed, ListedKey};

/// A difference, and what `--apply` does about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    /// `difference`.
    kind: &'static str,
    /// What differs.
    pub(crate) what: What,
    pub(crate) account: AccountId,
    /// `global`, as for all of IAM.
    region: &'static str,
    /// `iam_user`.
    r#type: &'static str,
    /// The user's name.
    pub(crate) id: String,
    pub(crate) arn: Arn,
    /// The token's id in the registry; of a user whom the registry does not know, what its tag says.
    pub(crate) token: String,
    /// The access key id, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// What the registry says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry: Option<String>,
    /// What IAM says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) iam: Option<String>,
    /// What `--apply` does.
    pub(crate) apply: Mend,
    /// With `--apply`: whether it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mended: Option<bool>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The user and its keys, as they were seen.
    #[serde(skip)]
    pub(crate) seen: Option<(Listed, Vec<ListedKey>)>,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Nothing keeps the token's user from doing what it is allowed to.
    GuardMissing,
    /// The token's user is not in IAM.
    UserMissing,
    /// A user has a token's tag, and is not in the registry.
    UserUnknown,
    /// The registry says that the user was deleted, and it is there.
    UserUndeleted,
    /// The user has another name by now.
    UserRenamed,
    /// The registry does not know the user's unique id.
    IdUnknown,
    /// The user has a key that is not in the registry.
    KeyUnknown,
    /// A key of the registry's is not in IAM.
    KeyMissing,
    /// A key is active here, and not there.
    KeyStatus,
    /// The token is not in the state that its keys say.
    State,
    /// The token is being made or deleted, and nobody is at it.
    Stuck,
    /// Something was begun with the token, and did not come to its end.
    Unfinished,
}

/// What is done about a difference, in the order in which it is done: before anything else guards are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mend {
    /// The guard is put back.
    RestoreGuard,
    /// What was begun is brought to its end.
    Finish,
    /// The registry learns the user's name, ARN and unique id.
    LearnUser,
    /// The registry learns of the key: it may be planted, where the registry is an older copy.
    LearnKey,
    /// The registry learns what has become of the key.
    SetKey,
    /// The registry learns what has become of the token, and of keys that it does not know.
    SetToken,
    /// The user is guarded, and taken into the registry.
    Adopt,
    /// The token's user is deleted.
    Delete,
    /// Nothing: somebody has to look at it.
    None,
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::GuardMissing => "its guard is missing",
            Self::UserMissing => "its user is not in IAM",
            Self::UserUnknown => "a user with a token's tag is not in the registry",
            Self::UserUndeleted => "its user was deleted, and is there",
            Self::UserRenamed => "its user has another name",
            Self::IdUnknown => "the registry does not know its user's unique id",
            Self::KeyUnknown => "its user has a key that is not in the registry",
            Self::KeyMissing => "a key is not in IAM",
            Self::KeyStatus => "a key is not as the registry says",
            Self::State => "it is not in the state that its keys say",
            Self::Stuck => "it is being made or deleted, and nobody is at it",
            Self::Unfinished => "something was begun with it, and did not come to its end",
        })
    }
}

impl Difference {
    /// A difference that is about a token.
    pub(crate) fn of(token: &Token, what: What, apply: Mend) -> Self {
        Self {
            kind: "difference",
            what,
            account: token.account.clone(),
            region: "global",
            r#type: "iam_user",
            id: token.id.clone(),
            arn: token.arn.clone(),
            token: token.token.clone(),
            key: None,
            registry: None,
            iam: None,
            apply,
            mended: None,
            error: None,
            seen: None,
        }
    }

    /// A user that the registry does not know.
    pub(crate) fn stranger(account: &AccountId, user: &Listed, tag: &str, apply: Mend) -> Self {
        Self {
            kind: "difference",
            what: What::UserUnknown,
            account: account.clone(),
            region: "global",
            r#type: "iam_user",
            id: user.name.clone(),
            arn: user.arn.clone(),
            token: tag.to_owned(),
            key: None,
            registry: None,
            iam: Some(user.principal_id.clone()),
            apply,
            mended: None,
            error: None,
            seen: None,
        }
    }

    /// About this key.
    pub(crate) fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// What the two say.
    pub(crate) fn saying(self, registry: Option<&str>, iam: Option<&str>) -> Self {
        Self { registry: registry.map(str::to_owned), iam: iam.map(str::to_owned), ..self }
    }

    /// With what was seen.
    pub(crate) fn seen(self, user: &Listed, keys: &[ListedKey]) -> Self {
        Self { seen: Some((user.clone(), keys.to_vec())), ..self }
    }
}
