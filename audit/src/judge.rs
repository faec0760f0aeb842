//! The checks that are on, made ready once, and what they say of a resource.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, BTreeSet};

use common::action::Action;
use common::arn::Arn;
use common::cli::Failure;
use common::id::AccountId;
use common::record::{Finding, FindingKind, FindingStatus, Resource, Severity, Unread, Unsettled};
use common::resource::{AccountSecurity, Organization, ResourceType, UnknownType};
use common::settings::{Central, Exception, RequiredTag, Runaway, Settings, Thresholds};
use common::stream::without_place;
use common::with_config;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::args::Halt;
use crate::checks::runaway::{self, Limits, OwnRoles};
use crate::checks::{self, About, Case, Check, Checked, Other, Problem, Unclear};
use crate::exempt::{Covering, Exceptions};
use crate::policy::Trusted;
use crate::totals::Counted;

/// What of the settings the checks go by.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) now: Timestamp,
    pub(crate) required_tags: Vec<RequiredTag>,
    pub(crate) thresholds: Thresholds,
    pub(crate) central: Central,
    pub(crate) trusted: Trusted,
    /// The development accounts.
    pub(crate) dev: BTreeSet<AccountId>,
    /// From what on an account is running away.
    pub(crate) limits: Limits,
    /// By which roles Sluice itself enters accounts.
    pub(crate) own_roles: OwnRoles,
    /// Whether what would be halted is only to be told.
    pub(crate) rehearsal: bool,
}

/// A check that is on.
#[derive(Clone, Debug)]
struct Choice {
    /// The settings' severity, which beats the check's and the finding's own.
    severity: Option<Severity>,
    /// Whether findings carry the action that mends them.
    fix: bool,
    /// Which of the actions, where the settings say so.
    action: Option<String>,
}

/// The checks that are on, with the settings that they go by. Judges one resource after the other, each for itself.
#[derive(Clone, Debug)]
pub struct Judge {
    rules: Rules,
    on: BTreeMap<&'static str, Choice>,
    exceptions: Exceptions,
}

/// What was made of a resource.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) findings: Vec<Finding>,
    /// The exceptions that cover one of them, or that would if they had not expired: their numbers in
    /// [`Judge::exceptions`].
    pub(crate) exceptions: Vec<usize>,
    /// How many of the findings carry an action that cuts off somebody who is not known.
    pub(crate) strangers: u64,
    /// What the resource adds to its account's totals.
    pub(crate) counted: Option<Counted>,
    /// That AWS is still at work on it, so that not all checks were made.
    pub(crate) unsettled: Option<Box<Unsettled>>,
}

impl Verdict {
    /// The findings, unless a check that was asked for had to be left out.
    fn whole(self) -> Result<Vec<Finding>, JudgeError> {
        self.unsettled.map_or(Ok(self.findings), |unsettled| Err(JudgeError::Unsettled(unsettled)))
    }
}

/// Which findings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// All, `pass` included.
    All,
    /// All but `pass`.
    Problems,
    /// Those of one check, `pass` included.
    Check(&'a str),
}

/// Why a resource cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// Its type has no checks in this version.
    #[error(transparent)]
    UnknownType(#[from] UnknownType),
    /// Its configuration is not that of its type.
    #[error("{arn}: its `config` is not that of `{kind}`: {why}")]
    Config {
        /// Which resource.
        arn: Box<Arn>,
        /// The type that its record gives.
        kind: ResourceType,
        /// What does not fit.
        why: String,
    },
    /// AWS is still at work on it: what its record says may not be what it is going to be.
    #[error("{}: AWS is still at work on it, so that it cannot be judged yet", .0.arn)]
    Unsettled(Box<Unsettled>),
    /// There is no such check.
    #[error("`{0}` is not a check: `audit --list-checks` lists them")]
    UnknownCheck(String),
}

