//! Krampus's account map: whom an account belongs to.
//!
//! A JSON array of `{"AccountName", "AccountNumber", "ContactEmail", "SlackChannel"}`, in a file or in S3. What Krampus's
//! own example had is taken as it is: commas before a closing bracket, numbers with or without quotes. An entry that is
//! not understood costs nobody but itself.

use std::collections::BTreeMap;

use common::cli::Failure;
use common::document::{Object, Place};
use common::id::AccountId;
use serde::Deserialize;
use serde_json::Value;

use crate::channels::address::Address;
use crate::session::Caller;

/// An account number has so many digits; one that was written as a number has lost its zeros.
const DIGITS: usize = 12;

/// Whom an account belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    /// What people call the account.
    pub(crate) name: Option<String>,
    /// Addresses.
    pub(crate) mail: Vec<String>,
    /// A Slack channel.
    pub(crate) slack: Option<String>,
}

/// The map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountMap {
    /// By account.
    pub(crate) owners: BTreeMap<AccountId, Owner>,
    /// What was not understood, each with its place in the map.
    pub(crate) mistakes: Vec<String>,
}

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountMapError {
    #[error("cannot read the account map {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("cannot read the account map: {0}")]
    Aws(#[from] common::aws::AwsError),
    #[error("the account map {0} is not UTF-8")]
    NotText(Place),
    #[error("cannot understand the account map {place}: {error}")]
    NotJson { place: Place, error: serde_json::Error },
}

impl From<AccountMapError> for Failure {
    fn from(error: AccountMapError) -> Self {
        Self::Start(error.to_string())
    }
}

/// An entry as it is written. Other fields are other people's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    account_number: Value,
    account_name: Option<String>,
    contact_email: Option<String>,
    slack_channel: Option<String>,
}

impl AccountMap {
    /// Reads the map, once for a run.
    pub(crate) async fn read(place: &Place, caller: &Caller) -> Result<Self, Failure> {
        let bytes = match place {
            Place::File(path) => std::fs::read(path)
                .map_err(|error| AccountMapError::Read { path: path.display().to_string(), error })?,
            Place::S3(Object { bucket, key }) => {
                let session = caller.session().await?;
                let file = common::aws::Bucket::find(&session, bucket).whole(key).await;
                file.map_err(AccountMapError::from)?
            }
        };
        let text = String::from_utf8(bytes).map_err(|_| AccountMapError::NotText(place.clone()))?;
        Ok(Self::parse(&text).map_err(|error| AccountMapError::NotJson { place: place.clone(), error })?)
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let entries: Vec<Value> = serde_json::from_str(&without_trailing_commas(text))?;
        let mut map = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            match owner(entry) {
                Ok((account, owner)) => {
                    if let Some(before) = map.owners.get(&account) {
                        if *before != owner {
                            map.mistakes.push(format!("entry {}: {account} was there before, which counts", index + 1));
                        }
                    } else {
                        map.owners.insert(account, owner);
                    }
                }
                Err(why) => map.mistakes.push(format!("entry {}: {why}", index + 1)),
            }
        }
        Ok(map)
    }
}

fn owner(entry: Value) -> Result<(AccountId, Owner), String> {
    let Written { account_number, account_name, contact_email, slack_channel } =
        serde_json::from_value(entry).map_err(|error| error.to_string())?;
    let number = match &account_number {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err("`AccountNumber` is neither a text nor a whole number".to_owned()),
    };
    // As the console shows it: 1111-2222-3333.
    let digits: String = number.chars().filter(|character| *character != '-').collect();
    let account = format!("{digits:0>DIGITS$}");
    let account = account.parse().ok().filter(|_| !digits.is_empty());
    let account = account.ok_or_else(|| format!("`{number}` is no account number: twelve digits are expected"))?;
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut mail = Vec::new();
    for address in contact_email.unwrap_or_default().split([',', ';']).filter(|address| !address.trim().is_empty()) {
        address.parse::<Address>().map_err(|error| error.to_string())?;
        mail.push(address.trim().to_owned());
    }
    Ok((account, Owner { name: text(account_name), mail, slack: text(slack_channel) }))
}

