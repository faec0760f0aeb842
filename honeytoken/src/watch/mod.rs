//! The tripwire: events come in, alerts go out.
//!
//! - `input`: what the sources hand to the engine. `local`: stdin and files. `sources`: those in AWS.
//! - `run`: sources and engine at work, and alerts on their way out.
//! - `engine`: what becomes of an event. `index`, `matching`: which tokens it is about. `call`, `agent`, `trigger`: what
//!   happened. `strangers`: sessions that may turn out to be a token's. `allow`: callers who are allowed for. `incident`: what is new. `alert`: the record.

mod agent;
mod alert;
mod allow;
mod call;
mod complaints;
mod engine;
mod incident;
mod index;
pub(crate) mod input;
pub(crate) mod local;
mod matching;
pub(crate) mod run;
pub(crate) mod sources;
mod strangers;
mod trigger;

#[cfg(test)]
mod tests;

pub(crate) use engine::Rules;
pub(crate) use run::Watch;
