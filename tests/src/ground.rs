//! What resources stand on, or are moved to, and nobody audits: groups of subnets, closed security groups, and databases of
//! kinds that are never made by mistake.

use crate::Account;
use crate::http::Request;

const DATABASE: &str = "Engine=mysql&DBInstanceClass=db.t4g.micro&AllocatedStorage=20&MasterUsername=sluice\
    &MasterUserPassword=hunter2-hunter2";

/// The group of subnets that the databases here are in.
pub const SUBNETS: &str = "sluice-test-inner";

/// The answer to a call with parameters.
fn ask(account: &Account, service: &str, version: &str, call: &str) -> String {
    let answer = account.call(service, Request::form(format!("Version={version}&{call}"))).unwrap();
    assert!(answer.status < 300, "{call}: {answer:?}");
    answer.text()
}

fn ec2(account: &Account, call: &str) -> String {
    ask(account, "ec2", "2016-11-15", call)
}

/// A call to RDS, which has to succeed.
pub fn rds(account: &Account, call: &str) -> String {
    ask(account, "rds", "2014-10-31", call)
}

/// All that stands between these tags.
fn all_between(text: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

/// A security group of the VPC.
pub fn group(account: &Account, vpc: &str, name: &str) -> String {
    let call = format!("Action=CreateSecurityGroup&GroupName={name}&GroupDescription=sluice&VpcId={vpc}");
    all_between(&ec2(account, &call), "groupId").remove(0)
}

/// Settings that name a closed security group for each VPC, and that group of the first VPC.
pub fn closed_groups(account: &Account) -> (String, String) {
    let mut vpcs = all_between(&ec2(account, "Action=DescribeVpcs"), "vpcId");
    vpcs.sort();
    let groups: Vec<String> = vpcs.iter().map(|vpc| group(account, vpc, "closed")).collect();
    let lines: Vec<String> = vpcs.iter().zip(&groups).map(|(vpc, group)| format!("{vpc:?} = {group:?}\n")).collect();
    (format!("[remediate.closed_security_groups]\n{}", lines.concat()), groups[0].clone())
}

/// The group of subnets [`SUBNETS`], in the first VPC, and which that is.
pub fn subnets(account: &Account) -> String {
    let mut vpcs = all_between(&ec2(account, "Action=DescribeVpcs"), "vpcId");
    vpcs.sort();
    let call = format!("Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1={}", vpcs[0]);
    let all = all_between(&ec2(account, &call), "subnetId");
    let ids: Vec<String> =
        all.iter().take(2).zip(1..).map(|(id, at)| format!("&SubnetIds.SubnetIdentifier.{at}={id}")).collect();
    let call = format!("Action=CreateDBSubnetGroup&DBSubnetGroupName={SUBNETS}&DBSubnetGroupDescription=inner");
    rds(account, &(call + &ids.concat()));
    vpcs.remove(0)
}

/// The instance `first`, which cannot be stopped because of its replica `second`.
pub fn replicated_instance(account: &Account) {
    rds(
        account,
        &format!(
            "Action=CreateDBInstance&DBInstanceIdentifier=first&DBSubnetGroupName={SUBNETS}&PubliclyAccessible=false&{DATABASE}"
        ),
    );
    rds(
        account,
        "Action=CreateDBInstanceReadReplica&DBInstanceIdentifier=second&SourceDBInstanceIdentifier=first\
         &PubliclyAccessible=false",
    );
}

/// The cluster `three-zones`, which cannot be stopped, being a Multi-AZ one, in a security group of its own.
pub fn multi_az_cluster(account: &Account, vpc: &str) {
    let own = group(account, vpc, "own");
    rds(
        account,
        &format!(
            "Action=CreateDBCluster&DBClusterIdentifier=three-zones&Engine=mysql&DBClusterInstanceClass=db.m5d.large\
             &StorageType=io1&AllocatedStorage=100&Iops=1000&MasterUsername=sluice&MasterUserPassword=hunter2-hunter2\
             &DBSubnetGroupName={SUBNETS}&VpcSecurityGroupIds.VpcSecurityGroupId.1={own}"
        ),
    );
}

/// A cluster with two instances, `NAME-1`, which writes, and `NAME-2`.
pub fn cluster(account: &Account, name: &str) {
    rds(
        account,
        &format!(
            "Action=CreateDBCluster&DBClusterIdentifier={name}&Engine=aurora-mysql&MasterUsername=sluice\
             &MasterUserPassword=hunter2-hunter2"
        ),
    );
    for number in [1, 2] {
        rds(
            account,
            &format!(
                "Action=CreateDBInstance&DBInstanceIdentifier={name}-{number}&DBClusterIdentifier={name}\
                 &Engine=aurora-mysql&DBInstanceClass=db.r6g.large"
            ),
        );
    }
}

/// The identifiers of all snapshots of instances (`DBSnapshot`) or clusters (`DBClusterSnapshot`) that RDS did not take by
/// itself.
pub fn snapshots(account: &Account, kind: &str) -> Vec<String> {
    let mut all = all_between(&rds(account, &format!("Action=Describe{kind}s")), &format!("{kind}Identifier"));
    all.retain(|id| !id.starts_with("rds:"));
    all.sort();
    all
}

/// Puts a classic load balancer into these security groups.
pub fn put_elb(account: &Account, name: &str, groups: &[&str]) {
    let call = format!("Action=ApplySecurityGroupsToLoadBalancer&LoadBalancerName={name}{}", members(groups));
    ask(account, "elasticloadbalancing", "2012-06-01", &call);
}

/// The same with one of the newer ones.
pub fn put_elbv2(account: &Account, arn: &str, groups: &[&str]) {
    let call = format!("Action=SetSecurityGroups&LoadBalancerArn={arn}{}", members(groups));
    ask(account, "elasticloadbalancing", "2015-12-01", &call);
}

fn members(groups: &[&str]) -> String {
    let member = |text: String, (at, id): (usize, &&str)| format!("{text}&SecurityGroups.member.{}={id}", at + 1);
    groups.iter().enumerate().fold(String::new(), member)
}

/// Reserves concurrency for a function, or none.
pub fn reserve(account: &Account, function: &str, concurrency: Option<u32>) {
    let path = format!("/2017-10-31/functions/{function}/concurrency");
    let request = match concurrency {
        Some(concurrency) => {
            let body = serde_json::json!({"ReservedConcurrentExecutions": concurrency});
            Request::new("PUT", &path).body(body.to_string())
        }
        None => Request::new("DELETE", &path),
    };
    let answer = account.call("lambda", request).unwrap();
    assert!(answer.status < 300, "{answer:?}");
}

/// How much concurrency is reserved for a function.
pub fn reserved(account: &Account, function: &str) -> serde_json::Value {
    let request = Request::new("GET", &format!("/2019-09-30/functions/{function}/concurrency"));
    let answer: serde_json::Value = serde_json::from_str(&account.call("lambda", request).unwrap().text()).unwrap();
    answer["ReservedConcurrentExecutions"].clone()
}
