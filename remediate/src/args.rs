//! The command line.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use common::action::Action;
use common::aws::AwsArgs;
use common::cli::{Common, Tool, resource_types};
use common::document::Place;
use common::resource::ResourceType;
use common::settings::GracePeriod;
use jiff::Timestamp;

const HELP: &str = "Put right what audit found

Reads findings, tasks, plans and alerts on stdin, writes one outcome for each. Without --apply nothing is changed: the outcomes say \
which calls would be made. Such a plan can be read, edited and applied:

    poll | audit | remediate > plan
    $EDITOR plan
    remediate --apply < plan > outcomes

A task is any reference with an action, and an action_time where it is not to be done at once; those of Krampus's tasks file \
go as they are (docs/records.md).

An open alert of `honeytoken watch` that has an action is carried out likewise; drills, closed alerts and those without an \
action are passed on. All of the input is read before anything is done, so give it alerts one by one, or those of watch --once:

    honeytoken watch --lookup | while read -r alert; do printf '%s\n' \"$alert\" | remediate --apply; done

What was applied is undone by

    jq -c 'select(.undo).undo' outcomes | remediate --apply

What the role that applies it must be allowed is printed by --iam-policy, for all actions or for some:

    remediate --iam-policy --actions s3_block_public_access,s3_set_public_access_block

With --tasks nothing is done before its time, and owners are warned until then:

    poll | audit | remediate --tasks tasks.json --grace critical=4h --apply | notify

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
    /// A whitelist of Krampus's (`Whitelist`: ARNs) or the Justice Engine's (`whitelist`: patterns of ARNs), in JSON
    /// (docs/exceptions.md): what it has is left alone. May be given more than once
    #[arg(long, value_name = "FILE")]
    pub whitelist: Vec<PathBuf>,
    /// The decoys: a registry of honeytoken's, or a list that `honeytoken export` wrote. What audit excepts for their users is
    /// left alone, and so are tasks about them, save the action of an alert [default: the settings' `honeytoken.registry`]
    #[arg(long, value_name = "FILE", env = "SLUICE_HONEYTOKENS")]
    pub honeytokens: Option<PathBuf>,
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
    /// Warn first, act later: findings and tasks go into this file, or object in S3, and are carried out when their time has
    /// come, unless they are mended before (docs/tasks.md)
    #[arg(long, value_name = "FILE|s3://BUCKET/KEY")]
    pub tasks: Option<Place>,
    /// With --tasks: how long after it was first seen a finding is acted upon, by the action's name, or else by the finding's
    /// severity [default: kill=3h,disable=48h,default=48h]
    #[arg(long, value_name = "NAME=TIME,...", value_delimiter = ',', requires = "tasks")]
    pub grace: Vec<GracePeriod>,
    /// Judge as if it were this time, as `audit --now` did [default: the time now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// Print the least IAM policy that --apply needs, and ask AWS nothing. An undo is an action of its own
    #[arg(long)]
    pub iam_policy: bool,
    /// With --iam-policy: the actions to allow, separated by commas (docs/records.md lists them) [default: all]
    #[arg(long, value_name = "ACTION,...", value_delimiter = ',', hide_possible_values = true, requires = "iam_policy",
          value_parser = PossibleValuesParser::new(Action::ALL.iter().map(|(name, ..)| *name)))]
    pub actions: Vec<String>,
    /// With --iam-policy: the resource types to allow them on, separated by commas [default: all]
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',', requires = "iam_policy", value_parser = resource_types())]
    pub types: Vec<ResourceType>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn actions_and_types_are_for_the_policy_alone() {
        let parse = |arguments: &[&str]| Arguments::try_parse_from([&["remediate"], arguments].concat());
        let arguments = parse(&["--iam-policy", "--actions", "stop,start", "--types", "ec2,rds"]).unwrap();
        assert_eq!(arguments.actions, ["stop", "start"]);
        assert_eq!(arguments.types, [ResourceType::Ec2, ResourceType::Rds]);
        for (arguments, expected) in [
            (&["--actions", "stop"][..], "--iam-policy"),
            (&["--types", "ec2"], "--iam-policy"),
            (&["--iam-policy", "--actions", "stopp"], "'stop'"),
            (&["--iam-policy", "--types", "ec3"], "ec2"),
        ] {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
