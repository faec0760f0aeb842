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
    /// It may get better, and then what was not taken down is read again; why.
    Later(String),
}

impl From<SendError<Vec<Input>>> for End {
    fn from(_: SendError<Vec<Input>>) -> Self {
        Self::Unheard
    }
}

impl From<RegistryError> for End {
    fn from(error: RegistryError) -> Self {
        let why = error.to_string();
        // A disk that is full makes nobody blind: the other sources go on, and so does this one some time.
        if error.may_pass() { Self::Later(why) } else { Self::Failed(Failure::Incomplete(why)) }
    }
}

/// Tells what could not be read.
pub(super) async fn broken(inputs: &Inputs, why: String) -> Result<(), End> {
    Ok(inputs.send(vec![Input::Broken(why)]).await?)
}

/// Waits until all that was sent is in the registry and told: how much was about tokens so far. `None` where it could not be.
pub(super) async fn settled(inputs: &Inputs) -> Result<Option<u64>, End> {
    let (sender, answer) = oneshot::channel();
    inputs.send(vec![Input::Settled(sender)]).await?;
    Ok(answer.await.ok())
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
            let mut is_said = false;
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
                    Ok(()) => is_said = false,
                    Err(End::Unheard) => return Ok(()),
                    Err(End::Failed(failure)) => return Err(failure),
                    Err(End::Later(why)) if self.once => return Err(Failure::Incomplete(why)),
                    Err(End::Later(why)) => {
                        if !std::mem::replace(&mut is_said, true)
                            && broken(&inputs, format!("{why}; trying again")).await.is_err()
                        {
                            return Ok(());
                        }
                    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::clock;
    use tokio::sync::mpsc;

    use super::*;
    use crate::registry::Registry;

    /// A source that moves its cursor at each pass.
    struct Moves(Arc<Registry>);

    impl Pass for Moves {
        async fn pass(&mut self, _: &Inputs, _: &Stop) -> Result<(), End> {
            Ok(self.0.set_cursor("s", clock::now(), clock::now())?)
        }
    }

    #[tokio::test]
    async fn a_registry_that_cannot_be_written_for_a_while_ends_no_source() {
        let registry = Arc::new(Registry::in_memory().unwrap());
        let read_only = |on: bool| {
            registry.read(|connection| connection.pragma_update(None, "query_only", on)).unwrap();
        };
        let passes =
            |once| Box::new(Passes { source: Moves(Arc::clone(&registry)), once, pause: Duration::from_millis(5) });
        read_only(true);
        let (inputs, mut batches) = mpsc::channel(8);
        let (stopper, stop) = Stop::new();
        let running = tokio::spawn(passes(false).run(inputs.clone(), stop.clone()));
        let said = batches.recv().await.unwrap();
        assert!(matches!(&said[..], [Input::Broken(why)] if why.ends_with("; trying again")), "{said:?}");
        sleep(Duration::from_millis(50)).await;
        read_only(false);
        while registry.cursor("s").unwrap().is_none() {
            assert!(!running.is_finished());
            sleep(Duration::from_millis(5)).await;
        }
        stopper.stop();
        running.await.unwrap().unwrap();
        // Who ends anyway says that it did not do all.
        read_only(true);
        let ended = passes(true).run(inputs, Stop::new().1).await;
        assert!(matches!(ended, Err(Failure::Incomplete(_))), "{ended:?}");
        assert!(batches.recv().await.is_none(), "it is said once");
    }
}
