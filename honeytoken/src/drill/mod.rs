//! A drill: a token is used on purpose, for real, and somebody has to notice.
//!
//! The call has a nonce in its user agent that the registry knows, so that a watch tells it from a thief's. Nothing is faked:
//! what is measured is the way from AWS to the alert, with all that may be wrong on it. What a watch of its own sees beside, it
//! tells and leaves where it was: no cursor moves, nothing counts as seen, and a message is given back, since somebody who is to
//! be woken by that may read another watch's alerts, and not a drill's.
//!
//! - `secret_file`: the key. `call`: the call. `output`: for what came of it, and for alerts.

mod call;
mod output;
mod secret_file;

use std::future::pending;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sts::Client;
use common::arn::partition_of;
use common::aws::{block_on, terminated, with_key_alone};
use common::cli::{Failure, Say};
use common::clock;
use common::exit::Exit;
use common::id::AccountId;
use common::operation::STS_GET_CALLER_IDENTITY;
use common::record::{Drill, KeyStatus, Token};
use common::stream::Writer;
use jiff::Timestamp;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::commands::drill::Args;
use crate::context::Context;
use crate::registry::{Registry, RegistryError};
use crate::watch::input::{Stop, Stopper};
use crate::watch::sources::{self, Way};
use crate::watch::{Rules, Watch};
use call::Called;
use output::Shared;
use secret_file::{KeyPair, read};

/// For how long a key that AWS does not know may be a new one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the registry is asked whether a watch has noticed.
const LOOK: Duration = Duration::from_millis(200);

/// What came of a drill.
#[derive(Debug, Serialize)]
struct Drilled<'a> {
    kind: &'static str,
    token: &'a str,
    account: &'a AccountId,
    key: &'a str,
    at: Timestamp,
    operation: &'static str,
    detected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_seconds: Option<f64>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs a drill.
pub(crate) fn run(args: &Args, context: Context<'_>) -> Result<Exit, Failure> {
    let pair = read(&args.secret_file, &args.as_profile).map_err(|error| Failure::Start(error.to_string()))?;
    let registry = Arc::new(context.open()?);
    let (token, status) = token_of(&registry, &pair, &args.secret_file)?;
    block_on(drill(args, context, registry, &token, status, &pair))
}

/// The token that the key is of: a drill with anybody else's would tell nothing.
fn token_of(registry: &Registry, pair: &KeyPair, file: &Path) -> Result<(Token, KeyStatus), Failure> {
    let KeyPair { key, secret } = pair;
    let known = registry.key(key)?;
    let token = known.as_ref().map(|known| registry.token(&known.token)).transpose()?.flatten();
    let (Some(known), Some(token)) = (known, token) else {
        let (file, registry) = (file.display(), registry.path().display());
        return Err(Failure::Start(format!("the key {key} in {file} is no token's in {registry}: a drill needs one")));
    };
    if known.mark.is_some_and(|mark| !registry.is_marked(&mark, secret.reveal())) {
        return Err(wrong_secret(key, file));
    }
    Ok((token, known.status))
}

fn wrong_secret(key: &str, file: &Path) -> Failure {
    Failure::Start(format!("the secret in {} is not that of {key}: look for the right one", file.display()))
}

async fn drill(
    args: &Args,
    context: Context<'_>,
    registry: Arc<Registry>,
    token: &Token,
    status: KeyStatus,
    pair: &KeyPair,
) -> Result<Exit, Failure> {
    let say = context.io.say;
    let nonce = nonce()?;
    let client = client(args, &context, token, &nonce, pair).await?;
    let watching = watch(args, &context, &registry).await?;
    let own = watching.as_ref().map(|watching| Arc::clone(&watching.watch.registry));
    // Before the watch starts: what is written by its own process it does not hear of.
    for registry in own.iter().chain([&registry]) {
        registry.begin_drill(&nonce, &token.token, &pair.key)?;
    }
    let output = Shared::new(context.io.output);
    let mut watching = watching.map(|watching| watching.start(output.clone(), say));
    // One that is known to be dead is not waited for.
    let patience = if matches!(status, KeyStatus::Inactive | KeyStatus::Deleted) { Duration::ZERO } else { PATIENCE };
    let at = clock::now();
    let registries = [Some(&*registry), own.as_deref()];
    let wait = Wait { registries, nonce: &nonce, deadline: args.deadline.get().unsigned_abs() };
    let (latency, reason) = match call::call(&client, patience).await {
        Called::Known { arn, at: since } => {
            if let Some(arn) = arn.filter(|arn| *arn != token.arn.to_string()) {
                say.warn(format!("the key {} is that of {arn}, and the registry has {}", pair.key, token.arn));
            }
            let who =
                if watching.is_some() { "for it to be noticed" } else { "for a `honeytoken watch` with this registry" };
            say.note(format!("{} was used: waiting {who}", pair.key));
            (wait.noticed(since, watching.as_mut()).await?, "nothing was noticed in time".to_owned())
        }
        Called::Doubtful(error, since) => {
            say.warn(format!("{error}; the call may have come through"));
            let latency = wait.noticed(since, watching.as_mut()).await?;
            (latency, format!("nothing was noticed in time, and {error}"))
        }
        Called::Blind(error) => (None, format!("blind: AWS knows no such active key, and logs no use of it: {error}")),
        Called::WrongSecret => return Err(wrong_secret(&pair.key, &args.secret_file)),
        Called::Failed(error) => return Err(Failure::Incomplete(format!("{} was not used: {error}", pair.key))),
    };
    if latency.is_some() {
        registry.note_drill_seen(&nonce, clock::now())?;
    }
    registry.drill_ended(&token.token, &Drill { at, latency_seconds: latency })?;
    let watched = match watching {
        Some(watching) => watching.end().await?,
        None => Exit::Done,
    };
    let reason = latency.is_none().then_some(reason);
    if let Some(reason) = &reason {
        say.error(format!("{}: {reason}; `honeytoken doctor` looks for the cause", pair.key));
    }
    let drilled = Drilled {
        kind: "drill",
        token: &token.token,
        account: &token.account,
        key: &pair.key,
        at,
        operation: STS_GET_CALLER_IDENTITY.name(),
        detected: latency.is_some(),
        latency_seconds: latency,
        reason,
    };
    write(&mut Writer::new(output), &drilled).map_err(Failure::Output)?;
    Ok(if latency.is_some() { watched } else { Exit::No })
}

