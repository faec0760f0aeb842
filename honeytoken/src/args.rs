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

/// The commands: each has a file of its own, with its arguments and what it does. Behind it stand examples, for `--help`.
macro_rules! commands {
    ($( $(#[doc = $about:literal])+ $variant:ident = $module:ident, $examples:literal; )+) => {
        #[derive(Subcommand, Clone, Debug)]
        pub(crate) enum Command {
            $( $(#[doc = $about])+ #[command(after_long_help = $examples)] $variant(commands::$module::Args), )+
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
    Create = create, "Where the owner has a token at that location already, that one is told, and none is made.

  honeytoken create --owner web --location laptop-7 --format credentials
  honeytoken create --count 200 --owner web --expires-in 365d --out secrets/
  jq -c '{owner,location}' hosts.ndjson | honeytoken create - --out secrets/";
    /// List tokens
    List = list, "  honeytoken list -o table
  honeytoken list --expiring-in 30d | jq -r '[.owner,.location]|@tsv'";
    /// Show tokens with all that is known of them
    Show = show, "  honeytoken show svc-orders-monitor | jq .history
  honeytoken show AKIASP2TPHJSQH3FJRUX";
    /// Change whose tokens are, where they lie, what is noted of them, and when their time is over
    Update = update, r#"  honeytoken update svc-orders-monitor --location nas --label site=fra
  honeytoken list --owner web | honeytoken update - --expires-in 180d
  echo '{"token":"svc-orders-monitor","notes":null}' | honeytoken update -"#;
    /// Delete tokens, or single keys
    Delete = delete, "A token that is deleted tells nothing any more; one that goes on lying where it lies does.

  honeytoken delete svc-orders-monitor --dry-run
  honeytoken list --owner web | honeytoken delete -";
    /// Flag the tokens whose time is over, and go on watching them, unless told to disable or delete them
    Expire = expire, "  honeytoken expire
  honeytoken expire --disable --grace 30d --dry-run";
    /// Give tokens new keys, and take the old ones away when the new ones are planted
    Rotate = rotate, "  honeytoken rotate svc-orders-monitor --out secrets/
  honeytoken rotate svc-orders-monitor --finish";
    /// Say how the tokens are doing: planted, expiring, fired, never drilled
    Report = report, r#"  honeytoken report -o table --owner web
  honeytoken report | jq 'select(.scope=="total")'"#;
    /// Copy the registry
    Backup = backup, "  honeytoken backup honeytokens-2026-11-21.db";
    /// Bring a copy of the registry back
    Restore = restore, "What was made since then is in IAM, and not in the copy: `honeytoken reconcile` finds it.

  honeytoken restore honeytokens-2026-11-21.db";
    /// Compare the registry with IAM, and mend what differs
    Reconcile = reconcile, "Exit code 1 where something differs and was not mended. A registry that was lost is made again from the users' tags.

  honeytoken reconcile | jq -r '[.what,.id]|@tsv'
  honeytoken reconcile --apply";
    /// Tell the account from an access key id
    Decode = decode, "Needs neither a registry nor a network.

  honeytoken decode AKIASP2TPHJSQH3FJRUX
  git log -p | honeytoken decode -";
    /// Put a key from stdin into a credentials file: of several the first one
    Plant = plant, "  honeytoken create --owner it --location nas | honeytoken plant ~/.aws/credentials --profile backup
  honeytoken plant ~/.aws/credentials --profile backup < secrets/svc-orders-monitor.credentials";
    /// Take a key out of a credentials file
    Unplant = unplant, "  honeytoken unplant ~/.aws/credentials --profile backup";
    /// Say which keys of a text are tokens
    Identify = identify, "Exit code 0 where one is a token, 1 where none is.

  honeytoken identify ~/.aws/credentials
  git log -p | honeytoken identify";
    /// Write the registry's tokens as records, those that were deleted as well; it is no backup: events and what secrets are known
    /// by stay behind
    Export = export, "  honeytoken export > tokens.ndjson
  honeytoken export --owner web -o csv > tokens.csv";
    /// Read tokens into the registry
    Import = import, "  honeytoken export | honeytoken --registry other.db import
  honeytoken import spacecrab-backup.csv.gz";
    /// Watch CloudTrail, and write an alert when a token is touched
    Watch = watch, "  zcat logs/*.json.gz | honeytoken watch | jq -r .title
  honeytoken watch --lookup --last-used | notify --pagerduty-key-file key
  honeytoken watch --sqs https://sqs.eu-west-1.amazonaws.com/111122223333/trail | notify
  honeytoken watch --s3 s3://acme-trail --once | remediate --apply";
    /// Use a token on purpose, and measure how long it takes until that is noticed
    Drill = drill, "Exit code 1 where nothing noticed in time. Without a source it waits for a `honeytoken watch` with the same registry.

  honeytoken drill --secret-file secrets/svc-orders-monitor.credentials
  honeytoken drill --secret-file key.json --lookup --deadline 30m";
    /// Say what keeps tokens from being noticed, as findings
    Doctor = doctor, "Name the sources of your watch, as it has them. Exit code 1 where something fails.

  honeytoken doctor --sqs https://sqs.eu-west-1.amazonaws.com/111122223333/trail | jq -r .title
  honeytoken doctor --lookup | notify";
    /// Print the IAM policy that the credentials need
    IamPolicy = iam_policy, "  honeytoken iam-policy tokens > policy.json
  honeytoken iam-policy sqs last-used";
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
    fn each_command_shows_how_it_is_called_and_that_is_understood() {
        for command in Args::command().get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let mut own = 0;
            for line in help.lines().filter(|line| line.starts_with("  ")) {
                for part in line.split('|').map(str::trim).filter(|part| part.starts_with("honeytoken ")) {
                    let words = part.split(['<', '>']).next().unwrap_or_default().split_whitespace();
                    let args = Args::try_parse_from(words);
                    assert!(args.is_ok(), "{line}: {args:?}");
                    own += u32::from(part.contains(&format!(" {name}")));
                }
            }
            assert!(own > 0, "{name} has no example");
        }
    }

    #[test]
    fn a_list_is_written_in_the_formats_that_audit_has_and_for_spreadsheets() {
        for command in ["list", "report", "export"] {
            for format in ["ndjson", "json", "table", "csv"] {
                let args = Args::try_parse_from(["honeytoken", command, "-o", format]);
                assert!(args.is_ok(), "{command} -o {format}: {args:?}");
            }
        }
    }

    #[test]
    fn what_all_commands_have_stands_behind_what_one_has_of_its_own() {
        let mut all = Args::command();
        all.build();
        for command in all.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let help = command.render_long_help().to_string();
            let place = |flag: &str| help.find(&format!("      {flag} ")).unwrap_or(usize::MAX);
            assert!(place("--config") < usize::MAX, "{help}");
            for own in ["--owner", "--s3", "--out", "--apply", "--accounts"] {
                assert!(place(own) == usize::MAX || place(own) < place("--config"), "{own}: {help}");
            }
        }
    }
}
