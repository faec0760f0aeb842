//! The wildcards of a shell, as Python's `fnmatch` has them: `*` is any text, also none, `?` any one character, `[abc]` and
//! `[a-z]` one of these, `[!abc]` one that is none of these. A `[` that nothing closes is a letter like any other, and so is a
//! `]` that stands first in its brackets.
//!
//! <https://docs.python.org/3/library/fnmatch.html>

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Any,
    One,
    Letter(char),
    /// Whether it is one of these that is meant or none of these, and from which letter to which they go.
    Set(bool, Vec<(char, char)>),
}

/// Whether `text`, taken literally, is one of the texts that `pattern` stands for.
pub fn matches(pattern: &str, text: &str) -> bool {
    let parts = parts(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut read) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while read < text.len() {
        match (parts.get(at), last_star) {
            (Some(Part::Any), _) => {
                last_star = Some((at, read));
                at += 1;
            }
            (Some(part), _) if part.is(text[read]) => {
                at += 1;
                read += 1;
            }
            (_, Some((star, from))) => {
                last_star = Some((star, from + 1));
                at = star + 1;
                read = from + 1;
            }
            (_, None) => return false,
        }
    }
    parts[at..].iter().all(|part| *part == Part::Any)
}

/// Whether a text means something else than itself.
pub fn has_wildcard(text: &str) -> bool {
    parts(text).iter().any(|part| !matches!(part, Part::Letter(_)))
}

/// A pattern with the wildcards of [`super`] that stands for all that this one stands for: each set becomes a `?`.
pub fn widened(pattern: &str) -> String {
    let widen = |part: &Part| match part {
        Part::Any => '*',
        Part::One | Part::Set(..) => '?',
        Part::Letter(letter) => *letter,
    };
    parts(pattern).iter().map(widen).collect()
}

impl Part {
    fn is(&self, letter: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Letter(wanted) => *wanted == letter,
            Self::Set(wanted, ranges) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) == *wanted
            }
        }
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let letters: Vec<char> = pattern.chars().collect();
    let (mut parts, mut at) = (Vec::new(), 0);
    while let Some(&letter) = letters.get(at) {
        at += 1;
        parts.push(match letter {
            '*' => Part::Any,
            '?' => Part::One,
            '[' => match set(&letters[at..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Part::Letter('['),
            },
            other => Part::Letter(other),
        });
    }
    parts
}

/// The set that stands behind a `[`, and how many letters it takes with its `]`.
fn set(letters: &[char]) -> Option<(Part, usize)> {
    let wanted = letters.first() != Some(&'!');
    let start = usize::from(!wanted);
    // The first may be a `]`.
    let end = start + 1 + letters.get(start + 1..)?.iter().position(|letter| *letter == ']')?;
    let (mut ranges, mut at) = (Vec::new(), start);
    while at < end {
        let first = letters[at];
        if letters.get(at + 1) == Some(&'-') && at + 2 < end {
            ranges.push((first, letters[at + 2]));
            at += 3;
        } else {
            ranges.push((first, first));
            at += 1;
        }
    }
    Some((Part::Set(wanted, ranges), end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_has_them() {
        // Each row was asked of Python's fnmatch.fnmatchcase.
        let rows = [
            ("*", "", true),
            ("?", "", false),
            ("arn:aws:ec2:*:*:*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", true),
            ("arn:aws:*::123456789012:*", "arn:aws:iam::123456789012:user/jane", true),
            ("arn:aws:*::123456789012:*", "arn:aws:ec2:eu-west-1:123456789012:instance/i-1", false),
            ("i-[0-9]", "i-7", true),
            ("i-[0-9]", "i-a", false),
            ("i-[0-9]", "i-77", false),
            ("i-[!0-9]", "i-a", true),
            ("i-[!0-9]", "i-7", false),
            ("i-[!0-9]", "i-", false),
            ("i-[abc]*", "i-b17", true),
            ("i-[a-cx-z]", "i-y", true),
            ("i-[a-cx-z]", "i-d", false),
            ("i-[a-]", "i--", true),
            ("i-[-a]", "i--", true),
            ("i-[]a]", "i-]", true),
            ("i-[!]a]", "i-]", false),
            ("i-[!]a]", "i-b", true),
            ("i-[", "i-[", true),
            ("i-[a", "i-[a", true),
            ("i-[]", "i-[]", true),
            ("i-[!]", "i-[!]", true),
            ("i-[z-a]", "i-m", false),
            ("i-[*]", "i-*", true),
            ("i-[*]", "i-a", false),
            ("[a]*[b]", "aXb", true),
            ("*[b]*[c]", "abXbYc", true),
            ("[ä-ü]", "ö", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        for (text, expected) in [("i-1", false), ("i-[", false), ("i-[1]", true), ("i-?", true), ("*", true)] {
            assert_eq!(has_wildcard(text), expected, "{text}");
        }
        assert_eq!(widened("a[bc]d*[!e]?[f"), "a?d*??[f");
    }

    proptest! {
        #[test]
        fn without_sets_they_are_those_of_iam(pattern in "[ab*?]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(matches(&pattern, &text), super::super::matches(&pattern, &text));
        }

        #[test]
        fn widened_stands_for_no_less(pattern in "[ab*?!\\[\\]-]{0,9}", text in "[ab!\\[\\]-]{0,7}") {
            prop_assert!(!matches(&pattern, &text) || super::super::matches(&widened(&pattern), &text));
        }
    }
}
