//! What is configured, from flags, environment and settings; and what is not understood.

use std::path::PathBuf;

use clap::Parser;
use common::aws::block_on;
use common::cli::Captured;

use super::*;
use crate::samples;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";
const SECRET: &str = "https://hooks.slack.com/services/T000/B000/SeCrEt";

/// A directory of a test's own.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("notify-configure-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn set_up(args: &[&str], toml: &str, variables: &[(&str, &str)]) -> (Result<Setup, String>, String) {
    let args = Args::parse_from([&["notify"], args].concat());
    let settings = samples::settings(toml);
    let environment =
        |name: &str| variables.iter().find(|variable| variable.0 == name).map(|variable| variable.1.to_owned());
    let said = Captured::default();
    let (say, caller) = (Say::to("notify", said.clone()), Caller::new(&args, &settings.aws));
    let setup = block_on(setup(&args, &settings, environment, &caller, &say));
    (setup.map_err(|error| error.to_string()), said.text())
}

fn names(setup: &Setup, places: &[usize]) -> Vec<String> {
    places.iter().map(|place| setup.targets[*place].name()).collect()
}

/// Who hears of everything, without the marks of their secrets.
fn everybody(args: &[&str], toml: &str, variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let plain = |name: String| name.split_once(" ~").map_or(name.clone(), |(plain, _)| plain.to_owned());
    set_up(args, toml, variables).0.map(|setup| names(&setup, &setup.router.everybody).into_iter().map(plain).collect())
}

#[test]
fn a_flag_beats_the_environment_beats_the_settings() {
    let directory = Directory::new("order");
    let file = |name: &str| directory.file(name, &format!("https://{name}.example/secret"));
    let (flag, setting) = (file("flag"), file("setting"));
    let toml = format!(
        "[notify]\nslack_webhook_file = \"{setting}\"\nsns_topic = \"{TOPIC}-setting\"\nslack_channel = \"#setting\""
    );
    let variable = (WEBHOOK, "https://variable.example/secret");
    let topic = format!("sns {TOPIC}-setting");
    assert_eq!(
        everybody(&["--slack-webhook-file", &flag, "--sns-topic", TOPIC], &toml, &[variable]).unwrap(),
        ["slack flag.example #setting", &format!("sns {TOPIC}")]
    );
    assert_eq!(everybody(&[], &toml, &[variable]).unwrap(), ["slack variable.example #setting", &topic]);
    assert_eq!(everybody(&[], &toml, &[(WEBHOOK, " ")]).unwrap(), ["slack setting.example #setting", &topic]);
    for name in SLACK_CHANNEL {
        let told = everybody(&[], &toml, &[(name, "#variable")]).unwrap();
        assert_eq!(told, ["slack setting.example #variable", &topic], "{name}");
    }
}

#[test]
fn every_channel_can_be_named_on_the_command_line() {
    let directory = Directory::new("all");
    let (key, url) = (directory.file("key", "R0uTiNgKeY\n"), directory.file("url", "https://tickets.example/SeCrEt"));
    let args = [
        "--mail-to",
        "a@acme.example,b@acme.example",
        "--mail-from",
        "sluice@acme.example",
        "--pagerduty-key-file",
        &key,
        "--webhook-url-file",
        &url,
        "--file",
        "/tmp/said.ndjson",
    ];
    let expected = [
        "mail a@acme.example, b@acme.example",
        "pagerduty events.pagerduty.com",
        "webhook tickets.example",
        "file /tmp/said.ndjson",
    ];
    assert_eq!(everybody(&args, "", &[]).unwrap(), expected);
    let variables = [(PAGERDUTY, "R0uTiNgKeY"), (JSON_WEBHOOK, "https://tickets.example/SeCrEt")];
    assert_eq!(everybody(&[], "", &variables).unwrap(), expected[1..3]);
}

#[test]
fn nothing_is_an_empty_list() {
    assert_eq!(everybody(&[], "", &[]).unwrap(), [""; 0]);
    assert_eq!(everybody(&[], "[notify]\nsns_topic = \"\"", &[(WEBHOOK, "")]).unwrap(), [""; 0]);
    assert_eq!(examples().unwrap().len(), 2);
}

