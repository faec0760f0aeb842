//! Tokens are made, and taken away.
//!
//! Each step is written down before it is made (`registry`, [`crate::registry::Operation`]), so that whoever comes after a
//! process that was killed knows what it may have done.
//!
//! - `id`: how tokens are called. `request`: what is asked for. `create`: one token, from its name to its secret in its place.
//!   `batch`: many of them. `spread`: over the accounts. `key`: a key is made and handed out. `rotate`: one more, then one less.
//! - `recover`: what others began. `delete`, `disable`: tokens and keys go. `whose`: whether a user is a token's.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod disable;
pub(crate) mod id;
mod key;
pub(crate) mod recover;
pub(crate) mod request;
pub(crate) mod rotate;
pub(crate) mod spread;
pub(crate) mod whose;
