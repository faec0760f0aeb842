//! A fresh look at the resources of tasks, to see which are mended. What cannot be seen stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use common::action::Action;
use common::aws::Sessions;
use common::id::{AccountId, Region};
use common::record::{FindingStatus, Scope, ScopeStatus};
use common::resource::ResourceType;
use futures_util::stream::{self, StreamExt};
use poll::Look;

use super::known::Known;
use super::score::{Scoring, Tally};
use crate::decide::Rules;

/// How many (account, region, type)s are looked at at once.
const PARALLEL: usize = 8;

/// Of what a stream says that all of it was looked at.
#[derive(Debug, Default)]
pub(crate) struct Covered(BTreeMap<(AccountId, Region, String), bool>);

impl Covered {
    /// What a scope says. Two of one scope do not make up for each other.
    pub(crate) fn add(&mut self, scope: &Scope) {
        let key = (scope.account.clone(), scope.region.clone(), scope.r#type.clone());
        *self.0.entry(key).or_insert(true) &= scope.status == ScopeStatus::Ok;
    }

    /// Whether a task's resource would have been seen.
    pub(crate) fn has(&self, known: &Known) -> bool {
        let reference = &known.job.reference;
        let key = (reference.account.clone(), reference.region.clone(), reference.kind.clone());
        self.0.get(&key).copied().unwrap_or_default()
    }
}

/// What a look says of a task.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// What was to be mended is in order, or no longer there.
    Mended(String),
    /// It is not, or it cannot be told.
    Open,
    /// The findings of the resource add up to this, of which this comes.
    Score(Box<Action>, Tally),
    /// It cannot be told what they add up to.
    Unclear(String),
    /// AWS is at work on the resource.
    Unsettled(String),
}

/// Looks at the resource of each task, and judges it anew. The answers are in the order of the tasks.
pub(crate) async fn look(
    tasks: Vec<Known>,
    sessions: &Sessions,
    rules: &Rules<'_>,
    scoring: Option<&Scoring>,
) -> Vec<(Known, Seen)> {
    let mut places: BTreeMap<(AccountId, Region, String), Vec<Known>> = BTreeMap::new();
    for task in tasks {
        let reference = &task.job.reference;
        let place = (reference.account.clone(), reference.region.clone(), reference.kind.clone());
        places.entry(place).or_default().push(task);
    }
    let looks = stream::iter(places).map(|((account, region, kind), tasks)| async move {
        let ids: BTreeSet<String> = tasks.iter().map(|task| task.job.reference.id.clone()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let looked = look_at(sessions, &account, &region, &kind, &ids).await;
        let seen = |task: Known| {
            let at = ids.iter().position(|id| *id == task.job.reference.id);
            let look = match &looked {
                Ok(looks) => at.and_then(|at| looks.get(at)).cloned().unwrap_or_else(|| Err("no answer".to_owned())),
                Err(why) => Err(why.clone()),
            };
            let seen = judge(&task, look, rules, scoring);
            (task, seen)
        };
        tasks.into_iter().map(seen).collect::<Vec<_>>()
    });
    looks.buffered(PARALLEL).collect::<Vec<_>>().await.into_iter().flatten().collect()
}

async fn look_at(
    sessions: &Sessions,
    account: &AccountId,
    region: &Region,
    kind: &str,
    ids: &[String],
) -> Result<Vec<Result<Look, String>>, String> {
    let kind: ResourceType = kind.parse().map_err(|error: common::resource::UnknownType| error.to_string())?;
    let session = sessions.account(account).await.map_err(|error| error.to_string())?;
    // It has room for every type's way to look.
    let looks = Box::pin(poll::look_all(&session, region, kind, ids, false)).await;
    Ok(looks.into_iter().map(|look| look.map_err(|error| error.to_string())).collect())
}

/// What a look at its resource says of a task.
fn judge(task: &Known, look: Result<Look, String>, rules: &Rules<'_>, scoring: Option<&Scoring>) -> Seen {
    let resource = match look {
        Ok(Look::Found(resource)) => resource,
        Ok(Look::Gone) => return Seen::Mended("the resource no longer exists".to_owned()),
        Err(why) if task.is_score() => return Seen::Unclear(why),
        Err(_) => return Seen::Open,
    };
    if !task.is_score() {
        let done = task.job.action.as_ref().is_some_and(|action| rules.done(&task.job, action, &resource).is_ok());
        return if done { Seen::Mended("what was found is mended".to_owned()) } else { Seen::Open };
    }
    let Some(scoring) = scoring else {
        return Seen::Unclear("the settings have no [schedule] disable_score or kill_score any more".to_owned());
    };
    if !resource.settled {
        return Seen::Unsettled("AWS is still at work on it: it cannot be judged until that is over".to_owned());
    }
    let findings = match rules.judge.judge(&resource) {
        Ok(findings) => findings,
        Err(why) => return Seen::Unclear(why.to_string()),
    };
    let tally = scoring.tally(&findings);
    let least = scoring.least();
    match scoring.verdict(tally.sum) {
        Some(action) => Seen::Score(Box::new(action), tally),
        // What is not known may be what is missing.
        None if findings.iter().any(|finding| finding.status == FindingStatus::Unknown) => {
            Seen::Unclear(format!("its findings add up to {}, but some checks cannot be judged now", tally.sum))
        }
        None => Seen::Mended(format!("its findings add up to {} now, which is less than {least}", tally.sum)),
    }
}
