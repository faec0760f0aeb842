//! Load balancers: two APIs of one name, whose records differ in what they hold.

use common::resource::ResourceType::{Elb, Elbv2};

use crate::events::Question;
use crate::events::place::{Change, Events, among, asked, at, calls, either};

const SERVICE: &str = "elasticloadbalancing";
const CLASSIC: &[Change] = &[at(Elb, &["requestParameters.loadBalancerName"])];
const BALANCER: &[Change] = &[at(Elbv2, &["requestParameters.loadBalancerArn"])];
const LISTENER: &[Change] = &[at(Elbv2, &["requestParameters.listenerArn"])];

pub(super) const EVENTS: &[Events] = &[
    calls(
        SERVICE,
        &[
            either(Elb, &["requestParameters.loadBalancerName"]),
            either(Elbv2, &["responseElements.loadBalancers[].loadBalancerArn"]),
        ],
        &["CreateLoadBalancer"],
    ),
    calls(
        SERVICE,
        &[either(Elb, &["requestParameters.loadBalancerName"]), either(Elbv2, &["requestParameters.loadBalancerArn"])],
        &["DeleteLoadBalancer"],
    ),
    calls(
        SERVICE,
        &[
            either(Elb, &["requestParameters.loadBalancerNames[]"]),
            among(Elbv2, &["requestParameters.resourceArns[]"]).or_else(),
        ],
        &["AddTags", "RemoveTags"],
    ),
    calls(
        SERVICE,
        CLASSIC,
        &[
            "RegisterInstancesWithLoadBalancer",
            "DeregisterInstancesFromLoadBalancer",
            "CreateLoadBalancerListeners",
            "DeleteLoadBalancerListeners",
            "SetLoadBalancerListenerSSLCertificate",
            "SetLoadBalancerPoliciesOfListener",
            "ApplySecurityGroupsToLoadBalancer",
            "AttachLoadBalancerToSubnets",
            "DetachLoadBalancerFromSubnets",
            "EnableAvailabilityZonesForLoadBalancer",
            "DisableAvailabilityZonesForLoadBalancer",
        ],
    ),
    calls(SERVICE, BALANCER, &["SetSecurityGroups", "SetSubnets", "SetIpAddressType", "CreateListener"]),
    // Listeners and their rules say to which target groups the load balancer sends.
    calls(SERVICE, LISTENER, &["ModifyListener", "DeleteListener", "CreateRule"]),
    calls(SERVICE, &[at(Elbv2, &["requestParameters.ruleArn"])], &["ModifyRule", "DeleteRule"]),
    calls(
        SERVICE,
        &[asked(Elbv2, &["requestParameters.targetGroupArn"], Question::TargetGroup)],
        &["RegisterTargets", "DeregisterTargets"],
    ),
];
