//! Records in, findings out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use common::cli::{Failure, Io, Say};
use common::exit::Exit;
use common::record::{ExceptionStatus, Finding, FindingStatus, Resource, Scope, ScopeStatus, Severity};
use common::resource::ResourceType;
use common::settings::Settings;
use common::stream::{Broken, Item, ReadError, Reader, Writer};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::args::{Format, Halt};
use crate::checks::runaway;
use crate::evidence::{Evidence, Waiting};
use crate::exempt::{Use, in_words};
use crate::judge::{Judge, JudgeError, Verdict, Wanted};
use crate::table::{Colour, Table, counted};
use crate::totals::{Settled, Standing, Totals};

/// How many failed scopes are named; the rest are counted.
const NAMED: usize = 5;

/// How many unknown types are counted each for itself. The input must not make a filter's memory grow.
const COUNTED: usize = 50;

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// What is written.
    pub(crate) format: Format,
    /// Whether `pass` findings are written too.
    pub(crate) passed: bool,
    /// From which severity on a failed finding makes the answer "no".
    pub(crate) fail_on: Option<Severity>,
    /// Whether exceptions that do nothing are reported.
    pub(crate) unused_exceptions: bool,
    /// Whether the checks were named one by one.
    pub(crate) by_name: bool,
    /// What becomes of an account that is over its limit.
    pub(crate) halt: Halt,
}

/// What was seen, for the end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Resources that were judged.
    pub(crate) judged: u64,
    /// Scopes that were covered.
    pub(crate) scopes_ok: u64,
    /// Scopes that were not.
    pub(crate) scopes_failed: u64,
    /// The first of them, in words.
    failed: Vec<String>,
    /// Findings that are unknown.
    unknown: u64,
    /// Resources on which AWS is still at work.
    unsettled: u64,
    /// Fixes that cut off somebody who is not known.
    strangers: u64,
    /// Parts of the input that were not understood.
    broken: u64,
    /// Whether accounts were to be weighed, and none was seen.
    unweighed: bool,
    /// Whether a finding failed at or above `--fail-on`.
    no: bool,
    /// Resources of types that have no checks.
    untyped: BTreeMap<String, u64>,
}

impl Tally {
    /// Which scopes were not covered, in a sentence; nothing where all were.
    pub(crate) fn not_looked_at(&self) -> Option<String> {
        if self.scopes_failed == 0 {
            return None;
        }
        let rest = self.scopes_failed - self.failed.len() as u64;
        let rest = if rest == 0 { String::new() } else { format!(", and {rest} more") };
        Some(format!("not looked at: {}{rest}", self.failed.join(", ")))
    }

    fn scope(&mut self, scope: &Scope) {
        if scope.status == ScopeStatus::Ok {
            self.scopes_ok += 1;
            return;
        }
        self.scopes_failed += 1;
        if self.failed.len() < NAMED {
            let Scope { account, region, r#type, error, .. } = scope;
            let why = error.as_ref().map(|error| format!(" ({}: {})", error.operation, error.code)).unwrap_or_default();
            self.failed.push(format!("{account} {region} {type}{why}"));
        }
    }

    fn untyped(&mut self, kind: &str) {
        let kind: String = kind.chars().take(40).collect();
        let key = if self.untyped.len() < COUNTED || self.untyped.contains_key(&kind) { kind } else { "others".into() };
        *self.untyped.entry(key).or_default() += 1;
    }

    fn exit(&self) -> Exit {
        let incomplete = self.unweighed || self.broken + self.scopes_failed + self.unknown > 0;
        let exit = if incomplete { Exit::Incomplete } else { Exit::Done };
        exit.and(if self.no { Exit::No } else { Exit::Done })
    }
}

/// Where findings and other records go.
enum Sink<'a> {
    Records(Writer<Box<dyn Write + Send + 'a>>),
    Table(Table<'a>, Box<dyn Write + Send + 'a>),
}

impl Sink<'_> {
    fn finding(&mut self, finding: &Finding) -> Result<(), Failure> {
        match self {
            Self::Records(writer) => writer.write(finding).map_err(Failure::Output),
            Self::Table(table, _) => {
                table.add(finding);
                Ok(())
            }
        }
    }

