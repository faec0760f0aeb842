//! The command line.

use clap::{Parser, ValueEnum};
use common::aws::AwsArgs;
use common::aws::queue::QueueUrl;
use common::cli::{Common, Failure, Tool, resource_types};
use common::id::Region;
use common::resource::ResourceType;
use common::settings::Period;

use crate::plan::without_repeats;

/// Write what exists in AWS accounts as NDJSON
///
/// Without arguments: all types that Sluice covers, in all enabled regions of the account that the credentials belong to.
/// `poll -` reads references, findings, outcomes, resources or CloudTrail events instead, and looks up afresh what they name
/// or made or changed; `poll --sqs URL` gets them from a queue.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(name = "poll", version, after_help = AFTER)]
pub struct Args {
    /// `-` looks up the resources that the records on stdin name, or that the CloudTrail events on stdin made or changed:
    /// records, log files (gzip too), EventBridge, SNS and SQS messages, S3 notices, `LookupEvents` output
    #[arg(value_name = "-", value_parser = dash, conflicts_with_all = ["regions", "accounts", "org", "sqs"])]
    pub input: Option<String>,
    /// Do the same with the messages of an SQS queue; each is deleted when its records are written
    #[arg(long, value_name = "URL", conflicts_with_all = ["regions", "accounts", "org"])]
    pub sqs: Option<QueueUrl>,
    /// End when the queue is empty, instead of waiting for more
    #[arg(long, requires = "sqs")]
    pub once: bool,
    /// Put references on this SQS queue instead of writing resources: `poll --sqs` on any machine takes them up
    #[arg(long, value_name = "URL")]
    pub send: Option<QueueUrl>,
    /// Get the files that S3's notices name, and take up the events in them
    #[arg(long)]
    pub fetch: bool,
    /// For how long the events on one resource that stdin brings are gathered into one look
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub window: Period,
    /// List the events that are understood, and what is looked up for each; see --output
    #[arg(long)]
    pub list_events: bool,
    /// How --list-events is printed; `eventbridge`: the event patterns, one a line, for `aws events put-rule`
    #[arg(short = 'o', long, value_name = "FORMAT", requires = "list_events", default_value = "table")]
    pub output: ListFormat,
    /// The regions to look at, separated by commas [default: all that are enabled]
    #[arg(long, value_name = "REGION,...", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<Region>,
    /// The resource types to look for, separated by commas [default: all but `spend`, and the organization
    /// with --org]; with `-`, those that --iam-policy is for
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',', value_parser = resource_types())]
    pub types: Vec<ResourceType>,
    /// Wait for what AWS is still at work on (a database that is being made), for this long in all, such as 15m
    #[arg(long, value_name = "TIME")]
    pub settle: Option<Period>,
    /// Only what the misconfiguration maker made: resources with the tag `sluice:test-resource`
    #[arg(long)]
    pub only_test_resources: bool,
    /// Print the least IAM policy that this command line needs, and ask AWS nothing
    #[arg(long)]
    pub iam_policy: bool,
    /// Say on stderr how many requests of which operation were sent, as one JSON object
    #[arg(long)]
    pub stats: bool,
    /// How AWS is reached.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// What every tool has.
    #[command(flatten)]
    pub common: Common,
}

