//! The queue against a server of its own.
