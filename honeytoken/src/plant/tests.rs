//! What stands in a file stays there, byte for byte; what was put in comes out.

use std::fs;
use std::path::Path;

use common::id::Region;
use proptest::prelude::*;

use super::edit::{Bait, EditError, Spot, key_of, plant, unplant};
use super::{Given, Target, spot};
use crate::secret::Secret;

const KEY: &str = "AKIARTX3GSDSQAAAAAAA";
const OTHER: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NEVER: fn(&str) -> bool = |_| false;

fn at(profile: &str) -> Spot<'_> {
    spot(Path::new("/home/ann/.aws/credentials"), profile)
}

fn planted_in(text: &str, spot: Spot<'_>, region: Option<&str>, replace: bool) -> Result<Option<String>, EditError> {
    let secret = Secret::new(SECRET.into());
    let region: Option<Region> = region.map(|region| region.parse().unwrap());
    let bait = Bait { key: KEY, secret: &secret, region: region.as_ref() };
    let edited = plant(text.as_bytes(), spot, bait, |key| key == "AKIATOKEN", replace)?;
    Ok(edited.map(|text| String::from_utf8(text.to_vec()).unwrap()))
}

fn taken_from(text: &str, spot: Spot<'_>) -> Result<Option<String>, EditError> {
    let edited = unplant(text.as_bytes(), spot, |key| key == KEY, "")?;
    Ok(edited.map(|text| String::from_utf8(text.to_vec()).unwrap()))
}