#[test]
fn one_target_is_one_however_it_is_named() {
    let directory = Directory::new("one");
    let hook = directory.file("hook", SECRET);
    let toml = format!(
        r##"
        [notify]
        slack_webhook_file = "{hook}"
        slack_channel = "#cloud"
        sns_topic = "{TOPIC}"
        mail_from = "sluice@acme.example"
        default = ["slack", "slack:#cloud", "pipeline"]
        [notify.targets.web]
        channel = "slack"
        webhook_file = "{hook}"
        slack_channel = "#web"
        time_zone = "America/New_York"
        [notify.targets.pipeline]
        channel = "sns"
        topic = "{TOPIC}"
        [notify.targets.people]
        channel = "mail"
        to = ["Web@acme.example"]
        [[route]]
        to = ["web", "slack:#web", "sns", "sns:{TOPIC}", "pipeline", "mail:web@acme.example", "people", "account", "web"]
        "##
    );
    let (setup, _) = set_up(&[], &toml, &[]);
    let setup = setup.unwrap();
    let all: Vec<_> = setup.targets.iter().map(Target::name).collect();
    assert_eq!(all, ["mail people", "sns pipeline", "slack web", &format!("slack hooks.slack.com #cloud ~{}", mark())]);
    assert_eq!(setup.router.everybody, [3, 1]);
    assert_eq!(setup.router.rules[0].to, [Dest::Target(2), Dest::Target(1), Dest::Target(0), Dest::Account]);
    assert_eq!(setup.router.default, [Dest::Target(3), Dest::Target(1)]);
    // One webhook, one pace.
    assert_eq!(setup.targets[2].lane, setup.targets[3].lane);
    assert_ne!(setup.targets[0].lane, setup.targets[1].lane);
    assert_eq!(setup.targets[2].zone, "America/New_York".parse().unwrap());
}

#[test]
fn a_mistake_names_its_place_and_no_secret() {
    let directory = Directory::new("mistakes");
    let hook = directory.file("hook", SECRET);
    let route = |to: &str| format!("[[route]]\nseverity = \"high\"\nto = {to}");
    let target = |text: &str| format!("[notify.targets.web]\n{text}");
    let rows = [
        (route("[\"oncall\"]"), "[[route]] number 1 (to = [\"oncall\"]): `oncall` is none of [notify.targets]"),
        (format!("{}\n{}", route("[\"none\"]"), route("[]")), "[[route]] number 2: it names nobody"),
        (route("[\"none\", \"account\"]"), "`none` and others"),
        (route("[\"slack:#x\"]"), "there is no Slack webhook: set SLACK_WEBHOOK_URL"),
        (route("[\"sns\"]"), "there is no SNS topic"),
        (route("[\"sns:arn:aws:s3:::b\"]"), "is not an SNS topic"),
        (route("[\"mail:a@b.example\"]"), "set notify.mail_from"),
        ("[notify]\ndefault = [\"oncall\"]".to_owned(), "notify.default: `oncall`"),
        ("[[route]]\nkind = \"findings\"\nto = [\"none\"]".to_owned(), "`kind` has `findings`"),
        (target("channel = \"slack\""), "[notify.targets.web]: there is no Slack webhook"),
        (target("channel = \"mail\"\nto = [\"a@b.example\"]"), "[notify.targets.web]: nobody sends the mail"),
        (target("channel = \"mail\"\nto = []\nfrom = \"a@b.example\""), "[notify.targets.web]: "),
        (target("channel = \"slack\"\nwebhook_file = \"/nonexistent/hook\""), "/nonexistent/hook"),
        (target("channel = \"pagerduty\"\nrouting_key_file = \"/nonexistent/key\""), "/nonexistent/key"),
        (target(&format!("channel = \"pagerduty\"\nrouting_key_file = \"{hook}\"")), "routing key"),
        (target("channel = \"webhook\"\nurl_file = \"/nonexistent/url\""), "/nonexistent/url"),
        (
            "[notify.targets.slack]\nchannel = \"file\"\npath = \"x\"".to_owned(),
            "[notify.targets.slack]: no target can",
        ),
        ("[notify]\naccount_map = \"s3://acme\"".to_owned(), "the account map: "),
        ("[notify]\naccount_map = \"/nonexistent/map.json\"".to_owned(), "/nonexistent/map.json"),
        ("[notify]\nsns_topic = \"alerts\"".to_owned(), "`alerts` is not an ARN"),
    ];
    for (toml, expected) in rows {
        let error = set_up(&[], &toml, &[]).0.map(drop).unwrap_err();
        assert!(error.contains(expected) && !error.contains("SeCrEt"), "{toml}\n{error}");
    }
    let error = set_up(&[], "", &[(WEBHOOK, "hooks.slack.com/SeCrEt")]).0.map(drop).unwrap_err();
    assert!(error.contains(WEBHOOK) && !error.contains("SeCrEt"), "{error}");
    let error =
        set_up(&["--slack-webhook-file", "/nonexistent/hook"], "", &[(WEBHOOK, SECRET)]).0.map(drop).unwrap_err();
    assert!(error.contains("/nonexistent/hook"), "{error}");
    let error = set_up(&["--mail-to", "a@b.example"], "", &[]).0.map(drop).unwrap_err();
    assert!(error.contains("--mail-from"), "{error}");
}

