//! Load balancers: two APIs of one name.

use super::{Sample, sample};

const SERVICE: &str = "elasticloadbalancing";
const CLASSIC: &[&str] = &["elb front"];
const BALANCER: &[&str] =
    &["elbv2 arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188"];

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        SERVICE,
        &["CreateLoadBalancer"],
        r#"{"loadBalancerName":"front","listeners":[{"protocol":"HTTP","loadBalancerPort":80}],"scheme":"internet-facing"}"#,
        r#"{"dNSName":"front-123.eu-west-1.elb.amazonaws.com"}"#,
        CLASSIC,
    ),
    sample(
        SERVICE,
        &["CreateLoadBalancer"],
        r#"{"name":"web","subnets":["subnet-0a","subnet-0b"],"scheme":"internet-facing","type":"application"}"#,
        r#"{"loadBalancers":[{"type":"application","loadBalancerName":"web","loadBalancerArn":
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188"}]}"#,
        BALANCER,
    ),
    sample(SERVICE, &["DeleteLoadBalancer"], r#"{"loadBalancerName":"front"}"#, "null", CLASSIC),
    sample(
        SERVICE,
        &["AddTags", "RemoveTags"],
        r#"{"loadBalancerNames":["front"],"tags":[{"key":"Owner","value":"web"}]}"#,
        "null",
        CLASSIC,
    ),
    sample(
        SERVICE,
        &["AddTags", "RemoveTags"],
        r#"{"resourceArns":["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188",
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067"],
            "tags":[{"key":"Owner","value":"web"}]}"#,
        "null",
        BALANCER,
    ),
    sample(
        SERVICE,
        &["RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer"],
        r#"{"loadBalancerName":"front","instances":[{"instanceId":"i-0123456789abcdef0"}]}"#,
        r#"{"instances":[{"instanceId":"i-0123456789abcdef0"}]}"#,
        CLASSIC,
    ),
    sample(
        SERVICE,
        &[
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
        r#"{"loadBalancerName":"front","loadBalancerPort":443}"#,
        "null",
        CLASSIC,
    ),
    sample(
        SERVICE,
        &["DeleteLoadBalancer", "SetSecurityGroups", "SetSubnets", "SetIpAddressType", "CreateListener"],
        r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188"}"#,
        "null",
        BALANCER,
    ),
    sample(
        SERVICE,
        &["ModifyListener", "DeleteListener", "CreateRule"],
        r#"{"listenerArn":
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"}"#,
        "null",
        BALANCER,
    ),
    sample(
        SERVICE,
        &["ModifyRule", "DeleteRule"],
        r#"{"ruleArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"}"#,
        "null",
        BALANCER,
    ),
    sample(
        SERVICE,
        &["RegisterTargets", "DeregisterTargets"],
        r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067",
            "targets":[{"id":"i-0123456789abcdef0"}]}"#,
        "null",
        &["? the load balancers of the target group \
           arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067"],
    ),
];
