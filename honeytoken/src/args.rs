//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use common::cli::{Common, Failure, LAST, Tool};
use common::exit::Exit;

use crate::commands;
use crate::context::Context;

const EXAMPLES: &str = "\
The registry knows whose each token is and where it lies; it holds no secret. A
secret is shown once, when its key is made, or goes straight into a file.

  honeytoken create --owner web --location laptop-7 --format credentials
  jq -c '{owner,location}' hosts.ndjson | honeytoken create - --out secrets/
  honeytoken create --location nas | honeytoken plant ~/.aws/credentials --profile backup
  zcat logs/*.json.gz | honeytoken watch | notify --pagerduty-key-file key
  honeytoken watch --lookup | notify --sns-topic arn:aws:sns:eu-west-1:111122223333:alerts
  honeytoken report -o table";

/// Make decoy access keys, and say when one is touched
#[derive(Parser, Clone, Debug)]
#[command(name = "honeytoken", version, after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The registry [default: the settings', or honeytokens.db in `$XDG_DATA_HOME/sluice`]
    #[arg(long, value_name = "FILE", env = "SLUICE_REGISTRY", global = true, display_order = LAST)]
    pub(crate) registry: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Tool for Args {
    const NAME: &'static str = "honeytoken";

    fn common(&self) -> &Common {
        &self.common
    }
}

/// The commands: each has a file of its own, with its arguments and what it does.
macro_rules! commands {
    ($( $(#[doc = $about:literal])+ $variant:ident = $module:ident; )+) => {
        #[derive(Subcommand, Clone, Debug)]
        pub(crate) enum Command {
            $( $(#[doc = $about])+ $variant(commands::$module::Args), )+
        }

        impl Command {
            /// Runs it.
            pub(crate) fn run(self, context: Context<'_>) -> Result<Exit, Failure> {
                match self {
                    $( Self::$variant(args) => commands::$module::run(args, context), )+
                }
            }
        }
    };
}

commands! {
    /// Make tokens: users that may do nothing, with access keys
    Create = create;
    /// List tokens
    List = list;
    /// Show tokens with all that is known of them
    Show = show;
    /// Change whose tokens are, where they lie, what is noted of them, and when their time is over
    Update = update;
    /// Delete tokens, or single keys
    Delete = delete;
    /// Flag the tokens whose time is over, and go on watching them, unless told to disable or delete them
    Expire = expire;
    /// Give tokens new keys, and take the old ones away when the new ones are planted
    Rotate = rotate;
    /// Say how the tokens are doing: planted, expiring, fired, never drilled
    Report = report;
    /// Copy the registry
    Backup = backup;
    /// Bring a copy of the registry back
    Restore = restore;
    /// Compare the registry with IAM, and mend what differs
    Reconcile = reconcile;
    /// Tell the account from an access key id
    Decode = decode;
    /// Put a key from stdin into a credentials file: of several the first one
    Plant = plant;
    /// Take a key out of a credentials file
    Unplant = unplant;
    /// Say which keys of a text are tokens
    Identify = identify;
    /// Write the registry's tokens as records, those that were deleted as well; it is no backup: events and what secrets are known
    /// by stay behind
    Export = export;
    /// Read tokens into the registry
    Import = import;
    /// Watch CloudTrail, and write an alert when a token is touched
    Watch = watch;
    /// Use a token on purpose, and measure how long it takes until that is noticed
    Drill = drill;
    /// Say what keeps tokens from being noticed, as findings
    Doctor = doctor;
    /// Print the IAM policy that the credentials need
    IamPolicy = iam_policy;
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_help_says_what_clap_takes_for_a_new_line() {
        for command in Args::command().get_subcommands() {
            for arg in command.get_arguments() {
                let texts =
                    [arg.get_help(), arg.get_long_help()].map(|text| text.map(ToString::to_string).unwrap_or_default());
                assert!(texts.iter().all(|text| !text.contains("{n}")), "{} {}", command.get_name(), arg.get_id());
            }
        }
    }

    #[test]
    fn what_all_commands_have_stands_behind_what_one_has_of_its_own() {
        let mut all = Args::command();
        all.build();
        for command in all.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let help = command.render_long_help().to_string();
            let place = |flag: &str| help.find(&format!("{flag} ")).unwrap_or(usize::MAX);
            assert!(place("--config") < usize::MAX, "{help}");
            for own in ["--owner", "--s3", "--out", "--apply", "--accounts"] {
                assert!(place(own) == usize::MAX || place(own) < place("--config"), "{own}: {help}");
            }
        }
    }
}
