//! What is to become of a job, given the resource as it is now. Pure: the same for a plan, before acting, and after.

use std::collections::BTreeMap;

use audit::Judge;
use common::action::Action;
use common::id::AccountId;
use common::record::{Call, Finding, FindingStatus, OutcomeStatus};
use common::resource::ResourceType;
use common::settings::Remediate;
use jiff::Timestamp;

use crate::actions::{self, Along, Looked, Plan, Refusal};
use crate::job::Job;

/// Resources with this tag, whatever its value, are not touched.
const PROTECTED: &str = "sluice:protect";

/// Why a plan is not carried out.
pub(crate) const OTHER_CALLS: &str =
    "the resource is not as it was when this was planned: other calls would be made now";

/// What is said of a resource that is not what it is going to be.
const AT_WORK: &str = "AWS is still at work on it";

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
    /// The real time: `--now` is for judging, and makes nothing due.
    pub(crate) now: Timestamp,
    pub(crate) irreversible: bool,
    pub(crate) settings: &'a Remediate,
    /// The only accounts to touch, by the arguments or else the settings; empty: whichever the jobs name.
    pub(crate) accounts: &'a [AccountId],
}

impl Rules<'_> {
    /// What a job's own words settle, before anything is looked at. Otherwise the action to do.
    pub(crate) fn at_sight<'a>(&self, job: &'a Job) -> Result<(&'a Action, ResourceType), Stay> {
        if let Some((status, reason)) = &job.settled {
            return Err(Stay::because(*status, reason));
        }
        if !self.accounts.is_empty() && !self.accounts.contains(&job.reference.account) {
            let account = &job.reference.account;
            return Err(Stay::denied(format!(
                "account {account} is not among those of --accounts, or of the settings' [aws] accounts"
            )));
        }
        let Some(action) = &job.action else {
            return Err(Stay::because(OutcomeStatus::Refused, "no fix is offered: a person must mend it"));
        };
        if let Some(why) = unknown_among(action) {
            return Err(Stay::denied(why));
        }
        let kind = job.reference.kind.parse::<ResourceType>().map_err(Stay::denied)?;
        if !action.acts_on(kind) {
            let name = action.name().unwrap_or("?");
            return Err(Stay::denied(format!("`{name}` cannot be done to a resource of type {kind}")));
        }
        // Else an id that does not exist would make a finding on an ARN that does read as mended.
        if let Some(arn) = &job.arn {
            job.reference.agrees_with(arn).map_err(Stay::denied)?;
        }
        match job.action_time {
            Some(time) if time > self.now => {
                Err(Stay::because(OutcomeStatus::Waiting, format!("it is not due before {time}")))
            }
            _ => Ok((action, kind)),
        }
    }

    /// What is to be done for a job whose resource was just looked at.
    pub(crate) fn decide(&self, job: &Job, action: &Action, resource: &Looked) -> Result<Plan, Stay> {
        if let Some(arn) = &job.arn {
            resource.reference().agrees_with(arn).map_err(Stay::denied)?;
        }
        // Also where the finding came from an audit that did not know of it. As with what is due, the real time counts: --now
        // ends no exception.
        let exempt = self.judge.exempt(resource, job.check.as_deref(), self.now);
        // What somebody has written beats an alert, too; that it is a decoy does not: it has done its work.
        if let Some(exception) = exempt.filter(|exception| !exception.decoy || job.incident.is_none()) {
            return Err(Stay::because(OutcomeStatus::Excepted, &exception.reason));
        }
        if let Some(tag) = protection(&resource.tags) {
            return Err(Stay::denied(format!("it is protected by its tag {tag}")));
        }
        if resource.unread("Tags").is_some() {
            return Err(Stay::denied("its tags could not be read, so it may be protected"));
        }
        if !resource.settled {
            let reason = format!("{AT_WORK}: it cannot be judged until that is over");
            return Err(Stay::because(OutcomeStatus::Waiting, reason));
        }
        let finding = match &job.check {
            Some(check) => Some(self.still_failing(job, check, resource)?),
            None => None,
        };
        self.takes_along(action, resource)?;
        let plan = actions::plan(action, resource, self.settings)?;
        let calls = plan.calls();
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
            && !are_as_planned(action, &calls, reviewed)
        {
            return Err(Stay { calls, ..Stay::because(OutcomeStatus::Changed, OTHER_CALLS) });
        }
        if let Some(lost) = plan.loses
            && !self.irreversible
        {
            let reason = format!("{lost}: it needs --irreversible");
            return Err(Stay { calls, ..Stay::denied(reason) });
        }
        Ok(plan)
    }

    /// Refuses an action by which another resource would be changed that nobody may touch.
    fn takes_along(&self, action: &Action, resource: &Looked) -> Result<(), Stay> {
        for Along { name, resource } in actions::along(action, resource)? {
            if let Some(exception) = self.judge.exempt(&resource, None, self.now) {
                return Err(Stay::denied(format!("{name} is excepted: {}", exception.reason)));
            }
            if let Some(tag) = protection(&resource.tags) {
                return Err(Stay::denied(format!("{name} is protected by its tag {tag}")));
            }
        }
        Ok(())
    }

    /// The job's finding, judged anew.
    fn still_failing(&self, job: &Job, check: &str, resource: &Looked) -> Result<Finding, Stay> {
        let findings = self.judge.judge_one(resource, check).map_err(Stay::denied)?;
        let with = |status| findings.iter().find(move |finding| finding.status == status);
        if let Some(finding) =
            findings.iter().find(|finding| finding.key == job.key && finding.status == FindingStatus::Fail)
        {
            return Ok(finding.clone());
        }
        // The key of a whole resource is mended when the check passes; that of a part (a rule, an access key) also when the
        // check fails for other parts only. Nothing else may read as mended: not a check that is off, nor a key that was
        // changed by hand.
        let whole = format!("{check}:{}", resource.arn);
        let part = job.key.strip_prefix(&whole).is_some_and(|part| part.starts_with(':'));
        let own = part || job.key == whole;
        // Of parts, one may be excepted and another not.
        let meant = |finding: &&Finding| !part || finding.key == job.key;
        let mut excepted = findings.iter().filter(|finding| finding.status == FindingStatus::Excepted);
        if let Some(finding) = excepted.find(meant) {
            let why = finding.reason.as_deref().unwrap_or("somebody said that this is allowed");
            return Err(Stay::because(OutcomeStatus::Excepted, why));
        }
        if let Some(finding) = with(FindingStatus::Unknown) {
            let why = finding.reason.as_deref().unwrap_or("the check cannot be judged now");
            return Err(Stay::denied(format!("what is not known is not touched: {why}")));
        }
        match (with(FindingStatus::Pass), with(FindingStatus::Fail).or(with(FindingStatus::Excepted))) {
            _ if !own => Err(Stay::denied(format!("its key is not one of `{check}` on {}", resource.arn))),
            (Some(_), _) => Err(Stay::because(OutcomeStatus::Already, "the check passes now")),
            (None, Some(_)) if part => {
                Err(Stay::because(OutcomeStatus::Already, "the check fails for other parts only"))
            }
            (None, Some(finding)) => Err(Stay::denied(format!("the finding is another one now: {}", finding.key))),
            (None, None) => {
                Err(Stay::denied(format!("`{check}` is off here, or does not judge this: see the settings")))
            }
        }
    }

    /// Whether a job is done, seen by the resource as it is afterwards; if not, why.
    pub(crate) fn done(&self, job: &Job, action: &Action, resource: &Looked) -> Result<(), String> {
        if !resource.settled {
            return Err(AT_WORK.to_owned());
        }
        if let Some(check) = &job.check {
            return match self.still_failing(job, check, resource) {
                Err(stay) if stay.status == OutcomeStatus::Already => Ok(()),
                Err(stay) => Err(stay.reason),
                Ok(finding) => Err(format!("the check still fails: {}", finding.title)),
            };
        }
        match actions::plan(action, resource, self.settings) {
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

impl From<Refusal> for Stay {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Changed(why) => Self::because(OutcomeStatus::Changed, why),
            Refusal::Impossible(why) => Self::denied(why),
            unread @ Refusal::Unread { .. } => Self::denied(format!("what is not known is not touched: {unread}")),
        }
    }
}

