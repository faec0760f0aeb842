//! `audit`: judges resources against the checks.
//!
//! A pure filter: it reads `resource` records and writes `finding` records, passes on what it does not consume, and never
//! talks to AWS. All that a check needs to know of a resource is in that resource's record, and the time is the one that
//! it is told (`--now`), so the same input gives the same findings next year.
//!
//! # Layout
//!
//! - [`checks`]: the table of checks; one file for each resource type.
//! - [`Judge`]: the checks that are on, made ready once; judges one resource. `remediate` uses it to judge again.
//! - [`policy`]: whom a policy document lets in.
//! - `totals`: what accounts come to over all their records, against their limits: the emergency brake.
//! - `exempt`: the exceptions, which may break a rule.
//! - `evidence`: what scopes say of what is in order.
//! - `filter`: records in, findings out; `table` and `list`: what people see.
//!
//! # Adding a check
//!
//! A [`checks::About`] and a function in the file of its type, and its id in the list of the tests: ids are for ever.

mod args;
pub mod checks;
mod evidence;
mod exempt;
mod filter;
mod judge;
mod list;
pub mod policy;
mod table;
#[cfg(test)]
mod tests;
mod totals;

use std::process::ExitCode;

use common::cli::{self, Failure, Io};
use common::clock;
use common::exit::Exit;
use common::settings::Settings;

use filter::Options;

pub use args::{Arguments, Format, Halt, Tags};
pub use checks::runaway::{halts, is_runaway};
pub use judge::{Judge, JudgeError};

/// Runs `audit` with the process's own arguments, stdin, stdout and stderr.
pub fn main() -> ExitCode {
    cli::main::<Arguments>(run)
}

/// Runs `audit`.
pub fn run(arguments: Arguments, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    let format = arguments.format(io.terminal)?;
    let only = arguments.checks.as_deref();
    if arguments.list_checks {
        return list::write(only, format, io);
    }
    let now = arguments.now.unwrap_or_else(clock::now);
    let mut settings = settings
        .with_exceptions(&arguments.exceptions)?
        .with_whitelists(&arguments.whitelist)?
        .with_decoys(arguments.honeytokens.as_deref(), io.say)?;
    if let Some(Tags(required_tags)) = arguments.required_tags {
        settings.required_tags = required_tags;
    }
    let judge = Judge::new(&settings, now, only)?;
    let options = Options {
        format,
        passed: arguments.passed,
        fail_on: arguments.fail_on,
        unused_exceptions: arguments.unused_exceptions,
        by_name: only.is_some(),
        halt: arguments.halt,
    };
    filter::run(judge, options, &settings, io)
}
