//! The tripwire: events come in, alerts go out.
//!
//! - `input`: what the sources hand to the engine. `sources`: those in AWS.

pub(crate) mod input;
pub(crate) mod sources;
