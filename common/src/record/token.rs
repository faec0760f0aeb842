//! `token`: a decoy, as the registry of `honeytoken` knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind;
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(TokenKind = "token");

/// A decoy: an IAM user that nobody has a use for, and its access keys. It is a reference to that user, too. There is never a
/// secret in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Token {
    /// `token`.
    #[serde(default)]
    pub kind: TokenKind,
    /// Its id in the registry.
    pub token: String,
    /// What has become of it.
    pub state: TokenState,
    /// The account that the user is in.
    pub account: AccountId,
    /// `global`, as for all of IAM.
    pub region: Region,
    /// `iam_user`.
    pub r#type: String,
    /// The user's name.
    pub id: String,
    /// The user's ARN.
    pub arn: Arn,
    /// The user's unique id, `AIDA...`; absent until IAM has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// What keeps the user from doing anything.
    pub guard: Guard,
    /// Whose it is.
    #[serde(default)]
    pub owner: String,
    /// Where it is meant to lie.
    #[serde(default)]
    pub location: String,
    /// What people should know of it.
    #[serde(default)]
    pub notes: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its access keys, the oldest first.
    #[serde(default)]
    pub keys: Vec<TokenKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When `honeytoken expire` found that its time was over. It is watched all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Timestamp>,
    /// Since when it says nothing any more, for its keys were deactivated or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_since: Option<Timestamp>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planted: Vec<Planting>,
    /// Its last drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// What it has told so far, drills aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired: Option<Fired>,
}

/// One of a decoy's access keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenKey {
    /// The access key id, `AKIA...`.
    pub id: String,
    /// What has become of it.
    pub status: KeyStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Its last use that IAM told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<LastUsed>,
}

/// The last use of a key, as `iam:GetAccessKeyLastUsed` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastUsed {
    /// When, give or take some minutes.
    pub at: Timestamp,
    /// The service, such as `s3`.
    pub service: String,
    /// The region.
    pub region: String,
}

/// A place where a key lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Planting {
    /// The access key id.
    pub key: String,
    /// The host's name; empty where nobody said.
    #[serde(default)]
    pub host: String,
    /// The file.
    pub path: String,
    /// The profile in it.
    #[serde(default)]
    pub profile: String,
    /// Since when.
    pub at: Timestamp,
}

/// A drill: the decoy was used on purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drill {
    /// When.
    pub at: Timestamp,
    /// After how many seconds it was noticed; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_seconds: Option<f64>,
}

/// What a decoy has told so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fired {
    /// How many events there were.
    pub events: u64,
    /// How many of these were of callers who are allowed for.
    #[serde(default)]
    pub suppressed: u64,
    /// The first, by the event's own time.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

/// Enums that are one word in records, in the registry and on the command line.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $what:literal { $( $(#[$doc:meta])* $variant:ident = $word:literal, )+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $( $(#[$doc])* #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in records.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|it| it.name() == word).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
                    format!("`{}` is not {}: {}", word.escape_default(), $what, names.join(", "))
                })
            }
        }
    };
}

words! {
    /// What has become of a decoy.
    TokenState, "a state" {
        /// Its user is being made: nobody has its secret yet.
        Creating = "creating",
        /// It has an active key.
        Active = "active",
        /// Its keys were deactivated: a use of them leaves no trace.
        Disabled = "disabled",
        /// Its user is being deleted.
        Deleting = "deleting",
        /// Its user is gone. What the registry knows stays, for events that come late.
        Deleted = "deleted",
    }
}

words! {
    /// What has become of an access key.
    KeyStatus, "a status" {
        /// It was made, and whether anybody got its secret is not known.
        Unconfirmed = "unconfirmed",
        /// It can be used.
        Active = "active",
        /// It was deactivated.
        Inactive = "inactive",
        /// It is gone.
        Deleted = "deleted",
    }
}

words! {
    /// What keeps a decoy's user from doing anything.
    Guard, "a guard" {
        /// An inline policy that denies everything.
        Inline = "inline",
        /// A group whose policy denies everything.
        Group = "group",
        /// A permissions boundary that allows nothing.
        Boundary = "boundary",
        /// Nothing but that nothing is allowed: for an account in which there is nothing else.
        None = "none",
    }
}

impl TokenState {
    /// Whether the user is in the account, as far as is known.
    pub const fn is_there(self) -> bool {
        !matches!(self, Self::Deleted)
    }
}

impl Token {
    /// Whether its time is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The path of its user, `/` or `/team/`: a part of the ARN.
    pub fn path(&self) -> &str {
        let resource = self.arn.resource.strip_prefix("user").unwrap_or(&self.arn.resource);
        resource.strip_suffix(self.id.as_str()).unwrap_or(resource)
    }
}