    /// A record that the table does not show.
    fn record(&mut self, record: &impl Serialize) -> Result<(), Failure> {
        match self {
            Self::Records(writer) => writer.write(record).map_err(Failure::Output),
            Self::Table(..) => Ok(()),
        }
    }

    fn pass_on(&mut self, item: &Item) -> Result<(), Failure> {
        match self {
            Self::Records(writer) => writer.pass_on(item).map_err(Failure::Output),
            Self::Table(..) => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(writer) => writer.flush().map_err(Failure::Output),
            Self::Table(..) => Ok(()),
        }
    }

    fn finish(self, tally: &Tally, say: &Say) -> Result<(), Failure> {
        match self {
            Self::Records(mut writer) => {
                if let Some(sentence) = tally.not_looked_at() {
                    say.warn(sentence);
                }
                writer.flush().map_err(Failure::Output)
            }
            Self::Table(table, mut output) => {
                let text = table.render(tally);
                output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::Output)
            }
        }
    }
}

/// Judges what comes in until it ends.
pub(crate) fn run(judge: Judge, options: Options, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    let Io { input, output, terminal, say } = io;
    let sink = match options.format {
        Format::Table => Sink::Table(Table::new(settings, Colour::of(terminal)), output),
        _ => Sink::Records(Writer::new(output)),
    };
    if options.halt == Halt::Pass && judge.has_limits() {
        say.note("--halt pass: no account is weighed against its limit, and nothing is halted");
    }
    if options.halt == Halt::Plan && judge.has_limits() {
        say.note("--halt plan: a rehearsal, whose findings of what would be halted carry no actions");
    }
    let judge = judge.halting(options.halt);
    if options.by_name && judge.asks_about_accounts() && !judge.has_limits() {
        say.warn(
            "the settings limit no account ([runaway], docs/brake.md): however much runs or is spent, nothing is halted",
        );
    }
    let in_use = Use::of(&judge);
    let totals = Totals::of(&judge, options.by_name);
    let (tally, evidence) = (Tally::default(), Evidence::default());
    let mut filter = Filter { judge, options, say, sink, tally, in_use, totals, evidence, waiting: Vec::new() };
    let mut reader = Reader::new(input);
    loop {
        if !reader.ready() {
            filter.sink.flush()?;
        }
        match reader.next() {
            Some(Ok(item)) => filter.record(&item)?,
            Some(Err(ReadError::Broken(broken))) => filter.complain(broken),
            Some(Err(error @ ReadError::Io { .. })) => filter.complain(error),
            None => break,
        }
    }
    filter.end()
}

struct Filter<'a> {
    judge: Judge,
    options: Options,
    say: &'a Say,
    sink: Sink<'a>,
    tally: Tally,
    in_use: Use,
    totals: Totals,
    evidence: Evidence,
    /// What is passed on once it is known what accounts come to.
    waiting: Vec<Waiting>,
}

/// Whether a record without a `kind` is a resource: only a resource has a `config`.
#[derive(Deserialize)]
struct Shape {
    config: Option<IgnoredAny>,
}