/// A watch of the drill's own, where sources were named.
struct Watching {
    watch: Watch,
    sources: Vec<Box<dyn sources::Source>>,
}

/// The same at work.
struct AtWork {
    running: JoinHandle<Result<Exit, Failure>>,
    stopper: Stopper,
}

async fn watch(args: &Args, context: &Context<'_>, registry: &Arc<Registry>) -> Result<Option<Watching>, Failure> {
    if !args.sources.any() {
        return Ok(None);
    }
    let rules = Rules::new(&context.settings.honeytoken, None, false)?;
    let sessions = context.sessions(&args.aws).await?;
    let own = Arc::new(registry.borrowed()?);
    let (way, settings) = (Way { once: false, borrows: true }, context.settings);
    let sources = sources::open(&args.sources, way, settings, Arc::clone(&own), sessions, context.io.say).await?;
    Ok(Some(Watching { watch: Watch { registry: own, watched: Arc::clone(registry), rules }, sources }))
}

impl Watching {
    fn start(self, output: Shared, say: &'static Say) -> AtWork {
        let (stopper, stop) = Stop::new();
        let running = tokio::spawn(self.watch.run(self.sources, Box::new(output), say, stop));
        AtWork { running, stopper }
    }
}

impl AtWork {
    /// What was read is finished.
    async fn end(self) -> Result<Exit, Failure> {
        self.stopper.stop();
        self.running.await.map_err(broken)?
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err's closure")]
fn broken(error: tokio::task::JoinError) -> Failure {
    Failure::Incomplete(format!("the watch broke: {error}"))
}

fn write<W: Write>(output: &mut Writer<W>, drilled: &Drilled<'_>) -> std::io::Result<()> {
    output.write(drilled)?;
    output.flush()
}

/// The client that signs with the token's key, and with nothing else that lies about.
async fn client(
    args: &Args,
    context: &Context<'_>,
    token: &Token,
    nonce: &str,
    pair: &KeyPair,
) -> Result<Client, Failure> {
    let settings = &context.settings.aws;
    let config = with_key_alone(&args.aws, settings, nonce, &pair.key, pair.secret.reveal()).await?;
    let region = config.region().map_or("", |region| region.as_ref());
    if partition_of(region) != token.arn.partition {
        let partition = &token.arn.partition;
        return Err(Failure::Usage(format!(
            "{region} is not in the partition {partition}: name a region with --region"
        )));
    }
    Ok(Client::new(&config))
}

/// A word as any build has one. It has to tell the drill from a thief, who sees no user agent but their own.
fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Start(format!("the system gives no random bytes: {error}")))?;
    Ok(format!("build-{:020x}", bytes.into_iter().fold(0_u128, |all, byte| all << 8 | u128::from(byte))))
}

/// What is waited for.
struct Wait<'a> {
    /// The one that other watches write to, and that of the drill's own.
    registries: [Option<&'a Registry>; 2],
    nonce: &'a str,
    deadline: Duration,
}

impl Wait<'_> {
    fn is_seen(&self) -> Result<bool, RegistryError> {
        let seen = self.registries.iter().flatten().map(|registry| registry.drill_seen(self.nonce));
        Ok(seen.collect::<Result<Vec<_>, _>>()?.iter().any(Option::is_some))
    }

    /// After how many seconds a watch noticed; `None`: not before the deadline.
    async fn noticed(&self, since: Instant, watching: Option<&mut AtWork>) -> Result<Option<f64>, Failure> {
        let seen = async {
            while !self.is_seen()? {
                sleep(LOOK).await;
            }
            // To a tenth: nothing here is more exact.
            Ok::<_, Failure>((since.elapsed().as_secs_f64() * 10.0).round() / 10.0)
        };
        let ended = async {
            match watching {
                // Its sources go on until they are told to stop.
                Some(AtWork { running, .. }) => match running.await.map_err(broken) {
                    Ok(Ok(_)) => Failure::Incomplete("the watch ended before anything was noticed".into()),
                    Ok(Err(error)) | Err(error) => error,
                },
                None => pending().await,
            }
        };
        tokio::select! {
            seen = timeout(self.deadline, seen) => seen.ok().transpose(),
            failure = ended => Err(failure),
            () = terminated() => Err(Failure::Incomplete("the drill was ended before anything was noticed".into())),
        }
    }
}
