//! `honeytoken update`.

use std::collections::BTreeMap;
use std::io::Read;

use common::cli::{Failure, Io, Say};
use common::clock;
use common::exit::Exit;
use common::record::Token;
use common::stream::{Item, ReadError, Reader, Writer, is_broken_pipe};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{About, named};
use crate::context::Context;
use crate::factory::request::check;
use crate::import::moment;
use crate::list;
use crate::list::which::later;
use crate::registry::Registry;

/// `honeytoken update`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token` and what is to be changed
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    #[command(flatten)]
    pub(crate) about: About,
    /// They never expire
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    pub(crate) never_expires: bool,
    /// Take a label away
    #[arg(long, value_name = "NAME")]
    pub(crate) unlabel: Vec<String>,
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    owner: Option<String>,
    location: Option<String>,
    notes: Option<String>,
    /// All labels at once.
    labels: Option<BTreeMap<String, String>>,
    /// Labels to add or to replace.
    label: BTreeMap<String, String>,
    unlabel: Vec<String>,
    #[expect(clippy::option_option, reason = "it stays, it ends then, it never ends")]
    expires_at: Option<Option<Timestamp>>,
}

/// Change whose tokens are, where they lie, what is noted of them, and when their time is over.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let now = clock::now();
    let from_stdin = args.tokens.iter().any(|token| token == "-");
    let flags = args.change(now);
    let Args { tokens, .. } = args;
    if from_stdin && tokens.len() > 1 {
        return Err(Failure::Usage("`-` stands for all tokens: name others on stdin as well".into()));
    }
    if !from_stdin && flags == Change::default() {
        return Err(Failure::Usage("there is nothing to change: give --owner, --location, --notes or the like".into()));
    }
    let registry = context.open()?;
    let Io { input, output, say, .. } = context.io;
    // What people say of tokens is in nobody's way who changes them. Whoever writes the records that are read here may be one of
    // those, and end only when all of them are read.
    let mut update = Update::new(&registry, say, flags, now, output);
    let read = if from_stdin { update.read(input) } else { update.named(&tokens) };
    // Whatever came after it, what was asked for before is sound.
    let settled = update.settle();
    let exit = update.exit;
    let finished = update.finish();
    read.and(settled).and(finished).map(|()| exit)
}

impl Args {
    fn change(&self, now: Timestamp) -> Change {
        let About { owner, location, notes, expires_in, expires_at, .. } = &self.about;
        let until = expires_at.or_else(|| expires_in.map(|period| later(now, period.get())));
        Change {
            owner: owner.clone(),
            location: location.clone(),
            notes: notes.clone(),
            labels: None,
            label: self.about.labels(),
            unlabel: self.unlabel.clone(),
            expires_at: if self.never_expires { Some(None) } else { until.map(Some) },
        }
    }
}

impl Change {
    /// From a JSON value: `null` clears.
    fn of(value: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| match value.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(String::new())),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`{name}` is no text")),
        };
        let labels = match value.get("labels") {
            None => None,
            Some(Value::Null) => Some(BTreeMap::new()),
            Some(Value::Object(labels)) => {
                let label = |(name, value): (&String, &Value)| match value {
                    Value::String(value) => Ok((name.clone(), value.clone())),
                    _ => Err(format!("the label `{name}` is no text")),
                };
                Some(labels.iter().map(label).collect::<Result<_, _>>()?)
            }
            Some(_) => return Err("`labels` is no object".into()),
        };
        let expires_at = match value.get("expires_at") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(moment(text).ok_or_else(|| format!("`{text}` is no time"))?)),
            Some(_) => return Err("`expires_at` is no time".into()),
        };
        let (owner, location, notes) = (text("owner")?, text("location")?, text("notes")?);
        Ok(Self { owner, location, notes, labels, label: BTreeMap::new(), unlabel: Vec::new(), expires_at })
    }

    /// Applies what it changes of a token as it was, over what the command line has made of it. A record that says how the
    /// token is changes nothing: `list | update - --owner ops` changes the owner.
    fn apply_over(&self, before: &Token, token: &mut Token, now: Timestamp) {
        let mut changed = before.clone();
        self.apply(&mut changed, now);
        let fields = [
            (&before.owner, &mut token.owner, changed.owner),
            (&before.location, &mut token.location, changed.location),
            (&before.notes, &mut token.notes, changed.notes),
        ];
        for (before, field, changed) in fields {
            if *before != changed {
                *field = changed;
            }
        }
        if before.labels != changed.labels {
            token.labels = changed.labels;
        }
        if before.expires_at != changed.expires_at {
            (token.expires_at, token.expired_at) = (changed.expires_at, changed.expired_at);
        }
    }

    fn apply(&self, token: &mut Token, now: Timestamp) {
        let set = |field: &mut String, value: &Option<String>| {
            if let Some(value) = value {
                field.clone_from(value);
            }
        };
        set(&mut token.owner, &self.owner);
        set(&mut token.location, &self.location);
        set(&mut token.notes, &self.notes);
        if let Some(labels) = &self.labels {
            token.labels.clone_from(labels);
        }
        token.labels.retain(|name, _| !self.unlabel.contains(name));
        token.labels.extend(self.label.clone());
        if let Some(expires_at) = self.expires_at {
            token.expires_at = expires_at;
            // Its time is not over any more.
            if !token.has_expired(now) {
                token.expired_at = None;
            }
        }
    }
}