#[test]
fn the_account_map_names_people_and_accounts() {
    let directory = Directory::new("map");
    let map = directory.file(
        "map.json",
        r##"[{"AccountName": "web", "AccountNumber": "111122223333", "ContactEmail": "web@acme.example", "SlackChannel": "#web",},
            {"AccountName": "data", "AccountNumber": "444455556666", "SlackChannel": "#web"},
            {"AccountName": "nobody", "AccountNumber": 777788889999},
            {"AccountNumber": "acme"}]"##,
    );
    let toml = format!("[notify]\naccount_map = \"{map}\"\n[accounts.\"444455556666\"]\nname = \"ours\"");
    let account = |id: &str| id.parse().unwrap();
    let (setup, said) = set_up(&["--mail-from", "sluice@acme.example"], &toml, &[(WEBHOOK, SECRET)]);
    let setup = setup.unwrap();
    assert_eq!(
        said,
        "notify: warning: the account map: entry 4: `acme` is no account number: twelve digits are expected\n"
    );
    let people = |id: &str| setup.router.contacts.get(&account(id)).map(|places| names(&setup, places));
    let web = format!("slack hooks.slack.com #web ~{}", mark());
    assert_eq!(people("111122223333").unwrap(), [&web, "mail web@acme.example"]);
    assert_eq!(people("444455556666").unwrap(), [web]);
    assert_eq!(people("777788889999"), None);
    // What the settings call an account comes first; a route may name either.
    assert_eq!(setup.settings.account_name(&account("444455556666")), Some("ours"));
    assert_eq!(setup.settings.account_name(&account("111122223333")), Some("web"));
    assert_eq!(setup.router.names[&account("444455556666")], ["ours", "data"]);

    let (setup, said) = set_up(&["--account-map", &map], "", &[]);
    assert!(setup.unwrap().router.contacts.is_empty());
    assert!(said.contains("the account map names nobody who can be told"), "{said}");
    // A flag beats the environment, which would ask AWS.
    assert!(set_up(&["--account-map", &map], "", &[(MAP_BUCKET, "acme")]).0.is_ok());
    let place = |variables: &[(&str, &str)]| {
        let environment =
            |name: &str| variables.iter().find(|variable| variable.0 == name).map(|variable| variable.1.to_owned());
        let place = map_place(&Args::parse_from(["notify"]), &samples::settings(&toml), environment);
        place.unwrap().map(|place| place.to_string())
    };
    assert_eq!(place(&[(MAP_BUCKET, "acme")]).unwrap(), "s3://acme/account-map.json");
    assert_eq!(place(&[(MAP_BUCKET, "acme"), (MAP_KEY, "a/b.json")]).unwrap(), "s3://acme/a/b.json");
    assert_eq!(place(&[(MAP_KEY, "a/b.json")]).unwrap(), map);
}

/// The mark of the webhook of these tests.
fn mark() -> String {
    Webhook::parse(SECRET, "it").unwrap().mark()
}

#[test]
fn what_the_memory_calls_a_target_is_the_same_in_each_run_and_another_for_another_secret() {
    let directory = Directory::new("marks");
    let name = |variable: &str, secret: &str, toml: &str| {
        let (setup, _) = set_up(&[], toml, &[(variable, secret)]);
        let setup = setup.unwrap();
        names(&setup, &setup.router.everybody).remove(0)
    };
    let other = &SECRET.replace("B000", "B001");
    let keys = ["R0SeCrEt0123456789abcdef01234567", "R0SeCrEt0123456789abcdef01234568"];
    for (variable, one, other) in [
        (WEBHOOK, SECRET, other.as_str()),
        (JSON_WEBHOOK, "https://siem.example/SeCrEt/1", "https://siem.example/SeCrEt/2"),
        (PAGERDUTY, keys[0], keys[1]),
    ] {
        let (first, again, second) = (name(variable, one, ""), name(variable, one, ""), name(variable, other, ""));
        assert_eq!(first, again);
        assert_ne!(first, second, "two jobs with one memory");
        assert!(!first.contains("SeCrEt") && !first.contains("B000"), "{first}");
    }
    // Whatever else the settings name, and in which order.
    let hook = directory.file("hook", other);
    let toml = format!("[notify.targets.web]\nchannel = \"slack\"\nwebhook_file = \"{hook}\"");
    assert_eq!(name(WEBHOOK, SECRET, &toml), name(WEBHOOK, SECRET, ""));
    assert_eq!(name(WEBHOOK, other, &toml), "slack web", "one that has a name is known by it, and is one");
}
