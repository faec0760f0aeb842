//! Tokens are made and taken away.
//!
//! - `id`: how tokens are called. `delete`, `disable`: the taking away. `whose`: whether a user is a token's.

pub(crate) mod delete;
pub(crate) mod disable;
pub(crate) mod id;
pub(crate) mod whose;
