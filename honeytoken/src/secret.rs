//! Secrets: held in memory for as long as it takes to hand them out, and known again by an HMAC.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret access key. Nothing shows it but [`reveal`](Self::reveal), and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret over.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself, for what hands it out or signs with it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// What secrets are known again by: a key of the registry's own, so that two registries have nothing to compare.
#[derive(Clone)]
pub(crate) struct Marks {
    key: Zeroizing<Vec<u8>>,
    /// With the key in it already: that is half of the work.
    mac: Hmac<Sha256>,
}

/// What the registry keeps of a secret: HMAC-SHA-256.
pub(crate) type Mark = [u8; 32];

impl Marks {
    /// How long the key is.
    pub(crate) const KEY: usize = 32;

    /// With the registry's key.
    pub(crate) fn new(key: Vec<u8>) -> Self {
        let key = Zeroizing::new(key);
        // A key of any length is one.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of all lengths: RFC 2104")]
        let mac = Hmac::new_from_slice(&key).expect("a key of any length");
        Self { key, mac }
    }

    /// What is kept of a secret.
    pub(crate) fn of(&self, secret: &str) -> Mark {
        self.mac(secret).finalize().into_bytes().into()
    }

    /// Whether that was kept of this secret; the comparison takes the same time whatever the answer.
    pub(crate) fn matches(&self, mark: &[u8], secret: &str) -> bool {
        self.mac(secret).verify_slice(mark).is_ok()
    }

    fn mac(&self, secret: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(secret.as_bytes());
        mac
    }
}

impl PartialEq for Marks {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Marks(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_again_and_never_shown() {
        let marks = Marks::new(vec![7; Marks::KEY]);
        let mark = marks.of("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        assert!(marks.matches(&mark, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        assert!(!marks.matches(&mark, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ"));
        assert!(!Marks::new(vec![8; Marks::KEY]).matches(&mark, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        let secret = Secret::new("hidden".into());
        assert_eq!(format!("{secret:?} {marks:?}"), "Secret(..) Marks(..)");
        // RFC 4231, test case 2.
        let marks = Marks::new(b"Jefe".to_vec());
        let mark = marks.of("what do ya want for nothing?");
        assert_eq!(mark[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
