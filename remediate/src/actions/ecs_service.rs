//! What is done to ECS services.

use common::resource::EcsService;

super::unchanging::unchanging!(EcsService);
