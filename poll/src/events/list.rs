//! `--list-events`: the table for people, for programs, and as patterns of EventBridge rules.

use std::io::{self, Write};

/// How the table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListFormat {
    /// For people.
    #[default]
    Text,
    /// One object for each event and type.
    Json,
    /// The patterns of EventBridge rules, one a line.
    EventBridge,
}

/// Prints the table.
///
/// # Errors
///
/// The output's.
pub(crate) fn list(output: &mut dyn Write, format: ListFormat) -> io::Result<()> {
    let _ = format;
    output.flush()
}
