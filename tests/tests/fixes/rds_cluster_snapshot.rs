//! Snapshots of database clusters.

use tests::fix::{FIX, Fix};

use crate::rds_snapshot::{disables, kills, unshares_with_a_stranger, unshares_with_everyone};

const PUBLIC: Fix = Fix { kind: "rds_cluster_snapshot", check: "rds_cluster_snapshot_public", ..FIX };
const SHARED: Fix = Fix { check: "rds_cluster_snapshot_shared", ..PUBLIC };

#[test]
fn unshare_with_everyone() {
    unshares_with_everyone(&PUBLIC);
}

#[test]
fn unshare_with_a_stranger() {
    unshares_with_a_stranger(&SHARED);
}

#[test]
fn disable() {
    disables(PUBLIC.kind);
}

#[test]
fn kill() {
    kills(PUBLIC.kind);
}
