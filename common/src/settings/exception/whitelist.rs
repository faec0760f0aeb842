//! Whitelists of Krampus and of its Justice Engine, which are one file:
//! `{"Whitelist": {"<ARN>": "<why>"}, "whitelist": {"<pattern of ARNs>": "<why>"}}`.
//!
//! Krampus compares its ARNs letter by letter, the Justice Engine with `fnmatch`. Both go by the ARN that stands in the
//! task, which is not always the one that AWS gives the resource: a bucket's carries its region and account there, and a
//! pattern for a whole account (`arn:aws:*::123456789012:*`, as its documentation has it) leaves out the region.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{ARNS, Exception, ExceptionsError, Place};
use crate::arn::Arn;
use crate::record::Resource;
use crate::resource::ResourceType;
use crate::wildcard::{self, shell};

/// The reason of an entry that gives none.
const NO_REASON: &str = "whitelisted";

/// A file as it is written. Krampus's tools keep other things in theirs.
#[derive(Deserialize)]
struct File {
    #[serde(default, rename = "Whitelist")]
    exact: Option<Value>,
    #[serde(default)]
    whitelist: Option<Value>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

impl Exception {
    /// Reads a whitelist.
    ///
    /// # Errors
    ///
    /// Where any part of it is not understood, and where a key is no ARN or pattern of one: what it was to protect would be
    /// touched.
    pub fn load_whitelist(path: &Path) -> Result<Vec<Self>, ExceptionsError> {
        let fail = |why: String| ExceptionsError::Whitelist { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let File { exact, whitelist, others } = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        if let Some(name) = others.keys().find(|name| is_misspelt(name)) {
            return Err(fail(format!("it has `{name}`: write `Whitelist` (ARNs) or `whitelist` (patterns of ARNs)")));
        }
        if exact.is_none() && whitelist.is_none() {
            return Err(fail("it has neither `Whitelist` (ARNs) nor `whitelist` (patterns of ARNs)".to_owned()));
        }
        let mut exceptions = Vec::new();
        for (field, listed, check) in [
            ("Whitelist", exact, exact_arn as fn(&str) -> Result<(), &'static str>),
            ("whitelist", whitelist, pattern_of_arns),
        ] {
            for (key, reason) in entries(listed.unwrap_or_default()).map_err(|why| fail(format!("`{field}` {why}")))? {
                check(&key).map_err(|why| fail(format!("`{field}` has `{key}`, {why}")))?;
                let place = Some(Place { file: path.to_owned(), line: line_of(&key, text) });
                exceptions.push(Self { whitelist: Some(key), ..Self::because(reason, place) });
            }
        }
        Ok(exceptions)
    }
}

/// Whether an entry, of either kind, is about a resource: by the ARN that AWS gives it, by that with the resource's account
/// and with or without its region, and without wildcards by whatever ARN names the resource (a function's with an alias).
pub(super) fn covers<C>(pattern: &str, resource: &Resource<C>) -> bool {
    let arn = &resource.arn;
    if !shell::has_wildcard(pattern) {
        // Most have nothing to do with it.
        return pattern.contains(arn.resource_name()) && (names(pattern, resource) || matches(pattern, resource));
    }
    matches(pattern, resource)
}

fn matches<C>(pattern: &str, resource: &Resource<C>) -> bool {
    let in_region = |region: &str| {
        let account = resource.account.as_str().to_owned();
        Arn { region: region.to_owned(), account, ..resource.arn.clone() }
    };
    let region = if resource.region.is_global() { "" } else { resource.region.as_str() };
    let spelt = |arn: &Arn| shell::matches(pattern, &arn.to_string());
    spelt(&resource.arn) || spelt(&in_region(region)) || spelt(&in_region(""))
}

fn names<C>(arn: &str, resource: &Resource<C>) -> bool {
    let Ok(arn) = arn.parse::<Arn>() else { return false };
    let known = ResourceType::of_arn(&arn).is_some_and(|kind| kind.id_in(&arn).is_some());
    known && resource.reference().agrees_with(&arn).is_ok()
}

/// Whether some ARN is one that a pattern stands for.
pub(super) fn can_match(pattern: &str) -> bool {
    wildcard::overlaps(&shell::widened(pattern), ARNS)
}

fn pattern_of_arns(key: &str) -> Result<(), &'static str> {
    if can_match(key) { Ok(()) } else { Err("which is no ARN, nor a pattern of one") }
}

fn exact_arn(key: &str) -> Result<(), &'static str> {
    if shell::has_wildcard(key) {
        return Err("which is compared letter by letter: a pattern belongs under `whitelist`");
    }
    key.parse::<Arn>().map(drop).map_err(|_| "which is no ARN")
}

/// `{key: why}`, or a list of keys.
fn entries(listed: Value) -> Result<Vec<(String, String)>, String> {
    let reason = |why: &Value| match why {
        Value::Null => Ok(NO_REASON.to_owned()),
        Value::String(why) if why.trim().is_empty() => Ok(NO_REASON.to_owned()),
        Value::String(why) => Ok(why.clone()),
        other => Err(format!("gives {other} for a reason, which is no text")),
    };
    match listed {
        Value::Null => Ok(Vec::new()),
        Value::Object(entries) => entries.into_iter().map(|(key, why)| Ok((key, reason(&why)?))).collect(),
        Value::Array(keys) => keys
            .into_iter()
            .map(|key| match key {
                Value::String(key) => Ok((key, NO_REASON.to_owned())),
                other => Err(format!("has {other}, which is no text")),
            })
            .collect(),
        _ => Err("is neither an object, from ARN to reason, nor a list of ARNs".to_owned()),
    }
}

/// Whether a key was to be one of the two: a guard that was misspelt is a guard that is off.
fn is_misspelt(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    ["whitelist", "whitelists", "whitelisted", "allowlist"].contains(&letters.to_ascii_lowercase().as_str())
}

/// The line on which an entry stands, as far as its text can be found as it is.
fn line_of(key: &str, text: &str) -> u64 {
    let quoted = Value::from(key).to_string();
    let before = text.find(&quoted).map_or("", |at| &text[..at]);
    1 + memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;

    use super::*;

    fn load(content: &str) -> Result<Vec<Exception>, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sluice-whitelist-{}-{number}", std::process::id()));
        fs::write(&path, content).unwrap();
        let loaded = Exception::load_whitelist(&path);
        fs::remove_file(&path).unwrap();
        loaded.map_err(|error| {
            let text = error.to_string();
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            text
        })
    }

