//! What is done to AMIs.

use common::resource::Image;

super::unchanging::unchanging!(Image);
