//! The wildcards of IAM policies, which exceptions have too: `*` is any text, also none, `?` is any one character; both cross
//! `/` and `:`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards>
//!
//! And [those of a shell](shell), which the Justice Engine's whitelist has.

pub mod shell;

/// Whether `text`, taken literally, is one of the texts that `pattern` stands for.
pub fn matches(pattern: &str, text: &str) -> bool {
    walk(pattern, text, |wanted, found| wanted == '?' || wanted == found)
}

/// Whether every text that `narrow` stands for is one that `wide` stands for too.
///
/// `true` is certain. `false` may be wrong where only a `?` of `wide` meets a `*` of `narrow` (`?*` against `*a`), and
/// that is the safe side: a Deny is then not counted on.
pub fn covers(wide: &str, narrow: &str) -> bool {
    // The wildcards of `narrow` are taken as characters of their own: its `*` can become any text, so only a `*` of
    // `wide` may swallow it; its `?` can become any one character, so a `?` of `wide` may stand against it too.
    let one = |wanted: char, found: char| match found {
        '*' => false,
        '?' => wanted == '?',
        literal => wanted == '?' || wanted == literal,
    };
    walk(&ordered(wide), &ordered(narrow), one)
}

/// Whether some text is one that both patterns stand for.
pub fn overlaps(left: &str, right: &str) -> bool {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let star = |pattern: &[char], at: usize| pattern.get(at) == Some(&'*');
    // reachable[j]: the part of `left` read so far and the first j of `right` have a text in common.
    let mut reachable = vec![false; right.len() + 1];
    reachable[0] = true;
    for i in 0..=left.len() {
        for j in 0..right.len() {
            reachable[j + 1] |= reachable[j] && (star(&right, j) || star(&left, i));
        }
        let Some(&wanted) = left.get(i) else { break };
        let mut next = vec![false; right.len() + 1];
        for j in 0..=right.len() {
            next[j] |= reachable[j] && (wanted == '*' || star(&right, j));
            if let Some(&found) = right.get(j) {
                next[j + 1] |= reachable[j] && (wanted == '?' || found == '?' || wanted == found);
            }
        }
        reachable = next;
    }
    reachable.last() == Some(&true)
}

/// Whether a value that has to be fixed holds a wildcard.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The same pattern, with each run of wildcards written as its question marks and then at most one star.
fn ordered(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut star = false;
    for c in pattern.chars() {
        match c {
            '*' => star = true,
            '?' => out.push('?'),
            literal => {
                if std::mem::take(&mut star) {
                    out.push('*');
                }
                out.push(literal);
            }
        }
    }
    if star {
        out.push('*');
    }
    out
}

/// Matches with the usual backtracking to the last star: all that is not a star reads exactly one character, so the
/// shortest text for each star is enough to try.
fn walk(pattern: &str, text: &str, one: impl Fn(char, char) -> bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            last_star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|&wanted| one(wanted, text[t])) {
            p += 1;
            t += 1;
        } else if let Some((star, read)) = last_star {
            last_star = Some((star, read + 1));
            p = star + 1;
            t = read + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, taken word for word.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|read| naive(rest, &text[read..])),
            Some((&wanted, rest)) => text
                .split_first()
                .is_some_and(|(&found, later)| (wanted == '?' || wanted == found) && naive(rest, later)),
        }
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    /// All texts of up to five characters over the letters of the patterns and one that is in none of them.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..5 {
            last = last.iter().flat_map(|text| ['a', 'b', 'z'].map(|c| format!("{text}{c}"))).collect();
            all.extend(last.clone());
        }
        all
    }

    #[test]
    fn patterns_match_as_iam_has_them() {
        let rows = [
            ("*", "", true),
            ("?", "", false),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("arn:aws:s3:::b*", "arn:aws:s3:::b/a/b:c", true),
            ("arn:*:role/x", "arn:aws:iam::1:role/x", true),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a", "ba", true),
            ("*ab", "aab", true),
            ("ä?", "äö", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn one_pattern_covers_another() {
        let rows = [
            ("*", "arn:aws:s3:::b/*", true),
            ("s3:*", "s3:Get*", true),
            ("s3:Get*", "s3:*", false),
            ("arn:aws:s3:::b*", "arn:aws:s3:::b/*", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b*", false),
            ("a?", "a*", false),
            ("a*", "a?", true),
            ("?*", "*?", true),
            ("**", "*", true),
            ("*", "**", true),
            ("a*c", "a*b*c", true),
            ("a*b*c", "a*c", false),
        ];
        for (wide, narrow, expected) in rows {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    proptest! {
        #[test]
        fn matches_is_its_definition(pattern in "[ab*?]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(matches(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn what_is_covered_is_matched(wide in "[ab*?]{0,5}", narrow in "[ab*?]{0,5}") {
            let all = texts();
            if covers(&wide, &narrow) {
                for text in all.iter().filter(|text| matches(&narrow, text)) {
                    prop_assert!(matches(&wide, text), "{} covers {} but not {}", wide, narrow, text);
                }
            }
        }

        #[test]
        fn without_question_marks_covering_is_exact(wide in "[ab*]{0,4}", narrow in "[ab*]{0,4}") {
            let included = texts().iter().filter(|text| matches(&narrow, text)).all(|text| matches(&wide, text));
            prop_assert_eq!(covers(&wide, &narrow), included);
        }

        #[test]
        fn overlapping_is_a_text_in_common(left in "[ab*?]{0,4}", right in "[ab*?]{0,4}") {
            // The shortest text in common has no more characters than both patterns together.
            let common = overlaps(&left, &right);
            let found = texts().iter().any(|text| matches(&left, text) && matches(&right, text));
            prop_assert!(common || !found);
            if left.len() + right.len() <= 5 {
                prop_assert_eq!(common, found);
            }
        }

        #[test]
        fn a_text_matches_where_it_overlaps(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            prop_assert_eq!(overlaps(&pattern, &text), matches(&pattern, &text));
            prop_assert_eq!(overlaps(&text, &pattern), matches(&pattern, &text));
            prop_assert_eq!(covers(&pattern, &text), matches(&pattern, &text));
        }
    }
}
