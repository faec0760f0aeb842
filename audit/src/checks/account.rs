//! What holds for an account as a whole: its root user, its password policy, S3's public access block.

use common::record::Severity;
use common::resource::{AccountSecurity, PasswordPolicy, PublicAccessBlock, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for AccountSecurity {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "account_root_mfa",
                kind: ResourceType::Account,
                severity: Severity::Critical,
                // IAM.9, which is not one of the best practices; IAM.6 is, and asks for a hardware device.
                controls: &["CIS 1.5"],
                actions: &[],
                fix: false,
                needs: &["AccountMFAEnabled", "AccountPasswordPresent"],
                meaning: "The root user can sign in with a password alone.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-9",
            },
            arises: always,
            judge: root_mfa,
        },
        Check {
            about: About {
                id: "account_root_keys",
                kind: ResourceType::Account,
                severity: Severity::Critical,
                controls: &["FSBP IAM.4", "CIS 1.4"],
                actions: &[],
                fix: false,
                needs: &["AccountAccessKeysPresent"],
                meaning: "The root user has an access key, which may do everything and cannot be kept from it.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-4",
            },
            arises: always,
            judge: root_keys,
        },
        Check {
            about: About {
                id: "account_password_policy",
                kind: ResourceType::Account,
                severity: Severity::Medium,
                controls: &["FSBP IAM.7", "CIS 1.8"],
                actions: &[],
                fix: false,
                needs: &["PasswordPolicy"],
                meaning: "IAM users may choose weak passwords: too short, or without letters of both cases, digits and symbols.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-7",
            },
            arises: always,
            judge: password_policy,
        },
        Check {
            about: About {
                id: "account_password_reuse",
                kind: ResourceType::Account,
                severity: Severity::Low,
                controls: &["CIS 1.9"],
                actions: &[],
                fix: false,
                needs: &["PasswordPolicy"],
                meaning: "IAM users may choose a password that they had before, among the last 24.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-16",
            },
            arises: always,
            judge: |case| Ok(password_reuse(case)),
        },
        Check {
            about: About {
                id: "account_s3_public_access_block",
                kind: ResourceType::Account,
                severity: Severity::Medium,
                controls: &["FSBP S3.1", "CIS 2.1.4"],
                actions: &[],
                fix: false,
                needs: &["PublicAccessBlockConfiguration"],
                meaning: "S3 does not block public access for the account as a whole.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-1",
            },
            arises: always,
            judge: |case| Ok(public_access_block(case)),
        },
    ];
}

type Answer = Result<Vec<Problem>, Unclear>;

/// Where the organization manages its members' root users, they have no password to sign in with:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management>.
fn root_mfa(case: &Case<'_, AccountSecurity>) -> Answer {
    let AccountSecurity { account_mfa_enabled, account_password_present, .. } = case.config();
    match (account_mfa_enabled, account_password_present) {
        (Some(true), _) | (_, Some(false)) => Ok(Vec::new()),
        (Some(false), _) => {
            let evidence = json!({ "AccountMFAEnabled": false, "AccountPasswordPresent": account_password_present });
            Ok(vec![Problem::new("has a root user without an MFA device", evidence)])
        }
        (None, _) => Err(Unclear("the record does not say AccountMFAEnabled".to_owned())),
    }
}

fn root_keys(case: &Case<'_, AccountSecurity>) -> Answer {
    match case.config().account_access_keys_present {
        Some(0) => Ok(Vec::new()),
        Some(count) => {
            let evidence = json!({ "AccountAccessKeysPresent": count });
            Ok(vec![Problem::new("has a root user with an access key", evidence)])
        }
        None => Err(Unclear("the record does not say AccountAccessKeysPresent".to_owned())),
    }
}

/// The length that FSBP IAM.7 asks for; CIS 1.8 asks for [`CIS_LENGTH`], and the settings have what is asked for here.
const FSBP_LENGTH: i32 = 8;
const CIS_LENGTH: i32 = 14;

fn password_policy(case: &Case<'_, AccountSecurity>) -> Answer {
    let Some(policy) = &case.config().password_policy else {
        let evidence = json!({ "PasswordPolicy": null });
        return Ok(vec![Problem::new("has no password policy for its IAM users", evidence)]);
    };
    let PasswordPolicy { minimum_password_length: length, .. } = policy;
    let wanted = case.rules.thresholds.password_min_length;
    let mut weak: Vec<String> = Vec::new();
    if length.is_some_and(|length| i64::from(length) < i64::from(wanted)) {
        weak.push(format!("fewer than {wanted} characters"));
    }
    let kinds = [
        ("RequireLowercaseCharacters", policy.require_lowercase_characters, "no lower-case letter"),
        ("RequireUppercaseCharacters", policy.require_uppercase_characters, "no upper-case letter"),
        ("RequireNumbers", policy.require_numbers, "no digit"),
        ("RequireSymbols", policy.require_symbols, "no symbol"),
    ];
    let lacks_a_kind = kinds.iter().any(|(_, required, _)| *required == Some(false));
    weak.extend(
        kinds.iter().filter(|(_, required, _)| *required == Some(false)).map(|(_, _, what)| (*what).to_owned()),
    );
    if weak.is_empty() {
        let unknown = kinds.iter().find(|(_, required, _)| required.is_none()).map(|(field, ..)| *field);
        return match length.map_or(Some("MinimumPasswordLength"), |_| unknown) {
            Some(field) => Err(Unclear(format!("the record does not say PasswordPolicy.{field}"))),
            None => Ok(Vec::new()),
        };
    }
    let is_below = |least: i32| length.is_some_and(|length| length < least);
    let asked_for = [("FSBP IAM.7", lacks_a_kind || is_below(FSBP_LENGTH)), ("CIS 1.8", is_below(CIS_LENGTH))];
    let controls = asked_for.into_iter().filter_map(|(control, asks)| asks.then_some(control)).collect();
    let what = format!("lets its IAM users choose passwords with {}", weak.join(", "));
    Ok(vec![Problem::new(what, json!({ "PasswordPolicy": policy })).controls(controls)])
}

/// The most that AWS can keep, and what CIS 1.9 asks for.
const REMEMBERED: i32 = 24;

/// A policy that does not say how many it remembers remembers none.
fn password_reuse(case: &Case<'_, AccountSecurity>) -> Vec<Problem> {
    let policy = &case.config().password_policy;
    let remembered = policy.as_ref().and_then(|policy| policy.password_reuse_prevention).unwrap_or_default();
    if remembered >= REMEMBERED {
        return Vec::new();
    }
    let what = match remembered {
        ..=0 => "lets its IAM users choose passwords that they had before".to_owned(),
        some => {
            format!("keeps its IAM users from choosing their last {some} passwords again, not the last {REMEMBERED}")
        }
    };
    let evidence =
        json!({ "PasswordPolicy": policy.as_ref().map(|_| json!({ "PasswordReusePrevention": remembered })) });
    vec![Problem::new(what, evidence)]
}

fn public_access_block(case: &Case<'_, AccountSecurity>) -> Vec<Problem> {
    let block = &case.config().public_access_block_configuration;
    if *block == Some(PublicAccessBlock::ALL) {
        return Vec::new();
    }
    let what = match block {
        None => "does not block public access to S3",
        Some(_) => "does not block all public access to S3",
    };
    vec![Problem::new(what, json!({ "PublicAccessBlockConfiguration": block }))]
}
