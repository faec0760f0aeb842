//! The command line.

use std::path::PathBuf;

use clap::Parser;
use common::aws::AwsArgs;
use common::cli::{Common, Tool};
use jiff::Timestamp;

const HELP: &str = "Put right what audit found

Reads findings, tasks and plans on stdin, writes one outcome for each. Without --apply nothing is changed: the outcomes say \
which calls would be made. Such a plan can be read, edited and applied:

    poll | audit | remediate > plan
    $EDITOR plan
    remediate --apply < plan > outcomes

What was applied is undone by

    jq -c 'select(.undo).undo' outcomes | remediate --apply

Exit codes: 0 all done; 1 an action failed, or a guard stopped one that was to be applied; 2 usage; 3 incomplete (broken \
input, an interrupted run); 4 could not start.";

/// Put right what audit found
#[derive(Debug, Parser)]
#[command(name = "remediate", version, long_about = HELP)]
#[command(mut_arg("accounts", |arg| arg.help("Touch these accounts alone, separated by commas [default: the settings', or else those that the records name]")))]
#[command(mut_arg("org", |arg| arg.hide(true)))]
#[command(mut_arg("org_role", |arg| arg.hide(true)))]
pub struct Arguments {
    /// Act; without it the plan is printed [env: REMEDIATE=true]
    #[arg(long)]
    pub apply: bool,
    /// Also do what nothing can undo
    #[arg(long)]
    pub irreversible: bool,
    /// A file of exceptions, beside those of the settings (TOML or NDJSON; docs/exceptions.md): what they cover is left alone,
    /// also where the finding says otherwise. Those without a `check` cover tasks, too. May be given more than once
    #[arg(long, value_name = "FILE")]
    pub exceptions: Vec<PathBuf>,
    /// Do nothing at all if there would be more actions than this; the settings may have a limit for each account, which
    /// holds back that account alone [default: 20]
    #[arg(long, value_name = "N")]
    pub max_actions: Option<usize>,
    /// Do nothing at all if more than this share of a type's polled resources would be touched, where the stream's scope
    /// records tell how many there are, and more than five would be [default: 30]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_percent: Option<u8>,
    /// The journal of what is done [default: `$XDG_STATE_HOME/sluice/journal.ndjson`]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Judge as if it were this time, as `audit --now` did [default: the time now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// How the accounts are reached.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// What every tool has.
    #[command(flatten)]
    pub common: Common,
}

impl Tool for Arguments {
    const NAME: &'static str = "remediate";

    fn common(&self) -> &Common {
        &self.common
    }
}
