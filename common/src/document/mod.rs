//! A JSON document that many change at the same time, in a file or in S3: the tasks of `remediate`, the memory of `notify`.
//!
//! Whoever changes it reads it, changes what was read, and writes it only if it is still what was read; otherwise all of
//! that happens again. It is never half-written, what is not understood is never overwritten, and no change of anybody
//! else's is lost, save where somebody writes to a file between our last look and the rename without taking its lock.
//!
//! - [`List`]: one that is a list with something around it.
//! - [`Place`]: where it is. [`DocumentFile`], with its [`Lock`]: in a file.
//! - [`DocumentObject`], [`Store`] (feature `s3`): in S3, or in whichever of the two.

mod file;
mod list;
mod lock;
mod place;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod store;

pub use file::{DocumentFile, FileError};
pub use list::{Edit, List, ListEntry, ListError, Listed};
pub use lock::{Held, Lock, LockError};
pub use place::{Object, Place, PlaceError};
#[cfg(feature = "s3")]
pub use s3::{DocumentObject, ObjectError};
#[cfg(feature = "s3")]
pub use store::{Store, StoreError};

/// A document, understood. That of a missing file or object is the default one.
pub trait Document: Default + Send + 'static {
    /// What it is, in messages: `tasks file`.
    const WHAT: &'static str;

    /// Why a text is none.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads a text.
    fn parse(text: &str) -> Result<Self, Self::Error>;

    /// What is written.
    fn text(&self) -> Result<String, serde_json::Error>;

    /// Whether anything was changed since it was read: only then it is written.
    fn is_changed(&self) -> bool;
}

/// Why a document is not understood.
pub type NotUnderstood = Box<dyn std::error::Error + Send + Sync>;

/// A document for the tests: numbers, one a line.
#[cfg(test)]
#[derive(Debug, Default)]
struct Numbers {
    all: Vec<u64>,
    changed: bool,
}

#[cfg(test)]
impl Document for Numbers {
    const WHAT: &'static str = "list of numbers";

    type Error = std::num::ParseIntError;

    fn parse(text: &str) -> Result<Self, Self::Error> {
        let all = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { all, changed: false })
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        Ok(self.all.iter().map(u64::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn is_changed(&self) -> bool {
        self.changed
    }
}

#[cfg(test)]
impl Numbers {
    fn add(&mut self, number: u64) {
        self.all.push(number);
        self.changed = true;
    }
}