impl Filter<'_> {
    /// Something of the input is lost: named, and the rest goes on.
    fn complain(&mut self, what: impl std::fmt::Display) {
        self.tally.broken += 1;
        self.say.error(what);
    }

    fn record(&mut self, item: &Item) -> Result<(), Failure> {
        match item.kind() {
            Ok(Some(kind)) if kind == "resource" => self.resource(item),
            Ok(Some(kind)) if kind == "scope" => self.scope(item),
            Ok(Some(_)) => self.sink.pass_on(item),
            Ok(None) => match item.parse::<Shape>() {
                Ok(Shape { config: Some(_) }) => self.resource(item),
                Ok(Shape { config: None }) => {
                    let line = item.line;
                    self.complain(format!(
                        "line {line}: this is no record: it has no `kind` (`poll -` looks up references)"
                    ));
                    Ok(())
                }
                Err(broken) => {
                    self.complain(broken);
                    Ok(())
                }
            },
            Err(broken) => {
                self.complain(broken);
                Ok(())
            }
        }
    }

    /// Passes a scope on, with what was done about it.
    fn scope(&mut self, item: &Item) -> Result<(), Failure> {
        let scope: Scope = match item.parse() {
            Ok(scope) => scope,
            Err(broken) => {
                self.complain(broken);
                return self.sink.pass_on(item);
            }
        };
        self.tally.scope(&scope);
        self.totals.scope(&self.judge, &scope);
        let made = self.evidence.made(&scope, &self.judge);
        if scope.status == ScopeStatus::Ok && self.totals.weigh_by(&self.judge, &scope) {
            self.waiting.push(Waiting::new(scope.account, item, made));
            return Ok(());
        }
        self.sink.pass_on(made.said(item).as_ref().unwrap_or(item))
    }

    fn resource(&mut self, item: &Item) -> Result<(), Failure> {
        let resource: Resource<&RawValue> = match item.parse() {
            Ok(resource) => resource,
            Err(broken) => {
                self.complain(named(item, &broken));
                return Ok(());
            }
        };
        if resource.r#type == ResourceType::Organization.name() {
            return self.organization(item, &resource);
        }
        let weighed = self.totals.want(&self.judge, &resource.account).then(|| resource.clone().map(|_| ()));
        let place = Evidence::place(&resource);
        match self.judge.judge_raw(resource, self.wanted()) {
            Ok(mut verdict) => {
                self.evidence.judged(place, &verdict.findings);
                if let Some(resource) = weighed {
                    self.totals.record(&self.judge, resource, verdict.counted.take());
                }
                self.verdict(verdict)
            }
            Err(JudgeError::UnknownType(unknown)) => {
                self.tally.untyped(&unknown.0);
                self.sink.pass_on(item)
            }
            Err(error) => {
                self.complain(format!("line {}: {error}", item.line));
                Ok(())
            }
        }
    }

    /// Which findings are asked for.
    fn wanted(&self) -> Wanted<'static> {
        if self.options.passed { Wanted::All } else { Wanted::Problems }
    }

    /// Writes what was made of a resource, but for what depends on what is yet to come.
    fn verdict(&mut self, verdict: Verdict) -> Result<(), Failure> {
        let Verdict { findings, exceptions, strangers, unsettled, .. } = verdict;
        self.tally.strangers += strangers;
        self.covered(exceptions);
        for finding in &findings {
            if finding.status != FindingStatus::Pass && runaway::is_runaway(&finding.check) {
                self.totals.hold(&self.judge, finding).map_err(|error| Failure::Output(error.into()))?;
            } else {
                self.finding(finding)?;
            }
        }
        match unsettled {
            None => self.tally.judged += 1,
            Some(unsettled) => {
                self.tally.unsettled += 1;
                self.sink.record(&*unsettled)?;
            }
        }
        Ok(())
    }

    /// Takes down which exceptions cover something.
    fn covered(&mut self, exceptions: Vec<usize>) {
        for number in exceptions {
            if let Some(expired) = self.in_use.covers(number, &self.judge) {
                self.say.warn(expired);
            }
        }
    }

    /// Weighs the accounts against their limits, and writes what comes of it.
    fn accounts(&mut self) -> Result<(), Failure> {
        if self.totals.are_missing() {
            self.tally.unweighed = true;
            self.say.warn("nothing came in of an account that has a limit: none was weighed (see what poll said)");
        }
        let (totals, judge) = (std::mem::take(&mut self.totals), self.judge.clone());
        let mut within = BTreeSet::new();
        for settled in totals.settle(&judge, self.tally.broken, self.wanted()) {
            let Settled { account, standing, verdict, resources, title } =
                settled.map_err(|error| Failure::Output(error.into()))?;
            match standing {
                Standing::Over | Standing::Unknown => self.say.warn(title),
                Standing::Excepted => self.say.note(format!("{title}: this is excepted, and nothing is halted")),
                Standing::Within => {
                    within.insert(account);
                    self.say.detail(title);
                }
            }
            self.covered(verdict.exceptions);
            verdict.findings.iter().chain(&resources).try_for_each(|finding| self.finding(finding))?;
        }
        // The brake may be tried by the checks of resources alone.
        let says = judge.weighs_account_itself();
        for waiting in std::mem::take(&mut self.waiting) {
            let is_within = says && within.contains(&waiting.account);
            self.sink.pass_on(&waiting.item(is_within))?;
        }
        Ok(())
    }

    /// Whoever belongs to the organization is known from here on, to us and to those downstream who judge again.
    fn organization(&mut self, item: &Item, organization: &Resource<&RawValue>) -> Result<(), Failure> {
        if let Err(error) = self.judge.learn(organization) {
            self.complain(format!("line {}: {error}", item.line));
            return Ok(());
        }
        if self.tally.judged > 0 {
            self.say.warn(format!(
                "line {}: the organization comes behind {}, which were judged without knowing its accounts: put it first",
                item.line,
                counted(self.tally.judged, "resource", "resources")
            ));
        }
        self.sink.pass_on(item)
    }

    fn finding(&mut self, finding: &Finding) -> Result<(), Failure> {
        match finding.status {
            FindingStatus::Unknown => self.tally.unknown += 1,
            FindingStatus::Fail => {
                self.tally.no |= self.options.fail_on.is_some_and(|least| finding.severity >= least);
            }
            FindingStatus::Pass | FindingStatus::Excepted => {}
        }
        self.sink.finding(finding)
    }

    /// Says which exceptions do nothing.
    fn lapsed(&mut self) -> Result<(), Failure> {
        let lapsed = self.in_use.lapsed(&self.judge);
        let Tally { scopes_failed, unsettled, broken, .. } = self.tally;
        if scopes_failed + unsettled + broken > 0
            && lapsed.iter().any(|exception| exception.status == ExceptionStatus::Unused)
        {
            self.say.warn("not all was judged: an exception that looks unused may cover something of the rest");
        }
        for exception in &lapsed {
            self.say.note(in_words(exception));
            self.sink.record(exception)?;
        }
        Ok(())
    }

    /// Says what should be known of the whole.
    fn end(mut self) -> Result<Exit, Failure> {
        self.accounts()?;
        if self.options.unused_exceptions {
            self.lapsed()?;
        }
        let Self { judge, sink, tally, say, .. } = self;
        sink.finish(&tally, say)?;
        if !tally.untyped.is_empty() {
            let kinds: Vec<String> = tally.untyped.iter().map(|(kind, count)| format!("{count} of `{kind}`")).collect();
            say.note(format!("passed on, for want of checks for their types: {}", kinds.join(", ")));
        }
        if tally.unknown > 0 {
            say.note(format!(
                "{} unknown: what they need could not be read",
                counted(tally.unknown, "finding is", "findings are")
            ));
        }
        if tally.strangers > 0 && judge.knows_nobody() {
            say.note(format!(
                "{} with a fix that cuts off an account which is not known, and no account is: `poll --org` or the settings' \
                 [trusted] say who is",
                counted(tally.strangers, "finding comes", "findings come")
            ));
        }
        if tally.unsettled > 0 {
            say.note(format!(
                "{} not judged: AWS is still at work on them (`poll --settle 15m` waits for that)",
                counted(tally.unsettled, "resource was", "resources were")
            ));
        }
        say.detail(format!("{} judged", counted(tally.judged, "resource", "resources")));
        Ok(tally.exit())
    }
}

/// What is wrong with a resource's record, with its ARN where that can be seen.
fn named(item: &Item, broken: &Broken) -> String {
    #[derive(Deserialize)]
    struct Named {
        arn: String,
    }
    match item.parse::<Named>() {
        Ok(Named { arn }) => format!("{broken} (in {arn})"),
        Err(_) => broken.to_string(),
    }
}
