//! What is done to Lambda functions.

use common::resource::Function;

super::unchanging::unchanging!(Function);
