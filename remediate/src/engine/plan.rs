//! What is to be done: looked at, decided, guarded, and nothing changed.

use std::collections::BTreeMap;

use common::arn::Arn;
use common::clock;
use common::id::{AccountId, Region};
use common::record::OutcomeStatus;
use common::reference::Reference;
use common::resource::ResourceType;
use futures_util::stream::{self, StreamExt};
use poll::Look;

use super::{Engine, Group, Own, PARALLEL, closely, gone, own, stopped, unseen};
use crate::actions::{self, Looked, Turn};
use crate::decide::Stay;
use crate::job::Job;

/// The jobs on resources that are looked at together.
type Party = Vec<(Reference, Vec<Job>)>;

impl Engine<'_, '_> {
    /// Plans every job. Those that come to nothing get their outcome at once; the others come back with the outcome
    /// `planned`, by resource.
    pub(crate) async fn plan(&self, jobs: Vec<Job>) -> Vec<Group> {
        let mut looks = stream::iter(self.parties(jobs))
            .map(|party| async move {
                if self.stop.is_set() {
                    return (None, party);
                }
                let closely = party.iter().flat_map(|(_, jobs)| jobs).any(closely);
                let references: Vec<&Reference> = party.iter().map(|(reference, _)| reference).collect();
                (Some(self.look_all(&references, closely).await), party)
            })
            .buffered(PARALLEL);
        // Two references may name one resource (a bucket under another region): it is counted, and acted upon, as one.
        let mut by_resource: BTreeMap<Arn, (Looked, Vec<Job>)> = BTreeMap::new();
        while let Some((looks, party)) = looks.next().await {
            let jobs = party.into_iter().map(|(_, jobs)| jobs);
            let Some(looks) = looks else {
                jobs.flatten().for_each(|job| self.stays(&job, stopped()));
                continue;
            };
            for (look, jobs) in looks.into_iter().zip(jobs) {
                match look {
                    Ok(Look::Found(resource)) => {
                        let reference = resource.reference();
                        let (_, together) = by_resource.entry(resource.arn.clone()).or_insert((*resource, Vec::new()));
                        together.extend(jobs.into_iter().map(|job| Job { reference: reference.clone(), ..job }));
                    }
                    Ok(Look::Gone) => jobs.iter().for_each(|job| self.stays(job, gone(job))),
                    Err(error) => jobs.iter().for_each(|job| self.stays(job, unseen(&error))),
                }
            }
        }
        let mut groups = Vec::new();
        for (resource, jobs) in by_resource.into_values() {
            // It was entered for the look.
            let session = self.sessions.account(&resource.account).await;
            let stands_on = session.as_ref().map(Own::of).unwrap_or_default();
            let group = self.plan_resource(&resource, jobs, &stands_on);
            groups.extend(Some(group).filter(|group| !group.is_empty()));
        }
        groups
    }

    /// The jobs whose resources are to be looked at, by the looks. The others get their outcome.
    fn parties(&self, jobs: Vec<Job>) -> Vec<Party> {
        let mut places: BTreeMap<(AccountId, Region, ResourceType), BTreeMap<Reference, Vec<Job>>> = BTreeMap::new();
        for job in jobs {
            match self.rules.at_sight(&job) {
                Ok((_, kind)) => {
                    let reference = job.reference.clone();
                    let place = (reference.account.clone(), reference.region.clone(), kind);
                    places.entry(place).or_default().entry(reference).or_default().push(job);
                }
                Err(stay) => self.stays(&job, stay),
            }
        }
        let mut parties = Vec::new();
        for ((_, _, kind), resources) in places {
            let mut resources = resources.into_iter();
            loop {
                let party: Party = resources.by_ref().take(poll::looked_at_together(kind)).collect();
                if party.is_empty() {
                    break;
                }
                parties.push(party);
            }
        }
        parties
    }

    /// Each job on a resource is planned on what the ones before it will leave. What takes away what this run `stands_on` is
    /// refused.
    fn plan_resource(&self, now: &Looked, jobs: Vec<Job>, stands_on: &Own) -> Group {
        let mut planned = Group::new();
        let mut resource = Some(now.clone());
        let (own_jobs, mut jobs): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| stands_on.is(job));
        for job in &own_jobs {
            self.stays(job, own());
        }
        jobs.sort_by_key(turn);
        // An undo may start from what another undo leaves, whichever stands first in the file: what does not fit yet is
        // tried again after what does.
        loop {
            let before = planned.len();
            let mut waiting = Vec::new();
            for job in jobs {
                let decision = match &resource {
                    Some(resource) => {
                        self.decide(&job, resource).map(|plan| (self.planned(&job, resource, &plan), plan))
                    }
                    None => match self.decide(&job, now) {
                        Ok(_) => Err(Stay { status: OutcomeStatus::Already, ..gone(&job) }),
                        Err(stay) => Err(stay),
                    },
                };
                match decision {
                    Ok((outcome, _)) if stands_on.loses_by(&outcome.calls) => {
                        self.stays(&job, Stay { calls: outcome.calls, ..own() });
                    }
                    Ok((outcome, plan)) => {
                        resource = plan.after;
                        planned.push((job, outcome));
                    }
                    // It has nothing to do on what is predicted, or nothing to do it to. Whether that comes true is seen when its
                    // turn comes: what is to remove the resource may be held back, or fail.
                    Err(stay) if stay.status == OutcomeStatus::Already && self.is_open(&job, now) => {
                        let mut outcome = job.outcome(OutcomeStatus::Planned, self.run, clock::now());
                        outcome.reason = Some("what is planned for this resource before it mends this, too".to_owned());
                        planned.push((job, outcome));
                    }
                    Err(stay) if stay.status == OutcomeStatus::Changed => waiting.push((job, stay)),
                    Err(stay) => self.stays(&job, stay),
                }
            }
            if planned.len() == before || waiting.is_empty() {
                for (job, stay) in waiting {
                    self.stays(&job, stay);
                }
                return planned;
            }
            jobs = waiting.into_iter().map(|(job, _)| job).collect();
        }
    }

    /// Whether something is left to do for a job on the resource as it was found.
    fn is_open(&self, job: &Job, found: &Looked) -> bool {
        !matches!(self.decide(job, found), Err(Stay { status: OutcomeStatus::Already, .. }))
    }

    /// Writes the plan.
    pub(crate) fn print(&self, groups: Vec<Group>, reason: Option<&str>) {
        for (_, mut outcome) in groups.into_iter().flatten() {
            if let Some(reason) = reason {
                outcome.reason = Some(reason.to_owned());
            }
            // Nothing was changed: whoever gathers what undoes a night's outcomes must not find it here.
            outcome.undo = None;
            self.out.write(&outcome);
        }
    }
}

/// When a job is done.
pub(super) fn turn(job: &Job) -> Turn {
    match (&job.action, super::kind_of(job)) {
        (Some(action), Some(kind)) => actions::turn(action, kind),
        _ => Turn::Usual,
    }
}
