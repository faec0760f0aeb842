//! EC2: the VPCs and their flow logs, and whether new volumes are encrypted.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{FlowLog as DescribedLog, Vpc as Described};
use common::aws::AwsError;
use common::id::AccountId;
use common::operation::{EC2_DESCRIBE_FLOW_LOGS, EC2_DESCRIBE_VPCS, EC2_GET_EBS_ENCRYPTION_BY_DEFAULT};
use common::resource::{FlowLog, Vpc};

pub(super) async fn vpcs(client: &Client, account: &AccountId) -> Result<Vec<Vpc>, AwsError> {
    let mut pages = client.describe_vpcs().into_paginator().page_size(1000).send();
    let mut vpcs = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_VPCS, error))?;
        vpcs.extend(page.vpcs.unwrap_or_default().into_iter().filter_map(|it| vpc(account, it)));
    }
    vpcs.sort_unstable();
    Ok(vpcs)
}

/// A VPC, unless another account shares it with this one: only its owner can say what is logged of it.
fn vpc(account: &AccountId, it: Described) -> Option<Vpc> {
    if it.owner_id.is_some_and(|owner| owner != account.as_str()) {
        return None;
    }
    Some(Vpc { vpc_id: it.vpc_id?, is_default: it.is_default, cidr_block: it.cidr_block })
}

pub(super) async fn flow_logs(client: &Client) -> Result<Vec<FlowLog>, AwsError> {
    let mut pages = client.describe_flow_logs().into_paginator().page_size(1000).send();
    let mut logs = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_FLOW_LOGS, error))?;
        logs.extend(page.flow_logs.unwrap_or_default().into_iter().filter_map(flow_log));
    }
    logs.sort_unstable();
    Ok(logs)
}

/// A flow log, unless it is that of a subnet or of a network interface, of which an account may have thousands.
fn flow_log(it: DescribedLog) -> Option<FlowLog> {
    let resource_id = it.resource_id.filter(|id| id.starts_with("vpc-"))?;
    Some(FlowLog {
        flow_log_id: it.flow_log_id,
        resource_id: Some(resource_id),
        flow_log_status: it.flow_log_status,
        deliver_logs_status: it.deliver_logs_status,
        traffic_type: it.traffic_type.map(|traffic| traffic.as_str().to_owned()),
        log_destination_type: it.log_destination_type.map(|kind| kind.as_str().to_owned()),
    })
}

pub(super) async fn ebs_encryption_by_default(client: &Client) -> Result<Option<bool>, AwsError> {
    let answer = client.get_ebs_encryption_by_default().send().await;
    let answer = answer.map_err(|error| AwsError::new(EC2_GET_EBS_ENCRYPTION_BY_DEFAULT, error))?;
    Ok(answer.ebs_encryption_by_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_vpc_of_this_account_is_left_out() {
        let account = "111122223333".parse().unwrap();
        let described =
            |owner: Option<&str>| Described::builder().vpc_id("vpc-1").set_owner_id(owner.map(str::to_owned));
        for (owner, expected) in [(Some("111122223333"), true), (None, true), (Some("444455556666"), false)] {
            assert_eq!(vpc(&account, described(owner).build()).is_some(), expected, "{owner:?}");
        }
        let log = |resource: &str| DescribedLog::builder().resource_id(resource).flow_log_status("ACTIVE").build();
        assert_eq!(flow_log(log("vpc-1")).unwrap().flow_log_status.as_deref(), Some("ACTIVE"));
        for other in ["subnet-1", "eni-1", ""] {
            assert_eq!(flow_log(log(other)), None, "{other}");
        }
        assert_eq!(flow_log(DescribedLog::builder().build()), None);
    }
}
