//! The command line.

use clap::Parser;
use common::aws::AwsArgs;
use common::cli::{Common, Tool};
use common::id::Region;
use common::resource::ResourceType;

/// Write what exists in AWS accounts as NDJSON
///
/// Without arguments: all types that Sluice covers, in all enabled regions of the account that the credentials belong to.
/// `poll -` reads references, findings, outcomes or resources instead, and looks up afresh what they name.
#[derive(Debug, Parser)]
#[command(name = "poll", version, after_help = AFTER)]
pub struct Args {
    /// `-` looks up the resources that the records on stdin name
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["regions", "types", "accounts", "org"])]
    pub input: Option<String>,
    /// The regions to look at, separated by commas [default: all that are enabled]
    #[arg(long, value_name = "REGION,...", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<Region>,
    /// The resource types to look for, separated by commas [default: all]
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',')]
    pub types: Vec<ResourceType>,
    /// Only what the misconfiguration maker made: resources with the tag `sluice:test-resource`
    #[arg(long)]
    pub only_test_resources: bool,
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
  echo '{\"account\":\"111122223333\",\"region\":\"eu-west-1\",\"type\":\"ec2\",\"id\":\"i-0abc\"}' | poll -

Exit codes: 0 all done; 2 usage; 3 incomplete, and a record or a line on stderr says what; 4 could not start.";

impl Args {
    /// Whether stdin says what to look up.
    pub(crate) fn looks_up(&self) -> bool {
        self.input.is_some()
    }
}

impl Tool for Args {
    const NAME: &'static str = "poll";

    fn common(&self) -> &Common {
        &self.common
    }
}

fn region(name: &str) -> Result<Region, String> {
    let region: Region = name.parse().map_err(|error: common::id::IdError| error.to_string())?;
    if region.is_global() {
        return Err("IAM is looked at whatever the regions: --types iam_user asks for it alone".to_owned());
    }
    Ok(region)
}
