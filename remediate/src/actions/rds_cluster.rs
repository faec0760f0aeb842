//! What is done to RDS clusters.

use common::resource::DbCluster;

super::unchanging::unchanging!(DbCluster);
