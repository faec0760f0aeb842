//! `honeytoken watch`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::aws::{AwsArgs, Sessions, Signals, block_on};
use common::cli::Failure;
use common::exit::Exit;
use common::record::Token;
use common::resource::ResourceType;
use common::settings::{Honeytoken, Period};
use common::stream::Reader;

use super::Sources;
use crate::context::Context;
use crate::registry::Registry;
use crate::watch::input::Stop;
use crate::watch::local::Local;
use crate::watch::sources::{self, Source, Way};
use crate::watch::{Rules, Watch};

/// `honeytoken watch`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Files, packed or not [default: stdin, where no other source is named]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Tokens as `export` writes them, instead of a registry: nothing is remembered from run to run
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// After how long without an event an incident is over [default: 30m]
    #[arg(long, value_name = "TIME")]
    pub(crate) closes_after: Option<Period>,
    /// An alert for each event, not for each incident
    #[arg(long)]
    pub(crate) every_event: bool,
    /// End when all that is there has been read
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Watch CloudTrail, and write an alert when a token is touched.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let rules = Rules::new(&context.settings.honeytoken, args.closes_after, args.every_event)?;
    let registry = Arc::new(match &args.tokens {
        Some(path) => listed(path)?,
        None => context.open()?,
    });
    block_on(async move {
        let mut signals =
            Signals::new().map_err(|error| Failure::Start(format!("cannot listen to signals: {error}")))?;
        let mut all: Vec<Box<dyn Source>> = Vec::new();
        if args.sources.any() {
            let sessions = context.sessions(&args.aws).await?;
            let (settings, say) = (context.settings, context.io.say);
            note_callers(&registry, &sessions, &settings.honeytoken).await?;
            let registry = Arc::clone(&registry);
            all.extend(
                sources::open(
                    &args.sources,
                    Way { once: args.once, borrows: false },
                    settings,
                    registry,
                    sessions,
                    say,
                )
                .await?,
            );
        }
        if !args.files.is_empty() || all.is_empty() {
            all.push(Box::new(Local::new(args.files, context.io.input)));
        }
        let (stopper, stop) = Stop::new();
        let watch = Watch { watched: Arc::clone(&registry), registry, rules };
        let mut running = std::pin::pin!(watch.run(all, context.io.output, context.io.say, stop));
        tokio::select! {
            ended = &mut running => return ended,
            () = signals.next() => stopper.stop(),
        }
        tokio::select! {
            ended = &mut running => ended,
            () = signals.next() => Err(Failure::Incomplete("ended before what was read was finished".into())),
        }
    })
}

/// Takes down as whom honeytoken calls AWS, so that its own looks at tokens are no alerts.
async fn note_callers(registry: &Registry, sessions: &Sessions, settings: &Honeytoken) -> Result<(), Failure> {
    if let Ok(own) = sessions.account(sessions.caller()).await {
        registry.note_caller(own.account(), own.works_as())?;
    }
    for (id, account) in &settings.accounts {
        // A name, a path and name, or an ARN: CloudTrail has the name.
        let role = account.role.as_ref().and_then(|role| role.rsplit('/').next());
        registry.note_caller(id, role.map(|name| (ResourceType::IamRole, name)))?;
    }
    Ok(())
}

/// A registry of the tokens in a file, which is gone with the process.
fn listed(path: &Path) -> Result<Registry, Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure::Start(format!("cannot read {}: {what}", path.display()));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let registry = Registry::in_memory()?;
    let mut is_empty = true;
    for item in Reader::new(file) {
        let item = item.map_err(|error| failed(&error))?;
        let token: Token = item.parse().map_err(|error| failed(&error))?;
        registry.insert(&token, |_| None).map_err(|error| failed(&error))?;
        is_empty = false;
    }
    // An export that failed is no list without tokens: nothing would be noticed.
    if is_empty {
        return Err(failed(&"there is no token in it: `honeytoken export` writes such a list"));
    }
    Ok(registry)
}