/// Why an action, or one of those that it is made of, is not understood.
fn unknown_among(action: &Action) -> Option<&str> {
    match action {
        Action::Unknown { why, .. } => Some(why),
        Action::Several(several) => several.actions.iter().find_map(unknown_among),
        _ => None,
    }
}

/// Whether these calls are those that were planned for an action. Of one that is made of several steps it may be a part:
/// the others were made by a run that was cut off.
pub(crate) fn are_as_planned(action: &Action, calls: &[Call], planned: &[Call]) -> bool {
    match action {
        Action::Kill(_) | Action::Disable | Action::Several(_) => are_among(calls, planned),
        _ => calls == planned,
    }
}

/// Whether all these calls were planned, in this order.
fn are_among(calls: &[Call], planned: &[Call]) -> bool {
    let mut planned = planned.iter();
    calls.iter().all(|call| planned.any(|planned| planned == call))
}

/// The tag that keeps a resource from being touched, if it has one.
pub(crate) fn protection(tags: &BTreeMap<String, String>) -> Option<&str> {
    tags.keys().map(String::as_str).find(|name| name.eq_ignore_ascii_case(PROTECTED))
}

#[cfg(test)]
mod tests {
    use common::settings::{Account, Exception, Settings};
    use serde_json::json;

    use super::*;