impl Judge {
    /// Makes the checks ready: those in `only` (ids, or endings of ids), or all, less those that the settings turn off.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] where `only` names a check that does not exist, [`Failure::Start`] where the settings or their
    /// exceptions do.
    pub fn new(settings: &Settings, now: Timestamp, only: Option<&[String]>) -> Result<Self, Failure> {
        let known: BTreeMap<&'static str, &About> = checks::all().map(|about| (about.id, about)).collect();
        let names_one = |wanted: &String| known.keys().any(|id| checks::is_named(wanted, id));
        if let Some(unknown) = only.unwrap_or_default().iter().find(|wanted| !names_one(wanted)) {
            return Err(Failure::Usage(JudgeError::UnknownCheck(unknown.clone()).to_string()));
        }
        if let Some(unknown) = settings.checks.keys().find(|id| !known.contains_key(id.as_str())) {
            return Err(Failure::Start(format!(
                "the settings have [checks.{unknown}], which is not a check: `audit --list-checks` lists them"
            )));
        }
        for (id, set) in &settings.checks {
            if let (Some(action), Some(about)) = (&set.action, known.get(id.as_str()))
                && !about.actions.contains(&action.as_str())
            {
                return Err(Failure::Start(format!(
                    "the settings have [checks.{id}] action = \"{action}\", but the actions of {id} are: {}",
                    if about.actions.is_empty() { "none".to_owned() } else { about.actions.join(", ") }
                )));
            }
        }
        let exceptions = Exceptions::new(&settings.exceptions)?;
        let on = known
            .into_iter()
            .filter(|(id, _)| only.is_none_or(|only| only.iter().any(|wanted| checks::is_named(wanted, id))))
            .map(|(id, about)| (id, about, settings.checks.get(id).cloned().unwrap_or_default()))
            .filter(|(_, _, set)| set.enabled.unwrap_or(true))
            .map(|(id, about, set)| {
                (id, Choice { severity: set.severity, fix: set.fix.unwrap_or(about.fix), action: set.action })
            })
            .collect();
        let dev = settings.accounts.iter().filter(|(_, account)| account.dev).map(|(id, _)| id.clone()).collect();
        let rules = Rules {
            now,
            required_tags: settings.required_tags.clone(),
            thresholds: settings.thresholds.clone(),
            central: settings.central.clone(),
            trusted: trusted(settings),
            dev,
            limits: Limits::new(settings),
            own_roles: OwnRoles::new(&settings.aws),
            rehearsal: false,
        };
        Ok(Self { rules, on, exceptions })
    }

    /// What the checks that are on say of a resource, `pass` included, in the order of [`checks::all`].
    pub fn judge(&self, resource: &Resource<Box<RawValue>>) -> Result<Vec<Finding>, JudgeError> {
        self.judge_raw(resource.clone(), Wanted::All).and_then(Verdict::whole)
    }

    /// What one check says of a resource; nothing where it is off. A check of what is to be halted in an account that is over
    /// its limit takes the account to be so: whoever asks has seen that it was.
    pub fn judge_one(&self, resource: &Resource<Box<RawValue>>, check: &str) -> Result<Vec<Finding>, JudgeError> {
        if !checks::all().any(|about| about.id == check) {
            return Err(JudgeError::UnknownCheck(check.to_owned()));
        }
        self.judge_raw(resource.clone(), Wanted::Check(check)).and_then(Verdict::whole)
    }

    /// The same judge, who halts accounts, does not, or only rehearses it.
    pub(crate) fn halting(mut self, halt: Halt) -> Self {
        match halt {
            Halt::Proceed => {}
            Halt::Pass => self.on.retain(|check, _| !runaway::is_runaway(check)),
            Halt::Plan => {
                self.rules.rehearsal = true;
                let choices = self.on.iter_mut().filter(|(check, _)| runaway::is_runaway(check));
                choices.for_each(|(_, choice)| choice.fix = false);
            }
        }
        self
    }

    /// Whether what would be halted is only to be told.
    pub(crate) fn rehearses(&self) -> bool {
        self.rules.rehearsal
    }

