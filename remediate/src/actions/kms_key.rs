//! What is done to KMS keys.

use common::resource::KmsKey;

super::unchanging::unchanging!(KmsKey);
