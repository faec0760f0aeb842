//! Each format is read back by a reader of its own language, written here as the language's documentation has it; what a
//! hand was given is where it should be, once, as a whole, and nobody else's.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use common::cli::Captured;
use common::record::Token;
use serde_json::{Value, json};

use super::{Format, Hand, Handout, arrived, check_profile, holds};
use crate::commands::HandOut;
use crate::secret::Secret;

const KEY: &str = "AKIARTX3GSDSQAAAAAAA";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// None that AWS makes, but who knows: all that is special somewhere.
const ODD: &str = r#"a'b"c$d${e}%f%%{g}`h`\i,j;#k!l&m=n/o+"#;

fn token() -> Token {
    serde_json::from_value(json!({
        "kind": "token", "token": "t1", "state": "active", "account": "111122223333", "region": "global", "type": "iam_user",
        "id": "svc-billing-export", "arn": "arn:aws:iam::111122223333:user/svc-billing-export", "guard": "inline",
        "owner": "web", "location": "laptop, 7\"", "created_at": "2026-11-20T10:00:00Z",
    }))
    .unwrap()
}

fn render(format: Format, secret: &str) -> String {
    let (token, secret, region) = (token(), Secret::new(secret.into()), "eu-west-1".parse().unwrap());
    let handout = Handout { token: &token, key: KEY, secret: &secret, profile: "backup", region: Some(&region) };
    format.render(&handout).to_string()
}

/// `[section]` and `name = value`.
fn ini(text: &str) -> (String, Vec<(String, String)>) {
    let mut lines = text.lines();
    let section = lines.next().unwrap().strip_prefix('[').unwrap().strip_suffix(']').unwrap().to_owned();
    let value =
        |line: &str| line.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    (section, lines.map(|line| value(line).unwrap()).collect())
}

/// A line of a shell: words of plain characters, `'...'` and `\c`.
fn shell(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line.chars());
    while let Some(character) = rest.next() {
        match character {
            '\'' => out.extend(rest.by_ref().take_while(|character| *character != '\'')),
            '\\' => out.extend(rest.next()),
            other => {
                assert!(!" $`\"&;|<>()#*?[!~".contains(other), "{other} in {line}");
                out.push(other);
            }
        }
    }
    out
}

/// A value of `.env` as dotenv, docker compose and python-dotenv agree on it.
fn dotenv(value: &str) -> String {
    if let Some(quoted) = value.strip_prefix('\'') {
        return quoted.strip_suffix('\'').unwrap().to_owned();
    }
    let Some(quoted) = value.strip_prefix('"') else { return value.to_owned() };
    let (mut out, mut rest) = (String::new(), quoted.strip_suffix('"').unwrap().chars());
    while let Some(character) = rest.next() {
        out.push(if character == '\\' { rest.next().unwrap() } else { character });
        assert!(character != '$' && character != '"');
    }
    out
}

/// A string of HCL or YAML: as in JSON, then what a language doubles.
fn string(text: &str, doubled: &[(&str, &str)]) -> String {
    let text: String = serde_json::from_str(text).unwrap();
    doubled.iter().fold(text, |text, (two, one)| text.replace(two, one))
}