const AFTER: &str = "Examples:
  poll | audit
  poll --regions eu-west-1,us-east-1 --types s3_bucket,ec2 > resources.ndjson
  poll --org --role sluice-read --stats | audit --fail-on high
  poll --org --org-role arn:aws:iam::111122223333:role/org-read --role sluice-read
  zcat CloudTrail/*.json.gz | poll - | audit
  poll --sqs https://sqs.eu-west-1.amazonaws.com/111122223333/events | audit | remediate | notify
  poll --list-events -o eventbridge | while read -r pattern; do
    aws events put-rule --name sluice-$((n += 1)) --event-pattern \"$pattern\"; done
  echo '{\"account\":\"111122223333\",\"region\":\"eu-west-1\",\"type\":\"ec2\",\"id\":\"i-0abc\"}' | poll -

Exit codes: 0 all done; 2 usage; 3 incomplete, and a record or a line on stderr says what; 4 could not start.";

/// How `--list-events` is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    Table,
    /// One JSON object for each event.
    Json,
    /// EventBridge's event patterns, one a line.
    Eventbridge,
}

impl Args {
    /// Whether stdin or a queue says what to look up.
    pub(crate) fn looks_up(&self) -> bool {
        self.input.is_some() || self.sqs.is_some()
    }

    /// The types that are meant. `spend`: whether the settings want to know what accounts spend.
    ///
    /// # Errors
    ///
    /// With `-` it is stdin that says what is looked up. Other arguments that make no sense together.
    pub(crate) fn types(&self, spend: bool) -> Result<Vec<ResourceType>, Failure> {
        if self.looks_up() && !self.types.is_empty() && !self.iam_policy {
            return Err(Failure::Usage(
                "with `-` and --sqs, --types is for --iam-policy alone: what comes in says what is looked up".into(),
            ));
        }
        if let (Some(from), Some(to)) = (&self.sqs, &self.send)
            && from.is_same_queue(to)
        {
            // Each reference would be taken up and put back, and never looked at.
            return Err(Failure::Usage("--sqs and --send are the same queue: name another one to send to".into()));
        }
        if self.fetch && !self.looks_up() {
            return Err(Failure::Usage("--fetch is for `poll -` and `poll --sqs`: nothing else names files".into()));
        }
        let mut types = if self.types.is_empty() { ResourceType::ALL.to_vec() } else { without_repeats(&self.types) };
        // Few accounts may read the organization: it is looked at where somebody asks for it, and with its accounts always.
        if self.aws.org || (self.types.is_empty() && !self.looks_up()) {
            types.retain(|kind| *kind != ResourceType::Organization);
        }
        // Nor does everybody who wants to know what there is want to know what it costs.
        if !spend && self.types.is_empty() && !self.looks_up() {
            types.retain(|kind| *kind != ResourceType::Spend);
        }
        if self.aws.org {
            types.insert(0, ResourceType::Organization);
        }
        Ok(types)
    }
}

impl Tool for Args {
    const NAME: &'static str = "poll";

    fn common(&self) -> &Common {
        &self.common
    }
}

fn dash(text: &str) -> Result<String, String> {
    if text == "-" {
        Ok(text.to_owned())
    } else {
        Err("only `-` is expected here: poll reads stdin, no files".to_owned())
    }
}

fn region(name: &str) -> Result<Region, String> {
    let region: Region = name.parse().map_err(|error: common::id::IdError| error.to_string())?;
    if region.is_global() {
        return Err("IAM is looked at whatever the regions: --types iam_user asks for it alone".to_owned());
    }
    Ok(region)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, String> {
        Args::try_parse_from([&["poll"], arguments].concat()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let args = parse(&["--regions", "eu-west-1,us-east-1", "--types", "ec2,s3_bucket"]).unwrap();
        assert_eq!(args.regions.len(), 2);
        assert_eq!(args.types, [ResourceType::Ec2, ResourceType::S3Bucket]);
        assert!(!args.looks_up());
        assert!(parse(&["-"]).unwrap().looks_up());
    }

    #[test]
    fn with_a_dash_types_are_for_the_policy_alone() {
        assert!(parse(&["-", "--types", "ec2"]).unwrap().types(false).is_err());
        assert_eq!(parse(&["-", "--types", "ec2", "--iam-policy"]).unwrap().types(false).unwrap(), [ResourceType::Ec2]);
        assert_eq!(parse(&["-"]).unwrap().types(false).unwrap(), ResourceType::ALL);
    }

    #[test]
    fn a_queue_does_not_feed_itself_and_files_have_to_be_named() {
        let queue = |host: &str| format!("https://{host}/111122223333/jobs");
        let (here, there) = (queue("sqs.eu-west-1.amazonaws.com"), queue("sqs.us-east-1.amazonaws.com"));
        let alias = queue("eu-west-1.queue.amazonaws.com");
        let types = |arguments: &[&str]| parse(arguments).unwrap().types(false).map(|_| ());
        for to in [&here, &alias] {
            assert!(
                types(&["--sqs", &here, "--send", to]).is_err_and(|error| error.to_string().contains("same queue"))
            );
        }
        assert!(types(&["--sqs", &here, "--send", &there]).is_ok() && types(&["-", "--send", &here]).is_ok());
        assert!(types(&["--fetch"]).is_err_and(|error| error.to_string().contains("--fetch")));
        assert!(types(&["--fetch", "-"]).is_ok() && types(&["--fetch", "--sqs", &here]).is_ok());
    }

    #[test]
    fn the_organization_is_polled_where_somebody_asks_for_it() {
        use ResourceType::{Ec2, Organization};
        let types = |arguments| parse(arguments).unwrap().types(false).unwrap();
        let usual = |kind: &&ResourceType| !matches!(kind, Organization | ResourceType::Spend);
        let usual: Vec<_> = ResourceType::ALL.iter().filter(usual).copied().collect();
        assert_eq!(types(&[]), usual);
        assert_eq!(types(&["--org"]), [&[Organization], &usual[..]].concat());
        assert_eq!(types(&["--org", "--types", "ec2"]), [Organization, Ec2]);
        assert_eq!(types(&["--org", "--types", "ec2,organization"]), [Organization, Ec2]);
        assert_eq!(types(&["--types", "organization"]), [Organization]);
        assert_eq!(types(&["--types", "ec2"]), [Ec2]);
    }

    #[test]
    fn what_accounts_spend_is_polled_where_somebody_asks_for_it() {
        use ResourceType::{Ec2, Spend};
        let has = |arguments, spend| parse(arguments).unwrap().types(spend).unwrap().contains(&Spend);
        assert!(!has(&[], false) && !has(&["--org"], false) && !has(&["--types", "ec2"], true));
        assert!(has(&[], true) && has(&["--org"], true) && has(&["--types", "ec2,spend"], false) && has(&["-"], false));
        assert_eq!(parse(&["--types", "spend,ec2"]).unwrap().types(true).unwrap(), [Spend, Ec2]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_says_what_can() {
        for (arguments, expected) in [
            (&["--types", "rdss"][..], "rds_cluster, rds_snapshot"),
            (&["--settle", "15"], "15m"),
            (&["--regions", "global"], "--types iam_user"),
            (&["--regions", "evil.example.com/"], "is not a region"),
            (&["-", "--regions", "eu-west-1"], "cannot be used with"),
            (&["-", "--org"], "cannot be used with"),
            (&["file.ndjson"], "invalid value"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
