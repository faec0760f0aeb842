//! What is done to ECS tasks.

use common::resource::EcsTask;

super::unchanging::unchanging!(EcsTask);
