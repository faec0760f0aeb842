//! The command line.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, Parser, ValueEnum};
use common::cli::{Common, Failure, Tool};
use common::record::Severity;
use common::settings::{RequiredTag, RequiredTagError};
use jiff::Timestamp;

use crate::checks;

/// Judges resources against the checks: reads `resource` records on stdin, writes `finding` records
///
/// Nothing is asked of AWS: all that counts is in the records, and the time is --now. What is no resource is passed on.
///
/// Exit codes: 0 all done; 1 a finding at or above --fail-on; 2 usage; 3 incomplete (broken input, a scope that poll could
/// not cover, a finding that is `unknown`); 4 could not start.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "audit", version)]
pub struct Arguments {
    /// The common part.
    #[command(flatten)]
    pub common: Common,
    /// The time by which ages are judged, such as 2026-11-20T10:00:00Z [default: the time now]
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Timestamp>,
    /// Write what passed, too
    #[arg(long)]
    pub passed: bool,
    /// Exit with 1 if a finding of this severity (low, medium, high, critical) or worse fails
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Make these checks only (--list-checks says which there are): their ids, or how the ids end, as in `--only runaway` and
    /// `--only required_tags`
    #[arg(long, visible_alias = "only", value_name = "ID,...", value_delimiter = ',', hide_possible_values = true,
          value_parser = PossibleValuesParser::new(checks::names()))]
    pub checks: Option<Vec<String>>,
    /// What becomes of an account that is over its limit (docs/brake.md)
    #[arg(long, value_name = "MODE", env = "envaction", ignore_case = true, default_value = "proceed", value_parser = HaltParser)]
    pub halt: Halt,
    /// Tags that must be there, instead of the settings' `required_tags`; an empty list requires none
    #[arg(long, value_name = "NAME[=VALUE|VALUE],...", value_parser = tags)]
    pub required_tags: Option<Tags>,
    /// A file of exceptions, beside those of the settings (TOML or NDJSON; docs/exceptions.md): what they cover is `excepted`,
    /// has no action, and is not counted by --fail-on. May be given more than once
    #[arg(long, value_name = "FILE")]
    pub exceptions: Vec<PathBuf>,
    /// A whitelist of Krampus's or the Justice Engine's, in JSON (docs/exceptions.md): what it has is `excepted`, too. May be
    /// given more than once
    #[arg(long, value_name = "FILE")]
    pub whitelist: Vec<PathBuf>,
    /// The decoys: a registry of honeytoken's, or a list that `honeytoken export` wrote. What would take the bait away (stale
    /// keys and passwords, missing MFA, the brake) is `excepted` for their users [default: the settings' `honeytoken.registry`]
    #[arg(long, value_name = "FILE", env = "SLUICE_HONEYTOKENS")]
    pub honeytokens: Option<PathBuf>,
    /// Say which exceptions have expired, and which cover no finding: of use where the input is a whole poll
    #[arg(long, conflicts_with = "checks")]
    pub unused_exceptions: bool,
    /// List the checks, and judge nothing
    #[arg(long)]
    pub list_checks: bool,
    /// What is written [default: table on a terminal, else ndjson]
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// Tags in a list; a type of its own, so that clap takes the list as one value and an empty one as no tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Vec<RequiredTag>);

/// What becomes of an account that is over its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Halt {
    /// What is to be halted in it is found, with the actions that halt it
    #[default]
    Proceed,
    /// It is not looked at
    Pass,
    /// A rehearsal: what would be halted is found, without actions
    Plan,
}

/// Reads a [`Halt`]. Of the variable, an empty text is none: else `envaction=` in a crontab would be the end of each audit.
#[derive(Clone, Copy, Debug)]
struct HaltParser;

impl TypedValueParser for HaltParser {
    type Value = Halt;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<Halt, clap::Error> {
        if value.is_empty() {
            return Ok(Halt::default());
        }
        EnumValueParser::<Halt>::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Halt::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table (only with --list-checks)
    Markdown,
}

impl Tool for Arguments {
    const NAME: &'static str = "audit";

    fn common(&self) -> &Common {
        &self.common
    }
}

impl Arguments {
    /// What is written, where stdout is a terminal or not.
    pub(crate) fn format(&self, terminal: bool) -> Result<Format, Failure> {
        match self.output {
            Some(Format::Markdown) if !self.list_checks => {
                Err(Failure::Usage("`-o markdown` is for `--list-checks` alone".to_owned()))
            }
            Some(format) => Ok(format),
            None if terminal => Ok(Format::Table),
            None => Ok(Format::Ndjson),
        }
    }
}

/// `a,b` as tags. clap's own delimiter would make one empty name of an empty text.
fn tags(text: &str) -> Result<Tags, RequiredTagError> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Tags)
}
