//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use common::cli::{Common, Tool};
use jiff::SignedDuration;

const EXAMPLES: &str = "\
Findings, outcomes and failed scopes on stdin become messages, a few per
account; each message makes a delivery record on stdout. A message whose answer
was lost is sent again: it may arrive twice, but it is not lost. What is neither
a finding nor an outcome goes through to stdout untouched, scopes as well.

The Slack webhook's URL is a secret: it comes from SLACK_WEBHOOK_URL or from a
file, never from the command line.

  poll | audit | notify --sns-topic arn:aws:sns:eu-west-1:111122223333:alerts
  remediate --apply < findings | tee outcomes | notify --slack-webhook-file url
  notify --dry-run < outcomes";

/// Tell people what the records on stdin say, by Slack and SNS
#[derive(Parser, Clone, Debug)]
#[command(name = "notify", version, after_long_help = EXAMPLES)]
pub struct Args {
    /// The file that holds the URL of a Slack incoming webhook [or the environment variable `SLACK_WEBHOOK_URL`]
    #[arg(long, value_name = "FILE")]
    pub slack_webhook_file: Option<PathBuf>,
    /// The SNS topic to publish to
    #[arg(long, value_name = "ARN")]
    pub sns_topic: Option<String>,
    /// The profile of the AWS configuration files whose credentials publish to the topic, whatever else the environment holds
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print what would be sent, and send nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How long sending may take, retries included, from when the input ends
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = deadline)]
    pub deadline: Duration,
    /// What every tool has
    #[command(flatten)]
    pub common: Common,
}

impl Tool for Args {
    const NAME: &'static str = "notify";

    fn common(&self) -> &Common {
        &self.common
    }
}

fn deadline(text: &str) -> Result<Duration, String> {
    let fail = || "a time such as 60s or 5m is expected".to_owned();
    let duration = Duration::try_from(text.parse::<SignedDuration>().map_err(|_| fail())?).map_err(|_| fail())?;
    let longest = Duration::from_hours(24);
    if duration.is_zero() || duration > longest {
        Err("more than 0s and at most 24h is expected".to_owned())
    } else {
        Ok(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
        assert_eq!(Args::parse_from(["notify"]).deadline, Duration::from_mins(1));
    }

    #[test]
    fn a_deadline_is_a_time_with_its_unit() {
        for (text, seconds) in [("60s", 60), ("5m", 300), ("1h 30m", 5400), ("24h", 86400)] {
            assert_eq!(deadline(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "60", "0s", "-5s", "25h", "soon", "99999999999999999999s"] {
            assert!(deadline(text).is_err(), "{text}");
        }
    }
}
