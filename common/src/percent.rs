//! Texts with percent signs, as in a URL (RFC 3986): so IAM gives its policies.

/// Each `%` and the two hexadecimal digits behind it as the byte that they stand for; all else as it is. `None` where that is
/// no UTF-8, or where something else stands behind a `%`.
pub fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // from_str_radix also takes a sign.
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
    fn two_digits_are_a_byte_and_nothing_else_is() {
        for (text, expected) in [
            ("", Some("")),
            ("a+b", Some("a+b")),
            ("%2B%2f%C3%A4", Some("+/\u{e4}")),
            ("%+2", None),
            ("%7", None),
            ("100%", None),
            ("%FF", None),
            ("%\u{e4}", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