/// Reads a format back: key, secret, region (where it has one).
fn read(format: Format, text: &str) -> (String, String, Option<String>) {
    const ENVIRONMENT: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"];
    const TERRAFORM: [&str; 3] = ["aws_access_key", "aws_secret_key", "aws_region"];
    const AWS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "region"];
    let of_ini = |section: &str, names: [&str; 3]| {
        let (found, values) = ini(text);
        assert_eq!(found, section);
        let value = |name: &str| values.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        (value(names[0]).unwrap(), value(names[1]).unwrap(), value(names[2]))
    };
    // Lines that assign `names`, in order.
    let of_lines = |start: &str, names: [&str; 3], separator: &str, end: &str, value: &dyn Fn(&str) -> String| {
        let mut lines = text.split_terminator('\n');
        let mut next = |name: &str| {
            let line = lines.next().unwrap().strip_prefix(start).unwrap().strip_suffix(end).unwrap();
            let (found, text) = line.split_once(separator).unwrap();
            assert_eq!(found.trim(), name);
            value(text.trim_start())
        };
        let read = (next(names[0]), next(names[1]), Some(next(names[2])));
        assert_eq!(lines.next(), None);
        read
    };
    let of_csv = |columns: [&str; 2], region: Option<&str>| {
        assert!(text.ends_with("\r\n"));
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let headers = rows.headers().unwrap().clone();
        let row = rows.records().next().unwrap().unwrap();
        let at = |name: &str| row[headers.iter().position(|header| header == name).unwrap()].to_owned();
        (at(columns[0]), at(columns[1]), region.map(at))
    };
    match format {
        Format::Json => {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(text.lines().count(), 1);
            assert_eq!((&value["kind"], &value["token"]), (&json!("token"), &json!("t1")));
            let at = |name: &str| value[name].as_str().unwrap().to_owned();
            (at("access_key_id"), at("secret_access_key"), None)
        }
        Format::Credentials => of_ini("backup", AWS),
        Format::Config => of_ini("profile backup", AWS),
        Format::Boto => of_ini("Credentials", ["aws_access_key_id", "aws_secret_access_key", "region"]),
        Format::S3cfg => of_ini("default", ["access_key", "secret_key", "bucket_location"]),
        Format::Rclone => of_ini("backup", ["access_key_id", "secret_access_key", "region"]),
        Format::Env => of_lines("", ENVIRONMENT, "=", "", &dotenv),
        Format::DockerEnv => of_lines("", ENVIRONMENT, "=", "", &str::to_owned),
        Format::Export => of_lines("export ", ENVIRONMENT, "=", "", &shell),
        Format::Cmd => of_lines("set \"", ENVIRONMENT, "=", "\"\r", &|text| text.replace("%%", "%")),
        Format::Powershell => of_lines("$env:", ENVIRONMENT, "=", "", &|text| {
            text.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap().replace("''", "'")
        }),
        Format::Tfvars => of_lines("", TERRAFORM, "=", "", &|text| string(text, &[("$${", "${"), ("%%{", "%{")])),
        Format::GitlabCi => {
            let variables = text.strip_prefix("variables:\n").unwrap();
            let mut values = variables.lines().map(|line| {
                let (name, value) = line.strip_prefix("  ").unwrap().split_once(": ").unwrap();
                assert!(ENVIRONMENT.contains(&name));
                string(value, &[("$$", "$")])
            });
            (values.next().unwrap(), values.next().unwrap(), values.next())
        }
        Format::TfJson => {
            let value: Value = serde_json::from_str(text).unwrap();
            let at = |name: &str| value[name].as_str().unwrap().to_owned();
            (at(TERRAFORM[0]), at(TERRAFORM[1]), Some(at(TERRAFORM[2])))
        }
        Format::K8sSecret => {
            let data = text
                .strip_prefix(
                    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"svc-billing-export\"\ntype: Opaque\nstringData:\n",
                )
                .unwrap();
            let mut values = data.lines().map(|line| {
                let (name, value) = line.strip_prefix("  ").unwrap().split_once(": ").unwrap();
                assert!(ENVIRONMENT.contains(&name));
                string(value, &[])
            });
            (values.next().unwrap(), values.next().unwrap(), values.next())
        }
        Format::Csv => of_csv(["access_key_id", "secret_access_key"], Some("region")),
        Format::CsvConsole => of_csv(["Access key ID", "Secret access key"], None),
    }
}

#[test]
fn each_format_is_read_back() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(*format));
        for secret in [SECRET, ODD] {
            let text = render(*format, secret);
            let (key, read, region) = read(*format, &text);
            assert_eq!((key.as_str(), read.as_str()), (KEY, secret), "{format}: {text}");
            let none = matches!(format, Format::Json | Format::CsvConsole | Format::Boto);
            assert_eq!(region.as_deref(), (!none).then_some("eu-west-1"), "{format}: {text}");
        }
    }
    let error = "aws-credentials".parse::<Format>().unwrap_err();
    assert!(error.starts_with("`aws-credentials` is not a format: json, credentials, config, env,"), "{error}");
}

