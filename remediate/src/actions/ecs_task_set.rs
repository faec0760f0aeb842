//! What is done to ECS task sets.

use common::resource::EcsTaskSet;

super::unchanging::unchanging!(EcsTaskSet);
