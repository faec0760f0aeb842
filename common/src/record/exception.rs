//! `exception`: an exception that does nothing any more.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::kind;
use crate::settings::Exception;

kind!(ExceptionKind = "exception");

/// An exception that is to be renewed or dropped, says `audit --unused-exceptions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LapsedException {
    /// `exception`.
    #[serde(default)]
    pub kind: ExceptionKind,
    /// Why it does nothing.
    pub status: ExceptionStatus,
    /// The file that it stands in.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The line of that file on which it starts, from 1.
    #[serde(default)]
    pub line: Option<u64>,
    /// The exception itself, as a file of exceptions takes it.
    pub exception: Exception,
}

/// Why an exception does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExceptionStatus {
    /// It covers nothing of what was judged and breaks a rule.
    Unused,
    /// It no longer holds.
    Expired,
}

impl ExceptionStatus {
    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
        }
    }
}
