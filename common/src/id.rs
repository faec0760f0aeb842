//! Account ids and regions: checked when they are read, because they become parts of host names and role ARNs. A
//! region such as `x.example.com/` in a record would otherwise send signed requests to somebody else's host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is no account id or region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not twelve digits.
    #[error("`{0}` is not an account id: twelve digits are expected")]
    Account(String),
    /// Not a region's name.
    #[error("`{0}` is not a region: a name such as eu-west-1 (or `global`) is expected")]
    Region(String),
}

/// An AWS account id: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct AccountId(#[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9]{12}$")))] String);

impl AccountId {
    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Account(text.chars().take(40).collect()))
        }
    }
}

/// An AWS region's name, or `global` for what belongs to none (IAM, the account itself).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Region(#[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z0-9-]+$")))] String);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in records of resources that belong to no region.
    pub fn global() -> Self {
        Self("global".to_owned())
    }

    /// Whether this is [`Region::global`].
    pub fn is_global(&self) -> bool {
        self.0 == "global"
    }
}

impl FromStr for Region {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let shape = text.len() <= 32
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && (text == "global" || text.contains('-'));
        if shape { Ok(Self(text.to_owned())) } else { Err(IdError::Region(text.chars().take(40).collect())) }
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(AccountId);
text_id!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert!("111122223333".parse::<AccountId>().is_ok());
        for bad in ["", "11112222333", "1111222233334", "11112222333a", "１１１１２２２２３３３３", "acme"]
        {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_cannot_name_a_host_of_its_own() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-4", "global", "cn-north-1"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in ["", "eu", "EU-WEST-1", "eu-west-1.example.com", "eu-west-1/", "-eu", "a@b-1", "eu-west-1\n"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