#[test]
fn the_texts_are_those_that_people_know() {
    for (format, expected) in [
        (
            Format::Credentials,
            format!("[backup]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\nregion = eu-west-1\n"),
        ),
        (
            Format::Env,
            format!("AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={SECRET}\nAWS_DEFAULT_REGION=eu-west-1\n"),
        ),
        (Format::CsvConsole, format!("Access key ID,Secret access key\r\n{KEY},{SECRET}\r\n")),
        (
            Format::Tfvars,
            format!("aws_access_key = \"{KEY}\"\naws_secret_key = \"{SECRET}\"\naws_region     = \"eu-west-1\"\n"),
        ),
        (
            Format::Csv,
            format!(
                "token,account,user_name,access_key_id,secret_access_key,region,owner,location\r\n\
                 t1,111122223333,svc-billing-export,{KEY},{SECRET},eu-west-1,web,\"laptop, 7\"\"\"\r\n"
            ),
        ),
    ] {
        assert_eq!(render(format, SECRET), expected);
    }
    let (mut token, secret) = (token(), Secret::new(SECRET.into()));
    token.owner = "=cmd|'/c calc'!A0".into();
    let handout = Handout { token: &token, key: KEY, secret: &secret, profile: "default", region: None };
    assert!(Format::Csv.render(&handout).contains(",'=cmd|"), "a spreadsheet takes no owner for a formula");
    assert!(Format::Config.render(&handout).starts_with("[default]\n"));
    token.id = "_Ops.=Billing@acme.com_".into();
    let handout = Handout { token: &token, key: KEY, secret: &secret, profile: "default", region: None };
    assert!(Format::K8sSecret.render(&handout).contains("  name: \"ops.billing-acme.com\"\n"));
    assert!(!format!("{handout:?}").contains(SECRET));
}

fn args(format: Option<&str>, out: Option<&Path>) -> HandOut {
    HandOut {
        format: format.map(str::to_owned),
        out: out.map(Path::to_owned),
        as_profile: "default".into(),
        as_region: None,
    }
}

/// Gives the key of a token, whose user has that name.
fn give(hand: &Hand, name: &str) -> io::Result<Option<std::path::PathBuf>> {
    let (mut token, secret) = (token(), Secret::new(SECRET.into()));
    token.id = name.into();
    let handout = Handout { token: &token, key: KEY, secret: &secret, profile: hand.profile(), region: hand.region() };
    hand.give(&handout)
}

#[test]
fn a_secret_is_in_a_file_of_the_owners_alone() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("deep").join("secrets");
    let out = Captured::default();
    let hand = Hand::new(&args(None, Some(&directory)), Box::new(out.clone())).unwrap();
    let path = give(&hand, "svc-billing").unwrap().unwrap();
    assert_eq!(path, directory.canonicalize().unwrap().join("svc-billing.credentials"));
    assert_eq!(Some(path.clone()), hand.place(&Token { id: "svc-billing".into(), ..token() }, KEY));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"));
    let told: Value = serde_json::from_str(&out.text()).unwrap();
    assert_eq!((&told["file"], &told["access_key_id"]), (&json!(path), &json!(KEY)));
    assert!(!out.text().contains(SECRET));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&directory)), (0o600, 0o700));
    }
    assert!(holds(&path, KEY, |secret| secret == SECRET).unwrap());
    assert!(!holds(&path, KEY, |secret| secret == "another").unwrap());
    assert!(!holds(&path, "AKIARTX3GSDSQAAAAAAB", |secret| secret == SECRET).unwrap());
    assert!(!holds(&directory.join("none"), KEY, |_| true).unwrap());
    assert!(holds(&directory, KEY, |_| true).is_err(), "what cannot be read may have it");

    // What is there stays as it is, and nothing else is left behind.
    let error = give(&hand, "svc-billing").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("svc-billing.credentials: it is there already"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);

    // A second key of the user's has a file of its own.
    let mut rotated = token();
    rotated.keys = serde_json::from_value(json!([
        {"id": "AKIAOLD", "status": "active", "created_at": "2026-11-20T10:00:00Z"},
        {"id": KEY, "status": "unconfirmed", "created_at": "2026-11-20T10:00:00Z"},
    ]))
    .unwrap();
    let place = hand.place(&rotated, KEY).unwrap();
    assert_eq!(place.file_name().unwrap().to_str(), Some("svc-billing-export-aaaa.credentials"));
    hand.finish().unwrap();
}

#[test]
fn what_a_kill_leaves_of_a_file_is_found_and_goes() {
    let home = tempfile::tempdir().unwrap();
    let (path, part) = (home.path().join("svc.credentials"), home.path().join(".svc.credentials.part"));
    fs::write(&part, format!("{KEY} {SECRET}")).unwrap();
    assert!(!arrived(&path, KEY, |secret| secret == SECRET).unwrap(), "it did not get its name");
    assert!(!part.exists());
    // This is how it is called while it is written.
    fs::create_dir(&part).unwrap();
    let hand = Hand::new(&args(None, Some(home.path())), Box::new(io::sink())).unwrap();
    assert!(give(&hand, "svc").is_err());
    fs::remove_dir(&part).unwrap();
    let path = give(&hand, "svc").unwrap().unwrap();
    assert!(arrived(&path, KEY, |secret| secret == SECRET).unwrap());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_down_is_none() {
    use std::os::unix::ffi::OsStrExt;
    let home = tempfile::tempdir().unwrap();
    let odd = home.path().join(std::ffi::OsStr::from_bytes(b"s\xff"));
    let error = Hand::new(&args(None, Some(&odd)), Box::new(io::sink())).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn every_format_of_a_file_is_known_again() {
    let home = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let hand = Hand::new(&args(Some(format.name()), Some(home.path())), Box::new(io::sink())).unwrap();
        let path = give(&hand, "svc").unwrap().unwrap();
        assert!(holds(&path, KEY, |secret| secret == SECRET).unwrap(), "{format}");
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), Format::ALL.len(), "each has an ending of its own");
}

