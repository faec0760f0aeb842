//! What a policy of IAM comes to, as far as it matters to a decoy.

use serde_json::Value;

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
    let denies_everything = statements.iter().any(|statement| {
        statement["Effect"] == "Deny"
            && has_all(&statement["Action"], &["*", "*:*"])
            && has_all(&statement["Resource"], &["*"])
            && statement.get("Condition").is_none_or(is_empty)
    });
    Effect { denies_everything, allows: statements.iter().any(|statement| statement["Effect"] != "Deny") }
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

fn has_all(value: &Value, words: &[&str]) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|text| words.contains(&text));
    is_one(value) || value.as_array().is_some_and(|values| values.iter().any(is_one))
}

fn is_empty(condition: &Value) -> bool {
    condition.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Each `%` and the two hexadecimal digits behind it as the byte that they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_denies_everything_on_no_condition() {
        for (statement, denies_everything, allows) in [
            (r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#, true, false),
            (r#"[{"Effect":"Deny","Action":["s3:*","*:*"],"Resource":["*"],"Condition":{}}]"#, true, false),
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
            let encoded: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
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
