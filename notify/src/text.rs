//! Text from strangers: names, tags, titles and error messages come from whoever could make a resource.
//!
//! [`clean`] is for all of it, once, when a record is read; each sink then escapes for itself what its own format means
//! (`&`, `<` and `>` for Slack, everything but printable ASCII for an SNS subject).

use common::cli::visible;
use common::settings::Zone;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What stands where a text was cut.
const ELLIPSIS: char = '…';

/// A text as its format spells it, cut where it would take more than `max`: the one place where texts are cut.
///
/// `spell` says what stands for a character, in the buffer where it is no text of its own; it is taken whole or not at
/// all, and an ellipsis stands for what was left out. `size` says how much of `max` such a piece takes. No more of a text
/// is looked at than can be shown: a title may be a megabyte.
pub(crate) fn shorten(
    text: &str,
    max: usize,
    spell: impl for<'b> Fn(char, &'b mut [u8; 4]) -> &'b str,
    size: impl Fn(&str) -> usize,
) -> String {
    let (mut buffer, mut mark) = ([0; 4], [0; 4]);
    let mark = spell(ELLIPSIS, &mut mark);
    let room = max.saturating_sub(size(mark));
    let mut out = String::with_capacity(text.len().min(max));
    let mut length = 0;
    // Where to cut when the next piece does not fit: the last place that leaves room for the ellipsis.
    let mut cut = 0;
    for character in text.chars() {
        let piece = spell(character, &mut buffer);
        length += size(piece);
        if length > max {
            out.truncate(cut);
            out.push_str(mark);
            break;
        }
        out.push_str(piece);
        if length <= room {
            cut = out.len();
        }
    }
    out
}

/// One line of at most `max` characters: control characters, line breaks, changes of the writing direction and
/// characters that nobody can see are taken out, and what is too long is cut.
pub(crate) fn clean(text: &str, max: usize) -> String {
    shorten(text.trim(), max, |character, buffer| visible(character).encode_utf8(buffer), |piece| piece.chars().count())
}

/// At most `max` bytes of printable ASCII; any other character becomes `?`, and what is too long ends in `...`.
pub(crate) fn ascii(text: &str, max: usize) -> String {
    fn spell(character: char, buffer: &mut [u8; 4]) -> &str {
        match character {
            ELLIPSIS => "...",
            ' '..='~' => character.encode_utf8(buffer),
            _ => "?",
        }
    }
    shorten(text, max, spell, str::len)
}

