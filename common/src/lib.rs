//! common

pub mod stream;
