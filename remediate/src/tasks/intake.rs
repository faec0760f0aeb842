//! What the input comes to: what it wants of the tasks file, and what is said of it at once.

use std::collections::{BTreeMap, BTreeSet};

use common::record::OutcomeStatus;
use serde_json::{Map, Value};

use super::document::Entry;
use super::known::{Identity, Known, put};
use super::look::Covered;
use super::merge::{self, Wish};
use super::schedule::Policy;
use super::score::{SCORE, Scoring, Tally};
use crate::decide::{Rules, Stay};
use crate::job::Job;

/// What came in.
#[derive(Debug)]
pub(crate) struct Given {
    /// What there is to do.
    pub(crate) jobs: Vec<Job>,
    /// The text of each that is a task: it goes into the file as it came.
    pub(crate) texts: Vec<Option<String>>,
    /// Of what all was looked at.
    pub(crate) covered: Covered,
}

/// What it comes to.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// What it wants of the file.
    pub(crate) wishes: Vec<Wish>,
    /// What has its outcome already.
    pub(crate) said: Vec<(Job, Stay)>,
    /// What has its outcome, unless there is a task in the file, whose outcome counts then: what is unknown, or passes.
    pub(crate) unless_filed: Vec<(Identity, Job, Stay)>,
    /// What has its task's outcome, each time that it came.
    pub(crate) owed: BTreeMap<Identity, Vec<Job>>,
    /// The checks that pass, by their key.
    pub(crate) passed: BTreeSet<String>,
    /// Findings that count towards the score of their resource, by the identity of its task.
    pub(crate) counted: BTreeMap<Identity, Counted>,
}

/// The findings of one resource.
#[derive(Debug)]
pub(crate) struct Counted {
    /// The key of the task that they come to.
    key: String,
    pub(crate) tally: Tally,
    pub(crate) findings: Vec<Job>,
}

/// Why what `audit`'s brake finds is no task.
const BRAKE: &str = "the emergency brake waits for nothing, and by the time that a task is due its account may long be \
                     within its limit: `audit --only runaway | remediate --apply`, without --tasks, halts it (docs/brake.md)";

/// Whether a job is part of halting an account: no look at the resource alone could see that the account is within its limit
/// again. A plan that somebody has looked at is another thing: it is due at once.
fn is_brake(job: &Job) -> bool {
    job.reviewed.is_none() && job.check.as_deref().is_some_and(audit::is_runaway)
}

impl Intake {
    pub(crate) fn of(given: Given, rules: &Rules<'_>, policy: &Policy) -> Result<(Self, Covered), serde_json::Error> {
        let mut intake = Self::default();
        for (job, text) in given.jobs.into_iter().zip(given.texts) {
            match (job.settled.clone(), &policy.scoring, text) {
                (Some((status, reason)), ..) => intake.settled(job, Stay::because(status, reason)),
                (None, _, None) if is_brake(&job) => {
                    let stay = rules.at_sight(&job).err().unwrap_or_else(|| Stay::denied(BRAKE));
                    intake.said.push((job, stay));
                }
                (None, Some(scoring), None) if job.reviewed.is_none() => intake.count(job, scoring),
                (None, _, None) if job.reviewed.is_none() => match rules.at_sight(&job) {
                    Ok(_) => {
                        intake.owed.entry(Identity::of(&job)).or_default().push(job.clone());
                        intake.wishes.push(Wish::Finding(job));
                    }
                    Err(stay) => intake.said.push((job, stay)),
                },
                (None, _, None) => {
                    let fields = merge::reviewed(&job, rules.now)?;
                    intake.task(job, fields, rules)?;
                }
                (None, _, Some(text)) => {
                    let mut fields: Map<String, Value> = serde_json::from_str(&text)?;
                    // Of another file: here nobody is at work on it, and nobody was told.
                    put(&mut fields, "claim", None);
                    put(&mut fields, "told", None);
                    intake.task(job, fields, rules)?;
                }
            }
        }
        if let Some(scoring) = &policy.scoring {
            intake.add_up(rules, scoring);
        }
        Ok((intake, given.covered))
    }

    /// A finding that does not fail.
    fn settled(&mut self, job: Job, stay: Stay) {
        match stay.status {
            OutcomeStatus::Excepted => {
                self.wishes.push(Wish::Drop(job.clone()));
                self.said.push((job, stay));
            }
            OutcomeStatus::Already => {
                self.passed.insert(job.key.clone());
                self.unless_filed.push((Identity::of(&job), job, stay));
            }
            _ => self.unless_filed.push((Identity::of(&job), job, stay)),
        }
    }

    /// A task, as it would be read out of the file.
    fn task(&mut self, job: Job, fields: Map<String, Value>, rules: &Rules<'_>) -> Result<(), serde_json::Error> {
        let known = match Known::read(&Entry::of(&fields)?) {
            Ok(known) => known,
            Err(why) => {
                self.said.push((job, Stay::denied(why)));
                return Ok(());
            }
        };
        match rules.at_sight(&known.job) {
            Err(stay) if stay.status != OutcomeStatus::Waiting => self.said.push((known.job, stay)),
            _ => {
                self.owed.entry(known.identity).or_default().push(known.job.clone());
                self.wishes.push(Wish::Task { job: known.job, fields });
            }
        }
        Ok(())
    }

    /// A finding that counts.
    fn count(&mut self, job: Job, scoring: &Scoring) {
        let named = job.arn.as_ref().map_or_else(|| job.reference.id.clone(), ToString::to_string);
        let (reference, arn, tags) = (job.reference.clone(), job.arn.clone(), job.tags.clone());
        let whole = Job { key: format!("{SCORE}{named}"), check: None, reference, arn, tags, ..job.clone() };
        let counted = self.counted.entry(Identity::of(&whole)).or_insert_with(|| Counted {
            key: whole.key.clone(),
            tally: Tally::default(),
            findings: Vec::new(),
        });
        // The same finding twice is one.
        if let (Some(check), Some(severity)) = (&job.check, job.severity)
            && !counted.findings.iter().any(|other| other.key == job.key)
        {
            scoring.count(&mut counted.tally, check, &job.title, severity);
        }
        counted.findings.push(job);
    }

    /// What the findings of each resource come to.
    fn add_up(&mut self, rules: &Rules<'_>, scoring: &Scoring) {
        for (identity, counted) in std::mem::take(&mut self.counted) {
            let Some(first) = counted.findings.first() else { continue };
            let (kind, id, sum) = (&first.reference.kind, &first.reference.id, counted.tally.sum);
            let findings = counted.findings.len();
            let job = Job {
                key: counted.key.clone(),
                check: None,
                severity: counted.findings.iter().filter_map(|finding| finding.severity).max(),
                title: format!("{kind} {id}: {findings} findings add up to a score of {sum}"),
                action: scoring.verdict(sum),
                ..first.clone()
            };
            match rules.at_sight(&job) {
                Err(stay) if job.action.is_some() => {
                    self.said.extend(counted.findings.into_iter().map(|finding| (finding, stay.clone())));
                }
                _ => {
                    // Also where nothing comes of it: there may be a task from when there was more.
                    if job.action.is_some() {
                        self.wishes.push(Wish::Score { job, tally: counted.tally.clone() });
                    }
                    self.counted.insert(identity, counted);
                }
            }
        }
    }
}