#[test]
fn a_key_is_put_where_it_belongs() {
    let pair = format!("aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
    let reverse = format!("aws_secret_access_key = {SECRET}\naws_access_key_id = {KEY}\n");
    for (before, region, after) in [
        ("", None, format!("[x]\n{pair}")),
        ("[a]\nk = v\n", Some("eu-west-1"), format!("[a]\nk = v\n\n[x]\n{pair}region = eu-west-1\n")),
        ("[a]\r\nk = v\r\n", None, format!("[a]\r\nk = v\r\n\r\n[x]\r\n{}", pair.replace('\n', "\r\n"))),
        ("[a]\nk = v", None, format!("[a]\nk = v\n\n[x]\n{}", pair.trim_end())),
        ("[ x ] # mine\noutput = json\n[b]\n", None, format!("[ x ] # mine\n{reverse}output = json\n[b]\n")),
        (
            "[x]\n# mine\n  a = 0\n",
            None,
            format!("[x]\n  aws_secret_access_key = {SECRET}\n  aws_access_key_id = {KEY}\n# mine\n  a = 0\n"),
        ),
        // What nobody understands, and the next header, do not become part of a value.
        (
            "[x]\n # mine\n   odd\n  a = 0\n",
            None,
            format!(
                "[x]\n   aws_secret_access_key = {SECRET}\n   aws_access_key_id = {KEY}\n # mine\n   odd\n  a = 0\n"
            ),
        ),
        (
            "[x]\n  [b]\n    a = 0\n",
            None,
            format!("[x]\n  aws_secret_access_key = {SECRET}\n  aws_access_key_id = {KEY}\n  [b]\n    a = 0\n"),
        ),
        ("[x]", None, format!("[x]\n{}", reverse.trim_end())),
        ("[x]\nregion=us-east-1\n", Some("eu-west-1"), format!("[x]\n{reverse}region=us-east-1\n")),
        // The keys of another token give way, and so does what went with them.
        (
            "[x]\n AWS_Access_Key_ID=AKIATOKEN \n aws_secret_access_key =\taaa\n aws_session_token = t\n # end\n",
            None,
            format!("[x]\n AWS_Access_Key_ID={KEY} \n aws_secret_access_key =\t{SECRET}\n # end\n"),
        ),
        (
            "[x]\naws_access_key_id =\n",
            None,
            format!("[x]\naws_secret_access_key = {SECRET}\naws_access_key_id ={KEY}\n"),
        ),
        ("[y]\n[profile x]\n", None, format!("[y]\n[profile x]\n\n[x]\n{pair}")),
    ] {
        let planted = planted_in(before, at("x"), region, false).unwrap().unwrap();
        assert_eq!(planted, after, "{before}");
        assert_eq!(planted_in(&planted, at("x"), region, false).unwrap(), None, "it is there now");
        assert_eq!(key_of(planted.as_bytes(), at("x")).unwrap().as_deref(), Some(KEY));
    }
    let config = spot(Path::new("/home/ann/.aws/config"), "x");
    let planted = planted_in("[x]\n[profile  x]\nregion = eu-west-1\n", config, None, false).unwrap().unwrap();
    assert_eq!(planted, format!("[x]\n[profile  x]\n{reverse}region = eu-west-1\n"));
    assert_eq!(planted_in("", config, None, false).unwrap().unwrap(), format!("[profile x]\n{pair}"));
}

#[test]
fn what_is_somebodys_stays() {
    let foreign = format!("[x]\naws_access_key_id = {OTHER}\naws_secret_access_key = s\n");
    for (text, expected) in [
        (foreign.as_str(), "the profile `x` has another key, AKIAIOSFODNN7EXAMPLE, that is no token's: --replace puts"),
        ("[x]\naws_access_key_id = wJalrXUtn/K7\n", "has another key, (not an access key id), that is no token's"),
        ("[x]\n[y]\n[x]\n", "the profile `x` is there more than once, on lines 1 and 3"),
        ("[x]\nrole_arn = arn\n", "the profile `x` gets at AWS by `role_arn`: --replace"),
        (
            "[x]\naws_access_key_id = AKIATOKEN\n  B\n",
            "the profile `x` is not understood: look at `aws_access_key_id` on line 2",
        ),
        ("[x]\naws_secret_access_key = s\n", "has another key, (a secret without an id), that is no token's"),
        ("[x]\nregion = a\nregion = b\n", "the profile `x` is not understood: look at `region` on line 3"),
        ("\u{0}[\u{0}x\u{0}]", "it is no text in UTF-8"),
    ] {
        let error = planted_in(text, at("x"), None, false).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let planted = planted_in(&foreign, at("x"), None, true).unwrap().unwrap();
    assert_eq!(planted, format!("[x]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"));
    assert!(planted_in("[x]\nrole_arn = arn\n", at("x"), None, true).unwrap().is_some());
    assert!(matches!(taken_from(&foreign, at("x")), Err(EditError::Foreign { .. })));
    for text in ["", "[x]\nregion = eu-west-1\n", "[y]\naws_access_key_id = AKIARTX3GSDSQAAAAAAA\n"] {
        assert_eq!(taken_from(text, at("x")).unwrap(), None);
    }
}

#[test]
fn a_profile_that_has_more_than_the_key_stays() {
    for (before, after) in [
        (format!("[x]\naws_access_key_id = {KEY}\naws_secret_access_key = s\noutput = json\n"), "[x]\noutput = json\n"),
        (format!("[x]\n# mine\naws_access_key_id = {KEY}\naws_secret_access_key = s"), "[x]\n# mine"),
        (
            format!("[a]\n[x]\naws_access_key_id = {KEY}\naws_secret_access_key = s\naws_session_token = t\n[b]\n"),
            "[a]\n[b]\n",
        ),
        (format!("[x]\nregion = r\naws_access_key_id = {KEY}\naws_secret_access_key = s\n"), "[x]\nregion = r\n"),
        (format!("[x]\naws_access_key_id = {KEY}\naws_secret_access_key = s\nregion = r\n"), ""),
        (format!("k = v\n\n[x]\naws_access_key_id = {KEY}\n\n[b]\n"), "k = v\n\n[b]\n"),
    ] {
        assert_eq!(taken_from(&before, at("x")).unwrap().as_deref(), Some(after), "{before}");
    }
}

/// Lines of credentials files, and what people make of them.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        3 => "\\[(a|b|default|prod one|x)\\]",
        1 => " {0,2}\\[(x|b)\\] *[#;] mine",
        3 => "(aws_access_key_id|aws_secret_access_key|aws_session_token) ?= ?[A-Za-z0-9/+]{4,20}",
        3 => "(region|output|s3|role_arn|x) ?= ?[a-z0-9 -]{0,9}",
        1 => "  [a-z_]{1,9} = [a-z0-9]{1,9}",
        2 => "[#;] ?[ -~]{0,20}",
        2 => Just(String::new()),
        1 => "[ \t]{1,3}",
        1 => " {0,3}[ -~]{0,12}",
    ];
    (prop::collection::vec(line, 0..14), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(lines, crlf, end, mark)| {
            let newline = if crlf { "\r\n" } else { "\n" };
            let mut text = lines.join(newline);
            if end && !lines.is_empty() {
                text.push_str(newline);
            }
            if mark { format!("\u{feff}{text}") } else { text }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_was_planted_comes_out_and_nothing_else(text in lines(), region in prop::option::of(Just("eu-west-1"))) {
        // Where the profile is there twice, or has a key, nothing is planted.
        if let Ok(Some(planted)) = planted_in(&text, at("x"), region, false) {
            prop_assert_eq!(key_of(planted.as_bytes(), at("x")).unwrap(), Some(KEY.to_owned()));
            prop_assert_eq!(planted_in(&planted, at("x"), region, false).unwrap(), None);
            prop_assert!(planted.contains(SECRET));
            // All that was there is still there, in its order.
            let mut rest = planted.lines();
            for line in text.lines() {
                prop_assert!(line.contains("aws_") || rest.any(|it| it == line), "{}", line);
            }
            // What another key left behind (a secret, a session token) is not brought back.
            if !text.contains("aws_s") && !text.contains("aws_a") {
                prop_assert_eq!(taken_from(&planted, at("x")).unwrap(), Some(text));
            }
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let secret = Secret::new(SECRET.into());
        let bait = Bait { key: KEY, secret: &secret, region: None };
        if let Ok(Some(planted)) = plant(&bytes, at("x"), bait, NEVER, true) {
            prop_assert!(planted.len() >= bytes.len().min(KEY.len()));
        }
    }
}

#[test]
fn a_file_keeps_its_permissions_and_its_link() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep").join(".aws").join("credentials");
    let (target, content) = Target::read(&path).unwrap();
    assert!(content.is_empty());
    target.prepare().unwrap();
    target.write(b"one").unwrap();
    assert!(target.write(b"two").is_err(), "it is there by now");
    let (target, content) = Target::read(&path).unwrap();
    assert_eq!(content.as_slice(), b"one");
    fs::write(&path, "somebody's").unwrap();
    let error = target.write(b"two").unwrap_err().to_string();
    assert_eq!(
        (error.as_str(), fs::read(&path).unwrap().as_slice()),
        ("somebody else wrote to it just now: try again", &b"somebody's"[..])
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = home.path().join("link");
        symlink(&path, &link).unwrap();
        let (target, _) = Target::read(&link).unwrap();
        assert_eq!(target.path, path.canonicalize().unwrap());
        target.write(b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap().as_slice()), (0o640, &b"two"[..]));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        symlink(home.path().join("nowhere"), home.path().join("loose")).unwrap();
        let error = Target::read(&home.path().join("loose")).unwrap_err();
        assert_eq!(error.to_string(), "it is a link that leads nowhere");
    }
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left behind");
    assert_eq!(Target::read(home.path()).unwrap_err().to_string(), "it is no regular file");
    let large = home.path().join("large");
    fs::write(&large, vec![b' '; (1 << 20) + 1]).unwrap();
    assert_eq!(Target::read(&large).unwrap_err().to_string(), "it is too long for a credentials file");
}

#[test]
fn what_create_wrote_is_read() {
    let json = format!(r#"{{"kind":"token","token":"t1","access_key_id":"{KEY}","secret_access_key":"{SECRET}"}}"#);
    let credentials =
        format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\nregion = eu-west-1\n");
    for (text, token) in [(json.as_str(), Some("t1")), (credentials.as_str(), None)] {
        let given = Given::read(text.as_bytes()).unwrap();
        let key = &given.key;
        assert_eq!((key.token.as_deref(), key.id.as_str(), key.secret.reveal()), (token, KEY, SECRET));
        assert!(given.others.is_empty() && given.known.is_empty() && !given.is_cut, "{given:?}");
        assert!(!format!("{given:?}").contains(SECRET));
    }
    // The first one that has a secret, and what came with it.
    let other = json.replace(KEY, OTHER).replace("t1", "t2");
    let known = r#"{"token":"t3"}"#;
    let more = credentials.replace("default", "b").replace(KEY, OTHER);
    for (text, others, there, is_cut) in [
        (format!("{json}\n{json}"), vec![], vec![], false),
        (format!("{known}{json}\n{other}{json}"), vec!["t2"], vec!["t3"], false),
        (format!("{json}\n{{\"token\":\"t2\",\"secret_acc"), vec![], vec![], true),
        (format!("{json}{{\"kind\":\"finding\"}}{other}"), vec!["t2"], vec![], true),
        (format!("{credentials}\n{more}"), vec![OTHER], vec![], false),
    ] {
        let Given { key, others: left, known, is_cut: cut } = Given::read(text.as_bytes()).unwrap();
        assert_eq!(
            (key.id.as_str(), left, known, cut),
            (
                KEY,
                others.into_iter().map(str::to_owned).collect(),
                there.into_iter().map(str::to_owned).collect(),
                is_cut
            ),
            "{text}"
        );
    }
    for (text, expected) in [
        (String::new(), "there is no token on stdin"),
        (" \n".into(), "there is no token on stdin"),
        (r#"{"token":"t1"}"#.into(), "the token t1 was there already"),
        (r#"{"kind":"finding"}"#.into(), "stdin is not understood"),
        (format!(r#"{{"secret_access_key":"{SECRET}","#), "stdin is not understood"),
        (format!("AWS_SECRET_ACCESS_KEY={SECRET}"), "stdin is not understood"),
        (json.replace(KEY, "AKIA]\\n[x"), "is not what AWS gives"),
        (json.replace(SECRET, "a b"), "is not what AWS gives"),
    ] {
        let error = Given::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains(SECRET), "{error}");
    }
}
