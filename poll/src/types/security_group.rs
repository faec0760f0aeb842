//! `security_group`: `DescribeSecurityGroups`, which tells all at once.

use aws_sdk_ec2::types::{IpPermission as DescribedPermission, SecurityGroup as Described};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_SECURITY_GROUPS, Operation};
use common::record::Resource;
use common::resource::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroup, UserIdGroupPair};

use super::ec2::only_tests;
use super::{Owner, Polled, tags};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for SecurityGroup {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_SECURITY_GROUPS];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_SECURITY_GROUPS];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_ec2, session, region).describe_security_groups().set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_SECURITY_GROUPS, error))?;
                for described in page.security_groups.unwrap_or_default() {
                    if let Some(group) = convert(&owner, region, described) {
                        sink.resource(group).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let call = client!(aws_sdk_ec2, session, region).describe_security_groups().group_ids(id);
        match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_SECURITY_GROUPS, error)) {
            Ok(answer) => {
                let described = answer.security_groups.unwrap_or_default().into_iter().next();
                Ok(described.and_then(|described| convert(&Owner::of(session), region, described)))
            }
            Err(error) if matches!(error.code(), "InvalidGroup.NotFound" | "InvalidSecurityGroupID.NotFound") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The record of a group, unless it is another account's that shares it with this one: its owner's sweep has it, and
/// only the owner can change it.
fn convert(owner: &Owner, region: &Region, it: Described) -> Option<Resource<SecurityGroup>> {
    if it.owner_id.as_deref().is_some_and(|id| id != owner.account.as_str()) {
        return None;
    }
    let id = it.group_id.unwrap_or_default();
    let config = SecurityGroup {
        group_id: id.clone(),
        group_name: it.group_name.unwrap_or_default(),
        description: it.description,
        vpc_id: it.vpc_id,
        ip_permissions: permissions(it.ip_permissions.unwrap_or_default()),
        ip_permissions_egress: permissions(it.ip_permissions_egress.unwrap_or_default()),
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    Some(owner.resource(region, &id, owner.arn("ec2", region, format!("security-group/{id}")), tags, config))
}

/// The permissions, sorted on every level: AWS gives them in an order of its own that changes from call to call.
fn permissions(described: Vec<DescribedPermission>) -> Vec<IpPermission> {
    let mut permissions: Vec<_> = described
        .into_iter()
        .map(|it| IpPermission {
            ip_protocol: it.ip_protocol.unwrap_or_default(),
            from_port: it.from_port,
            to_port: it.to_port,
            ip_ranges: sorted(it.ip_ranges, |range| IpRange {
                cidr_ip: range.cidr_ip.unwrap_or_default(),
                description: range.description,
            }),
            ipv6_ranges: sorted(it.ipv6_ranges, |range| Ipv6Range {
                cidr_ipv6: range.cidr_ipv6.unwrap_or_default(),
                description: range.description,
            }),
            prefix_list_ids: sorted(it.prefix_list_ids, |list| PrefixListId {
                prefix_list_id: list.prefix_list_id.unwrap_or_default(),
                description: list.description,
            }),
            user_id_group_pairs: sorted(it.user_id_group_pairs, |pair| UserIdGroupPair {
                group_id: pair.group_id,
                user_id: pair.user_id,
                description: pair.description,
            }),
        })
        .collect();
    permissions.sort_unstable();
    permissions
}

fn sorted<T, U: Ord>(described: Option<Vec<T>>, convert: impl Fn(T) -> U) -> Vec<U> {
    let mut converted: Vec<_> = described.unwrap_or_default().into_iter().map(convert).collect();
    converted.sort_unstable();
    converted
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{IpRange as DescribedRange, Ipv6Range as DescribedRange6};

    use super::*;
    use crate::types::tests::owner;

    fn ssh(ranges: &[&str]) -> DescribedPermission {
        let range = |cidr: &&str| DescribedRange::builder().cidr_ip(*cidr).build();
        DescribedPermission::builder()
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .set_ip_ranges(Some(ranges.iter().map(range).collect()))
            .ipv6_ranges(DescribedRange6::builder().cidr_ipv6("::/0").build())
            .build()
    }

    fn group(permissions: Vec<DescribedPermission>) -> Described {
        Described::builder()
            .group_id("sg-1")
            .group_name("web")
            .owner_id("111122223333")
            .set_ip_permissions(Some(permissions))
            .build()
    }

    fn all() -> DescribedPermission {
        DescribedPermission::builder().ip_protocol("-1").build()
    }

    #[test]
    fn two_looks_at_one_group_are_equal_whatever_the_order() {
        let region = "eu-west-1".parse().unwrap();
        let one = convert(&owner(), &region, group(vec![ssh(&["10.0.0.0/8", "0.0.0.0/0"]), all()])).unwrap();
        let other = convert(&owner(), &region, group(vec![all(), ssh(&["0.0.0.0/0", "10.0.0.0/8"])])).unwrap();
        assert_eq!(one.config, other.config);
        assert_eq!(one.arn.to_string(), "arn:aws-cn:ec2:eu-west-1:111122223333:security-group/sg-1");
        let [everything, ssh] = &one.config.ip_permissions[..] else { panic!("two permissions") };
        assert_eq!((everything.from_port, everything.to_port), (None, None));
        assert_eq!(ssh.ipv6_ranges[0].cidr_ipv6, "::/0");
        assert_eq!((ssh.from_port, ssh.to_port), (Some(22), Some(22)));
    }

    #[test]
    fn a_group_that_another_account_shares_is_not_this_accounts() {
        let region = "eu-west-1".parse().unwrap();
        let shared = Described::builder().group_id("sg-2").owner_id("444455556666").build();
        assert!(convert(&owner(), &region, shared).is_none());
    }
}