/// Whether `create` would have taken what is new of a token. What was imported may hold what it does not take, and stays.
fn check_changed(before: &Token, after: &Token) -> Result<(), String> {
    let new = |before: &str, after: &'_ str| if before == after { String::new() } else { after.to_owned() };
    let texts =
        [new(&before.owner, &after.owner), new(&before.location, &after.location), new(&before.notes, &after.notes)];
    let none = BTreeMap::new();
    let labels = if before.labels == after.labels { &none } else { &after.labels };
    check(texts.each_ref().map(String::as_str), labels)
}

/// How many tokens are changed at once at most: what takes long is that the disk has it.
const BATCH: usize = 500;

/// A token that is to be changed.
struct Asked {
    /// Its id.
    token: String,
    change: Change,
    /// Where it was asked for, for messages.
    line: Option<u64>,
}

struct Update<'a, W: std::io::Write> {
    registry: &'a Registry,
    say: &'a Say,
    /// What the command line has for all of them.
    flags: Change,
    now: Timestamp,
    /// What comes next.
    waiting: Vec<Asked>,
    exit: Exit,
    out: Option<Writer<W>>,
    /// Why nothing can be written any more. What was asked for is done all the same.
    closed: Option<std::io::Error>,
}

impl<'a, W: std::io::Write> Update<'a, W> {
    fn new(registry: &'a Registry, say: &'a Say, flags: Change, now: Timestamp, output: W) -> Self {
        let out = Some(Writer::new(output));
        Self { registry, say, flags, now, waiting: Vec::new(), exit: Exit::Done, out, closed: None }
    }

    /// The tokens of these names.
    fn named(&mut self, names: &[String]) -> Result<(), Failure> {
        names.iter().try_for_each(|name| self.ask(name, Change::default(), None))
    }

    /// What JSON values ask for. What can be read without waiting is changed at once, and told before anything is waited for.
    fn read(&mut self, input: impl Read) -> Result<(), Failure> {
        let mut reader = Reader::new(input);
        loop {
            if !reader.ready() {
                self.settle()?;
                self.flush();
            }
            match reader.next() {
                None => return Ok(()),
                Some(Ok(item)) => match asked(&item) {
                    Ok((name, change)) => self.ask(&name, change, Some(item.line))?,
                    Err(why) => self.refuse(Some(item.line), &why),
                },
                Some(Err(ReadError::Broken(broken))) => self.refuse(None, &broken.to_string()),
                Some(Err(ReadError::Io { source, .. })) => return Err(Failure::Input(source)),
            }
        }
    }

    /// One token; what is changed of it beats what the command line changes of all.
    fn ask(&mut self, name: &str, change: Change, line: Option<u64>) -> Result<(), Failure> {
        match named::one(self.registry, name)? {
            Ok(token) => self.waiting.push(Asked { token: token.token, change, line }),
            Err(why) => self.refuse(line, &why),
        }
        if self.waiting.len() < BATCH { Ok(()) } else { self.settle() }
    }

    fn refuse(&mut self, line: Option<u64>, why: &str) {
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        self.say.error(format!("{line}{why}"));
        self.exit = Exit::Incomplete;
    }

