//! What is done to RDS instances.

use common::resource::DbInstance;

super::unchanging::unchanging!(DbInstance);
