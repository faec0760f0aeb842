//! Tokens are made, and taken away.
//!
//! Each step is written down before it is made (`registry`, [`crate::registry::Operation`]), so that whoever comes after a
//! process that was killed knows what it may have done.
//!
//! - `create`: one token, from its name to its secret in its place. `batch`: many of them. `spread`: over the accounts.
//! - `recover`: what others began. `delete`, `disable`: tokens and keys go. `whose`: whether a user is a token's.

pub(crate) mod delete;
pub(crate) mod disable;
pub(crate) mod id;
mod request;
mod spread;
pub(crate) mod whose;
