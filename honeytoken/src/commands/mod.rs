//! The commands, one file each: its arguments, and what it does with them.

pub(crate) mod backup;
pub(crate) mod changes;
pub(crate) mod create;
pub(crate) mod decode;
pub(crate) mod delete;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod expire;
pub(crate) mod export;
pub(crate) mod iam_policy;
pub(crate) mod identify;
pub(crate) mod import;
pub(crate) mod list;
mod named;
pub(crate) mod plant;
pub(crate) mod reconcile;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod rotate;
pub(crate) mod show;
pub(crate) mod unplant;
pub(crate) mod update;
pub(crate) mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::aws::queue::QueueUrl;
use common::id::{AccountId, Region};
use common::record::{Guard, TokenState};
use common::settings::Period;
use jiff::Timestamp;

use crate::hand_out::Format;
use crate::import::moment;

/// What is noted of a token.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct About {
    /// Whose it is
    #[arg(long, value_name = "WHO")]
    pub(crate) owner: Option<String>,
    /// Where it is meant to lie
    #[arg(long, value_name = "WHERE")]
    pub(crate) location: Option<String>,
    /// What people should know of it
    #[arg(long, value_name = "TEXT")]
    pub(crate) notes: Option<String>,
    /// A label; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// How long it lasts, such as 90d
    #[arg(long, value_name = "TIME", conflicts_with = "expires_at")]
    pub(crate) expires_in: Option<Period>,
    /// Until when it lasts: a time such as 2027-01-01T12:00:00Z, or the day (in UTC) from which on it does not
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(crate) expires_at: Option<Timestamp>,
}

/// Which tokens are meant.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Which {
    /// Those of this owner
    #[arg(long, value_name = "WHO")]
    pub(crate) owner: Option<String>,
    /// Those that are meant to lie here
    #[arg(long, value_name = "WHERE")]
    pub(crate) location: Option<String>,
    /// Those in this account
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// Those in one of these states, separated by commas [default: all but deleted; of `export` all]
    #[arg(long, value_name = "STATE,...", value_delimiter = ',', value_parser = states())]
    pub(crate) state: Vec<TokenState>,
    /// Those with this label
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// Those that expire within this time, or have
    #[arg(long, value_name = "TIME")]
    pub(crate) expiring_in: Option<Period>,
    /// Those that lie nowhere, as far as is known
    #[arg(long)]
    pub(crate) unplanted: bool,
    /// Those that were touched
    #[arg(long)]
    pub(crate) fired: bool,
    /// Those of which no drill has shown that they work
    #[arg(long)]
    pub(crate) undrilled: bool,
}

/// Which tokens are listed, and how.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) which: Which,
    /// What is written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Json)]
    pub(crate) output: Output,
}

/// How what was made is handed out.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct HandOut {
    /// In which format the key and its secret are handed out [default: json; with --out credentials]
    #[arg(long, value_name = "FORMAT", value_parser = words(Format::ALL.iter().map(|format| format.name())))]
    pub(crate) format: Option<String>,
    /// Write each into a file of its own (0600) in this directory; stdout gets the tokens without their secrets
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The profile that is written, where the format has profiles
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) as_profile: String,
    /// The region that is written beside it, where the format has one
    #[arg(long, value_name = "REGION")]
    pub(crate) as_region: Option<Region>,
}

/// Where events come from. Several may be named.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The files of a trail, in its bucket: `s3://bucket/prefix`
    #[arg(long, value_name = "URL")]
    pub(crate) s3: Option<String>,
    /// A queue that gets events of EventBridge's or notices of new files
    #[arg(long, value_name = "URL")]
    pub(crate) sqs: Option<QueueUrl>,
    /// The event history (`LookupEvents`) of all accounts and regions: no infrastructure, 2 requests a second
    #[arg(long)]
    pub(crate) lookup: bool,
    /// When IAM says that keys were last used: the net for calls that CloudTrail does not log
    #[arg(long)]
    pub(crate) last_used: bool,
    /// How long to pause between looks at S3, the event history and last uses [default: 1m]
    #[arg(long, value_name = "TIME")]
    pub(crate) pause: Option<Period>,
    /// From when on, where nothing was read so far, such as 90d [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Period>,
    /// The regions that are asked, separated by commas [default: the account's in the settings, or all that every account has and
    /// those of `[aws]`]
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub(crate) regions: Vec<Region>,
    /// How long CloudTrail has for telling of a use that IAM tells of, for --last-used [default: 30m]
    #[arg(long, value_name = "TIME")]
    pub(crate) grace: Option<Period>,
}

/// How lists are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Records, one a line
    #[value(name = "ndjson", alias = "json")]
    Json,
    /// For people
    Table,
    /// For spreadsheets
    Csv,
}

/// `name=value`.
fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{}` is not a label: NAME=VALUE is expected", text.escape_default())),
    }
}

/// One of these words, which `--help` and a mistake list.
fn words(words: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(words)
}

fn states() -> impl TypedValueParser<Value = TokenState> {
    words(TokenState::ALL.iter().map(|state| state.name())).try_map(|name| name.parse::<TokenState>())
}

fn guards() -> impl TypedValueParser<Value = Guard> {
    words(Guard::ALL.iter().map(|guard| guard.name())).try_map(|name| name.parse::<Guard>())
}

/// A time, or the first moment of a day, as `update` and `import` read them in records.
fn until(text: &str) -> Result<Timestamp, String> {
    moment(text)
        .ok_or_else(|| "a time such as 2027-01-01T12:00:00Z, or a day such as 2027-01-01, is expected".to_owned())
}

impl Sources {
    /// Whether any source in AWS is named.
    pub(crate) fn any(&self) -> bool {
        self.s3.is_some() || self.sqs.is_some() || self.lookup || self.last_used
    }
}

impl About {
    /// The labels as a map; of a name that comes twice the last one counts.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.label.iter().cloned().collect()
    }
}
