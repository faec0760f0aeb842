//! What a policy of IAM comes to, as far as it matters to a decoy.

use common::percent::decoded;
use serde_json::Value;

use crate::iam::group::is_deny_all;

/// What a policy does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// It denies every action on every resource, on no condition.
    pub(super) denies_everything: bool,
    /// It may allow something.
    pub(super) allows: bool,
}

/// What a document does, as IAM gives it: with percent signs, as in a URL. One that makes no sense is no guard, and may allow
/// anything. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
pub(super) fn effect(document: &str) -> Effect {
    let policy: Option<Value> = decoded(document).and_then(|text| serde_json::from_str(&text).ok());
    let statements = match policy.as_ref().and_then(|policy| policy.get("Statement")) {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return Effect { denies_everything: false, allows: true },
    };
    let allows = statements.iter().any(|statement| statement["Effect"] != "Deny");
    Effect { denies_everything: is_deny_all(document), allows }
}

/// AWS's own policies that are known by their names: what they say can only be changed by AWS.
pub(super) fn effect_of_managed(arn: &str) -> Option<Effect> {
    let name = arn.split_once(":aws:policy/").map(|(_, name)| name)?;
    Some(Effect { denies_everything: name == "AWSDenyAll", allows: name != "AWSDenyAll" && !is_quarantine(arn) })
}

/// Whether it is what AWS attaches to a user whose key it found in public.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/security-iam-awsmanpol.html>
pub(super) fn is_quarantine(arn: &str) -> bool {
    arn.split_once(":aws:policy/").is_some_and(|(_, name)| name.starts_with("AWSCompromisedKeyQuarantine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_denies_everything_on_no_condition() {
        for (statement, denies_everything, allows) in [
            (r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#, true, false),
            (r#"[{"Effect":"Deny","Action":["s3:*","*"],"Resource":["*"]}]"#, true, false),
            (
                r#"[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]"#,
                true,
                true,
            ),
            (r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#, false, false),
            (r#"{"Effect":"Deny","NotAction":"sts:*","Resource":"*"}"#, false, false),
            (r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::x"}"#, false, false),
            (r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::*"}"#, false, false),
            (r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:x":"1"}}}"#, false, false),
            (r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, false, true),
            (r#"{"Effect":"deny","Action":"*","Resource":"*"}"#, false, true),
            ("[]", false, false),
            ("7", false, true),
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
            let expected = Effect { denies_everything, allows };
            assert_eq!(effect(&document), expected, "{document}");
            let encoded = document.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
            assert_eq!(effect(&encoded), expected, "{document}");
        }
        for broken in ["", "%", "%zz", "%ff", "{", "null"] {
            assert_eq!(effect(broken), Effect { denies_everything: false, allows: true }, "{broken}");
        }
    }

    #[test]
    fn awss_own_policies_are_known_by_name() {
        for (arn, expected) in [
            ("arn:aws:iam::aws:policy/AWSDenyAll", Some((true, false))),
            ("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3", Some((false, false))),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", Some((false, true))),
            ("arn:aws:iam::111122223333:policy/AWSDenyAll", None),
        ] {
            let found = effect_of_managed(arn).map(|effect| (effect.denies_everything, effect.allows));
            assert_eq!(found, expected, "{arn}");
        }
        assert!(is_quarantine("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine"));
        assert!(!is_quarantine("arn:aws:iam::111122223333:policy/AWSCompromisedKeyQuarantine"));
    }
}
