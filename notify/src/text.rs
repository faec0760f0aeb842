//! Text from strangers: names, tags, titles and error messages come from whoever could make a resource.
//!
//! [`clean`] is for all of it, once, when a record is read; each sink then escapes for itself what its own format means
//! (`&`, `<` and `>` for Slack, everything but printable ASCII for an SNS subject).

use common::cli::visible;

/// What stands where a text was cut.
pub(crate) const ELLIPSIS: char = '…';

/// One line of at most `max` characters: control characters, line breaks, changes of the writing direction and
/// characters that nobody can see are taken out, and what is too long is cut, with an ellipsis.
pub(crate) fn clean(text: &str, max: usize) -> String {
    // A title may be a megabyte: no more of it is looked at than can be shown.
    let mut characters = text.trim_start().chars().map(visible);
    let mut head: String = characters.by_ref().take(max).collect();
    if characters.any(|character| !character.is_whitespace()) {
        head.pop();
        head.push(ELLIPSIS);
    }
    head.truncate(head.trim_end().len());
    head
}

/// At most `max` bytes of printable ASCII; any other character becomes `?`, and what is too long ends in `...`.
pub(crate) fn ascii(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(max);
    for character in text.chars() {
        match character {
            ELLIPSIS => out.push_str("..."),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
        if out.len() > max {
            out.truncate(max.saturating_sub(3));
            out.push_str("...");
            break;
        }
    }
    out
}

/// The length in UTF-16 code units: what JavaScript and Java count, and never less than the number of characters.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// `1 scope`, `3 scopes`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `9,880`.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_can_see_does_not_get_through() {
        let rows = [
            ("bucket acme-logs", "bucket acme-logs"),
            ("  a\r\nb\tc\n", "a  b c"),
            ("a\u{1b}[2Jb\u{7}", "a?[2Jb?"),
            ("user\u{202e}gpj.exe", "user?gpj.exe"),
            ("a\u{2066}b\u{61c}c\u{200b}d\u{feff}e", "a?b?c?d?e"),
            ("line\u{2028}separator\u{85}next", "line separator next"),
            ("tag\u{e0041}\u{e007f}", "tag??"),
            ("نمی\u{200c}خواهم", "نمی\u{200c}خواهم"),
            ("日本語 ✓ é", "日本語 ✓ é"),
        ];
        for (text, expected) in rows {
            assert_eq!(clean(text, 40), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters_and_says_so() {
        assert_eq!(clean("日本語の名前", 6), "日本語の名前");
        assert_eq!(clean("日本語の名前", 4), "日本語…");
        assert_eq!(clean("abc   ", 3), "abc");
        assert_eq!(clean(&"x".repeat(1 << 20), 500).chars().count(), 500);
    }

    #[test]
    fn a_subject_is_printable_ascii() {
        let rows = [
            ("plain", 99, "plain"),
            ("caf\u{e9}", 99, "caf?"),
            ("a…", 99, "a..."),
            ("one\r\ntwo", 99, "one??two"),
            ("0123456789", 10, "0123456789"),
            ("0123456789x", 10, "0123456..."),
            ("01234567…", 10, "0123456..."),
        ];
        for (text, max, expected) in rows {
            assert_eq!(ascii(text, max), expected, "{text:?}");
        }
    }

    #[test]
    fn counts_are_grouped() {
        for (count, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), expected);
        }
        assert_eq!(plural(1, "scope", "scopes"), "1 scope");
        assert_eq!(plural(2, "scope", "scopes"), "2 scopes");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_one_short_line(text in "\\PC{0,60}|.{0,60}", max in 1_usize..50) {
            let cleaned = clean(&text, max);
            prop_assert!(cleaned.chars().count() <= max);
            prop_assert!(!cleaned.chars().any(char::is_control));
            let subject = ascii(&text, 99);
            prop_assert!(subject.len() <= 99 && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
