//! Records as AWS writes them, shortened to what is of interest beside the id.

mod balancers;
mod databases;
mod ec2;
mod ecs;
mod iam;
mod places;
mod security;
mod storage;

use super::{Sample, sample};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Sample> {
    [
        storage::SAMPLES,
        ec2::SAMPLES,
        balancers::SAMPLES,
        ecs::SAMPLES,
        iam::SAMPLES,
        security::SAMPLES,
        databases::SAMPLES,
        places::SAMPLES,
    ]
    .into_iter()
    .flatten()
}
