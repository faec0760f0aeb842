//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use common::cli::{Common, Tool};
use common::settings::{Period, Zone};

const EXAMPLES: &str = "\
Findings, outcomes and failed scopes on stdin become messages, one per target (a
few where much is to be said), when the input ends or each time that --every
has passed; an alert goes out by itself, as soon as it is read. Each message
makes a delivery record on stdout. A message whose answer was lost is sent
again: it may arrive twice, but it is not lost. What is neither a finding, an
outcome nor an alert goes through to stdout untouched, scopes as well; --tee
passes everything on.

Who hears of what: [[route]] in the settings (docs/notify.md), else
notify.default, else the account map's contact, else everybody whom the flags
and variables here name.

Secrets (a webhook's URL, a routing key) come from an environment variable or a
file, never from the command line.

Environment:
  SLACK_WEBHOOK_URL        a Slack incoming webhook
  SLACK_DEFAULT_CHANNEL    its channel (SLACK_DEFAULT_ROOM is understood too)
  PAGERDUTY_ROUTING_KEY    a PagerDuty integration
  NOTIFY_WEBHOOK_URL       a server that takes JSON
  AWS_ACCOUNTMAPPING_BUCKET, AWS_ACCOUNTMAPPING_KEY
                           the account map in S3

  poll | audit | notify --sns-topic arn:aws:sns:eu-west-1:111122223333:alerts
  remediate --apply < findings | notify --tee --slack-webhook-file url > said
  honeytoken watch | notify --pagerduty-key-file key
  poll --sqs URL | audit | notify --every 5m --memory /var/lib/sluice/said.json
  notify --dry-run < outcomes";

/// Tell people what the records on stdin say, by Slack, SNS, mail, PagerDuty, webhooks and files
#[derive(Parser, Clone, Debug)]
#[command(name = "notify", version, after_long_help = EXAMPLES)]
pub struct Args {
    /// The file that holds the URL of a Slack incoming webhook [or the environment variable `SLACK_WEBHOOK_URL`]
    #[arg(long, value_name = "FILE")]
    pub slack_webhook_file: Option<PathBuf>,
    /// The SNS topic to publish to
    #[arg(long, value_name = "ARN")]
    pub sns_topic: Option<String>,
    /// Who gets a mail by SES, separated by commas
    #[arg(long, value_name = "ADDRESS,...", value_delimiter = ',')]
    pub mail_to: Vec<String>,
    /// The address that mail comes from: an identity that SES has verified
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// The file that holds the routing key of a PagerDuty integration (Events API v2) [or the environment variable
    /// `PAGERDUTY_ROUTING_KEY`]
    #[arg(long, value_name = "FILE")]
    pub pagerduty_key_file: Option<PathBuf>,
    /// The file that holds the URL of a server that takes JSON [or the environment variable `NOTIFY_WEBHOOK_URL`]
    #[arg(long, value_name = "FILE")]
    pub webhook_url_file: Option<PathBuf>,
    /// A file to which messages are appended, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Whom an account belongs to: Krampus's account map (JSON), a file or `s3://bucket/key`
    #[arg(long, value_name = "PLACE")]
    pub account_map: Option<String>,
    /// Where it is kept what was said, so that it is not said again until it changes: a file or `s3://bucket/key`
    #[arg(long, value_name = "PLACE")]
    pub memory: Option<String>,
    /// After how long what has not changed is said again, such as 7d [default: never]
    #[arg(long, value_name = "TIME")]
    pub repeat: Option<Period>,
    /// Tell what was collected each time that so long has passed, and not only when the input ends
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub every: Option<Period>,
    /// Pass on the findings, outcomes and alerts too
    #[arg(long)]
    pub tee: bool,
    /// The time zone in which times are given beside UTC, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<Zone>,
    /// The profile of the AWS configuration files whose credentials are used for SNS, SES and S3, whatever else the
    /// environment holds
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print what would be sent, and send nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How long sending may take, retries included, from when the input ends (or an alert is read)
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

/// A time that is more than none.
fn some_time(text: &str) -> Result<Period, String> {
    let period: Period = text.parse().map_err(|error: common::settings::ParsePeriodError| error.to_string())?;
    if period.get().is_zero() { Err("more than 0s is expected".to_owned()) } else { Ok(period) }
}

fn deadline(text: &str) -> Result<Duration, String> {
    let duration = Duration::try_from(some_time(text)?.get()).map_err(|error| error.to_string())?;
    if duration > Duration::from_hours(24) { Err("at most 24h is expected".to_owned()) } else { Ok(duration) }
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
        for (text, seconds) in [("60s", 60), ("5m", 300), ("1h 30m", 5400), ("24h", 86400), ("1d", 86400)] {
            assert_eq!(deadline(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "60", "0s", "-5s", "25h", "soon", "99999999999999999999s"] {
            assert!(deadline(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_and_zones_that_are_none_are_mistakes_of_the_command_line() {
        for (flag, good, bad) in [
            ("--every", "5m", "0s"),
            ("--repeat", "7d", "often"),
            ("--time-zone", "Europe/Berlin", "Middle Earth"),
            ("--deadline", "90s", "2d"),
        ] {
            assert!(Args::try_parse_from(["notify", flag, good]).is_ok(), "{flag} {good}");
            let error = Args::try_parse_from(["notify", flag, bad]).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{flag} {bad}");
        }
    }
}
