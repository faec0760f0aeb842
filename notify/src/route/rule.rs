//! One `[[route]]`: what it matches, and whether it can match anything at all.

use std::collections::BTreeSet;

use common::record::{AlertStatus, FindingStatus, OutcomeStatus};
use common::resource::ResourceType;
use common::settings::{Patterns, Route};
use common::wildcard;

use crate::entry::{About, Entry};

use super::{Dest, Names};

/// The kinds of which anybody hears.
const KINDS: [&str; 4] = ["finding", "outcome", "alert", "scope"];

/// A route with its targets.
#[derive(Debug)]
pub(crate) struct Rule {
    route: Route,
    /// Who hears of what it matches.
    pub(crate) to: Vec<Dest>,
}

/// Why a route is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    #[error("it names nobody: say who hears of it with `to`, or `to = [\"none\"]`")]
    NobodyNamed,
    #[error("`to` names `none` and others beside it")]
    NoneAndOthers,
    #[error("`{0}` is an empty list, which nothing matches: leave it out, or name something")]
    Empty(String),
    #[error("`{field}` has `{text}`, which no record has: {expected} is expected")]
    Never { field: &'static str, text: String, expected: String },
}

impl Rule {
    /// A condition that nothing can meet was misspelt: those whom it concerns would never hear of anything.
    pub(crate) fn new(route: Route, to: Vec<Dest>) -> Result<Self, RuleError> {
        if to.is_empty() {
            return Err(RuleError::NobodyNamed);
        }
        if to.len() > 1 && to.contains(&Dest::Nobody) {
            return Err(RuleError::NoneAndOthers);
        }
        let Route { account, kind, status, severity: _, check, r#type, region, tag, to: _ } = &route;
        let lists = [
            ("account", account),
            ("kind", kind),
            ("status", status),
            ("check", check),
            ("type", r#type),
            ("region", region),
        ];
        let lists = lists.into_iter().filter_map(|(field, patterns)| Some((field.to_owned(), patterns.as_ref()?)));
        let tags = tag.iter().map(|(name, patterns)| (format!("tag.{name}"), patterns));
        for (field, patterns) in lists.chain(tags) {
            if patterns.texts().next().is_none() || patterns.texts().any(|text| text.trim().is_empty()) {
                return Err(RuleError::Empty(field));
            }
        }
        can_match("kind", kind.as_ref(), &KINDS, "one of them")?;
        can_match("status", status.as_ref(), &statuses(), "one of them")?;
        let types: Vec<&str> = ResourceType::ALL.iter().map(|kind| kind.name()).collect();
        can_match("type", r#type.as_ref(), &types, "a type that `poll --help` lists")?;
        Ok(Self { route, to })
    }

    /// Whether all conditions hold.
    pub(super) fn matches(&self, entry: &Entry, names: &Names) -> bool {
        let Route { account, kind, status, severity, check, r#type, region, tag, to: _ } = &self.route;
        let About {
            kind: its_kind, status: its_status, account: its_account, regions, types, check: its_check, ..
        } = &entry.about;
        let fits = |patterns: &Option<Patterns>, text: &str| patterns.as_ref().is_none_or(|them| them.matches(text));
        // Scopes that failed for one cause are told of together: who hears of one of them hears of it.
        let fits_one = |patterns: &Option<Patterns>, texts: &BTreeSet<String>| {
            patterns.as_ref().is_none_or(|them| texts.iter().any(|text| them.matches(text)))
        };
        let called = names.get(its_account).into_iter().flatten();
        fits(kind, its_kind)
            && fits(status, its_status)
            && severity.is_none_or(|least| entry.severity.is_some_and(|its| its >= least))
            && (fits(account, its_account.as_str())
                || account.as_ref().is_some_and(|them| called.into_iter().any(|name| them.matches(name))))
            && fits(check, its_check)
            && fits_one(r#type, types)
            && fits_one(region, regions)
            && tag.iter().all(|(name, values)| {
                // AWS tells `Owner` and `owner` apart, but the people who set them do not.
                let name = name.to_lowercase();
                entry.about.tags.iter().any(|(tag, value)| tag.to_lowercase() == name && values.matches(value))
            })
    }
}

fn statuses() -> Vec<&'static str> {
    use FindingStatus as F;
    use OutcomeStatus as O;
    let findings = [F::Fail, F::Unknown, F::Excepted].map(F::name);
    let outcomes = [
        O::Planned,
        O::Scheduled,
        O::Applied,
        O::Resolved,
        O::Changed,
        O::Excepted,
        O::Refused,
        O::Failed,
        O::Interrupted,
    ];
    let others = [AlertStatus::Open.name(), AlertStatus::Closed.name()];
    findings.into_iter().chain(outcomes.map(O::name)).chain(others).collect()
}

fn can_match(
    field: &'static str,
    patterns: Option<&Patterns>,
    known: &[&str],
    expected: &str,
) -> Result<(), RuleError> {
    let never = |text: &&str| !known.iter().any(|known| wildcard::matches(text, known));
    match patterns.into_iter().flat_map(Patterns::texts).find(never) {
        None => Ok(()),
        Some(text) => {
            let expected = if known.len() > 20 { expected.to_owned() } else { known.join(", ") };
            Err(RuleError::Never { field, text: text.to_owned(), expected })
        }
    }
}
