//! A short name for a long text, the same in every version of this tool: an incident that one run opened, another closes.

/// FNV-1a of 128 bits, in 32 hexadecimal digits. <http://www.isthe.com/chongo/tech/comp/fnv/>
///
/// Against chance, not against whoever wants two texts of one name.
pub(super) fn fingerprint(text: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
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
}
