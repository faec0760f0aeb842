//! IAM users: <https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html>.

use common::action::{Action, Key};
use common::record::Severity;
use common::resource::{AccessKey, ResourceType, User};
use jiff::Timestamp;
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, age, always, runaway};

impl Checked for User {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "iam_user_mfa",
                kind: ResourceType::IamUser,
                severity: Severity::Medium,
                controls: &["FSBP IAM.5", "CIS 1.10"],
                actions: &["iam_delete_login_profile"],
                fix: true,
                needs: &["CreateDate", "MfaActive", "PasswordEnabled", "PasswordLastChanged"],
                meaning: "The user can sign in with a password alone, and has had the time to add an MFA device.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-5",
            },
            arises: always,
            judge: mfa,
        },
        Check {
            about: About {
                id: "iam_user_password_unused",
                kind: ResourceType::IamUser,
                severity: Severity::Medium,
                // IAM.22 is the same with another number of days, and the settings have the number.
                controls: &["FSBP IAM.8", "CIS 1.12"],
                actions: &["iam_delete_login_profile"],
                fix: true,
                needs: &["CreateDate", "PasswordEnabled", "PasswordLastChanged", "PasswordLastUsed"],
                meaning: "The user's password has not been used for longer than the settings allow.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-8",
            },
            arises: always,
            judge: password_unused,
        },
        Check {
            about: About {
                id: "iam_user_key_unused",
                kind: ResourceType::IamUser,
                severity: Severity::Medium,
                controls: &["FSBP IAM.8", "CIS 1.12"],
                actions: &["iam_deactivate_key", "iam_delete_key"],
                fix: true,
                needs: &["AccessKeys"],
                meaning: "An active access key has not been used for longer than the settings allow.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-8",
            },
            arises: always,
            judge: |case| Ok(key_unused(case)),
        },
        Check {
            about: About {
                id: "iam_user_runaway",
                kind: ResourceType::IamUser,
                severity: Severity::Critical,
                controls: &[],
                actions: &["disable", "iam_delete_keys"],
                fix: true,
                needs: &["AccessKeys", "PasswordEnabled"],
                meaning: "The user has an active key or a password, in an account that is over its limit.",
                page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html",
            },
            arises: runaway::limited,
            judge: running_away,
        },
    ];
}

/// Whether the password was set long enough ago, by `old`.
///
/// Where the record does not say when it was set, it was not before the user was made: a young user's password is young,
/// and with an old user nobody knows. Guessing would cost the user a password that nothing brings back.
fn set_long_ago(user: &User, old: impl Fn(Timestamp) -> bool) -> Result<bool, Unclear> {
    match (user.password_last_changed, user.create_date) {
        (Some(set), _) => Ok(old(set)),
        (None, Some(made)) if !old(made) => Ok(false),
        _ => Err(Unclear("the record does not say PasswordLastChanged".to_owned())),
    }
}

fn mfa(case: &Case<'_, User>) -> Result<Vec<Problem>, Unclear> {
    let user = case.config();
    let hours = case.rules.thresholds.mfa_grace_hours;
    if !user.password_enabled
        || user.mfa_active
        || !set_long_ago(user, |set| age::over_hours(case.rules.now, set, hours))?
    {
        return Ok(Vec::new());
    }
    let evidence = json!({
        "PasswordEnabled": true, "MfaActive": false, "PasswordLastChanged": user.password_last_changed,
    });
    let problem = Problem::new("can sign in with a password and has no MFA device", evidence);
    Ok(vec![problem.action(Action::IamDeleteLoginProfile)])
}

/// A password that was set after it was last used counts from when it was set: its owner has had no longer to use it.
fn password_unused(case: &Case<'_, User>) -> Result<Vec<Problem>, Unclear> {
    let user = case.config();
    let days = case.rules.thresholds.password_unused_days;
    let old = |time| age::over_days(case.rules.now, time, days);
    if !user.password_enabled || user.password_last_used.is_some_and(|used| !old(used)) || !set_long_ago(user, old)? {
        return Ok(Vec::new());
    }
    let what = match user.password_last_used {
        Some(_) => format!("has a password that has not been used for more than {days} days"),
        None => format!("has a password that was set more than {days} days ago and has never been used"),
    };
    let evidence = json!({
        "PasswordLastUsed": user.password_last_used, "PasswordLastChanged": user.password_last_changed,
    });
    Ok(vec![Problem::new(what, evidence).action(Action::IamDeleteLoginProfile)])
}

fn key_unused(case: &Case<'_, User>) -> Vec<Problem> {
    let active = case.config().access_keys.iter().filter(|key| key.status == "Active");
    active.filter_map(|key| unused(case, key)).collect()
}

/// A key that was never used counts from when it was made.
fn unused(case: &Case<'_, User>, key: &AccessKey) -> Option<Problem> {
    let days = case.rules.thresholds.key_unused_days;
    let id = &key.access_key_id;
    let evidence = json!({ "AccessKeys": [{
        "AccessKeyId": id, "Status": key.status, "CreateDate": key.create_date, "LastUsedDate": key.last_used_date,
    }]});
    let Some(since) = key.last_used_date.or(key.create_date) else {
        let why = format!("the record says of access key {id} neither LastUsedDate nor CreateDate");
        return Some(Problem::unclear(Unclear(why), evidence).part(id));
    };
    if !age::over_days(case.rules.now, since, days) {
        return None;
    }
    let what = match key.last_used_date {
        Some(_) => format!("has an access key that has not been used for more than {days} days: {id}"),
        None => format!("has an access key that was made more than {days} days ago and has never been used: {id}"),
    };
    let key = Key { access_key_id: id.clone() };
    let problem = Problem::new(what, evidence).part(id);
    Some(problem.action(Action::IamDeactivateKey(key.clone())).action(Action::IamDeleteKey(key)))
}

/// What has no credentials that are good for anything is left as it is; what is denied everything has no password that is.
fn running_away(case: &Case<'_, User>) -> Result<Vec<Problem>, Unclear> {
    let user = case.config();
    let active: Vec<&str> =
        user.access_keys.iter().filter(|key| key.status == "Active").map(|key| key.access_key_id.as_str()).collect();
    let password = user.password_enabled && !runaway::is_denied_all(case, user.sluice_deny_all.as_ref())?;
    let has = match (active.len(), password) {
        (0, false) => return Ok(Vec::new()),
        (0, true) => "a password",
        (1, false) => "an active access key",
        (1, true) => "an active access key and a password",
        (_, false) => "active access keys",
        (_, true) => "active access keys and a password",
    };
    let evidence = json!({"ActiveAccessKeys": active, "PasswordEnabled": user.password_enabled});
    let problem = runaway::to_halt(case, &format!("it has {has}"), evidence);
    Ok(vec![problem.action(Action::Disable).action(Action::IamDeleteKeys)])
}
