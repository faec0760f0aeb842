use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::settings::Settings;

const REASON: &str = r#"reason = "agreed with security""#;

/// What one exception in TOML is read as.
fn read(text: &str) -> Result<Exception, String> {
    let settings: Result<Settings, _> = toml::from_str(&format!("[[exceptions]]\n{text}"));
    settings.map(|mut settings| settings.exceptions.remove(0)).map_err(|error| error.to_string())
}

fn exception(criteria: &str) -> Exception {
    read(&format!("{criteria}\n{REASON}")).unwrap()
}

fn resource(change: &Value) -> Resource<()> {
    let mut record = json!({
        "account": "111122223333", "region": "eu-west-1", "type": "ec2", "id": "i-0Abc",
        "arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0Abc", "tags": {"Team": "Web", "stage": "prod"}, "config": null,
    });
    for (field, value) in change.as_object().unwrap() {
        record[field] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

#[test]
fn it_covers_what_fits_each_of_its_criteria() {
    let rows = [
        (r#"account = "111122223333""#, true),
        (r#"account = "444455556666""#, false),
        (r#"account = ["444455556666", "1111*"]"#, true),
        (r#"account = "*""#, true),
        (r#"region = "eu-*""#, true),
        (r#"region = "global""#, false),
        (r#"type = ["s3_bucket", "ec2"]"#, true),
        (r#"type = "s3_bucket""#, false),
        (r#"check = "ec2_imdsv2""#, true),
        (r#"check = "ec2_*""#, true),
        (r#"check = "ec2_required_tags""#, false),
        (r#"id = "i-0Abc""#, true),
        (r#"id = "i-0abc""#, false),
        (r#"id = "I-0ABC""#, false),
        (r#"id = "i-0Ab""#, false),
        (r#"id = "i-*c""#, true),
        (r#"id = "i-0Ab?""#, true),
        (r#"arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0Abc""#, true),
        (r#"arn = "arn:aws-cn:ec2:eu-west-1:111122223333:instance/i-0Abc""#, false),
        (r#"arn = "arn:*:ec2:*:instance/*""#, true),
        (r#"arn = "arn:aws:ec2:*:instance""#, false),
        (r#"tags = {team = "Web"}"#, true),
        (r#"tags = {TEAM = ["App", "W*"]}"#, true),
        (r#"tags = {Team = "web"}"#, false),
        (r#"tags = {Team = ""}"#, false),
        (r#"tags = {Owner = "*"}"#, false),
        (r#"tags = {Team = "Web", Stage = "prod"}"#, true),
        (r#"tags = {Team = "Web", Stage = "test"}"#, false),
        ("account = \"111122223333\"\nid = \"i-0Abc\"", true),
        ("account = \"444455556666\"\nid = \"i-0Abc\"", false),
    ];
    for (criteria, covers) in rows {
        let resource = resource(&json!({}));
        assert_eq!(exception(criteria).covers(&resource, Some("ec2_imdsv2")), covers, "{criteria}");
        // What is to be done to a resource without any check is covered by those that name none.
        let task = covers && !criteria.contains("check");
        assert_eq!(exception(criteria).covers(&resource, None), task, "{criteria}");
    }
}

#[test]
fn a_star_in_a_name_is_a_character_like_any_other() {
    let starred = resource(&json!({"id": "a*b"}));
    for (id, covers) in [("a*b", true), ("a?b", true), ("*", true), ("axb", false), ("a*c", false)] {
        assert_eq!(exception(&format!("id = \"{id}\"")).covers(&starred, None), covers, "{id}");
    }
}

#[test]
fn tags_that_could_not_be_read_exempt_nothing() {
    let unread = resource(&json!({"unread": [{"field": "Tags"}]}));
    assert!(!exception(r#"tags = {Team = "Web"}"#).covers(&unread, None));
    assert!(!exception("id = \"i-0Abc\"\ntags = {Team = \"Web\"}").covers(&unread, None));
    assert!(exception(r#"id = "i-0Abc""#).covers(&unread, None));
    let other = resource(&json!({"unread": [{"field": "MetadataOptions"}]}));
    assert!(exception(r#"tags = {Team = "Web"}"#).covers(&other, None));
}

#[test]
fn a_region_or_an_account_is_a_resource_too() {
    let region = resource(&json!({
        "type": "region", "id": "eu-west-1", "arn": "arn:aws:ec2:eu-west-1:111122223333:region/eu-west-1", "tags": {},
    }));
    assert!(exception("account = \"*\"\ntype = \"region\"").covers(&region, Some("region_guardduty")));
    assert!(exception("account = \"*\"\nid = \"eu-west-1\"").covers(&region, None));
    assert!(!exception("account = \"*\"\ntype = \"ec2\"").covers(&region, None));
}

#[test]
fn it_holds_to_the_end_of_its_day_or_second() {
    let rows = [
        (r#""2026-12-31""#, "2026-12-31T23:59:59.9Z", true),
        (r#""2026-12-31""#, "2027-01-01T00:00:00Z", false),
        ("2026-12-31", "2026-12-31T23:59:59Z", true),
        ("2026-12-31", "2027-01-01T00:00:00Z", false),
        (r#""2024-02-29""#, "2024-02-29T12:00:00Z", true),
        (r#""2026-12-31T18:00:00+01:00""#, "2026-12-31T17:00:00Z", true),
        (r#""2026-12-31T18:00:00+01:00""#, "2026-12-31T17:00:01Z", false),
        ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z", true),
        ("2026-12-31 18:00:00Z", "2026-12-31T18:00:01Z", false),
    ];
    for (until, now, holds) in rows {
        let exception = exception(&format!("id = \"x\"\nuntil = {until}"));
        assert_eq!(exception.holds_at(now.parse().unwrap()), holds, "{until} at {now}");
    }
    assert!(exception(r#"id = "x""#).holds_at(Timestamp::MAX), "without a date it holds for ever");
    for until in [
        r#""""#,
        r#""tomorrow""#,
        r#""2026-02-30""#,
        r#""2026-12-31T18:00:00""#,
        "2026-12-31T18:00:00",
        "18:00:00",
        "20261231",
        r#""31.12.2026""#,
        "[]",
        "{}",
    ] {
        let error = read(&format!("id = \"x\"\nuntil = {until}\n{REASON}")).unwrap_err();
        assert!(error.contains("until"), "{until}: {error}");
    }
}

#[test]
fn an_exception_that_makes_no_sense_is_an_error() {
    let rows = [
        (REASON, "one of account, region, type, check, id, arn and tags"),
        ("tags = {}\nreason = \"x\"", "one of account, region, type, check, id, arn and tags"),
        (r#"id = "x""#, "missing field `reason`"),
        ("id = \"x\"\nreason = \" \"", "`reason` is blank"),
        ("ids = \"x\"\nreason = \"x\"", "unknown field `ids`"),
        ("id = []\nreason = \"x\"", "`id` is an empty list"),
        ("id = \"\"\nreason = \"x\"", "`id` has an empty text"),
        ("id = [\"a\", \"\"]\nreason = \"x\"", "`id` has an empty text"),
        ("id = 1\nreason = \"x\"", "a text, or a list of texts"),
        ("id = [1]\nreason = \"x\"", "a text, or a list of texts"),
        ("account = 111122223333\nreason = \"x\"", "a text, or a list of texts"),
        ("account = \"prod\"\nreason = \"x\"", "`account` has `prod`, which is no account id"),
        ("account = \"1111\"\nreason = \"x\"", "which is no account id"),
        ("account = \"prod*\"\nreason = \"x\"", "which is no account id"),
        ("account = \"1111222233334*\"\nreason = \"x\"", "which is no account id"),
        ("region = \"EU\"\nreason = \"x\"", "which is no region"),
        ("region = \"EU*\"\nreason = \"x\"", "which is no region"),
        ("type = \"ec3\"\nreason = \"x\"", "which is no resource type"),
        ("type = [\"ec2\", \"bucket*\"]\nreason = \"x\"", "`type` has `bucket*`, which is no resource type"),
        ("arn = \"i-0abc\"\nreason = \"x\"", "which is no ARN"),
        ("arn = \"acme-*\"\nreason = \"x\"", "which is no ARN"),
        ("tags = {Team = []}\nreason = \"x\"", "`tags.Team` is an empty list"),
        ("tags = {\"\" = \"x\"}\nreason = \"x\"", "a tag without a name"),
        ("tags = [\"Team\"]\nreason = \"x\"", "tags"),
        ("kind = \"finding\"\nid = \"x\"\nreason = \"x\"", "`exception`"),
    ];
    for (text, says) in rows {
        let error = read(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    // The line is that of the exception, not of the file.
    let second = format!("id = \"x\"\n{REASON}\n\n[[exceptions]]\nreason = \"y\"");
    let error = read(&second).unwrap_err();
    assert!(error.contains("at line 5"), "{error}");
    assert!(read(&format!("kind = \"exception\"\nid = \"x\"\n{REASON}")).is_ok());
}

#[test]
fn what_is_written_is_read_again() {
    let text = "account = \"1111*\"\nid = [\"a\", \"b\"]\ntags = {Team = \"web\"}\nuntil = \"2026-12-31\"";
    let exception = exception(text);
    let record = serde_json::to_value(&exception).unwrap();
    assert_eq!(
        record,
        json!({
            "account": "1111*", "id": ["a", "b"], "tags": {"Team": "web"}, "reason": "agreed with security",
            "until": "2026-12-31T23:59:59Z",
        })
    );
    assert_eq!(serde_json::from_value::<Exception>(record).unwrap(), exception);
}

/// What a file with this content is read as: `id line`, or the error.
fn load(content: &[u8]) -> Result<Vec<String>, String> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("sluice-exceptions-{}-{number}", std::process::id()));
    fs::write(&path, content).unwrap();
    let loaded = Exception::load(&path);
    fs::remove_file(&path).unwrap();
    let said = |exception: Exception| {
        let place = exception.place.unwrap();
        assert_eq!(place.file, path);
        format!("{} {}", exception.id.unwrap().texts().collect::<Vec<_>>().join(","), place.line)
    };
    let error = |error: ExceptionsError| {
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        text
    };
    loaded.map(|all| all.into_iter().map(said).collect()).map_err(error)
}

#[test]
fn a_file_is_toml_or_json_by_what_it_holds() {
    let json = r#"{"id":"a","reason":"x"}"#;
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        ("# none yet\n", &[]),
        ("exceptions = []\n", &[]),
        (
            "[[exceptions]]\nid = \"a\"\nreason = \"x\"\n\n# and\n[[exceptions]]\nid = [\"b\", \"c\"]\nreason = \"x\"\n",
            &["a 1", "b,c 6"],
        ),
        ("exceptions = [\n  {id = \"a\", reason = \"x\"},\n  {id = \"b\", reason = \"x\"},\n]\n", &["a 2", "b 3"]),
        ("\u{feff}[[exceptions]]\nid = \"a\"\nreason = \"x\"", &["a 1"]),
        (json, &["a 1"]),
        (&format!("\u{feff} \n{json}\n{json}\n"), &["a 2", "a 3"]),
        (&format!("[{json},\n{json}]"), &["a 1", "a 2"]),
        ("[\n]", &[]),
        ("{\n  \"kind\": \"exception\",\n  \"id\": \"a\",\n  \"reason\": \"x\"\n}\n", &["a 1"]),
    ];
    for (content, expected) in rows {
        assert_eq!(
            load(content.as_bytes()).as_deref(),
            Ok(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{content}"
        );
    }
}

#[test]
fn a_file_that_is_not_understood_is_an_error_that_names_its_line() {
    let rows: &[(&[u8], &str)] = &[
        (b"[[exception]]\nid = \"a\"\nreason = \"x\"", "line 1"),
        (b"# ours\n[[exceptions]]\nid = \"a\"", "line 2"),
        (b"[[exceptions]]\nid = \"a\"\nreason = ", "line 3"),
        (b"{\"id\":\"a\",\"reason\":\"x\"}\n{\"id\":\"b\"}\n", "line 2: missing field `reason`"),
        (b"{\"id\":\"a\",\"reason\":\"x\"}\nnonsense\n", "line 2: expected a JSON object"),
        (b"{\"id\":\"a\",\"reason\":\"x\"", "the input ends inside this value"),
        (b"{\"exceptions\":[{\"id\":\"a\",\"reason\":\"x\"}]}", "line 1: unknown field `exceptions`"),
        (b"{\"kind\":\"finding\",\"id\":\"a\",\"reason\":\"x\"}", "line 1: unknown variant `finding`"),
        (b"id,reason\na,x\n", "line 1"),
        (b"\xff\xfe[\0", "utf-8"),
    ];
    for (content, says) in rows {
        let error = load(content).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
    }
    let nowhere = Exception::load(std::path::Path::new("/nonexistent/exceptions.toml")).unwrap_err().to_string();
    assert!(nowhere.contains("cannot read the exceptions /nonexistent/exceptions.toml"), "{nowhere}");
}

#[test]
fn settings_know_where_their_exceptions_stand() {
    let path = std::env::temp_dir().join(format!("sluice-exceptions-settings-{}", std::process::id()));
    fs::write(&path, "required_tags = []\n\n[[exceptions]]\nid = \"a\"\nreason = \"x\"\n").unwrap();
    let settings = Settings::load(Some(&path)).unwrap();
    let both = settings.with_exceptions(std::slice::from_ref(&path));
    fs::remove_file(&path).unwrap();
    assert_eq!(settings.exceptions[0].place.as_ref().unwrap().to_string(), format!("{} line 3", path.display()));
    // Settings are no file of exceptions.
    assert!(both.unwrap_err().to_string().contains("required_tags"));
}
