//! What is to become of a job, given the resource as it is now. Pure: the same for a plan, before acting, and after.

use std::collections::BTreeMap;

use audit::Judge;
use common::action::Action;
use common::record::{Call, Finding, FindingStatus, OutcomeStatus};
use common::resource::ResourceType;
use jiff::Timestamp;

use crate::actions::{self, Looked, Plan, Refusal};
use crate::job::Job;

/// Resources with this tag, whatever its value, are not touched.
pub(crate) const PROTECTED: &str = "sluice:protect";

/// What is to become of a job.
#[derive(Debug)]
pub(crate) enum Decision {
    /// These calls are to be made.
    Go(Box<Plan>),
    /// Nothing is to be done, and this is why.
    Stay(Stay),
}

/// Why nothing is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stay {
    pub(crate) status: OutcomeStatus,
    pub(crate) reason: String,
    /// The calls that were not made, where it had come to that.
    pub(crate) calls: Vec<Call>,
    /// Whether somebody who said `--apply` asked for something that they did not get.
    pub(crate) denied: bool,
}

/// By what jobs are decided.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) judge: &'a Judge,
    pub(crate) now: Timestamp,
    pub(crate) irreversible: bool,
}

impl Rules<'_> {
    /// What a job's own words settle, before anything is looked at. Otherwise the action to do.
    pub(crate) fn at_sight<'a>(&self, job: &'a Job) -> Result<(&'a Action, ResourceType), Stay> {
        if let Some((status, reason)) = &job.settled {
            return Err(Stay::because(*status, reason));
        }
        let Some(action) = &job.action else {
            return Err(Stay::because(OutcomeStatus::Refused, "no fix is offered: a person must mend it"));
        };
        if let Action::Unknown { why, .. } = action {
            return Err(Stay::denied(why));
        }
        let kind = job.reference.kind.parse::<ResourceType>().map_err(Stay::denied)?;
        if !action.acts_on(kind) {
            let name = action.name().unwrap_or("?");
            return Err(Stay::denied(format!("`{name}` cannot be done to a resource of type {kind}")));
        }
        match job.action_time {
            Some(time) if time > self.now => {
                Err(Stay::because(OutcomeStatus::Waiting, format!("it is not due before {time}")))
            }
            _ => Ok((action, kind)),
        }
    }

    /// What is to become of a job whose resource was just looked at.
    pub(crate) fn decide(&self, job: &Job, action: &Action, resource: &Looked) -> Decision {
        self.weigh(job, action, resource).map_or_else(Decision::Stay, |plan| Decision::Go(Box::new(plan)))
    }

    fn weigh(&self, job: &Job, action: &Action, resource: &Looked) -> Result<Plan, Stay> {
        if let Some(arn) = &job.arn
            && !names(arn, &resource.arn)
        {
            return Err(Stay::denied(format!("its ARN is {}, not {arn}", resource.arn)));
        }
        if let Some(tag) = protection(&resource.tags) {
            return Err(Stay::denied(format!("it is protected by its tag {tag}")));
        }
        if resource.unread("Tags").is_some() {
            return Err(Stay::denied("its tags could not be read, so it may be protected"));
        }
        let finding = match &job.check {
            Some(check) => Some(self.still_failing(job, check, resource)?),
            None => None,
        };
        let plan = actions::plan(action, resource).map_err(|refusal| match refusal {
            Refusal::Changed(why) => Stay::because(OutcomeStatus::Changed, why),
            Refusal::Impossible(why) => Stay::denied(why),
            unread @ Refusal::Unread { .. } => Stay::denied(format!("what is not known is not touched: {unread}")),
        })?;
        let calls: Vec<Call> = plan.steps.iter().map(actions::Step::call).collect();
        if calls.is_empty() {
            return Err(match finding {
                // The check fails still, but not for what the action was to mend.
                Some(finding) => Stay::because(
                    OutcomeStatus::Changed,
                    format!("the check still fails, but not for what this action mends: {}", finding.title),
                ),
                None => Stay::because(OutcomeStatus::Already, "nothing is left to do"),
            });
        }
        if let Some(reviewed) = &job.reviewed
            && *reviewed != calls
        {
            let reason = "the resource is not as it was when this was planned: other calls would be made now";
            return Err(Stay { calls, ..Stay::because(OutcomeStatus::Changed, reason) });
        }
        if action.is_irreversible() && !self.irreversible {
            let reason = "nothing can bring back what this removes: it needs --irreversible";
            return Err(Stay { calls, ..Stay::denied(reason) });
        }
        Ok(plan)
    }

    /// The job's finding, judged anew.
    fn still_failing(&self, job: &Job, check: &str, resource: &Looked) -> Result<Finding, Stay> {
        let findings = self.judge.judge_one(resource, check).map_err(Stay::denied)?;
        if let Some(finding) =
            findings.iter().find(|finding| finding.key == job.key && finding.status == FindingStatus::Fail)
        {
            return Ok(finding.clone());
        }
        Err(match findings.iter().find(|finding| finding.status == FindingStatus::Unknown) {
            Some(finding) => Stay::denied(format!(
                "what is not known is not touched: {}",
                finding.reason.as_deref().unwrap_or("the check cannot be judged now")
            )),
            None => Stay::because(OutcomeStatus::Already, "the check passes now"),
        })
    }

    /// Whether a job is done, seen by the resource as it is afterwards; if not, why.
    pub(crate) fn done(&self, job: &Job, action: &Action, resource: &Looked) -> Result<(), String> {
        if let Some(check) = &job.check {
            return match self.still_failing(job, check, resource) {
                Err(stay) if stay.status == OutcomeStatus::Already => Ok(()),
                Err(stay) => Err(stay.reason),
                Ok(finding) => Err(format!("the check still fails: {}", finding.title)),
            };
        }
        match actions::plan(action, resource) {
            Ok(plan) if plan.steps.is_empty() => Ok(()),
            Ok(_) => Err("the resource is still as it was".to_owned()),
            Err(refusal) => Err(refusal.to_string()),
        }
    }
}

impl Stay {
    /// Nothing is to be done, and that is as it should be.
    pub(crate) fn because(status: OutcomeStatus, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), calls: Vec::new(), denied: false }
    }

    /// A guard says no.
    #[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
    pub(crate) fn denied(reason: impl ToString) -> Self {
        Self { status: OutcomeStatus::Refused, reason: reason.to_string(), calls: Vec::new(), denied: true }
    }
}

/// Whether an ARN of the input names this resource. An S3 ARN may carry the region and account that it has no need of
/// (Krampus's do).
fn names(given: &common::arn::Arn, real: &common::arn::Arn) -> bool {
    given == real || (given.service == "s3" && real.service == "s3" && given.resource == real.resource)
}

/// The tag that keeps a resource from being touched, if it has one.
fn protection(tags: &BTreeMap<String, String>) -> Option<&str> {
    tags.keys().map(String::as_str).find(|name| name.eq_ignore_ascii_case(PROTECTED))
}
