//! What an access key id tells: sixteen characters of base32 behind the prefix are 80 bits. The first says whether the id is
//! of the newer kind (since about 2019), of which the next 40 are the account's number; the other 39 mean nothing to
//! anybody but AWS. Nothing is asked of AWS for it.

use common::id::AccountId;

/// How long an id is.
pub(crate) const LENGTH: usize = 20;

/// The prefixes, and what has such an id:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.
const PREFIXES: &[(&str, &str)] = &[
    ("ABIA", "service bearer token"),
    ("ACCA", "context-specific credential"),
    ("AGPA", "group"),
    ("AIDA", "user"),
    ("AIPA", "instance profile"),
    ("AKIA", "user access key"),
    ("ANPA", "managed policy"),
    ("ANVA", "version of a managed policy"),
    ("APKA", "public key"),
    ("AROA", "role"),
    ("ASCA", "certificate"),
    ("ASIA", "temporary access key"),
];

/// An id, and what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyId {
    /// The prefix, such as `AKIA`.
    pub(crate) prefix: &'static str,
    /// What has such an id.
    pub(crate) what: &'static str,
    /// Which kind of ids it is of.
    pub(crate) generation: Generation,
    /// The account; only ids of the newer kind tell it.
    pub(crate) account: Option<AccountId>,
}

/// A kind of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Until about 2019.
    Old,
    /// Since then: these have the account in them.
    New,
}

impl Generation {
    /// The word in records.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

impl KeyId {
    /// Reads an id; `None` where it is none: another length, another prefix, what is no base32, an account of more than
    /// twelve digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (prefix, what) = *PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix))?;
        let body = text.get(prefix.len()..).filter(|_| text.len() == LENGTH)?;
        let bits = body.bytes().try_fold(0_u128, |bits, byte| Some((bits << 5) | u128::from(digit(byte)?)))?;
        if bits >> 79 == 0 {
            return Some(Self { prefix, what, generation: Generation::Old, account: None });
        }
        let number = (bits >> 39) & ((1 << 40) - 1);
        let account = format!("{number:012}").parse().ok()?;
        Some(Self { prefix, what, generation: Generation::New, account: Some(account) })
    }

    /// Whether it is that of a key, for which there is a secret.
    pub(crate) fn is_key(&self) -> bool {
        matches!(self.prefix, "AKIA" | "ASIA")
    }
}

/// Whether an id could start here, so far as the prefix goes.
pub(crate) fn has_prefix(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'A') && PREFIXES.iter().any(|(prefix, _)| bytes.starts_with(prefix.as_bytes()))
}

/// RFC 4648.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// The id of the newer kind in that account, with those last 39 bits: what tests find decoys with.
#[cfg(test)]
pub(crate) fn of_account(prefix: &str, account: u64, tail: u64) -> String {
    let bits = (1_u128 << 79) | (u128::from(account) << 39) | u128::from(tail & ((1 << 39) - 1));
    let digits = (0..16).rev().map(|place| (bits >> (5 * place)) & 31);
    let body = digits.map(|digit| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::try_from(digit).unwrap()]));
    prefix.chars().chain(body).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(text: &str) -> Option<String> {
        KeyId::parse(text)?.account.map(|account| account.as_str().to_owned())
    }

    #[test]
    fn the_account_is_in_the_id() {
        for (id, expected) in [
            ("ASIAY34FZKBOKMUTVV7A", "609629065308"),
            ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
            ("AKIASP2TPHJSQH3FJRUX", "171436882533"),
            ("AKIAYVP4CIPPAAAAAAAA", "595918472158"),
            ("AKIAYVP4CIPPP7777777", "595918472158"),
            ("AKIARVLMFKK3C2D32XXS", "114580345526"),
            ("AKIARZPUZDIKAAAAAAAA", "123456789012"),
            ("AKIARZPUZDIKP7777777", "123456789012"),
            ("AKIARTX3GSDSQAAAAAAA", "111122223333"),
            ("AKIA6RVFFB77QAAAAAAA", "999999999999"),
            ("AKIAQAAAAAAAQAAAAAAA", "000000000001"),
        ] {
            assert_eq!(account(id).as_deref(), Some(expected), "{id}");
        }
    }

    #[test]
    fn ids_of_the_older_kind_tell_no_account() {
        for id in ["AKIAIOSFODNN7EXAMPLE", "AKIAJH6CN6HM6PWZXSLQ"] {
            let parsed = KeyId::parse(id).unwrap();
            assert_eq!(
                (parsed.generation, parsed.account, parsed.what),
                (Generation::Old, None, "user access key"),
                "{id}"
            );
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "AKIA",
            "AKIAI44QH8DHBEXAMPLE",
            "AKIARTX3GSDSQAAAAAA",
            "AKIARTX3GSDSQAAAAAAAA",
            "akiartx3gsdsqaaaaaaa",
            "AKIArtx3gsdsqaaaaaaa",
            "AKIARTX3GSDSQAAAAAA=",
            "AKIARTX3GSDSQAAAAAé",
            "BKIARTX3GSDSQAAAAAAA",
            "XXXXRTX3GSDSQAAAAAAA",
        ] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
        assert_eq!(KeyId::parse(&of_account("AKIA", 1_000_000_000_000, 0)), None, "thirteen digits");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(number in 0_u64..1_000_000_000_000, tail in 0_u64..1 << 39, session: bool) {
            let id = of_account(if session { "ASIA" } else { "AKIA" }, number, tail);
            prop_assert_eq!(id.len(), LENGTH);
            let parsed = KeyId::parse(&id).unwrap();
            prop_assert_eq!(account(&id), Some(format!("{number:012}")));
            prop_assert_eq!(parsed.generation, Generation::New);
            prop_assert!(parsed.is_key());
        }

        #[test]
        fn any_text_is_read(text in "(AKIA|ASIA|AIDA)?[A-Z2-7]{14,18}|.{0,24}") {
            let _ = KeyId::parse(&text);
        }
    }
}
