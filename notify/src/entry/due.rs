//! What will be done, when, and what would prevent it.

use common::action::{Action, Key, Kill};
use common::record::Outcome;
use common::settings::Zone;
use jiff::Timestamp;

use crate::text::{clean, some, when};

/// The most characters of a resource's name in the sentence.
const WHO: usize = 120;
/// How many actions of several, and how many tags, are named.
const NAMED: usize = 3;
/// The most characters of a tag's name.
const TAG: usize = 60;
/// The most characters of an access key's id: AWS has 20.
const KEY: usize = 40;
/// The most characters of the sentence.
pub(crate) const SENTENCE: usize = 600;

/// What `audit` says of a tag that is not there.
const LACKS: &str = "lacks the required tag ";
/// And of one with a value that is not allowed.
const WRONG: &str = "has the tag ";

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// When.
    pub(crate) at: Timestamp,
    /// What: the action's name.
    pub(crate) action: String,
    /// `i-0abc will be stopped`.
    will: String,
    /// `it gets its Owner tag`.
    unless: String,
}

impl Due {
    /// What an outcome announces for a time.
    pub(super) fn new(outcome: &Outcome, at: Timestamp) -> Self {
        let who = clean(&outcome.id, WHO);
        let action = outcome.action.as_ref();
        Self {
            at,
            action: action.and_then(Action::name).unwrap_or("task").to_owned(),
            will: format!("{who} will {}", action.map_or_else(|| "be dealt with".to_owned(), fate)),
            unless: unless(outcome),
        }
    }

    /// `i-0abc will be stopped on Friday 2026-11-27 14:00 UTC (15:00 Europe/Berlin) unless it gets its Owner tag`.
    pub(crate) fn sentence(&self, zone: &Zone) -> String {
        clean(&format!("{} on {} unless {}", self.will, when(self.at, zone), self.unless), SENTENCE)
    }
}

/// What would prevent it.
fn unless(outcome: &Outcome) -> String {
    match outcome.check.as_deref() {
        Some(check) if check.ends_with("required_tags") => tags(&outcome.title, &outcome.id),
        Some(_) => "it is put right before".to_owned(),
        // Several findings add up to one task.
        None if outcome.key.starts_with("score:") => "enough of what is wrong with it is put right before".to_owned(),
        None => "it gets the tag sluice:protect before".to_owned(),
    }
}