    fn resource(kind: &str, id: &str, region: &str, arn: &str) -> Resource<()> {
        serde_json::from_value(json!({
            "account": "111122223333", "region": region, "type": kind, "id": id, "arn": arn, "config": null,
        }))
        .unwrap()
    }

    #[test]
    fn both_spellings_are_read_with_their_reasons_and_lines() {
        let arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
        let both = format!(
            "\u{feff}{{\n \"_comments\": [],\n \"Whitelist\": {{\n  \"{arn}\": \"ours\",\n  \"arn:aws:s3:::b\": null\n }},\n \
             \"whitelist\": {{\"arn:aws:ec2:*:*:*\": \" \"}}\n}}"
        );
        let read: Vec<_> = load(&both)
            .unwrap()
            .into_iter()
            .map(|it| (it.whitelist.unwrap(), it.reason, it.place.unwrap().line))
            .collect();
        let row = |key: &str, reason: &str, line| (key.to_owned(), reason.to_owned(), line);
        assert_eq!(
            read,
            [row(arn, "ours", 4), row("arn:aws:s3:::b", NO_REASON, 5), row("arn:aws:ec2:*:*:*", NO_REASON, 7)]
        );
        for (list, entries) in [
            (json!({"Whitelist": [arn]}), 1),
            (json!({"whitelist": ["*", "arn:aws:iam::[!1]*:*"]}), 2),
            (json!({"Whitelist": {}}), 0),
            (json!({"whitelist": null, "Whitelist": []}), 0),
        ] {
            assert_eq!(load(&list.to_string()).map(|read| read.len()), Ok(entries), "{list}");
        }
    }

