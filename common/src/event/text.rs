//! Texts in records that others wrote.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::lenient::{Bytes, Member};

/// A text, borrowed from the record where that is possible. Whatever is no text (`null`, a number, an object where a text
/// was expected) is the empty one: a field that AWS changes the shape of must not cost the record. Half of a surrogate pair,
/// which an attacker can leave in a user agent, is U+FFFD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::of)
    }
}

impl<'a> Member<'a> for Text<'a> {
    fn of(value: &'a RawValue) -> Self {
        Self(unquoted(value).unwrap_or_default())
    }
}

/// What a JSON string says; `None` for any other value.
pub(super) fn unquoted(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', plain.as_bytes()).is_none() {
        return Some(Cow::Borrowed(plain));
    }
    let text = match serde_json::from_str::<String>(quoted) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(&serde_json::from_str::<Bytes<'_>>(quoted).ok()?.0).into_owned(),
    };
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_the_empty_one() {
        for (json, expected) in [
            ("\"x\"", "x"),
            (r#""a\nb""#, "a\nb"),
            (r#""\u00e9\ud834\udd1e""#, "é𝄞"),
            (r#""a\ud800b""#, "a\u{fffd}\u{fffd}\u{fffd}b"),
            ("null", ""),
            ("7", ""),
            ("-7", ""),
            ("1e999", ""),
            ("true", ""),
            (r#"{"a":[1]}"#, ""),
            (r#"["a",{}]"#, ""),
        ] {
            assert_eq!(&*serde_json::from_str::<Text<'_>>(json).unwrap(), expected, "{json}");
        }
    }
}
