//! What is done to snapshots of RDS instances.

use common::resource::DbSnapshot;

super::unchanging::unchanging!(DbSnapshot);
