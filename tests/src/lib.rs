//! The pipelines end to end: the real binaries against a real emulator of AWS.
//!
//! A test takes an [`Account`] of its own, and runs tools in it one after the other:
//!
//! ```no_run
//! # let account = tests::Account::new();
//! let polled = account.tool("poll").args(["--types", "s3_bucket"]).run().exits(0);
//! let audited = polled.pipe("audit").run().exits(0);
//! assert_eq!(audited.kind("finding").len(), 1, "{audited}");
//! ```
//!
//! Where AWS has to misbehave, a [`Proxy`] stands in front of the emulator; what `notify` sends arrives at an [`HttpSink`].
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a harness fails a test by panicking, with all that the reader needs to know"
)]

mod account;
mod aws_error;
pub mod calls;
mod emulator;
pub mod filter;
pub mod fix;
pub mod ground;
pub mod http;
mod http_sink;
pub mod iam;
pub mod many;
pub mod misconfigure;
mod operation;
mod pipeline;
mod proxy;
pub mod record;
pub mod stage;
pub mod task;

pub use account::{Account, Credentials};
pub use emulator::Emulator;
pub use http_sink::{HttpSink, Reply};
pub use operation::Call;
pub use pipeline::{Ran, Tool, ndjson};
pub use proxy::{On, Proxy, Verdict, on};
