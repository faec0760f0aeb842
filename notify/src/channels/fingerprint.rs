//! A short name for a long text, the same in every version of this tool: an incident that one run opened, another closes.

/// FNV-1a of 128 bits, in 32 hexadecimal digits. <http://www.isthe.com/chongo/tech/comp/fnv/>
///
/// Against chance, not against whoever wants two texts of one name.
pub(super) fn fingerprint(text: &str) -> String {
    format!("{:032x}", fnv(text))
}

/// What tells one secret from another and is the same from run to run: 8 hexadecimal digits. A webhook's URL and a routing key
/// have many times the 32 bits that are left of them here, so that nobody finds them again.
pub(super) fn mark(text: &str) -> String {
    let folded = fnv(text).to_be_bytes().chunks(4).fold([0; 4], |mut folded, part| {
        for (byte, more) in folded.iter_mut().zip(part) {
            *byte ^= more;
        }
        folded
    });
    format!("{:08x}", u32::from_be_bytes(folded))
}

fn fnv(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        for (text, expected) in [("", "6c62272e07bb014262b821756295c58d"), ("a", "d228cb696f1a8caf78912b704e4a8964")] {
            assert_eq!(fingerprint(text), expected);
        }
    }

    #[test]
    fn a_mark_is_another_for_each_secret_however_alike_they_are() {
        let secrets = (0..10_000).map(|number| format!("https://hooks.slack.com/services/T0/B0/{number:024}"));
        let marks: std::collections::BTreeSet<String> = secrets.map(|secret| mark(&secret)).collect();
        assert!(marks.len() >= 9_998, "{}", marks.len());
        assert!(marks.iter().all(|mark| mark.len() == 8));
    }
}
