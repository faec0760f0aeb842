//! What is done to snapshots of RDS clusters.

use common::resource::DbClusterSnapshot;

super::unchanging::unchanging!(DbClusterSnapshot);