    /// A queue that anybody may write to, still open or mended.
    fn queue(open: bool, settled: bool) -> Looked {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"});
        let policy = open.then(|| json!({"Version": "2012-10-17", "Statement": [statement]}));
        let resource = json!({
            "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": "sqs", "id": "https://sqs/jobs",
            "arn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "settled": settled,
            "config": {"QueueUrl": "https://sqs/jobs", "Policy": policy},
        });
        serde_json::from_str(&resource.to_string()).unwrap()
    }

    fn job(check: Option<&str>, action: Action) -> Job {
        let key = check.map_or_else(String::new, |check| format!("{check}:arn:aws:sqs:eu-west-1:111122223333:jobs"));
        Job {
            reference: queue(true, true).reference(),
            arn: None,
            key,
            check: check.map(str::to_owned),
            severity: None,
            title: String::new(),
            tags: BTreeMap::new(),
            action: Some(action),
            action_time: None,
            reviewed: None,
            incident: None,
            settled: None,
        }
    }

    /// What takes the open statement out.
    fn close() -> Action {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"});
        serde_json::from_value(json!({"name": "sqs_remove_policy_statements", "Statements": [statement]})).unwrap()
    }

    #[test]
    fn an_exception_holds_for_its_check_and_without_one_for_tasks_too() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let (finding, task) = (Some("sqs_public"), None);
        let rows = [
            (json!({"arn": "*:jobs"}), now, finding, "excepted"),
            (json!({"arn": "*:jobs"}), now, task, "excepted"),
            (json!({"check": "sqs_*"}), now, finding, "excepted"),
            (json!({"check": "sqs_*"}), now, task, "go"),
            (json!({"check": "sqs_policy_outsiders"}), now, finding, "go"),
            (json!({"arn": "*:others"}), now, finding, "go"),
            (json!({"tags": {"team": "web"}}), now, task, "excepted"),
            (json!({"tags": {"team": "app"}}), now, task, "go"),
            // Judging as if it were another day neither ends an exception ...
            (
                json!({"arn": "*:jobs", "until": "2026-11-20"}),
                "2099-01-01T00:00:00Z".parse().unwrap(),
                finding,
                "excepted",
            ),
            (
                json!({"arn": "*:jobs", "until": "2026-11-20"}),
                "2099-01-01T00:00:00Z".parse().unwrap(),
                task,
                "excepted",
            ),
            // ... nor does the finding of that day fail.
            (
                json!({"arn": "*:jobs", "until": "2026-11-19"}),
                "2026-11-19T00:00:00Z".parse().unwrap(),
                finding,
                "excepted",
            ),
            (json!({"arn": "*:jobs", "until": "2026-11-19"}), now, finding, "go"),
            (json!({"arn": "*:jobs", "until": "2026-11-19"}), now, task, "go"),
        ];
        for (mut exception, judged, check, expected) in rows {
            exception["reason"] = json!("agreed");
            let exceptions = vec![serde_json::from_value(exception.clone()).unwrap()];
            let judge = Judge::new(&Settings { exceptions, ..Settings::default() }, judged, None).unwrap();
            let rules =
                Rules { judge: &judge, now, irreversible: false, settings: &Remediate::default(), accounts: &[] };
            let mut resource = queue(true, true);
            resource.tags.insert("Team".to_owned(), "web".to_owned());
            match rules.decide(&job(check, close()), &close(), &resource) {
                Ok(_) => assert_eq!(expected, "go", "{exception} {check:?}"),
                Err(stay) => {
                    let said = (stay.status.name(), stay.reason.as_str());
                    assert_eq!(said, (expected, "agreed"), "{exception} {check:?}");
                }
            }
            // Tags that could not be read exempt nothing, and keep everything from being touched.
            resource.unread = serde_json::from_value(json!([{"field": "Tags"}])).unwrap();
            let stay = rules.decide(&job(check, close()), &close(), &resource).unwrap_err();
            let by_tag = exception.get("tags").is_some();
            let status = if expected == "excepted" && !by_tag { None } else { Some(OutcomeStatus::Refused) };
            assert!(status.is_none_or(|status| stay.status == status), "{exception} {check:?}: {}", stay.reason);
        }
    }

    #[test]
    fn a_decoy_is_touched_by_its_own_alert_alone() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut decoy: Exception = serde_json::from_value(json!({
            "account": "111122223333", "type": "iam_user", "id": "svc", "check": common::decoys::CHECKS, "reason": "a decoy",
        }))
        .unwrap();
        decoy.decoy = true;
        let settings = Settings { exceptions: vec![decoy], ..Settings::default() };
        let judge = Judge::new(&settings, now, None).unwrap();
        let rules = Rules { judge: &judge, now, irreversible: true, settings: &Remediate::default(), accounts: &[] };
        let user = json!({
            "account": "111122223333", "region": "global", "type": "iam_user", "id": "svc",
            "arn": "arn:aws:iam::111122223333:user/svc", "config": {
                "UserName": "svc", "CreateDate": "2024-01-01T00:00:00Z", "PasswordEnabled": false, "MfaActive": false,
                "PasswordLastChanged": null, "PasswordLastUsed": null,
                "AccessKeys": [{"AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2024-01-01T00:00:00Z"}],
            },
        });
        let user: Looked = serde_json::from_str(&user.to_string()).unwrap();
        let key = |name: &str| serde_json::from_value(json!({"name": name, "AccessKeyId": "AKIA1"})).unwrap();
        let deactivate: Action = key("iam_deactivate_key");
        // Also where the finding was edited, or comes from an audit that did not know.
        let rows = [
            (Some("iam_user_key_unused"), deactivate.clone(), None, false),
            (Some("iam_user_runaway"), Action::IamDeleteKeys, None, false),
            (None, deactivate.clone(), None, false),
            (None, key("iam_delete_key"), None, false),
            (None, deactivate, Some("honeytoken:1"), true),
        ];
        for (check, action, incident, goes) in rows {
            let job = Job {
                reference: user.reference(),
                key: check.map_or_else(String::new, |check| format!("{check}:{}:AKIA1", user.arn)),
                incident: incident.map(str::to_owned),
                ..job(check, action.clone())
            };
            let decided = rules.decide(&job, &action, &user);
            let status = decided.as_ref().err().map(|stay| (stay.status, stay.reason.as_str()));
            assert_eq!(status, (!goes).then_some((OutcomeStatus::Excepted, "a decoy")), "{check:?} {action:?}");
        }
    }

    #[test]
    fn of_the_instances_behind_a_load_balancer_one_may_be_excepted_and_another_not() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let exception = json!({"check": "ec2_public_in_dev", "id": "i-1", "reason": "agreed"});
        let settings = Settings {
            exceptions: vec![serde_json::from_value(exception).unwrap()],
            accounts: [("111122223333".parse().unwrap(), Account { dev: true, ..Account::default() })].into(),
            ..Settings::default()
        };
        let judge = Judge::new(&settings, now, None).unwrap();
        let rules = Rules { judge: &judge, now, irreversible: false, settings: &Remediate::default(), accounts: &[] };
        let balancer = |instances: &[&str]| -> Looked {
            let instances: Vec<_> = instances.iter().map(|id| json!({"InstanceId": id})).collect();
            let resource = json!({
                "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": "elb", "id": "web",
                "arn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web",
                "config": {"Scheme": "internet-facing", "Instances": instances},
            });
            serde_json::from_str(&resource.to_string()).unwrap()
        };
        let job = |id: &str, resource: &Looked| {
            let action = json!({"name": "elb_deregister_instances", "InstanceIds": [id]});
            let action: Action = serde_json::from_value(action).unwrap();
            let mut job = job(Some("elb_public_in_dev"), action.clone());
            job.reference = resource.reference();
            job.key = format!("elb_public_in_dev:{}:{id}", resource.arn);
            (job, action)
        };
        let both = balancer(&["i-1", "i-2"]);
        let (first, deregister) = job("i-1", &both);
        let stay = rules.decide(&first, &deregister, &both).unwrap_err();
        assert_eq!((stay.status, stay.reason.as_str()), (OutcomeStatus::Excepted, "agreed"));
        let (second, deregister) = job("i-2", &both);
        assert_eq!(rules.decide(&second, &deregister, &both).unwrap().steps.len(), 1);
        assert!(rules.done(&second, &deregister, &both).is_err());
        assert_eq!(rules.done(&second, &deregister, &balancer(&["i-1"])), Ok(()));
    }

    #[test]
    fn some_of_the_planned_calls_in_their_order_are_no_others() {
        let calls = |names: &str| -> Vec<Call> {
            let call = |name: char| Call { operation: name.to_string(), parameters: json!({}), result: None };
            names.chars().map(call).collect()
        };
        for (now, planned, among) in [
            ("abc", "abc", true),
            ("bc", "abc", true),
            ("ac", "abc", true),
            ("", "abc", true),
            ("ba", "abc", false),
            ("aa", "abc", false),
            ("abcd", "abc", false),
            ("a", "", false),
        ] {
            assert_eq!(are_among(&calls(now), &calls(planned)), among, "{now} among {planned}");
        }
    }

    #[test]
    fn what_nobody_may_touch_is_not_touched_by_way_of_another() {
        let record = |kind: &str, arn: &str, config: serde_json::Value| -> Looked {
            let resource = json!({
                "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": kind, "id": "it",
                "arn": arn, "config": config,
            });
            serde_json::from_str(&resource.to_string()).unwrap()
        };
        let volume = |state: &str, tags: serde_json::Value| {
            let attachment = |id: &str| json!({"InstanceId": id, "Device": "/dev/sdf", "State": "attached"});
            let instance = |id: &str, tags| json!({"InstanceId": id, "State": {"Name": state}, "Tags": tags});
            record(
                "ebs_volume",
                "arn:aws:ec2:eu-west-1:111122223333:volume/it",
                json!({
                    "VolumeId": "it", "State": "in-use", "Attachments": [attachment("i-1"), attachment("i-2")],
                    "AttachedInstances": [instance("i-1", json!({})), instance("i-2", tags)],
                }),
            )
        };
        let cluster = |tags: serde_json::Value| {
            let member =
                |id: &str, tags| json!({"DBInstanceIdentifier": id, "DBInstanceStatus": "available", "Tags": tags});
            record(
                "rds_cluster",
                "arn:aws:rds:eu-west-1:111122223333:cluster:it",
                json!({
                    "DBClusterIdentifier": "it", "Status": "available", "Engine": "aurora-mysql",
                    "DBClusterMembers": [member("db-1", json!({})), member("db-2", tags)], "DBClusterSnapshots": [],
                }),
            )
        };
        let (free, protected) = (json!({}), json!({"Sluice:Protect": ""}));
        let kill = |include_data| Action::Kill(common::action::Kill { include_data });
        let detach = |id: &str| -> Action {
            let detach = json!({"name": "ec2_detach_volume", "InstanceId": id, "Device": "/dev/sdf"});
            serde_json::from_value(json!({"name": "several", "Actions": [detach]})).unwrap()
        };
        let (instance, database) = ("arn:aws:ec2:*:instance/i-2", "arn:aws:rds:*:db:db-2");
        let rows = [
            (kill(false), volume("running", free.clone()), "*:i-1", ""),
            (kill(false), volume("running", protected.clone()), "*:i-1", "i-2, which has it, is protected by its tag"),
            (kill(false), volume("stopped", free.clone()), instance, "i-2, which has it, is excepted: agreed"),
            (kill(false), volume("terminated", protected.clone()), instance, ""),
            (Action::Disable, volume("running", free.clone()), instance, "i-2, which has it, is excepted: agreed"),
            (detach("i-2"), volume("running", free.clone()), instance, "i-2, which has it, is excepted: agreed"),
            (detach("i-1"), volume("running", protected.clone()), instance, ""),
            (kill(true), cluster(free.clone()), "*:i-1", ""),
            (kill(true), cluster(protected.clone()), "*:i-1", "its instance db-2 is protected by its tag"),
            (kill(true), cluster(free.clone()), database, "its instance db-2 is excepted: agreed"),
            (Action::Disable, cluster(protected.clone()), "*:i-1", "its instance db-2 is protected by its tag"),
            (Action::Start, cluster(protected), database, "nothing is left to do"),
        ];
        for (action, resource, excepted, expected) in rows {
            let exceptions = vec![serde_json::from_value(json!({"arn": excepted, "reason": "agreed"})).unwrap()];
            let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
            let judge = Judge::new(&Settings { exceptions, ..Settings::default() }, now, None).unwrap();
            let rules =
                Rules { judge: &judge, now, irreversible: true, settings: &Remediate::default(), accounts: &[] };
            let decided = rules.decide(&job(None, action.clone()), &action, &resource);
            let said = decided.err().map(|stay| stay.reason).unwrap_or_default();
            assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{action:?}: {said}");
        }
        let mut unread = cluster(free);
        unread.unread = serde_json::from_value(json!([{"field": "DBInstanceStatus"}])).unwrap();
        let judge = Judge::new(&Settings::default(), Timestamp::UNIX_EPOCH, None).unwrap();
        let settings = Remediate::default();
        let rules =
            Rules { judge: &judge, now: Timestamp::UNIX_EPOCH, irreversible: true, settings: &settings, accounts: &[] };
        let stay = rules.decide(&job(None, Action::Disable), &Action::Disable, &unread).unwrap_err();
        assert!(stay.denied && stay.reason.contains("`DBInstanceStatus` could not be read"), "{}", stay.reason);
    }

    #[test]
    fn what_aws_is_still_at_work_on_is_not_judged() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let judge = Judge::new(&Settings::default(), now, None).unwrap();
        let rules = Rules { judge: &judge, now, irreversible: false, settings: &Remediate::default(), accounts: &[] };
        let action = close();
        for check in [None, Some("sqs_public")] {
            let job = job(check, action.clone());
            assert_eq!(rules.decide(&job, &action, &queue(true, true)).unwrap().steps.len(), 1, "{check:?}");
            for open in [true, false] {
                let stay = rules.decide(&job, &action, &queue(open, false)).unwrap_err();
                assert_eq!((stay.status, stay.denied), (OutcomeStatus::Waiting, false), "{check:?}: {}", stay.reason);
                assert!(rules.done(&job, &action, &queue(open, false)).unwrap_err().contains("still at work"));
            }
            assert_eq!(rules.done(&job, &action, &queue(false, true)), Ok(()), "{check:?}");
        }
        let mut protected = queue(true, false);
        protected.tags.insert("sluice:protect".to_owned(), String::new());
        let stay = rules.decide(&job(None, action.clone()), &action, &protected).unwrap_err();
        assert_eq!(stay.status, OutcomeStatus::Refused, "waiting would not help");
    }
}
