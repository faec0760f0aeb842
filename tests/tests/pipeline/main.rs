//! The real tools in pipelines, each test in an account of its own.
//!
//! One program, so that one emulator serves all of it. `tests::stage` is what the tests share.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod accounts;
mod batches;
mod brake;
mod ends;
mod events;
mod guards;
mod krampus;
mod lookup;
mod plans;
mod repeat;
mod settle;
mod spend;
mod streams;
