//! Sources that look again and again.

use std::time::Duration;

use common::cli::Failure;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Source;
use crate::registry::RegistryError;
use crate::watch::input::{Input, Inputs, Stop};

/// How long a pass may take to its end when it is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a source ends before its time.
#[derive(Debug)]
pub(super) enum End {
    /// Nobody listens any more.
    Unheard,
    /// It cannot get better.
    Failed(Failure),
}

impl From<SendError<Vec<Input>>> for End {
    fn from(_: SendError<Vec<Input>>) -> Self {
        Self::Unheard
    }
}

impl From<RegistryError> for End {
    fn from(error: RegistryError) -> Self {
        Self::Failed(Failure::Incomplete(error.to_string()))
    }
}

/// Tells what could not be read.
pub(super) async fn broken(inputs: &Inputs, why: String) -> Result<(), End> {
    Ok(inputs.send(vec![Input::Broken(why)]).await?)
}

/// Waits until all that was sent is in the registry and told; says whether it is.
pub(super) async fn settled(inputs: &Inputs) -> Result<bool, End> {
    let (sender, answer) = oneshot::channel();
    inputs.send(vec![Input::Settled(sender)]).await?;
    Ok(answer.await.is_ok())
}

/// A source that looks at all that is new.
pub(super) trait Pass: Send + 'static {
    /// Looks once, or until it is told to stop, and has come to where it can. It may be dropped half-way, and then has moved no
    /// cursor beyond what is settled.
    fn pass(&mut self, inputs: &Inputs, stop: &Stop) -> impl Future<Output = Result<(), End>> + Send;
}

/// Such a source, and how often it looks.
#[derive(Debug)]
pub(super) struct Passes<P> {
    pub(super) source: P,
    pub(super) once: bool,
    pub(super) pause: Duration,
}

impl<P: Pass> Source for Passes<P> {
    fn run(mut self: Box<Self>, inputs: Inputs, mut stop: Stop) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            loop {
                let asked = stop.clone();
                let mut pass = std::pin::pin!(self.source.pass(&inputs, &asked));
                let passed = tokio::select! {
                    passed = &mut pass => passed,
                    // What does not settle in that time is read again.
                    () = stop.told() => tokio::time::timeout(FAREWELL, pass).await.unwrap_or(Ok(())),
                };
                match passed {
                    Ok(()) if self.once || stop.is_told() => return Ok(()),
                    Ok(()) => {}
                    Err(End::Unheard) => return Ok(()),
                    Err(End::Failed(failure)) => return Err(failure),
                }
                tokio::select! {
                    () = stop.told() => return Ok(()),
                    () = inputs.closed() => return Ok(()),
                    () = sleep(self.pause) => {}
                }
            }
        }
        .boxed()
    }
}
