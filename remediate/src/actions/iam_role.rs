//! What is done to roles.

use common::resource::Role;

super::unchanging::unchanging!(Role);
