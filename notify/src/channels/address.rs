//! E-mail addresses as SES takes them: ASCII, with or without a name before them.

use std::fmt;

/// The most characters before the `@`, and behind it (RFC 5321, 4.5.3.1).
const LOCAL: usize = 64;
const DOMAIN: usize = 255;
/// The most characters of a name.
const NAME: usize = 100;

/// An address: `cloud@acme.example`, or `Cloud <cloud@acme.example>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    name: Option<String>,
    bare: String,
}

/// A text that is no address. It says which, on one line: a line break in it would be a header of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an e-mail address: one such as cloud@acme.example or `Cloud <cloud@acme.example>` in ASCII is expected \
     (a domain with other letters in its form that begins with xn--)"
)]
pub(crate) struct AddressError(String);

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fail = || AddressError(crate::text::clean(text, LOCAL + DOMAIN));
        let trimmed = text.trim();
        let (name, bare) = match trimmed.strip_suffix('>').and_then(|inner| inner.split_once('<')) {
            Some((name, bare)) => (name.trim().trim_matches('"'), bare),
            None => ("", trimmed),
        };
        let name_fits = name.len() <= NAME
            && name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"\"\\<>@,;:".contains(&byte));
        let (local, domain) = bare.rsplit_once('@').ok_or_else(fail)?;
        let local_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = name_fits
            && (1..=LOCAL).contains(&local.len())
            && local.bytes().all(local_byte)
            && (1..=DOMAIN).contains(&domain.len())
            && domain.split('.').all(label);
        if !fits {
            return Err(fail());
        }
        Ok(Self { name: Some(name.to_owned()).filter(|name| !name.is_empty()), bare: bare.to_owned() })
    }
}

impl fmt::Display for Address {
    /// As it stands in a header: a name between quotes, where it may hold what else would mean something.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(out, "\"{name}\" <{}>", self.bare),
            None => out.write_str(&self.bare),
        }
    }
}

impl Address {
    /// Without a name.
    pub(super) fn bare(&self) -> &str {
        &self.bare
    }

    /// What two spellings of one address share: the domain in small letters.
    pub(super) fn identity(&self) -> String {
        match self.bare.rsplit_once('@') {
            Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
            None => self.bare.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_one_line_with_or_without_a_name() {
        for (text, expected) in [
            ("cloud@acme.example", "cloud@acme.example"),
            (" a.b+c@x.y.example\n", "a.b+c@x.y.example"),
            ("Cloud <cloud@acme.example>", "\"Cloud\" <cloud@acme.example>"),
            ("\"Cloud (EU) no. 1\" <cloud@acme.example>", "\"Cloud (EU) no. 1\" <cloud@acme.example>"),
            ("<cloud@acme.example>", "cloud@acme.example"),
            ("o'brien@xn--bcher-kva.example", "o'brien@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "cloud",
            "@acme.example",
            "cloud@",
            "cloud@acme..example",
            "cloud@-acme.example",
            "cloud@bücher.example",
            "clöud@acme.example",
            "a b@acme.example",
            "a@acme.example, b@acme.example",
            "a@acme.example\r\nBcc: evil@evil.example",
            "Cloud\r\nBcc: evil@evil.example <a@acme.example>",
            "Cloud <a@acme.example> <b@acme.example>",
            "Wölkchen <a@acme.example>",
            "a\"b <a@acme.example>",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains(['\r', '\n']), "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_one_line_of_ascii(text in "[a-z<>@\" .,;:\r\n\\\\é]{0,20}(@[a-z.\r\n-]{1,8})?>?") {
            if let Ok(address) = text.parse::<Address>() {
                let shown = address.to_string();
                prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                prop_assert_eq!(shown.parse::<Address>().unwrap(), address);
            }
        }
    }
}