    #[test]
    fn an_entry_covers_what_the_original_would_have_left_alone() {
        let bucket = resource("s3_bucket", "acme", "eu-west-1", "arn:aws:s3:::acme");
        let user = resource("iam_user", "jane", "global", "arn:aws:iam::111122223333:user/team/jane");
        let instance = resource("ec2", "i-1", "eu-west-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
        let function =
            resource("lambda_function", "f", "eu-west-1", "arn:aws:lambda:eu-west-1:111122223333:function:f");
        let service = resource("ecs_service", "a/b", "eu-west-1", "arn:aws:ecs:eu-west-1:111122223333:service/a/b");
        let image = resource("ami", "ami-1", "eu-west-1", "arn:aws:ec2:eu-west-1::image/ami-1");
        let rows = [
            (&bucket, "arn:aws:s3:::acme", true),
            (&bucket, "arn:aws:s3:eu-west-1:111122223333:acme", true),
            (&bucket, "arn:aws:s3:eu-west-1:444455556666:acme", false),
            (&bucket, "arn:aws:s3:::acm", false),
            (&bucket, "arn:aws:s3:::acme-2", false),
            (&bucket, "arn:aws:s3:*:111122223333:*", true),
            (&bucket, "arn:aws:*::111122223333:*", true),
            (&bucket, "arn:aws:*::444455556666:*", false),
            (&user, "arn:aws:iam::111122223333:user/team/jane", true),
            (&user, "arn:aws:iam::111122223333:user/jane", true),
            (&user, "arn:aws:iam::111122223333:role/jane", false),
            (&user, "arn:aws:*::111122223333:*", true),
            (&user, "arn:aws:iam::*:user/*/[a-j]ane", true),
            (&user, "arn:aws:iam::*:user/*/[!a-j]ane", false),
            (&instance, "arn:aws:*::111122223333:*", true),
            (&instance, "arn:aws:ec2:*:*:*", true),
            (&instance, "arn:aws:ec2:us-*:*:*", false),
            (&instance, "arn:aws:ec2:eu-west-1:111122223333:instance/i-12", false),
            (&instance, "ARN:AWS:EC2:*:*:*", false),
            (&function, "arn:aws:lambda:eu-west-1:111122223333:function:f:live", true),
            (&function, "arn:aws:lambda:eu-west-1:111122223333:function:f2", false),
            (&image, "arn:aws:ec2:eu-west-1:111122223333:image/ami-1", true),
            // Without its cluster, an ARN names no service.
            (&service, "arn:aws:ecs:eu-west-1:111122223333:service/b", false),
            (&service, "*", true),
        ];
        for (resource, pattern, expected) in rows {
            let exception = Exception { whitelist: Some(pattern.to_owned()), ..Exception::because("x".into(), None) };
            for check in [None, Some("ec2_imdsv2")] {
                assert_eq!(exception.covers(resource, check), expected, "{pattern} {}", resource.arn);
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_it() {
        let rows = [
            ("", "EOF"),
            ("[]", "expected"),
            ("{\"Whitelist\": {\"arn:aws:s3:::b\": \"x\"}", "line 1"),
            ("{}", "neither `Whitelist` (ARNs) nor `whitelist`"),
            ("{\"tasks\": []}", "neither `Whitelist`"),
            ("{\"Whitelist\": {}, \"Whitelist\": {\"arn:aws:s3:::b\": \"x\"}}", "duplicate field `Whitelist`"),
            ("{\"Whitelist\": {}, \"WhiteList\": {\"arn:aws:s3:::b\": \"x\"}}", "it has `WhiteList`"),
            ("{\"white_list\": {}}", "it has `white_list`"),
            ("{\"Whitelist\": \"arn:aws:s3:::b\"}", "`Whitelist` is neither an object"),
            ("{\"Whitelist\": [7]}", "`Whitelist` has 7"),
            ("{\"Whitelist\": {\"arn:aws:s3:::b\": {\"why\": 1}}}", "for a reason"),
            ("{\"Whitelist\": {\"i-1\": \"x\"}}", "`Whitelist` has `i-1`, which is no ARN"),
            ("{\"Whitelist\": {\"arn:aws:s3\": \"x\"}}", "`Whitelist` has `arn:aws:s3`, which is no ARN"),
            ("{\"Whitelist\": {\"arn:aws:s3:::b*\": \"x\"}}", "a pattern belongs under `whitelist`"),
            ("{\"whitelist\": {\"\": \"x\"}}", "`whitelist` has ``, which is no ARN"),
            ("{\"whitelist\": {\"i-*\": \"x\"}}", "`whitelist` has `i-*`, which is no ARN, nor a pattern"),
            ("{\"whitelist\": [\"arn:aws:s3\"]}", "`whitelist` has `arn:aws:s3`"),
        ];
        for (content, says) in rows {
            let error = load(content).unwrap_err();
            assert!(error.contains(says), "{content}: {error}");
        }
        let nowhere = Exception::load_whitelist(Path::new("/nonexistent/whitelist.json")).unwrap_err().to_string();
        assert!(nowhere.contains("whitelist /nonexistent/whitelist.json"), "{nowhere}");
    }

    #[test]
    fn an_entry_is_written_and_read_again() {
        let [exception] = load(r#"{"whitelist":{"arn:aws:ec2:*:*:*":"x"}}"#).unwrap().try_into().unwrap();
        let record = serde_json::to_value(&exception).unwrap();
        assert_eq!(record, json!({"whitelist": "arn:aws:ec2:*:*:*", "reason": "x"}));
        assert_eq!(serde_json::from_value::<Exception>(record).unwrap(), Exception { place: None, ..exception });
        assert!(serde_json::from_value::<Exception>(json!({"whitelist": "i-1", "reason": "x"})).is_err());
    }
}
