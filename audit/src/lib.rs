//! audit

pub mod policy;