/// The same JSON without the commas that stand before a closing bracket; a space stands in place of each, so that an
/// error's line and column stay.
fn without_trailing_commas(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let mut bytes = text.as_bytes().to_vec();
    let (mut in_string, mut escaped, mut comma) = (false, false, None);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            (in_string, escaped) = match byte {
                _ if escaped => (true, false),
                b'\\' => (true, true),
                byte => (byte != b'"', false),
            };
            continue;
        }
        match byte {
            b',' => comma = Some(at),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b']' | b'}' => {
                if let Some(place) = comma.take().and_then(|comma: usize| bytes.get_mut(comma)) {
                    *place = b' ';
                }
            }
            byte => (comma, in_string) = (None, byte == b'"'),
        }
    }
    // Only commas became spaces.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> AccountMap {
        AccountMap::parse(text).unwrap()
    }

    #[test]
    fn an_account_has_a_name_and_people() {
        let map = parse(
            r##"[
            {"AccountName": "web", "AccountNumber": "111122223333", "ContactEmail": "web@acme.example", "SlackChannel": "#web"},
            {"AccountName": " ", "AccountNumber": 1234567890, "Cost": {"center": [1]}, "SlackChannel": null},
            {"AccountNumber": "0000-1111-2222", "ContactEmail": "a@b.example; c@d.example,e@f.example"}
            ]"##,
        );
        assert_eq!(map.mistakes, [""; 0]);
        let owner = |account: &str| map.owners[&account.parse().unwrap()].clone();
        let web = Owner { name: Some("web".into()), mail: vec!["web@acme.example".into()], slack: Some("#web".into()) };
        assert_eq!(owner("111122223333"), web);
        assert_eq!(owner("001234567890"), Owner::default());
        assert_eq!(owner("000011112222").mail, ["a@b.example", "c@d.example", "e@f.example"]);
    }

    #[test]
    fn a_bad_entry_costs_only_itself() {
        let map = parse(
            r#"[{"AccountNumber": "acme"}, {"AccountName": "no number"}, {"AccountNumber": "111122223333"}, 7,
            {"AccountNumber": "444455556666", "ContactEmail": "nobody"}, {"AccountNumber": true},
            {"AccountNumber": "1111222233334"}, {"AccountNumber": ""}, {"AccountNumber": -5},
            {"AccountNumber": "111122223333", "AccountName": "again"}]"#,
        );
        assert_eq!(map.owners.keys().map(AccountId::as_str).collect::<Vec<_>>(), ["111122223333"]);
        for (index, word) in [
            (1, "`acme`"),
            (2, "AccountNumber"),
            (4, ""),
            (5, "`nobody`"),
            (6, "neither"),
            (7, "1111222233334"),
            (8, "``"),
            (9, "neither"),
            (10, "before"),
        ] {
            let place = format!("entry {index}: ");
            assert!(
                map.mistakes.iter().any(|it| it.starts_with(&place) && it.contains(word)),
                "{place} {:?}",
                map.mistakes
            );
        }
    }

    #[test]
    fn commas_too_many_are_none() {
        for (text, count) in [
            ("[{\"AccountNumber\": \"111122223333\",},\n]", 1),
            ("[{\"AccountNumber\": \"111122223333\", \"AccountName\": \"a,]\\\",}\" , } , ]", 1),
            ("\u{feff}[ ]", 0),
            ("[ , ]", 0),
        ] {
            assert_eq!(parse(text).owners.len(), count, "{text}");
        }
        assert_eq!(
            parse(r#"[{"AccountNumber": 1, "AccountName": "a,]\",}é" , } , ]"#)
                .owners
                .into_values()
                .next()
                .unwrap()
                .name,
            Some("a,]\",}é".into())
        );
        for text in ["", "{}", "[,,]", "[{]", "nonsense", "[1"] {
            let error = AccountMap::parse(text).unwrap_err();
            assert!(error.to_string().contains("line"), "{text}: {error}");
        }
    }
}