#[test]
fn on_stdout_they_stand_one_behind_the_other() {
    for (format, expected) in [
        ("csv-console", format!("Access key ID,Secret access key\r\n{KEY},{SECRET}\r\n{KEY},{SECRET}\r\n")),
        (
            "credentials",
            format!(
                "[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
                 [b]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
            ),
        ),
    ] {
        let out = Captured::default();
        let hand = Hand::new(&args(Some(format), None), Box::new(out.clone())).unwrap();
        assert_eq!(hand.place(&token(), KEY), None);
        assert_eq!((give(&hand, "a").unwrap(), give(&hand, "b").unwrap()), (None, None));
        assert_eq!(out.text(), expected);
    }
    // A record would spoil such a file.
    for (format, is_told) in [(None, true), (Some("json"), true), (Some("env"), false), (Some("credentials"), false)] {
        let out = Captured::default();
        Hand::new(&args(format, None), Box::new(out.clone())).unwrap().tell(&token()).unwrap();
        assert_eq!(!out.text().is_empty(), is_told, "{format:?}");
    }
    let out = Captured::default();
    let hand = Hand::new(&args(None, None), Box::new(out.clone())).unwrap();
    hand.tell(&token()).unwrap();
    give(&hand, "a").unwrap();
    let lines: Vec<Value> = out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["id"], lines[0].get("secret_access_key")), (&json!("svc-billing-export"), None));
    assert_eq!((&lines[1]["id"], &lines[1]["secret_access_key"]), (&json!("a"), &json!(SECRET)));
}

/// A stdout that takes so many writes.
struct Closing(Mutex<u32>);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut left = self.0.lock().unwrap();
        *left = left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_stdout_loses_what_was_not_written_and_nothing_else() {
    let hand = Hand::new(&args(None, None), Box::new(Closing(Mutex::new(1)))).unwrap();
    give(&hand, "a").unwrap();
    assert_eq!(give(&hand, "b").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert!(give(&hand, "c").is_err() && hand.tell(&token()).is_err(), "what a buffer holds back must not come out");
    assert!(hand.finish().is_err());

    let home = tempfile::tempdir().unwrap();
    let hand = Hand::new(&args(None, Some(home.path())), Box::new(Closing(Mutex::new(0)))).unwrap();
    assert!(give(&hand, "a").unwrap().unwrap().exists());
    assert!(give(&hand, "b").unwrap().unwrap().exists());
    hand.finish().unwrap();
}

#[test]
fn what_is_wrong_is_said_before_there_are_secrets() {
    let home = tempfile::tempdir().unwrap();
    let refused = |args: &HandOut| Hand::new(args, Box::new(io::sink())).unwrap_err().to_string();
    assert!(refused(&args(Some("yaml"), None)).starts_with("`yaml` is not a format: json,"));
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&args(None, Some(&file))).starts_with("cannot write secrets into "));
    for profile in ["", "a b", "a]\n[default", "#", "\"", "a\u{1b}", &"x".repeat(65)] {
        let args = HandOut { as_profile: profile.into(), ..args(None, None) };
        assert!(refused(&args).contains("is not a profile's name"), "{profile}");
    }
    for profile in ["default", "prod-eu.1", "büro", "a/b@c"] {
        assert_eq!(check_profile(profile), Ok(()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(
            refused(&args(None, Some(home.path())))
                .ends_with("anybody can write into it: chmod o-w it, or name another")
        );
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        Hand::new(&args(None, Some(home.path())), Box::new(io::sink())).unwrap();
    }
    // What would be another line in a file is no secret.
    let hand = Hand::new(&args(None, None), Box::new(io::sink())).unwrap();
    let (token, secret) = (token(), Secret::new("x\n[default]".into()));
    let handout = Handout { token: &token, key: KEY, secret: &secret, profile: "default", region: None };
    let error = hand.give(&handout).unwrap_err();
    assert!(error.kind() == io::ErrorKind::InvalidData && !error.to_string().contains('['), "{error}");
}
