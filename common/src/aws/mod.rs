//! Sessions with AWS: whose credentials, which accounts, one way to the network, one kind of error.
//!
//! A tool flattens [`AwsArgs`] into its command line, runs its work in [`block_on`], and asks [`Sessions`] for a
//! [`Session`] of each account; [`client!`](crate::client) makes the SDK's clients from it.
//!
//! - `args`, `role`: what the user said. `config`: what the SDK makes of it, with the environment.
//! - `sessions`, `session`, `assume`: the accounts and their credentials. `organization`: which accounts there are.
//! - `http`, `intercept`, `retry`: what lies under every client. `key`: clients that sign with one key alone.
//! - `object` (feature `s3`): files in S3. [`queue`] (feature `sqs`): queues, and messages that are held.
//! - `signal`: when somebody wants the run to end.
//! - `start`, `error`: [`StartError`], [`AwsError`].

mod args;
mod assume;
mod config;
mod error;
mod http;
mod intercept;
mod key;
#[cfg(feature = "s3")]
mod object;
mod organization;
#[cfg(feature = "sqs")]
pub mod queue;
mod retry;
mod role;
mod session;
mod sessions;
mod signal;
mod start;

#[cfg(test)]
mod loopback;
#[cfg(test)]
mod tests;

pub use args::{AwsArgs, DEFAULT_CONCURRENCY};
pub use error::AwsError;
pub use intercept::operation;
pub use key::with_key_alone;
#[cfg(feature = "s3")]
pub use object::{Bucket, Listing, Pieces};
pub use organization::{NO_ORGANIZATION, organization, organization_id};
pub use session::Session;
pub use sessions::Sessions;
pub use signal::{Signals, terminated};
pub use start::StartError;

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::cli::Failure;

/// Runs a tool's work on threads of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 16));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(format!("cannot start the threads that talk to AWS: {error}")))?
        .block_on(work)
}

/// The SDK's time as everybody else's. What lies beyond the year 9999 becomes its end.
pub fn timestamp(time: &DateTime) -> Timestamp {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    let end = if time.secs() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::new(time.secs(), nanos).unwrap_or(end)
}
