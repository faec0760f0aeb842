//! The ids of tokens. An id is the value of the tag by which a user is known again, beside the values that others give the same
//! tag: so it tells nobody anything, and still is one that nothing but this makes.

use sha2::{Digest, Sha256};

/// Digits and letters without those that look like others.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many characters are drawn: 60 bits.
const DRAWN: usize = 12;
/// How many are made from them: that a word of this length is an id by chance happens once in a million words.
const CHECK: usize = 4;

/// A new id, such as `4f7k2m9qx0v8c1tz`.
///
/// # Errors
///
/// The system gives no randomness.
pub(crate) fn new_id() -> Result<String, getrandom::Error> {
    let mut drawn = [0; DRAWN];
    getrandom::fill(&mut drawn)?;
    let drawn = word(&drawn);
    Ok(format!("{drawn}{}", check(&drawn)))
}

/// Whether a text is such an id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == DRAWN + CHECK && text.split_at_checked(DRAWN).is_some_and(|(drawn, rest)| check(drawn) == rest)
}

fn check(drawn: &str) -> String {
    let digest = Sha256::new_with_prefix("sluice honeytoken").chain_update(drawn).finalize();
    word(digest.get(..CHECK).unwrap_or_default())
}

/// A character for each byte.
fn word(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_again_and_words_are_none() {
        let ids: Vec<String> = (0..50).map(|_| new_id().unwrap()).collect();
        for id in &ids {
            assert!(is_id(id), "{id}");
            let mut other = id.clone();
            let last = other.pop().unwrap();
            other.push(if last == 'a' { 'b' } else { 'a' });
            assert!(!is_id(&other), "{other}");
            assert_eq!(ids.iter().filter(|it| *it == id).count(), 1);
        }
        for word in [
            "",
            "4711",
            "marketing-emea-1",
            "engineeringcosts",
            "0000000000000000",
            "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}",
        ] {
            assert!(!is_id(word), "{word}");
        }
        // What is in accounts already must stay known.
        assert_eq!(check("4f7k2m9qx0v8").len(), CHECK);
    }
}