    /// The checks that are made on each resource of a type, sorted. What the emergency brake asks is not among them: it depends
    /// on the account.
    pub(crate) fn checks_of(&self, kind: ResourceType) -> impl Iterator<Item = &'static str> {
        let made = checks::of(kind).into_iter().map(|about| about.id).filter(|id| self.on.contains_key(id));
        made.filter(|id| !runaway::is_runaway(id)).collect::<BTreeSet<_>>().into_iter()
    }

    /// Whether accounts are weighed against limits: there are some, and a check that asks.
    pub(crate) fn weighs_accounts(&self) -> bool {
        self.has_limits() && self.asks_about_accounts()
    }

    /// Whether what accounts come to is a finding by itself.
    pub(crate) fn weighs_account_itself(&self) -> bool {
        self.on.contains_key(runaway::ACCOUNT.id)
    }

    /// Whether a check is on that asks about accounts, whether any has a limit or not.
    pub(crate) fn asks_about_accounts(&self) -> bool {
        self.on.keys().any(|check| runaway::is_runaway(check))
    }

    /// Whether any account has a limit.
    pub(crate) fn has_limits(&self) -> bool {
        self.rules.limits.are_any()
    }

    /// The limits of an account.
    pub(crate) fn limits(&self, account: &AccountId) -> &Runaway {
        self.rules.limits.of(account)
    }

    /// What there is to say of an account as a whole, given what is wrong with it: in a sentence, and as a finding where the
    /// check is on.
    pub(crate) fn judge_account(
        &self,
        account: Resource<()>,
        problem: Option<Problem>,
        wanted: Wanted<'_>,
    ) -> (String, Verdict) {
        let account = account.map(|()| AccountSecurity::default());
        let case = Case::new(&account, &self.rules);
        let name = case.name();
        let title = match &problem {
            None => format!("{name} is within its limits"),
            Some(Problem { unclear: Some(Unclear(why)), .. }) => format!("{name} cannot be judged: {why}"),
            Some(problem) => format!("{name} {}", problem.what),
        };
        let mut verdict = Verdict::default();
        if let Some(choice) = self.on.get(runaway::ACCOUNT.id) {
            self.report(&runaway::ACCOUNT, choice, &case, problem.into_iter().collect(), wanted, &mut verdict);
        }
        (title, verdict)
    }

    /// Like [`judge`](Self::judge), of a record that may still be a part of its line.
    pub(crate) fn judge_raw<T: Borrow<RawValue>>(
        &self,
        resource: Resource<T>,
        wanted: Wanted<'_>,
    ) -> Result<Verdict, JudgeError> {
        with_config!(resource.r#type.parse::<ResourceType>()?, C => self.judge_as::<C, T>(resource, wanted))
    }

    /// The exception that holds at a time and covers a check of a resource or, without a check, whatever is to be done to the
    /// resource.
    pub fn exempt<C>(&self, resource: &Resource<C>, check: Option<&str>, at: Timestamp) -> Option<&Exception> {
        self.exceptions.covering(resource, check, at).holding
    }

    /// Whether no account beside a resource's own is known: neither the settings nor an organization's record named one.
    pub(crate) fn knows_nobody(&self) -> bool {
        self.rules.trusted.accounts.is_empty() && self.rules.trusted.organizations.is_empty()
    }

    /// The exceptions, in the order of the settings.
    pub(crate) fn exceptions(&self) -> &[Exception] {
        self.exceptions.all()
    }

    /// The time by which ages, and exceptions, are judged.
    pub(crate) fn now(&self) -> Timestamp {
        self.rules.now
    }

    /// Takes in who belongs to the organization: its accounts are known from now on.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Config`] where the record's configuration is not that of an organization.
    pub fn learn<T: Borrow<RawValue>>(&mut self, organization: &Resource<T>) -> Result<(), JudgeError> {
        let Organization { id, accounts, .. } = config(organization)?;
        self.rules.trusted.organizations.insert(id);
        self.rules.trusted.accounts.extend(accounts.into_iter().map(|account| account.id));
        Ok(())
    }

    /// The configuration is read once for all checks.
    fn judge_as<C: Checked, T: Borrow<RawValue>>(
        &self,
        resource: Resource<T>,
        wanted: Wanted<'_>,
    ) -> Result<Verdict, JudgeError> {
        let config: C = config(&resource)?;
        let (text, resource) = resource.swap(config);
        let present = fields(text.borrow());
        let case = Case::new(&resource, &self.rules);
        let mut verdict = Verdict::default();
        let limits = self.limits(&resource.account);
        if limits.is_limited() {
            verdict.counted = C::counted(&resource, limits);
        }
        for check in C::CHECKS {
            let id = check.about.id;
            if matches!(wanted, Wanted::Check(wanted) if wanted != id) {
                continue;
            }
            let Some(choice) = self.on.get(id) else { continue };
            // What is being started costs money already.
            if resource.settled || runaway::is_runaway(id) {
                self.make(check, choice, &case, &present, wanted, &mut verdict);
            } else {
                verdict.unsettled = Some(Box::new(Unsettled::from(&resource)));
            }
        }
        Ok(verdict)
    }

    /// Makes one check.
    fn make<C: Checked>(
        &self,
        check: &Check<C>,
        choice: &Choice,
        case: &Case<'_, C>,
        present: &BTreeSet<Cow<'_, str>>,
        wanted: Wanted<'_>,
        verdict: &mut Verdict,
    ) {
        let about = &check.about;
        let unread = about.needs.iter().find_map(|field| case.resource.unread(field));
        // A field that is not there was not seen: it was misspelt by hand, or the record is another version's.
        let absent = about.needs.iter().find(|&&field| field != TAGS && !present.contains(field));
        // Whoever asks of a resource by itself whether it is to be halted knows of the account already.
        let arises = matches!(wanted, Wanted::Check(id) if runaway::is_runaway(id))
            || (check.arises)(&self.rules, C::TYPE, &case.resource.account);
        let answer = match (unread, absent) {
            _ if !arises => Ok(Vec::new()),
            (Some(unread), _) => Err(not_read(unread)),
            (None, Some(field)) => Err(Unclear(format!("its record has no `{field}`"))),
            (None, None) => (check.judge)(case),
        };
        let problems = answer.unwrap_or_else(|why| {
            let evidence = unread.map_or(Value::Null, |unread| json!({ "Unread": [unread] }));
            vec![Problem::unclear(why, evidence)]
        });
        self.report(about, choice, case, problems, wanted, verdict);
    }

    /// Makes findings of what is wrong.
    fn report<C: Checked>(
        &self,
        about: &About,
        choice: &Choice,
        case: &Case<'_, C>,
        problems: Vec<Problem>,
        wanted: Wanted<'_>,
        verdict: &mut Verdict,
    ) {
        if problems.is_empty() {
            if wanted != Wanted::Problems {
                verdict.findings.push(self.finding(about, choice, case, None, None));
            }
            return;
        }
        for problem in problems {
            let covering = self.covering(case.resource, about.id, problem.of.as_deref());
            verdict.exceptions.extend(covering.numbers);
            let stranger = problem.stranger;
            let finding = self.finding(about, choice, case, Some(problem), covering.holding);
            verdict.strangers += u64::from(stranger && finding.action.is_some());
            verdict.findings.push(finding);
        }
    }

    /// The exceptions that cover a check of a resource, or the other one that its problem is about.
    fn covering<C>(&self, resource: &Resource<C>, check: &str, other: Option<&Other>) -> Covering<'_> {
        let mut covering = self.exceptions.covering(resource, Some(check), self.rules.now);
        for check in other.iter().flat_map(|other| [check, other.check]) {
            if let (None, Some(other)) = (covering.holding, other) {
                let others = self.exceptions.covering(&other.resource, Some(check), self.rules.now);
                let expired = if others.holding.is_some() { Vec::new() } else { covering.numbers };
                covering = Covering { numbers: [expired, others.numbers].concat(), ..others };
            }
        }
        covering
    }

    fn finding<C: Checked>(
        &self,
        about: &About,
        choice: &Choice,
        case: &Case<'_, C>,
        problem: Option<Problem>,
        exception: Option<&Exception>,
    ) -> Finding {
        let resource = case.resource;
        let (status, reason) = status(problem.as_ref(), exception);
        let name = case.name();
        let title = match &problem {
            None => format!("{name} passes {}", about.id),
            Some(Problem { unclear: Some(Unclear(why)), .. }) => format!("{name} cannot be judged: {why}"),
            Some(problem) => format!("{name} {}", problem.what),
        };
        let part = problem.as_ref().and_then(|problem| problem.part.as_deref());
        let key = match part {
            Some(part) => format!("{}:{}:{part}", about.id, resource.arn),
            None => format!("{}:{}", about.id, resource.arn),
        };
        let own = problem.as_ref().and_then(|problem| problem.severity).unwrap_or(about.severity);
        let controls = problem.as_ref().and_then(|problem| problem.controls.as_deref()).unwrap_or(about.controls);
        let controls = controls.iter().map(|&control| control.to_owned()).collect();
        let pick = |problem: Problem| {
            let takes = |action: &Action| problem.pick.takes(action, choice.action.as_deref());
            (problem.evidence, problem.actions.into_iter().find(takes))
        };
        let (evidence, action) = problem.map_or_else(Default::default, pick);
        Finding {
            kind: FindingKind::Kind,
            key,
            check: about.id.to_owned(),
            status,
            severity: choice.severity.unwrap_or(own),
            account: resource.account.clone(),
            region: resource.region.clone(),
            r#type: resource.r#type.clone(),
            id: resource.id.clone(),
            arn: resource.arn.clone(),
            tags: resource.tags.clone(),
            title,
            evidence,
            controls,
            action: action.filter(|_| choice.fix && status == FindingStatus::Fail),
            reason,
            until: exception.and_then(|exception| exception.until),
            found_at: self.rules.now,
        }
    }
}

