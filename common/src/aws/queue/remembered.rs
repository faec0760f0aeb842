//! What was seen lately.

use std::collections::HashSet;

/// How much is remembered.
const MOST: usize = 10_000;

/// What was seen lately, so that what was said of a message is not said again when it comes again. After ten thousand it
/// begins anew.
#[derive(Debug, Default)]
pub struct Remembered(HashSet<String>);

impl Remembered {
    /// Takes it down, and tells whether it was not there.
    pub fn is_new(&mut self, what: String) -> bool {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(what)
    }

    /// Whether it is there.
    pub fn has(&self, what: &str) -> bool {
        self.0.contains(what)
    }
}
