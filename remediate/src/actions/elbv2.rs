//! What is done to load balancers.

use common::resource::LoadBalancer;

super::unchanging::unchanging!(LoadBalancer);
