//! By what public tools know a decoy: the rules of Pacu (`iam__detect_honeytokens`) and `TruffleHog` (its detector of AWS
//! keys), and what those who make decoys give their users for names.

use common::id::AccountId;

/// What no name or path should have in it, in lower case.
const WORDS: &[&str] = &[
    "canary",
    "honey",
    "token",
    "trap",
    "decoy",
    "bait",
    "fake",
    "deception",
    "thinkst",
    "spacecrab",
    "spacesiren",
    "inf_ht_",
    "thumper",
    "tracebit",
    "@@",
];

/// Thinkst's accounts, of which `TruffleHog` has a list.
const THINKST: &[&str] = &[
    "052310077262",
    "171436882533",
    "266735846894",
    "534261010715",
    "595918472158",
    "717712589309",
    "730335385048",
    "819147034852",
    "893192397702",
    "992382622183",
];

/// Other accounts on the same list: their owners are not named there.
const OTHERS: &[&str] = &[
    "044858866125",
    "251535659677",
    "344043088457",
    "351906852752",
    "390477818340",
    "426127672474",
    "427150556519",
    "439872796651",
    "445142720921",
    "465867158099",
    "637958123769",
    "693412236332",
    "732624840810",
    "735421457923",
    "959235150393",
    "982842642351",
];

/// So many hexadecimal digits in a row are nobody's name.
const HEXADECIMAL: usize = 16;

/// Why a thief's tool would know a user for a decoy, by its name and path; empty where it would not.
pub(crate) fn lint(name: &str, path: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for (what, text) in [("name", name), ("path", path)] {
        let lower = text.to_lowercase();
        for word in WORDS {
            if has(&lower, word) {
                reasons.push(format!("`{word}` is in its {what}"));
            }
        }
        if longest_run(&lower) >= HEXADECIMAL {
            reasons.push(format!("{HEXADECIMAL} or more hexadecimal digits stand in a row in its {what}"));
        } else if has_uuid(&lower) {
            reasons.push(format!("a UUID is in its {what}"));
        }
    }
    reasons
}

/// Whose decoys are in an account, where that is on a public list.
pub(crate) fn known_decoy_account(account: &AccountId) -> Option<&'static str> {
    let account = account.as_str();
    let lists = [(THINKST, "Thinkst"), (OTHERS, "an unnamed maker of decoys")];
    lists.into_iter().find_map(|(accounts, whose)| accounts.contains(&account).then_some(whose))
}

/// Whether a word is in a text. A `trap` within `bootstrap` is none.
fn has(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| word != "trap" || !text[..start].ends_with('s'))
}

/// How many hexadecimal digits stand in a row at most.
fn longest_run(text: &str) -> usize {
    text.split(|character: char| !character.is_ascii_hexdigit()).map(str::len).max().unwrap_or_default()
}

/// Whether 8-4-4-4-12 hexadecimal digits are in a text.
fn has_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    groups.windows(GROUPS.len()).any(|window| {
        window.iter().zip(GROUPS).enumerate().all(|(number, (group, length))| match number {
            // Something may stand before the first group and behind the last.
            0 => group.len() >= length && group.bytes().rev().take(length).all(|byte| byte.is_ascii_hexdigit()),
            4 => group.len() >= length && group.bytes().take(length).all(|byte| byte.is_ascii_hexdigit()),
            _ => group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()),
        })
    })
}
