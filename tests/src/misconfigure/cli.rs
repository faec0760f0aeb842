//! The binary `misconfigure`.

use std::io::Write as _;
use std::net::IpAddr;
use std::process::ExitCode;

use clap::Parser;
use common::aws::{AwsArgs, Session, Sessions, block_on};
use common::cli::{self, Common, Failure, Io, Tool};
use common::exit::Exit;
use common::id::{AccountId, Region};
use common::resource::ResourceType;
use common::settings::Settings;

use super::{Options, Report, clean, make};

/// Fills an AWS account with harmless mistakes for `audit` to find, and takes them away again
///
/// Writes a reference for each resource, with the checks that it is expected to fail. All of them are named
/// `sluice-test-...` and tagged `sluice:test-resource`. Run it again to make them bad again after a fix.
#[derive(Parser, Debug, Clone)]
#[command(name = "misconfigure", version)]
struct Args {
    /// Remove everything that was made in this account and region
    #[arg(long)]
    clean: bool,
    /// The caller's account: has to be named where it is not an emulator's on this machine
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The region to make things in [default: `AWS_REGION`, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// The profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The resource types to make or remove [default: all]
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',')]
    types: Vec<ResourceType>,
    /// Make instances, too, which cost money (an emulator on this machine gets them anyway)
    #[arg(long)]
    instances: bool,
    /// What instances are started from [default: the latest Amazon Linux 2023]
    #[arg(long, value_name = "AMI")]
    image: Option<String>,
    /// The foreign account that policies let in: it has to exist, and learns nothing of worth
    #[arg(long, value_name = "ID")]
    outsider: Option<AccountId>,
    #[command(flatten)]
    common: Common,
}

impl Tool for Args {
    const NAME: &'static str = "misconfigure";

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs with the process's own arguments and environment.
pub fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    let aws = AwsArgs { profile: args.profile.clone(), region: args.region.clone(), ..AwsArgs::default() };
    let remove = args.clean;
    let report = block_on(async {
        let sessions = Sessions::start(&aws, &settings.aws, Args::NAME).await?;
        let session = sessions.account(sessions.caller()).await.map_err(|error| Failure::Start(error.to_string()))?;
        let options = options(args, &session)?;
        let (account, region) = (session.account(), &options.region);
        io.say.note(format_args!("account {account}, region {region}"));
        if remove {
            return Ok(clean(&session, &options).await);
        }
        let report = Box::pin(make(&session, &options)).await;
        if options.instances && !is_emulated(&session) {
            io.say.note("instances cost money until you run this with --clean");
        }
        Ok(report)
    })?;
    write(&report, io)
}

fn write(report: &Report, mut io: Io<'_>) -> Result<Exit, Failure> {
    for made in &report.made {
        serde_json::to_writer(&mut io.output, made).map_err(|error| Failure::Output(error.into()))?;
        writeln!(io.output).map_err(Failure::Output)?;
    }
    io.output.flush().map_err(Failure::Output)?;
    let mut exit = Exit::Done;
    for (name, why) in &report.missing {
        if why.is_fault() {
            exit = Exit::Incomplete;
            io.say.warn(format_args!("{name}: {why}"));
        } else {
            io.say.note(format_args!("{name}: left out: {why}"));
        }
    }
    Ok(exit)
}

/// What the arguments come to in an account.
fn options(args: Args, session: &Session) -> Result<Options, Failure> {
    let region = args.region.unwrap_or_else(|| session.home_region().clone());
    let emulated = is_emulated(session);
    let caller = session.account();
    match &args.account {
        Some(account) if account != caller => {
            return Err(Failure::Usage(format!("the credentials are those of account {caller}, not of {account}")));
        }
        // Credentials are found in many places, and sometimes others than one thinks of.
        None if !emulated => {
            return Err(Failure::Usage(format!(
                "the credentials are those of account {caller}, which is not an emulator's: to go on, give --account {caller}"
            )));
        }
        _ => {}
    }
    let types = if args.types.is_empty() { ResourceType::ALL.to_vec() } else { args.types };
    let image = args.image.or_else(|| emulated.then(|| EMULATED_IMAGE.to_owned()));
    let outsider = args.outsider.or_else(|| if emulated { documented_account(caller) } else { None });
    if outsider.as_ref() == Some(caller) {
        return Err(Failure::Usage(format!("{caller} is the caller's own account, and no outsider")));
    }
    Ok(Options { region, types, outsider, instances: args.instances || emulated, image })
}

/// An image that the emulator knows also when it loads none.
const EMULATED_IMAGE: &str = "ami-12c6146b";

/// An account of AWS's examples, which is no more than that in an emulator.
fn documented_account(caller: &AccountId) -> Option<AccountId> {
    ["111122223333", "444455556666"].iter().filter_map(|id| id.parse().ok()).find(|id| id != caller)
}

/// Whether AWS is an emulator on this machine.
fn is_emulated(session: &Session) -> bool {
    session.sdk_config(session.home_region()).endpoint_url().is_some_and(is_loopback)
}

/// Whether an endpoint is on this machine.
fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before an @ is no host, though it may look like one.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_an_emulator_s() {
        for url in ["http://127.0.0.1:5000", "http://localhost:5000/", "https://[::1]:5000", "http://127.1.2.3"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://s3.amazonaws.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com:80",
            "http://127.0.0.1@example.com",
            "http://example.com/127.0.0.1",
            "http://10.0.0.1:5000",
            "127.0.0.1:5000",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