    /// Changes what waits, and tells it once that is on the disk.
    fn settle(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let ids: Vec<&str> = waiting.iter().map(|asked| asked.token.as_str()).collect();
        let changed = self.registry.describe(&ids, "update", |place, token| {
            let before = token.clone();
            self.flags.apply(token, self.now);
            if let Some(asked) = waiting.get(place) {
                asked.change.apply_over(&before, token, self.now);
            }
            check_changed(&before, token)
        })?;
        for (Asked { token, line, .. }, changed) in waiting.iter().zip(changed) {
            match changed {
                Ok(token) => self.write(|out| out.write(&token)),
                Err(why) => self.refuse(*line, &format!("token {token}: {why}")),
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.write(Writer::flush);
    }

    fn write(&mut self, write: impl FnOnce(&mut Writer<W>) -> std::io::Result<()>) {
        if let Some(Err(error)) = self.out.as_mut().map(write) {
            self.out = None;
            self.closed = Some(error);
        }
    }

    /// A closed pipe is a quiet end.
    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.out.take().map_or(Ok(()), list::flush);
        match (self.closed, flushed) {
            (Some(error), _) | (None, Err(Failure::Output(error))) if is_broken_pipe(&error) => Ok(()),
            (Some(error), _) => Err(Failure::Output(error)),
            (None, flushed) => flushed,
        }
    }
}

/// Which token a JSON value is about, and what becomes of it.
fn asked(item: &Item) -> Result<(String, Change), String> {
    let value: Map<String, Value> = serde_json::from_str(&item.text).map_err(|error| error.to_string())?;
    match value.get("token") {
        Some(Value::String(name)) => Ok((name.clone(), Change::of(&value)?)),
        Some(_) => Err("`token` is no text".into()),
        None => Err("there is no `token` that says which one is meant".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use common::cli::Captured;
    use serde_json::json;

    use super::*;
    use crate::registry::tests::token;

    fn now() -> Timestamp {
        "2026-11-21T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_there_is_replaced_null_clears_and_the_rest_stays() {
        let mut before = token("t1", "svc");
        before.notes = "old".into();
        before.labels = [("env".to_owned(), "corp".to_owned())].into();
        before.expires_at = Some("2026-11-01T00:00:00Z".parse().unwrap());
        before.expired_at = Some("2026-11-02T00:00:00Z".parse().unwrap());
        for (change, expected) in [
            (json!({}), json!({"owner": "web", "notes": "old", "expired_at": "2026-11-02T00:00:00Z"})),
            (json!({"owner": "db"}), json!({"owner": "db", "location": "laptop-t1", "notes": "old"})),
            (json!({"owner": null, "notes": null}), json!({"owner": "", "notes": ""})),
            (json!({"labels": {"a": "b"}}), json!({"labels": {"a": "b"}})),
            (json!({"labels": null}), json!({"labels": {}})),
            (json!({"expires_at": null}), json!({"expires_at": null, "expired_at": null})),
            (json!({"expires_at": "2027-01-01"}), json!({"expires_at": "2027-01-01T00:00:00Z", "expired_at": null})),
            (
                json!({"expires_at": "2026-11-10T00:00:00Z"}),
                json!({"expires_at": "2026-11-10T00:00:00Z", "expired_at": "2026-11-02T00:00:00Z"}),
            ),
        ] {
            let mut token = before.clone();
            Change::of(change.as_object().unwrap()).unwrap().apply(&mut token, now());
            let after = serde_json::to_value(&token).unwrap();
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(after.get(name).unwrap_or(&Value::Null), value, "{change}: {name}");
            }
        }
        for (change, why) in [
            (json!({"owner": 5}), "`owner` is no text"),
            (json!({"labels": ["a"]}), "`labels` is no object"),
            (json!({"labels": {"a": 1}}), "the label `a` is no text"),
            (json!({"expires_at": "next week"}), "`next week` is no time"),
            (json!({"expires_at": 17}), "`expires_at` is no time"),
        ] {
            assert_eq!(Change::of(change.as_object().unwrap()), Err(why.to_owned()));
        }
    }

    #[test]
    fn what_create_would_not_take_is_not_taken_and_what_is_there_stays() {
        let mut before = token("t1", "svc");
        before.notes = "one\nother".into();
        let changed = |change: &dyn Fn(&mut Token)| {
            let mut after = before.clone();
            change(&mut after);
            check_changed(&before, &after)
        };
        assert_eq!(changed(&|token| token.owner = "ops".into()), Ok(()));
        for (change, says) in [
            (&(|token: &mut Token| token.owner = "\u{1b}[2J".into()) as &dyn Fn(&mut Token), "owner has a control"),
            (&|token| token.location = "a\nb".into(), "location has a control"),
            (&|token| token.notes = "a\rb".into(), "notes has a control"),
            (&|token| drop(token.labels.insert("a".into(), "\t".into())), "a label's value has a control"),
        ] {
            assert!(changed(change).unwrap_err().contains(says), "{says}");
        }
    }

    #[test]
    fn what_a_record_changes_beats_the_command_line_and_what_it_repeats_does_not() {
        let mut before = token("t1", "svc");
        before.expires_at = Some("2026-11-01T00:00:00Z".parse().unwrap());
        before.expired_at = before.expires_at;
        let label = [("env".to_owned(), "lab".to_owned())].into();
        let later = Some(Some("2027-01-01T00:00:00Z".parse().unwrap()));
        let flags = Change { owner: Some("ops".into()), label, expires_at: later, ..Change::default() };
        let record = serde_json::to_value(&before).unwrap();
        for (line, owner, labels, expires_at) in [
            (record, "ops", json!({"env": "lab"}), json!("2027-01-01T00:00:00Z")),
            (json!({"owner": "db", "labels": {"a": "b"}}), "db", json!({"a": "b"}), json!("2027-01-01T00:00:00Z")),
            (json!({"expires_at": null}), "ops", json!({"env": "lab"}), Value::Null),
        ] {
            let mut token = before.clone();
            flags.apply(&mut token, now());
            Change::of(line.as_object().unwrap()).unwrap().apply_over(&before, &mut token, now());
            assert_eq!((token.owner.as_str(), json!(token.labels)), (owner, labels), "{line}");
            assert_eq!((json!(token.expires_at), token.expired_at), (expires_at, None), "{line}");
        }
    }

    #[test]
    fn labels_are_added_replaced_and_taken_away() {
        let mut token = token("t1", "svc");
        token.labels =
            [("env", "corp"), ("team", "web")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let label = [("env", "lab"), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let change = Change { label, unlabel: vec!["team".into(), "none".into()], ..Change::default() };
        change.apply(&mut token, now());
        assert_eq!(json!(token.labels), json!({"env": "lab", "x": "y"}));
    }

    /// stdout, which believes nothing that is not in the registry.
    struct Doubtful {
        path: PathBuf,
        told: Vec<u8>,
    }

    impl std::io::Write for Doubtful {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.told.extend_from_slice(bytes);
            let registry = Registry::open(&self.path).unwrap();
            let whole = &self.told[..self.told.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)];
            for record in serde_json::Deserializer::from_slice(whole).into_iter::<Token>() {
                let record = record.unwrap();
                assert_eq!(registry.token(&record.token).unwrap().unwrap().owner, record.owner, "{}", record.token);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_there_at_once_is_changed_at_once_and_told_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("honeytokens.db");
        let registry = Registry::open_or_create(&path).unwrap();
        let ids: Vec<String> = (0..300).map(|number| format!("t{number}")).collect();
        registry
            .write(|transaction| {
                let insert = "INSERT INTO token (id, state, account, user_name, arn, guard, owner, location, notes, labels, created_at)
                    VALUES (?1, 'active', '111122223333', ?1, 'arn:aws:iam::111122223333:user/' || ?1, 'inline', 'web', '', '', '{}',
                    '2026-11-20T10:00:00Z')";
                ids.iter().try_for_each(|id| transaction.execute(insert, [id]).map(drop))
            })
            .unwrap();
        let log = path.with_extension("db-wal");
        let before = std::fs::metadata(&log).unwrap().len();
        let mut lines: Vec<String> = ids.iter().map(|id| json!({"token": id, "owner": "db"}).to_string()).collect();
        lines.insert(7, json!({"token": "t7", "notes": "\u{1b}[2J"}).to_string());
        lines.insert(20, json!({"token": "nobody"}).to_string());
        // What comes later goes by what came before.
        lines.push(json!({"token": "t3", "notes": "again"}).to_string());
        let out = Captured::default();
        let say = Say::to("honeytoken", out.clone());
        let mut update = Update::new(&registry, &say, Change::default(), now(), Doubtful { path, told: Vec::new() });
        update.read(lines.join("\n").as_bytes()).unwrap();
        update.settle().unwrap();
        assert_eq!(update.exit, Exit::Incomplete);
        update.flush();
        let told = update.out.unwrap().into_inner().unwrap().told;
        assert_eq!(String::from_utf8(told).unwrap().lines().count(), 301);
        let said = out.text();
        assert!(
            said.contains("line 8: token t7: notes has a control") && said.contains("line 21: there is no"),
            "{said}"
        );
        let third = registry.token("t3").unwrap().unwrap();
        assert_eq!((third.owner.as_str(), third.notes.as_str()), ("db", "again"));
        assert_eq!(registry.token("t7").unwrap().unwrap().owner, "db", "the good one next to a bad one");
        // Each commit adds all pages that it changed to the log, some of which are the same for all.
        let written = std::fs::metadata(&log).unwrap().len() - before;
        assert!(written < 1_000_000, "{written} bytes of log for 300 changes");
    }
}