/// A record's configuration, as that of a type.
fn config<C: Checked, T: Borrow<RawValue>>(resource: &Resource<T>) -> Result<C, JudgeError> {
    serde_json::from_str(resource.config.borrow().get()).map_err(|error| JudgeError::Config {
        arn: Box::new(resource.arn.clone()),
        kind: C::TYPE,
        why: without_place(&error),
    })
}

/// Whom the settings trust, as the policy evaluator takes it.
fn trusted(settings: &Settings) -> Trusted {
    let accounts = settings.trusted.accounts.iter().map(AccountId::to_string);
    Trusted {
        accounts: accounts.chain(settings.trusted.canonical_users.iter().cloned()).collect(),
        organizations: settings.trusted.organizations.iter().cloned().collect(),
    }
}

/// The one place that decides what a finding says, and why.
///
/// What is excepted may break the rule, so that nobody has to know whether it does: `unknown` gives way to `excepted`, too.
fn status(problem: Option<&Problem>, exception: Option<&Exception>) -> (FindingStatus, Option<String>) {
    match (problem, exception) {
        (None, _) => (FindingStatus::Pass, None),
        (Some(_), Some(exception)) => (FindingStatus::Excepted, Some(exception.reason.clone())),
        (Some(Problem { spared: Some(why), .. }), None) => (FindingStatus::Excepted, Some(why.clone())),
        (Some(Problem { unclear: Some(Unclear(why)), .. }), None) => (FindingStatus::Unknown, Some(why.clone())),
        (Some(_), None) => (FindingStatus::Fail, None),
    }
}

/// What checks need of a record beside its configuration.
const TAGS: &str = "Tags";

/// The fields that a configuration has, `null` or not.
#[expect(clippy::zero_sized_map_values, reason = "JSON gives a map, of which the keys are wanted")]
fn fields(config: &RawValue) -> BTreeSet<Cow<'_, str>> {
    serde_json::from_str::<BTreeMap<Cow<'_, str>, IgnoredAny>>(config.get()).unwrap_or_default().into_keys().collect()
}

/// Why a check that needs a field which could not be read is unknown.
fn not_read(unread: &Unread) -> Unclear {
    let Unread { field, operation, code, .. } = unread;
    Unclear(match (operation.as_str(), code.as_str()) {
        ("", "") => format!("{field} could not be read"),
        (operation, "") => format!("{field} could not be read: {operation} failed"),
        ("", code) => format!("{field} could not be read: {code}"),
        (operation, code) => format!("{field} could not be read: {operation} answered {code}"),
    })
}
