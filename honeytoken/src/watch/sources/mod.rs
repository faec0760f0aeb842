//! Where events come from in AWS.

use std::sync::Arc;

use common::aws::Sessions;
use common::cli::{Failure, Say};
use futures_util::future::BoxFuture;

use super::input::{Inputs, Stop};
use crate::commands;
use crate::registry::Registry;

/// Somewhere that events come from. Each runs as a task of its own.
pub(crate) trait Source: Send {
    /// Reads until the input ends, until all that was there has been read where that was asked for (`--once`), or until it is
    /// told to stop: then it finishes what it holds (waits for [`Settled`](super::input::Input::Settled), deletes its messages,
    /// moves its cursor) and ends. What goes wrong for a while is said and tried again; only what cannot get better is an
    /// error, and ends the run.
    fn run(self: Box<Self>, inputs: Inputs, stop: Stop) -> BoxFuture<'static, Result<(), Failure>>;
}

/// The sources that were asked for.
pub(crate) async fn open(
    _wanted: &commands::Sources,
    _once: bool,
    _sessions: &Sessions,
    _registry: &Arc<Registry>,
    _say: &'static Say,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    Err(Failure::Start("not built yet".into()))
}
