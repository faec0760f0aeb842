//! Tags that resources must have.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::id::AccountId;
use crate::resource::ResourceType;

/// A tag that must be there: in the settings a name, or a table that says more, and on the command line `Name` or
/// `Name=value|value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredTag {
    /// Its name, which counts in any case: AWS tells `Owner` and `owner` apart, but the people who set them do not.
    pub name: String,
    /// The values that it may have; empty: any, the empty one too.
    pub values: Vec<String>,
    /// The types that must have it; empty: all that have tags.
    pub types: Vec<ResourceType>,
    /// The accounts whose resources must have it; empty: all.
    pub accounts: Vec<AccountId>,
}

impl RequiredTag {
    /// Whether resources of this type in this account must have it.
    pub fn applies_to(&self, kind: ResourceType, account: &AccountId) -> bool {
        (self.types.is_empty() || self.types.contains(&kind))
            && (self.accounts.is_empty() || self.accounts.contains(account))
    }
}

impl fmt::Display for RequiredTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        if self.values.is_empty() { Ok(()) } else { write!(out, "={}", self.values.join("|")) }
    }
}

/// A text that names no tag. The original framework read an empty list as one that requires a tag without a name, which
/// nothing has, and so stopped everything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a required tag needs a name: `Name`, or `Name=value|value`")]
pub struct RequiredTagError;

impl FromStr for RequiredTag {
    type Err = RequiredTagError;

    fn from_str(text: &str) -> Result<Self, RequiredTagError> {
        let (name, values) = match text.split_once('=') {
            Some((name, values)) => (name, values.split('|').map(|value| value.trim().to_owned()).collect()),
            None => (text, Vec::new()),
        };
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(RequiredTagError);
        }
        Ok(Self { name, values, types: Vec::new(), accounts: Vec::new() })
    }
}

/// The table that says more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    accounts: Vec<AccountId>,
}

impl<'de> Deserialize<'de> for RequiredTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = RequiredTag;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a tag's name, or a table with `name`, `values`, `types` and `accounts`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RequiredTag, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<RequiredTag, M::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                if table.name.trim().is_empty() {
                    return Err(de::Error::custom(RequiredTagError));
                }
                let types: Result<_, _> = table.types.iter().map(|name| name.parse()).collect();
                Ok(RequiredTag {
                    name: table.name.trim().to_owned(),
                    values: table.values,
                    types: types.map_err(de::Error::custom)?,
                    accounts: table.accounts,
                })
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        required_tags: Vec<RequiredTag>,
    }

    fn read(text: &str) -> Result<Vec<RequiredTag>, String> {
        let file: Result<File, _> = toml::from_str(&format!("required_tags = {text}"));
        file.map(|file| file.required_tags).map_err(|error| error.to_string())
    }

    #[test]
    fn a_tag_is_a_name_or_a_table() {
        let tags = read(
            r#"["Owner", "Stage=prod|test", {name = "Cost", values = ["1", ""], types = ["rds"], accounts = ["111122223333"]}]"#,
        )
        .unwrap();
        assert_eq!(tags[0], "Owner".parse().unwrap());
        assert_eq!(tags[1].values, ["prod", "test"]);
        assert_eq!(tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Owner", "Stage=prod|test", "Cost=1|"]);
        let (ours, theirs) = ("111122223333".parse().unwrap(), "444455556666".parse().unwrap());
        assert!(tags[0].applies_to(ResourceType::Ec2, &theirs));
        assert!(tags[2].applies_to(ResourceType::Rds, &ours));
        assert!(!tags[2].applies_to(ResourceType::Rds, &theirs));
        assert!(!tags[2].applies_to(ResourceType::Ec2, &ours));
        assert_eq!(read("[]").unwrap(), []);
    }

    #[test]
    fn a_tag_without_a_name_is_refused_instead_of_required() {
        for (text, says) in [
            (r#"[""]"#, "needs a name"),
            (r#"["=prod"]"#, "needs a name"),
            (r#"[{name = " "}]"#, "needs a name"),
            (r#"[{values = ["a"]}]"#, "missing field `name`"),
            (r#"[{name = "a", type = ["rds"]}]"#, "unknown field `type`"),
            (r#"[{name = "a", types = ["rdss"]}]"#, "`rdss` is not a resource type"),
            ("[1]", "a tag's name, or a table"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
