//! What is done to EBS snapshots.

use common::resource::Snapshot;

super::unchanging::unchanging!(Snapshot);
