//! `honeytoken update`.

use std::collections::BTreeMap;

use common::cli::Failure;
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
    let say = context.io.say;
    let _held = registry.hold(say)?;
    let mut update =
        Update { registry: &registry, flags, now, out: Some(Writer::new(context.io.output)), closed: None };
    let mut exit = Exit::Done;
    if from_stdin {
        let mut reader = Reader::new(context.io.input);
        loop {
            if !reader.ready() {
                update.flush();
            }
            let result = match reader.next() {
                None => break,
                Some(Ok(item)) => update.item(&item)?.map_err(|why| format!("line {}: {why}", item.line)),
                Some(Err(ReadError::Broken(broken))) => Err(broken.to_string()),
                Some(Err(ReadError::Io { source, .. })) => {
                    update.flush();
                    return Err(Failure::Input(source));
                }
            };
            if let Err(why) = result {
                say.error(why);
                exit = Exit::Incomplete;
            }
        }
    } else {
        for name in &tokens {
            if let Err(why) = update.one(name, &Change::default())? {
                say.error(why);
                exit = Exit::Incomplete;
            }
        }
    }
    update.finish()?;
    Ok(exit)
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

struct Update<'a, W: std::io::Write> {
    registry: &'a Registry,
    /// What the command line has for all of them.
    flags: Change,
    now: Timestamp,
    out: Option<Writer<W>>,
    /// Why nothing can be written any more. What was asked for is done all the same.
    closed: Option<std::io::Error>,
}

impl<W: std::io::Write> Update<'_, W> {
    /// One JSON value.
    fn item(&mut self, item: &Item) -> Result<Result<(), String>, Failure> {
        let read = || {
            let value: Map<String, Value> = serde_json::from_str(&item.text).map_err(|error| error.to_string())?;
            match value.get("token") {
                Some(Value::String(name)) => Ok((name.clone(), Change::of(&value)?)),
                Some(_) => Err("`token` is no text".into()),
                None => Err("there is no `token` that says which one is meant".into()),
            }
        };
        match read() {
            Ok((name, change)) => self.one(&name, &change),
            Err(why) => Ok(Err(why)),
        }
    }

    /// One token; what is said of it beats what the command line has for all.
    fn one(&mut self, name: &str, change: &Change) -> Result<Result<(), String>, Failure> {
        let mut token = match named::one(self.registry, name)? {
            Ok(token) => token,
            Err(why) => return Ok(Err(why)),
        };
        let before = token.clone();
        self.flags.apply(&mut token, self.now);
        change.apply(&mut token, self.now);
        if let Err(why) = check_changed(&before, &token) {
            return Ok(Err(format!("token {}: {why}", token.token)));
        }
        self.registry.describe(&token, "update")?;
        // As it is now: a watch writes to it as well.
        let token = self.registry.token(&token.token)?.unwrap_or(token);
        self.write(|out| out.write(&token));
        Ok(Ok(()))
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

#[cfg(test)]
mod tests {
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
    fn labels_are_added_replaced_and_taken_away() {
        let mut token = token("t1", "svc");
        token.labels =
            [("env", "corp"), ("team", "web")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let label = [("env", "lab"), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let change = Change { label, unlabel: vec!["team".into(), "none".into()], ..Change::default() };
        change.apply(&mut token, now());
        assert_eq!(json!(token.labels), json!({"env": "lab", "x": "y"}));
    }
}
