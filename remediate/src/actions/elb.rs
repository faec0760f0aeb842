//! What is done to classic load balancers.

use common::resource::ClassicLoadBalancer;

super::unchanging::unchanging!(ClassicLoadBalancer);
