//! What came in: findings, tasks, alerts, and plans that somebody has looked at, as jobs.

use std::collections::BTreeMap;

use common::action::Action;
use common::arn::Arn;
use common::record::{
    Alert, AlertStatus, Call, Filed, Finding, FindingStatus, Outcome, OutcomeKind, OutcomeStatus, Severity, Task,
    TaskKind,
};
use common::reference::{Reference, ReferenceError};
use common::stream::{Broken, Item};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::task::{self, TaskError};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    /// To which resource.
    pub(crate) reference: Reference,
    /// Its ARN, where the input has it.
    pub(crate) arn: Option<Arn>,
    /// The finding's or the alert's key; `<action>:<arn or id>` for a task.
    pub(crate) key: String,
    /// The finding's check: the resource is judged by it again before and after.
    pub(crate) check: Option<String>,
    /// The finding's or the alert's severity.
    pub(crate) severity: Option<Severity>,
    /// What the outcome is called.
    pub(crate) title: String,
    /// The resource's tags, as the input has them.
    pub(crate) tags: BTreeMap<String, String>,
    /// What to do; `None` where the finding offers nothing.
    pub(crate) action: Option<Action>,
    /// Not before.
    pub(crate) action_time: Option<Timestamp>,
    /// The calls of a plan that was looked at: these, and no others.
    pub(crate) reviewed: Option<Vec<Call>>,
    /// The incident of the alert that it comes of: a decoy is no exception from what its own alert asks for.
    pub(crate) incident: Option<String>,
    /// What the finding itself says already.
    pub(crate) settled: Option<(OutcomeStatus, String)>,
}

/// What a record is to `remediate`.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something to do.
    Job(Box<Job>),
    /// Not for this tool: it goes through untouched.
    PassOn,
}

/// Why a record is not understood, with its line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("line {line}: {error}")]
    Task { line: u64, error: TaskError },
    #[error("line {line}: this alert names no resource: {error}")]
    Alert { line: u64, error: ReferenceError },
}

impl Input {
    /// Reads a record of the kind that it says.
    pub(crate) fn read(item: &Item) -> Result<Self, InputError> {
        let kind = item.kind()?;
        let job = match kind.as_deref() {
            Some("finding") => Job::from(item.parse::<Finding>()?),
            Some("task") | None => of_task(item)?,
            Some("alert") => match of_alert(item)? {
                Some(job) => job,
                None => return Ok(Self::PassOn),
            },
            Some("outcome") => {
                let outcome: Outcome = item.parse()?;
                if outcome.status != OutcomeStatus::Planned {
                    return Ok(Self::PassOn);
                }
                Job::from(outcome)
            }
            Some(_) => return Ok(Self::PassOn),
        };
        Ok(Self::Job(Box::new(job)))
    }
}

/// The job of a task. What is wrong with one that can be named says where it stands.
fn of_task(item: &Item) -> Result<Job, InputError> {
    let line = item.line;
    let mut job = task::read(&item.text).map_err(|error| match &error {
        TaskError::Unreadable { down, .. } => InputError::Task { line: line + down, error },
        _ => InputError::Task { line, error },
    })?;
    if let Some(Action::Unknown { why, .. }) = &mut job.action {
        *why = format!("line {line}: {why}");
    }
    Ok(job)
}

/// The job of an alert: none where its incident is over, where it is a drill, and where it asks for nothing.
fn of_alert(item: &Item) -> Result<Option<Job>, InputError> {
    /// What tells whether it concerns us. All else is for others, who may know it better.
    #[derive(Deserialize)]
    struct Asked {
        status: AlertStatus,
        #[serde(default)]
        drill: bool,
        action: Option<IgnoredAny>,
    }
    if !matches!(item.parse()?, Asked { status: AlertStatus::Open, drill: false, action: Some(_) }) {
        return Ok(None);
    }
    let alert: Alert = item.parse()?;
    // Its region is that of the call, and not the user's.
    let (reference, arn) =
        Reference::with_arn(&item.text).map_err(|error| InputError::Alert { line: item.line, error })?;
    Ok(Some(Job {
        reference,
        arn,
        key: alert.key,
        check: None,
        severity: Some(alert.severity),
        title: alert.title,
        tags: BTreeMap::new(),
        action: alert.action,
        action_time: None,
        reviewed: None,
        incident: Some(alert.incident),
        settled: None,
    }))
}

impl From<Finding> for Job {
    fn from(finding: Finding) -> Self {
        let said = |status, reason: &str| Some((status, finding.reason.clone().unwrap_or_else(|| reason.to_owned())));
        let settled = match finding.status {
            FindingStatus::Fail => None,
            FindingStatus::Pass => said(OutcomeStatus::Already, "the finding says that the check passes"),
            FindingStatus::Excepted => said(OutcomeStatus::Excepted, "the finding is excepted"),
            FindingStatus::Unknown => Some((
                OutcomeStatus::Refused,
                format!(
                    "what is not known is not touched: {}",
                    finding.reason.as_deref().unwrap_or("the check could not be judged")
                ),
            )),
        };
        Self {
            reference: Reference {
                account: finding.account,
                region: finding.region,
                kind: finding.r#type,
                id: finding.id,
            },
            arn: Some(finding.arn),
            key: finding.key,
            check: Some(finding.check),
            severity: Some(finding.severity),
            title: finding.title,
            tags: finding.tags,
            action: finding.action,
            action_time: None,
            reviewed: None,
            incident: None,
            settled,
        }
    }
}

impl From<Outcome> for Job {
    fn from(outcome: Outcome) -> Self {
        Self {
            reference: Reference {
                account: outcome.account,
                region: outcome.region,
                kind: outcome.r#type,
                id: outcome.id,
            },
            arn: outcome.arn,
            key: outcome.key,
            check: outcome.check,
            severity: outcome.severity,
            title: outcome.title,
            tags: outcome.tags,
            action: outcome.action,
            action_time: None,
            reviewed: Some(outcome.calls),
            incident: outcome.incident,
            settled: None,
        }
    }
}

impl Job {
    /// An outcome of this job, with nothing done yet.
    pub(crate) fn outcome(&self, status: OutcomeStatus, run: &str, at: Timestamp) -> Outcome {
        Outcome {
            kind: OutcomeKind::Kind,
            key: self.key.clone(),
            status,
            account: self.reference.account.clone(),
            region: self.reference.region.clone(),
            r#type: self.reference.kind.clone(),
            id: self.reference.id.clone(),
            arn: self.arn.clone(),
            tags: self.tags.clone(),
            check: self.check.clone(),
            severity: self.severity,
            title: self.title.clone(),
            incident: self.incident.clone(),
            action: self.action.clone(),
            action_time: self.action_time,
            calls: Vec::new(),
            reason: None,
            undo: None,
            at,
            run: run.to_owned(),
        }
    }

    /// The task that does `action` to the same resource.
    pub(crate) fn task(&self, action: Action) -> Task {
        Task {
            kind: TaskKind::Kind,
            account: self.reference.account.clone(),
            region: self.reference.region.clone(),
            r#type: self.reference.kind.clone(),
            id: self.reference.id.clone(),
            arn: self.arn.clone(),
            action,
            action_time: None,
            incident: self.incident.clone(),
            filed: Filed::default(),
        }
    }
}
