//! What is done to Redshift clusters.

use common::resource::RedshiftCluster;

super::unchanging::unchanging!(RedshiftCluster);
