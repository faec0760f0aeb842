//! How a tool ends: the same codes in every tool. The README's table is checked against [`Exit::ALL`].

use std::process::ExitCode;

/// How a tool ends when it has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// The answer is "no" where that was asked for: a finding at or above `--fail-on`, a failed action, a guard that
    /// stopped an action.
    No = 1,
    /// The command line is not understood (clap says so before a tool runs).
    Usage = 2,
    /// Some input, scope or delivery failed, and a record or a line on stderr says which.
    Incomplete = 3,
    /// The tool could not start: credentials, settings, files.
    CannotStart = 4,
}

impl Exit {
    /// Every code with the one line that the README gives it.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Done, "all done"),
        (
            Self::No,
            "the answer is \"no\" where that was asked for: `--fail-on` found something, an action failed or was stopped",
        ),
        (Self::Usage, "the command line is not understood"),
        (
            Self::Incomplete,
            "incomplete: some input, scope or delivery failed, and a record or a line on stderr says which",
        ),
        (Self::CannotStart, "could not start: credentials, settings, files"),
    ];

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The answer of two parts of the work together. A definite "no" outweighs "incomplete", which outweighs "done".
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::Incomplete => 1,
            Self::No => 2,
            Self::CannotStart => 3,
            Self::Usage => 4,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definite_no_outweighs_incomplete() {
        assert_eq!(Exit::Incomplete.and(Exit::No), Exit::No);
        assert_eq!(Exit::No.and(Exit::Incomplete), Exit::No);
        assert_eq!(Exit::Done.and(Exit::Incomplete), Exit::Incomplete);
        assert_eq!(Exit::Done.and(Exit::Done), Exit::Done);
    }

    #[test]
    fn codes_are_listed_once_and_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
    }
}