/// `a, b, c and 4 more`: no more than `max` of them by name.
pub(crate) fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>, max: usize) -> String {
    let more = names.len().saturating_sub(max);
    let named = names.take(max).collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {} more", grouped(more)) }
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

/// `Friday 2026-11-27 14:00 UTC (15:00 Europe/Berlin)`: to the minute, for what is to come. The zone's own day is given
/// where it is another one.
pub(crate) fn when(at: Timestamp, zone: &Zone) -> String {
    let there = |format: &str| at.to_zoned(zone.time_zone().clone()).strftime(format).to_string();
    let here = |format: &str| at.to_zoned(TimeZone::UTC).strftime(format).to_string();
    both(&here("%A %Y-%m-%d "), &here("%H:%M"), &there("%A %Y-%m-%d "), &there("%H:%M"), zone)
}

/// `2026-11-20 10:00:00 UTC (11:00:00 Europe/Berlin)`: to the second, for what was.
pub(crate) fn moment(at: Timestamp, zone: &Zone) -> String {
    let there = |format: &str| at.to_zoned(zone.time_zone().clone()).strftime(format).to_string();
    let here = |format: &str| at.to_zoned(TimeZone::UTC).strftime(format).to_string();
    both(&here("%Y-%m-%d "), &here("%H:%M:%S"), &there("%Y-%m-%d "), &there("%H:%M:%S"), zone)
}

fn both(day: &str, time: &str, other_day: &str, other_time: &str, zone: &Zone) -> String {
    let name = zone.time_zone().iana_name().unwrap_or("UTC");
    if matches!(name, "UTC" | "Etc/UTC" | "Etc/UCT" | "UCT" | "Zulu" | "Etc/Zulu" | "Universal" | "Etc/Universal") {
        return format!("{day}{time} UTC");
    }
    let other_day = if other_day == day { "" } else { other_day };
    format!("{day}{time} UTC ({other_day}{other_time} {name})")
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
        assert_eq!(clean("abc   d", 3), "ab…");
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
            ("0123456…", 10, "0123456..."),
            ("01234567…", 10, "0123456..."),
            ("0123456…x", 10, "0123456..."),
        ];
        for (text, max, expected) in rows {
            assert_eq!(ascii(text, max), expected, "{text:?}");
        }
    }

    #[test]
    fn of_many_names_some_are_named() {
        for (names, expected) in [
            ("", ""),
            ("a", "a"),
            ("a b c", "a, b, c"),
            ("a b c d", "a, b, c and 1 more"),
            ("a b c d e", "a, b, c and 2 more"),
        ] {
            let names: Vec<&str> = names.split_whitespace().collect();
            assert_eq!(some(names.into_iter(), 3), expected);
        }
        assert_eq!(some(vec!["a"; 1_001].into_iter(), 1), "a and 1,000 more");
    }

    #[test]
    fn counts_are_grouped() {
        for (count, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), expected);
        }
        assert_eq!(plural(1, "scope", "scopes"), "1 scope");
        assert_eq!(plural(2, "scope", "scopes"), "2 scopes");
    }

    #[test]
    fn times_are_given_in_utc_and_in_the_zone() {
        let rows = [
            ("2026-11-27T14:00:00Z", "UTC", "Friday 2026-11-27 14:00 UTC"),
            ("2026-11-27T14:00:59Z", "Etc/UTC", "Friday 2026-11-27 14:00 UTC"),
            ("2026-11-27T14:00:00Z", "Europe/Berlin", "Friday 2026-11-27 14:00 UTC (15:00 Europe/Berlin)"),
            // Half an hour, three quarters, another day, the day before.
            ("2026-11-27T14:00:00Z", "Asia/Kolkata", "Friday 2026-11-27 14:00 UTC (19:30 Asia/Kolkata)"),
            (
                "2026-11-27T20:00:00Z",
                "Asia/Kathmandu",
                "Friday 2026-11-27 20:00 UTC (Saturday 2026-11-28 01:45 Asia/Kathmandu)",
            ),
            (
                "2027-01-01T02:00:00Z",
                "America/New_York",
                "Friday 2027-01-01 02:00 UTC (Thursday 2026-12-31 21:00 America/New_York)",
            ),
            // Around the change of the clocks: half past two comes once in spring, and twice in autumn.
            ("2026-03-29T00:59:00Z", "Europe/Berlin", "Sunday 2026-03-29 00:59 UTC (01:59 Europe/Berlin)"),
            ("2026-03-29T01:00:00Z", "Europe/Berlin", "Sunday 2026-03-29 01:00 UTC (03:00 Europe/Berlin)"),
            ("2026-10-25T00:30:00Z", "Europe/Berlin", "Sunday 2026-10-25 00:30 UTC (02:30 Europe/Berlin)"),
            ("2026-10-25T01:30:00Z", "Europe/Berlin", "Sunday 2026-10-25 01:30 UTC (02:30 Europe/Berlin)"),
            (
                "2026-07-01T12:00:00Z",
                "Australia/Lord_Howe",
                "Wednesday 2026-07-01 12:00 UTC (22:30 Australia/Lord_Howe)",
            ),
            // The same time under another name is given all the same.
            ("2026-11-27T14:00:00Z", "Europe/London", "Friday 2026-11-27 14:00 UTC (14:00 Europe/London)"),
        ];
        for (at, zone, expected) in rows {
            assert_eq!(when(at.parse().unwrap(), &zone.parse().unwrap()), expected);
        }
        let at = "2026-11-20T23:59:59.9Z".parse().unwrap();
        assert_eq!(moment(at, &Zone::default()), "2026-11-20 23:59:59 UTC");
        assert_eq!(
            moment(at, &"Asia/Tokyo".parse().unwrap()),
            "2026-11-20 23:59:59 UTC (2026-11-21 08:59:59 Asia/Tokyo)"
        );
        for at in [Timestamp::MIN, Timestamp::MAX] {
            assert!(when(at, &"Asia/Tokyo".parse().unwrap()).contains("UTC"));
        }
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
