//! Many bad resources of a type, for the tests that are about their number: made by hand, since the
//! misconfiguration maker makes one of each.

use common::resource::ResourceType;
use serde_json::{Value, json};

use crate::account::Account;
use crate::http::Request;
use crate::stage::{json_request, open_to_all};

/// An instance and a cluster, not encrypted.
const DATABASE: &str = "Engine=mysql&DBInstanceClass=db.t3.micro&AllocatedStorage=20&MasterUsername=root\
                        &MasterUserPassword=notforanyone";
const CLUSTER: &str = "Engine=aurora-mysql&MasterUsername=root&MasterUserPassword=notforanyone";
/// Anyone may restore from it.
const RESTORE: &str = "AttributeName=restore&ValuesToAdd.AttributeValue.1=all";

/// Where they are made.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub account: &'a Account,
    pub region: &'a str,
}

impl Place<'_> {
    /// Makes that many of a type, each of which fails the check that is first in the table of `scale.rs`.
    ///
    /// # Panics
    /// When AWS says no, and for a type of which nobody said how it is made.
    pub fn make(&self, kind: ResourceType, count: usize) {
        match (kind, count) {
            (_, 0) => return,
            (ResourceType::Ec2, _) => return self.instances(count),
            _ => {}
        }
        let base = self.base(kind);
        // One after the other: the emulator does not gain by more, and stumbles over some of them at once.
        for number in 0..count {
            self.one(kind, &base, number);
        }
    }

    /// Load balancers that face the internet, all of them before the same instances: in a development account each of these
    /// behind each of those is a finding.
    ///
    /// # Panics
    /// When AWS says no, and for a type that is no load balancer.
    pub fn make_facing(&self, kind: ResourceType, balancers: usize, instances: usize) {
        self.instances(instances);
        let instances = every(&self.ec2("Action=DescribeInstances"), "instanceId");
        let members = |list: &str, field: &str| -> String {
            let member = |(number, id): (usize, &String)| format!("&{list}.member.{}.{field}={id}", number + 1);
            instances.iter().enumerate().map(member).collect()
        };
        self.make(kind, balancers);
        match kind {
            ResourceType::Elb => {
                let instances = members("Instances", "InstanceId");
                for number in 0..balancers {
                    let name = format!("LoadBalancerName=many-{number:04}");
                    self.balancing(
                        "2012-06-01",
                        &format!("Action=RegisterInstancesWithLoadBalancer&{name}{instances}"),
                    );
                }
            }
            ResourceType::Elbv2 => {
                let call = |form: &str| self.balancing("2015-12-01", form);
                let targets = members("Targets", "Id");
                let vpc = first(&self.ec2("Action=DescribeVpcs"), "vpcId");
                for (number, balancer) in
                    every(&call("Action=DescribeLoadBalancers"), "LoadBalancerArn").iter().enumerate()
                {
                    let about = format!("Name=many-{number:04}&Protocol=HTTP&Port=80&TargetType=instance&VpcId={vpc}");
                    let group = first(&call(&format!("Action=CreateTargetGroup&{about}")), "TargetGroupArn");
                    let forward =
                        format!("DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}");
                    call(&format!("Action=CreateListener&LoadBalancerArn={balancer}&Protocol=HTTP&Port=80&{forward}"));
                    call(&format!("Action=RegisterTargets&TargetGroupArn={group}{targets}"));
                }
            }
            other => panic!("{other} is no load balancer"),
        }
    }

    fn balancing(&self, version: &str, form: &str) -> String {
        self.call("elasticloadbalancing", Request::form(format!("Version={version}&{form}")))
    }

    /// What all of a type have in common and needs a call to be known, and is made for them where it takes one.
    fn base(&self, kind: ResourceType) -> String {
        match kind {
            ResourceType::SecurityGroup => first(&self.ec2("Action=DescribeVpcs"), "vpcId"),
            ResourceType::EbsSnapshot => {
                let volume = self.ec2(&format!("Action=CreateVolume&Size=1&AvailabilityZone={}a", self.region));
                first(&volume, "volumeId")
            }
            ResourceType::RdsSnapshot => {
                self.rds(&format!("Action=CreateDBInstance&DBInstanceIdentifier=base&{DATABASE}"))
            }
            ResourceType::RdsClusterSnapshot => {
                self.rds(&format!("Action=CreateDBCluster&DBClusterIdentifier=base&{CLUSTER}"))
            }
            ResourceType::AutoScalingGroup => {
                self.autoscaling(
                    "Action=CreateLaunchConfiguration&LaunchConfigurationName=many&ImageId=ami-12c6146b\
                     &InstanceType=t3.micro",
                );
                format!("{}a", self.region)
            }
            ResourceType::LambdaFunction => {
                let trust = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
                ]});
                let name = format!("runner-{}", self.region);
                self.iam(&format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={trust}"));
                format!("arn:aws:iam::{}:role/{name}", self.account.id())
            }
            ResourceType::Elbv2 => self.subnet(),
            ResourceType::EcsService | ResourceType::EcsTask | ResourceType::EcsTaskSet => {
                self.cluster(kind);
                let group = first(
                    &self.ec2("Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=default"),
                    "groupId",
                );
                network(&self.subnet(), &group).to_string()
            }
            _ => String::new(),
        }
    }

    fn one(&self, kind: ResourceType, base: &str, number: usize) {
        let name = format!("many-{number:04}");
        let network: Value = serde_json::from_str(base).unwrap_or_default();
        match kind {
            ResourceType::S3Bucket => self.bucket(&name),
            ResourceType::SecurityGroup => {
                let about = format!("GroupName={name}&GroupDescription=many&VpcId={base}");
                let group = first(&self.ec2(&format!("Action=CreateSecurityGroup&{about}")), "groupId");
                let rule = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22\
                            &IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0";
                self.ec2(&format!("Action=AuthorizeSecurityGroupIngress&GroupId={group}&{rule}"));
            }
            ResourceType::IamUser => {
                self.iam(&format!("Action=CreateUser&UserName={name}"));
                self.iam(&format!("Action=CreateAccessKey&UserName={name}"));
            }
            ResourceType::Sqs => {
                let policy = open_to_all("sqs:SendMessage", "*").to_string();
                self.json(
                    "sqs",
                    "AmazonSQS.CreateQueue",
                    &json!({"QueueName": name, "Attributes": {"Policy": policy}}),
                );
            }
            ResourceType::Rds => {
                let public = "PubliclyAccessible=true";
                self.rds(&format!("Action=CreateDBInstance&DBInstanceIdentifier={name}&{DATABASE}&{public}"));
            }
            ResourceType::RdsCluster => {
                self.rds(&format!("Action=CreateDBCluster&DBClusterIdentifier={name}&{CLUSTER}"));
            }
            ResourceType::Redshift => {
                let about = "NodeType=ra3.large&MasterUsername=root&MasterUserPassword=Notforanyone1\
                             &PubliclyAccessible=true";
                let call = format!("Action=CreateCluster&Version=2012-12-01&ClusterIdentifier={name}&{about}");
                self.call("redshift", Request::form(call));
            }
            ResourceType::RdsSnapshot => {
                let snapshot = format!("DBSnapshotIdentifier={name}");
                self.rds(&format!("Action=CreateDBSnapshot&DBInstanceIdentifier=base&{snapshot}"));
                self.rds(&format!("Action=ModifyDBSnapshotAttribute&{snapshot}&{RESTORE}"));
            }
            ResourceType::RdsClusterSnapshot => {
                let snapshot = format!("DBClusterSnapshotIdentifier={name}");
                self.rds(&format!("Action=CreateDBClusterSnapshot&DBClusterIdentifier=base&{snapshot}"));
                self.rds(&format!("Action=ModifyDBClusterSnapshotAttribute&{snapshot}&{RESTORE}"));
            }
            ResourceType::IamGroup => {
                self.iam(&format!("Action=CreateGroup&GroupName={name}"));
            }
            ResourceType::IamPolicy => {
                let document = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Deny", "Action": "*", "Resource": "*"},
                ]});
                self.iam(&format!("Action=CreatePolicy&PolicyName={name}&PolicyDocument={document}"));
            }
            ResourceType::IamRole => {
                let trust = json!({"Version": "2012-10-17", "Statement": [
                    {"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
                ]});
                self.iam(&format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={trust}"));
            }
            ResourceType::LambdaFunction => {
                let function = json!({
                    "FunctionName": name, "Runtime": "python3.13", "Handler": "index.handler", "Role": base,
                    "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
                });
                self.rest("lambda", "/2015-03-31/functions", &function);
                let open = json!({"StatementId": "Open", "Action": "lambda:InvokeFunction", "Principal": "*"});
                self.rest("lambda", &format!("/2015-03-31/functions/{name}/policy"), &open);
            }
            ResourceType::KmsKey => {
                // A key that its own account cannot manage any more is left alone.
                let own = json!({"AWS": format!("arn:aws:iam::{}:root", self.account.id())});
                let policy = json!({"Version": "2012-10-17", "Statement": [
                    {"Sid": "Own", "Effect": "Allow", "Principal": own, "Action": "kms:*", "Resource": "*"},
                    {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
                ]})
                .to_string();
                self.json("kms", "TrentService.CreateKey", &json!({"Description": name, "Policy": policy}));
            }
            // Without an instance, which would be one more of another type.
            ResourceType::AutoScalingGroup => {
                let about = "LaunchConfigurationName=many&MinSize=0&MaxSize=1&DesiredCapacity=0";
                let zone = format!("AvailabilityZones.member.1={base}");
                self.autoscaling(&format!("Action=CreateAutoScalingGroup&AutoScalingGroupName={name}&{about}&{zone}"));
            }
            ResourceType::SpotRequest => {
                let about = "LaunchSpecification.ImageId=ami-12c6146b&LaunchSpecification.InstanceType=t3.micro";
                self.ec2(&format!("Action=RequestSpotInstances&SpotPrice=0.0001&Type=persistent&{about}"));
            }
            ResourceType::EbsVolume => {
                self.ec2(&format!("Action=CreateVolume&Size=1&AvailabilityZone={}a", self.region));
            }
            ResourceType::EbsSnapshot => {
                let snapshot = first(&self.ec2(&format!("Action=CreateSnapshot&VolumeId={base}")), "snapshotId");
                let all = "Attribute=createVolumePermission&OperationType=add&UserGroup.1=all";
                self.ec2(&format!("Action=ModifySnapshotAttribute&SnapshotId={snapshot}&{all}"));
            }
            ResourceType::Ami => {
                let about = "Architecture=x86_64&VirtualizationType=hvm&RootDeviceName=/dev/xvda\
                             &BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=1";
                let image = first(&self.ec2(&format!("Action=RegisterImage&Name={name}&{about}")), "imageId");
                let all = "LaunchPermission.Add.1.Group=all";
                self.ec2(&format!("Action=ModifyImageAttribute&ImageId={image}&{all}"));
            }
            ResourceType::Elb => {
                let listener = "Listeners.member.1.Protocol=HTTP&Listeners.member.1.LoadBalancerPort=80\
                                &Listeners.member.1.InstancePort=80";
                let zone = format!("AvailabilityZones.member.1={}a", self.region);
                self.balancing(
                    "2012-06-01",
                    &format!("Action=CreateLoadBalancer&LoadBalancerName={name}&{listener}&{zone}"),
                );
            }
            ResourceType::Elbv2 => {
                // The emulator does not make up for what is left out.
                let about = format!("Name={name}&Type=application&Scheme=internet-facing&Subnets.member.1={base}");
                self.balancing("2015-12-01", &format!("Action=CreateLoadBalancer&{about}"));
            }
            ResourceType::EcsService => {
                self.ecs(
                    "CreateService",
                    &json!({
                        "cluster": "many", "serviceName": name, "desiredCount": 0, "launchType": "FARGATE",
                        "taskDefinition": "many", "networkConfiguration": network,
                    }),
                );
            }
            ResourceType::EcsTask => {
                self.ecs(
                    "RunTask",
                    &json!({
                        "cluster": "many", "launchType": "FARGATE", "taskDefinition": "many",
                        "networkConfiguration": network,
                    }),
                );
            }
            ResourceType::EcsTaskSet => {
                self.ecs(
                    "CreateTaskSet",
                    &json!({
                        "cluster": "many", "service": "sets", "externalId": name, "launchType": "FARGATE",
                        "taskDefinition": "many", "networkConfiguration": network,
                        "scale": {"unit": "PERCENT", "value": 0.0},
                    }),
                );
            }
            ResourceType::Organization => {
                let call = "AWSOrganizationsV20161128.CreateOrganization";
                self.json("organizations", call, &json!({"FeatureSet": "ALL"}));
            }
            // Nobody makes a region or an account; what there may be in one is a detector.
            ResourceType::Region => {
                self.rest("guardduty", "/detector", &json!({"enable": true}));
            }
            ResourceType::Ec2 | ResourceType::Account | ResourceType::Spend => panic!("{kind} is not made one by one"),
        }
    }

    /// What services, tasks and task sets are in: the same for all three.
    fn cluster(&self, kind: ResourceType) {
        self.ecs("CreateCluster", &json!({"clusterName": "many"}));
        self.ecs(
            "RegisterTaskDefinition",
            &json!({
                "family": "many", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
                "memory": "512", "containerDefinitions": [{"name": "sleep", "image": "busybox", "memory": 256}],
            }),
        );
        if kind == ResourceType::EcsTaskSet {
            self.ecs(
                "CreateService",
                &json!({
                    "cluster": "many", "serviceName": "sets", "desiredCount": 0,
                    "deploymentController": {"type": "EXTERNAL"},
                }),
            );
        }
    }

    fn ecs(&self, operation: &str, body: &Value) {
        self.json("ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), body);
    }

    /// Anyone may list what is in it.
    fn bucket(&self, name: &str) {
        let name = format!("{name}-{}-{}", self.region, self.account.id());
        let place = match self.region {
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: the one region that is not named.
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        self.call("s3", Request::new("PUT", &format!("/{name}")).body(place));
        let policy = open_to_all("s3:ListBucket", &format!("arn:aws:s3:::{name}")).to_string();
        self.call("s3", Request::new("PUT", &format!("/{name}?policy")).body(policy));
    }

    /// One reservation.
    fn instances(&self, count: usize) {
        let about = "ImageId=ami-12c6146b&InstanceType=t3.micro&MetadataOptions.HttpTokens=optional\
                     &MetadataOptions.HttpEndpoint=enabled";
        self.ec2(&format!("Action=RunInstances&MinCount={count}&MaxCount={count}&{about}"));
    }

    fn subnet(&self) -> String {
        first(&self.ec2("Action=DescribeSubnets"), "subnetId")
    }

    fn ec2(&self, form: &str) -> String {
        self.call("ec2", Request::form(format!("Version=2016-11-15&{form}")))
    }

    fn autoscaling(&self, form: &str) {
        self.call("autoscaling", Request::form(format!("Version=2011-01-01&{form}")));
    }

    pub fn iam(&self, form: &str) -> String {
        self.call("iam", Request::form(format!("Version=2010-05-08&{form}")))
    }

    fn rds(&self, form: &str) -> String {
        self.call("rds", Request::form(format!("Version=2014-10-31&{form}")))
    }

    fn json(&self, service: &str, target: &str, body: &Value) -> String {
        self.call(service, json_request(target, body))
    }

    fn rest(&self, service: &str, path: &str, body: &Value) {
        let request = Request::new("POST", path).with("Content-Type", "application/json");
        self.call(service, request.body(body.to_string()));
    }

    /// A call that has to succeed.
    fn call(&self, service: &str, request: Request) -> String {
        let answer = self.account.call_in(self.region, service, request).unwrap();
        assert!(answer.status < 300, "{service}: {} {}", answer.status, answer.text());
        answer.text()
    }
}

/// What the first element of that name holds.
fn first(answer: &str, element: &str) -> String {
    let inner = answer.split_once(&format!("<{element}>")).and_then(|(_, rest)| rest.split_once('<'));
    inner.unwrap_or_else(|| panic!("no {element} in {answer}")).0.to_owned()
}

/// What each element of that name holds.
fn every(answer: &str, element: &str) -> Vec<String> {
    let tag = format!("<{element}>");
    answer.split(&tag).skip(1).filter_map(|rest| rest.split_once('<')).map(|(inner, _)| inner.to_owned()).collect()
}

/// A network in which tasks get addresses on the internet.
fn network(subnet: &str, group: &str) -> Value {
    json!({"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group], "assignPublicIp": "ENABLED"}})
}