/// The tags that a resource has to get, by the title of its finding: `EC2 instance i-0abc lacks the required tag Owner, has
/// the tag Team with ...`. An outcome carries no evidence.
fn tags(title: &str, id: &str) -> String {
    // What stands before belongs to the resource's name, which may say what it likes.
    let said = title.split_once(id).map_or(title, |(_, said)| said);
    let starts = |text: &str| [LACKS, WRONG].iter().filter_map(|words| text.find(words)).min();
    let Some(start) = starts(said) else { return "it gets its required tags before".to_owned() };
    let (mut lacking, mut wrong) = (Vec::new(), Vec::new());
    for part in said.get(start..).unwrap_or_default().split(", ") {
        if let Some(name) = part.strip_prefix(LACKS) {
            lacking.push(clean(name, TAG));
        } else if let Some((name, _)) = part.strip_prefix(WRONG).and_then(|part| part.split_once(" with ")) {
            wrong.push(clean(name, TAG));
        }
    }
    let named = |names: &[String], what: String| {
        let tags = if names.len() == 1 { "tag" } else { "tags" };
        (!names.is_empty()).then(|| format!("{} {tags}{what}", some(names.iter().map(String::as_str), NAMED)))
    };
    let value = if wrong.len() == 1 { " with a value that is allowed" } else { " with values that are allowed" };
    let parts = [named(&lacking, String::new()), named(&wrong, value.to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "it gets its required tags before".to_owned()
    } else {
        format!("it gets its {}", parts.join(" and its "))
    }
}

/// What the resource will do or suffer, in words, behind its name and `will`. Each action has its own: a new one does not
/// compile until it has them, too.
fn fate(action: &Action) -> String {
    let fate = match action {
        Action::Disable => "be taken out of use",
        Action::Kill(Kill { include_data: true }) => "be removed for good, with its data",
        Action::Kill(_) => "be removed for good",
        Action::Several(several) => {
            let fates: Vec<String> = several.actions.iter().map(fate).collect();
            return some(fates.iter().map(String::as_str), NAMED);
        }
        Action::Stop | Action::Ec2Halt | Action::EcsStopTask => "be stopped",
        Action::Start => "be started",
        Action::MakePrivate | Action::S3MakeAclPrivate => "be made private",
        Action::MakePublic => "be made public",
        Action::Unshare(_) => "no longer be shared with those outside",
        Action::Share(_) => "be shared again",
        Action::SetSecurityGroups(_) => "be moved into other security groups",
        Action::Ec2Terminate => "be terminated",
        Action::Ec2DisassociateAddress(_) => "lose its Elastic IP",
        Action::Ec2AssociateAddress(_) => "get its Elastic IP again",
        Action::Ec2RequireImdsv2 => "be made to require session tokens (IMDSv2)",
        Action::Ec2SetMetadataOptions(_) => "get other metadata options",
        Action::Ec2CancelSpotRequest => "be cancelled",
        Action::AsgSuspend(_) => "be suspended",
        Action::AsgResume(_) => "be resumed",
        Action::Ec2RevokeIngress(_) => "lose inbound rules",
        Action::Ec2AuthorizeIngress(_) => "get inbound rules",
        Action::Ec2RevokeEgress(_) => "lose outbound rules",
        Action::Ec2AuthorizeEgress(_) => "get outbound rules",
        Action::Ec2DetachVolume(_) => "be detached from its instance",
        Action::Ec2AttachVolume(_) => "be attached to its instance again",
        Action::S3RemoveGrants(_) => "lose grants of its ACL",
        Action::S3SetAcl(_) => "get another ACL",
        Action::S3BlockPublicAccess => "be closed to the public",
        Action::S3SetPublicAccessBlock(_) => "get another public access block",
        Action::S3DenyInsecureTransport => "be closed to plain HTTP",
        Action::S3EncryptByDefault => "be made to encrypt new objects",
        Action::S3SetEncryption(_) => "get another default encryption",
        Action::IamDeleteLoginProfile => "lose the console password",
        Action::IamDeactivateKey(Key { access_key_id }) => {
            return format!("have the access key {} deactivated", clean(access_key_id, KEY));
        }
        Action::IamActivateKey(Key { access_key_id }) => {
            return format!("have the access key {} activated", clean(access_key_id, KEY));
        }
        Action::IamDeleteKey(Key { access_key_id }) => {
            return format!("have the access key {} deleted", clean(access_key_id, KEY));
        }
        Action::IamDeleteKeys => "be denied everything and lose its access keys",
        Action::IamDenyAll => "be denied everything",
        Action::IamAllowAgain(_) => "no longer be denied everything",
        Action::IamRemoveUsers(_) => "lose members",
        Action::IamAddUsers(_) => "get members",
        Action::IamDetachPolicy(_) => "be detached from those who have it",
        Action::IamAttachPolicy(_) => "be attached to those who had it",
        Action::IamRemoveTrustStatements(_) => "lose statements of its trust policy",
        Action::IamSetTrustPolicy(_) => "get another trust policy",
        Action::LambdaRemovePermissions(_)
        | Action::S3RemovePolicyStatements(_)
        | Action::KmsRemovePolicyStatements(_)
        | Action::SqsRemovePolicyStatements(_) => "lose statements of its policy",
        Action::LambdaAddPermissions(_) => "get statements of its policy",
        Action::S3SetPolicy(_) | Action::KmsSetPolicy(_) | Action::SqsSetPolicy(_) => "get another policy",
        Action::LambdaSetConcurrency(_) => "have its concurrency set",
        Action::RedshiftEncrypt => "be encrypted",
        Action::RedshiftDecrypt => "be decrypted",
        Action::ElbDeregisterInstances(_) | Action::ElbDeregisterTargets(_) => "lose targets",
        Action::ElbRegisterInstances(_) | Action::ElbRegisterTargets(_) => "get targets",
        Action::EcsUnassignPublicIp => "lose its addresses on the internet",
        Action::EcsAssignPublicIp(_) => "get addresses on the internet",
        Action::EcsDeleteTaskSet => "be deleted",
        Action::Unknown { .. } => "be dealt with as its task says",
    };
    fate.to_owned()
}

#[cfg(test)]
mod tests {
    use common::record::OutcomeStatus;
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn scheduled(check: Option<&str>, key: &str, title: &str, action: serde_json::Value) -> Outcome {
        Outcome {
            id: "i-0abc".into(),
            check: check.map(str::to_owned),
            key: key.into(),
            title: title.into(),
            action: Some(serde_json::from_value(action).unwrap()),
            ..samples::outcome("x", OutcomeStatus::Scheduled)
        }
    }

    fn sentence(outcome: &Outcome, zone: &str) -> String {
        Due::new(outcome, "2026-11-27T14:00:00Z".parse().unwrap()).sentence(&zone.parse().unwrap())
    }

    #[test]
    fn it_says_what_when_and_what_prevents_it() {
        let title = "EC2 instance i-0abc lacks the required tag Owner";
        let tagless = scheduled(Some("ec2_required_tags"), "k", title, json!("stop"));
        assert_eq!(
            sentence(&tagless, "Europe/Berlin"),
            "i-0abc will be stopped on Friday 2026-11-27 14:00 UTC (15:00 Europe/Berlin) unless it gets its Owner tag"
        );
        assert_eq!(
            sentence(&tagless, "UTC"),
            "i-0abc will be stopped on Friday 2026-11-27 14:00 UTC unless it gets its Owner tag"
        );
    }

    #[test]
    fn what_prevents_it_follows_from_the_check() {
        let tags = Some("s3_bucket_required_tags");
        let rows = [
            (Some("ec2_imdsv2"), "k", "", "it is put right before"),
            (None, "stop:i-0abc", "", "it gets the tag sluice:protect before"),
            (None, "score:arn", "", "enough of what is wrong with it is put right before"),
            (
                tags,
                "k",
                "i-0abc lacks the required tag Owner, lacks the required tag Team",
                "it gets its Owner, Team tags",
            ),
            (
                tags,
                "k",
                "i-0abc lacks the required tag Owner, has the tag Env with `x`, which is none of a, b",
                "it gets its Owner tag and its Env tag with a value that is allowed",
            ),
            (
                tags,
                "k",
                "i-0abc has the tag A with `x`, which is none of b, has the tag C with `x`, which is none of d",
                "it gets its A, C tags with values that are allowed",
            ),
            (tags, "k", "something else", "it gets its required tags before"),
            (tags, "k", "", "it gets its required tags before"),
            // A name cannot say which tags are asked for.
            (tags, "k", "lacks the required tag Evil, i-0abc lacks the required tag Owner", "it gets its Owner tag"),
        ];
        for (check, key, title, expected) in rows {
            let outcome = scheduled(check, key, title, json!("stop"));
            assert_eq!(unless(&outcome), expected, "{title}");
        }
    }

    #[test]
    fn each_action_has_its_words() {
        let key = json!({"name": "iam_deactivate_key", "AccessKeyId": "AKIAEXAMPLE"});
        let rows = [
            (json!("stop"), "be stopped"),
            (json!("make_private"), "be made private"),
            (json!("s3_make_acl_private"), "be made private"),
            (json!("kill"), "be removed for good"),
            (json!({"name": "kill", "IncludeData": true}), "be removed for good, with its data"),
            (key.clone(), "have the access key AKIAEXAMPLE deactivated"),
            (
                json!({"name": "several", "Actions": ["iam_deny_all", key]}),
                "be denied everything, have the access key AKIAEXAMPLE deactivated",
            ),
            (json!({"name": "several", "Actions": vec!["stop"; 9]}), "be stopped, be stopped, be stopped and 6 more"),
            (json!("fire"), "be dealt with as its task says"),
        ];
        for (action, expected) in rows {
            assert_eq!(fate(&serde_json::from_value(action).unwrap()), expected);
        }
    }

    #[test]
    fn it_is_one_short_line_whatever_the_names_are() {
        let long = "x\n\u{202e}".repeat(100_000);
        let title = format!("{long} lacks the required tag {long}");
        let actions =
            json!({"name": "several", "Actions": vec![json!({"name": "iam_delete_key", "AccessKeyId": long}); 9]});
        let outcome = Outcome { id: long, ..scheduled(Some("ec2_required_tags"), "k", &title, actions) };
        let said = sentence(&outcome, "America/Argentina/ComodRivadavia");
        assert!(said.chars().count() <= SENTENCE && !said.contains(['\n', '\u{202e}']), "{said}");
        assert!(said.contains("tag"), "{said}");
    }
}
