use common::action::Kill;
use serde_json::json;

use super::*;

/// What a task is read as: its reference, its ARN and its action, or the error.
fn read_value(task: &Value) -> Result<Job, String> {
    read(&task.to_string()).map_err(|error| error.to_string())
}

/// A task on an instance with these fields.
fn task(fields: &Value) -> Value {
    let mut task = json!({
        "aws_resource_name": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "action": "disable", "action_time": 0,
    });
    task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    task
}

fn group(fields: &Value) -> Value {
    let mut task = task(fields);
    task["aws_resource_name"] = json!("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1");
    task
}

fn bucket(fields: &Value) -> Value {
    let mut task = task(fields);
    task["aws_resource_name"] = json!("arn:aws:s3:eu-west-1:111122223333:acme");
    task
}

fn action(job: &Job) -> Value {
    serde_json::to_value(job.action.as_ref().unwrap()).unwrap()
}

/// Why a task is refused.
fn refusal(task: &Value) -> String {
    match read_value(task).unwrap().action {
        Some(Action::Unknown { why, value }) => {
            assert_eq!(value, task["action"]);
            why
        }
        other => panic!("{task}: {other:?}"),
    }
}

#[test]
fn an_arn_of_krampus_names_a_resource() {
    // The ARN in the task, and what it is read as: `region type id`, and the ARN as AWS writes it.
    let rows = [
        ("arn:aws:s3:eu-west-1:111122223333:acme", "eu-west-1 s3_bucket acme", "arn:aws:s3:::acme"),
        ("arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "eu-west-1 ebs_volume vol-1", ""),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "eu-west-1 ec2 i-1", ""),
        ("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "eu-west-1 security_group sg-1", ""),
        ("arn:aws:iam::111122223333:user/team/web/jane", "global iam_user jane", ""),
        ("arn:aws:iam::111122223333:role/service-role/deploy", "global iam_role deploy", ""),
        ("arn:aws:rds:eu-west-1:111122223333:db:shop", "eu-west-1 rds shop", ""),
        ("arn:aws:rds:eu-west-1:111122223333:cluster:shop", "eu-west-1 rds_cluster shop", ""),
        ("arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1", "eu-west-1 rds_snapshot shop-1", ""),
        ("arn:aws:rds:eu-west-1:111122223333:snapshot:rds:shop-1", "eu-west-1 rds_snapshot rds:shop-1", ""),
        ("arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:shop-1", "eu-west-1 rds_cluster_snapshot shop-1", ""),
        ("arn:aws:lambda:eu-west-1:111122223333:function:resize", "eu-west-1 lambda_function resize", ""),
        (
            "arn:aws:lambda:eu-west-1:111122223333:function:resize:live",
            "eu-west-1 lambda_function resize",
            "arn:aws:lambda:eu-west-1:111122223333:function:resize",
        ),
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/shop", "eu-west-1 dynamodb_table shop", ""),
    ];
    for (arn, expected, written) in rows {
        let job = read_value(&task(&json!({"aws_resource_name": arn}))).unwrap();
        let Reference { account, region, kind, id } = &job.reference;
        assert_eq!((account.as_str(), format!("{region} {kind} {id}").as_str()), ("111122223333", expected), "{arn}");
        let written = if written.is_empty() { arn } else { written };
        assert_eq!(job.arn.as_ref().map(ToString::to_string).as_deref(), Some(written));
        assert_eq!(job.key, format!("disable:{written}"));
        assert_eq!((job.action, job.action_time), (Some(Action::Disable), None), "{arn}");
    }
    let plain = bucket(&json!({}));
    for fields in [
        json!({"account": "111122223333", "region": "eu-west-1"}),
        json!({"aws_account": 111_122_223_333_u64, "aws_region": "eu-west-1"}),
    ] {
        let fields = task(&fields).as_object().unwrap().clone();
        let mut plainer = plain.clone();
        plainer.as_object_mut().unwrap().extend(fields);
        plainer["aws_resource_name"] = json!("arn:aws:s3:::acme");
        assert_eq!(read_value(&plainer).unwrap(), read_value(&plain).unwrap());
    }
}

#[test]
fn kill_and_disable_are_read_in_any_case_and_the_rest_is_ignored() {
    for name in ["kill", "Kill", "KILL"] {
        for action in [json!(name), json!({"name": name})] {
            let job = read_value(&task(&json!({"action": action}))).unwrap();
            assert_eq!(job.action, Some(Action::Kill(Kill::default())), "{name}");
        }
    }
    let data = json!({"name": "KILL", "IncludeData": true});
    let job = read_value(&task(&json!({"action": data}))).unwrap();
    assert_eq!(job.action, Some(Action::Kill(Kill { include_data: true })));
    let whole = json!({
        "action": "DISABLE", "action_time": "1525789927", "aws_region": "eu-west-1", "aws_object_type": "S3",
        "ec2_instance_id": "i-2", "iam_user": "joe", "unique_id": "x", "score": 17, "issues": ["a\tb"],
        "_comments": {"a": [1, null]}, "is_whitelisted": true, "s3_principal": null, "s3_permission": null,
        "cidr_range": null, "cidr_ip": "", "from_port": null, "to_port": null, "proto": null, "direction": null,
    });
    let job = read_value(&task(&whole)).unwrap();
    assert_eq!(job.action, Some(Action::Disable));
    assert_eq!(job.action_time, Some("2018-05-08T14:32:07Z".parse().unwrap()));
    // Sluice's own have names of their own, and parameters.
    let own = json!({"action": {"name": "iam_deactivate_key", "AccessKeyId": "AKIA1"}, "proto": 7});
    assert_eq!(action(&read_value(&task(&own)).unwrap()), own["action"]);
    assert!(refusal(&task(&json!({"action": "STOP"}))).contains("`STOP` is not an action"));
    assert!(refusal(&task(&json!({"action": {"name": "kill", "WithData": true}}))).contains("WithData"));
}

#[test]
fn grants_of_a_bucket_are_what_is_disabled() {
    let everyone = "http://acs.amazonaws.com/groups/global/AllUsers";
    let rows = [
        (json!(["READ_ACP", "WRITE"]), json!(["READ_ACP", "WRITE"])),
        (json!(["write", "READ", "WRITE"]), json!(["READ", "WRITE"])),
        (json!("FULL_CONTROL"), json!(["FULL_CONTROL"])),
    ];
    for (permission, permissions) in rows {
        let job = read_value(&bucket(&json!({"s3_principal": everyone, "s3_permission": permission}))).unwrap();
        let expected = json!({"name": "s3_remove_grants", "Principal": everyone, "Permissions": permissions});
        assert_eq!(action(&job), expected);
        let list = permissions.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        assert_eq!(job.key, format!("s3_remove_grants:arn:aws:s3:::acme:{everyone}:{list}"));
    }
    let refused = [
        (bucket(&json!({"s3_principal": everyone})), "no `s3_permission`"),
        (bucket(&json!({"s3_principal": everyone, "s3_permission": []})), "no `s3_permission`"),
        (bucket(&json!({"s3_permission": "READ"})), "no `s3_principal`"),
        (bucket(&json!({"s3_principal": everyone, "s3_permission": "LIST"})), "`s3_permission` has \"LIST\""),
        (bucket(&json!({"s3_principal": everyone, "s3_permission": ["READ", 7]})), "`s3_permission` is 7"),
        (bucket(&json!({"s3_principal": [everyone], "s3_permission": "READ"})), "`s3_principal` is ["),
        (
            bucket(&json!({"s3_principal": everyone, "s3_permission": "READ", "action": "kill"})),
            "it has `s3_principal`, which is a part of the s3_bucket, but `kill` is for all of it",
        ),
        (
            task(&json!({"s3_principal": everyone, "s3_permission": "READ"})),
            "it has `s3_principal`, which is for a s3_bucket, but names a resource of type ec2",
        ),
        (
            bucket(&json!({"s3_principal": everyone, "s3_permission": "READ", "cidr_range": "10.0.0.0/8"})),
            "`s3_principal` of a bucket and `cidr_range` of a security group",
        ),
    ];
    for (task, says) in refused {
        let why = refusal(&task);
        assert!(why.contains(says), "{task}: {why}");
    }
}

#[test]
fn a_rule_of_a_group_is_what_is_disabled() {
    let range = |cidr: &str| json!([{"CidrIp": cidr}]);
    let range6 = |cidr: &str| json!([{"CidrIpv6": cidr}]);
    let tcp = |ports: (i32, i32), field: &str, ranges: Value| {
        let mut rule = json!({"IpProtocol": "tcp", "FromPort": ports.0, "ToPort": ports.1});
        rule[field] = ranges;
        rule
    };
    let rows = [
        // Krampus's, and the Justice Engine's.
        (
            json!({"cidr_range": "0.0.0.0/0", "from_port": 22, "to_port": 22, "proto": "tcp"}),
            "ec2_revoke_ingress",
            tcp((22, 22), "IpRanges", range("0.0.0.0/0")),
            "tcp:22-22:0.0.0.0/0",
        ),
        (
            json!({"cidr_ip": "10.1.2.3/8", "from_port": "8000", "to_port": "8080", "proto": "TCP", "direction": "Egress"}),
            "ec2_revoke_egress",
            tcp((8000, 8080), "IpRanges", range("10.0.0.0/8")),
            "tcp:8000-8080:10.0.0.0/8",
        ),
        (
            json!({"cidr_ip": "::/0", "cidr_range": "::/0", "from_port": 22, "to_port": 22, "proto": "tcp", "direction": "ingress"}),
            "ec2_revoke_ingress",
            tcp((22, 22), "Ipv6Ranges", range6("::/0")),
            "tcp:22-22:::/0",
        ),
        (
            json!({"cidr_range": "0.0.0.0/0", "proto": "all"}),
            "ec2_revoke_ingress",
            json!({"IpProtocol": "-1", "IpRanges": range("0.0.0.0/0")}),
            "-1:all:0.0.0.0/0",
        ),
        (
            json!({"cidr_range": "0.0.0.0/0", "from_port": 0, "to_port": 65535, "proto": -1}),
            "ec2_revoke_ingress",
            json!({"IpProtocol": "-1", "IpRanges": range("0.0.0.0/0")}),
            "-1:all:0.0.0.0/0",
        ),
        (
            json!({"cidr_range": "0.0.0.0/0", "from_port": 8, "to_port": -1, "proto": "icmp"}),
            "ec2_revoke_ingress",
            json!({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": range("0.0.0.0/0")}),
            "icmp:8--1:0.0.0.0/0",
        ),
        (
            json!({"cidr_range": "0.0.0.0/0", "proto": 50}),
            "ec2_revoke_ingress",
            json!({"IpProtocol": "50", "IpRanges": range("0.0.0.0/0")}),
            "50:all:0.0.0.0/0",
        ),
    ];
    for (fields, name, rule, part) in rows {
        let job = read_value(&group(&fields)).unwrap();
        assert_eq!(action(&job), json!({"name": name, "IpPermissions": [rule]}), "{fields}");
        assert_eq!(job.key, format!("{name}:arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1:{part}"));
    }
}

#[test]
fn half_a_rule_is_refused_and_not_taken_for_all_rules() {
    let whole = json!({"cidr_range": "0.0.0.0/0", "from_port": 22, "to_port": 22, "proto": "tcp"});
    let edits = [
        (json!({"cidr_range": null}), "without `cidr_range`"),
        (json!({"from_port": null}), "without `from_port`"),
        (json!({"to_port": null}), "without `to_port`"),
        (json!({"proto": null}), "without `proto`"),
        (json!({"cidr_range": null, "from_port": null, "to_port": null}), "without `cidr_range`"),
        (
            json!({"cidr_range": null, "from_port": null, "to_port": null, "proto": null, "direction": "egress"}),
            "without `cidr_range`",
        ),
        (json!({"cidr_ip": "10.0.0.0/8"}), "`cidr_range` and `cidr_ip` are not the same: 0.0.0.0/0, 10.0.0.0/8"),
        (json!({"cidr_range": "0.0.0.0"}), "`0.0.0.0` is no range"),
        (json!({"cidr_range": "0.0.0.0/33"}), "is no range"),
        (json!({"cidr_range": "office"}), "`office` is no range"),
        (json!({"cidr_range": ["0.0.0.0/0"]}), "`cidr_range` is [\"0.0.0.0/0\"], which is no text"),
        (json!({"from_port": 23}), "`from_port` 23 is above `to_port` 22"),
        (json!({"to_port": 65536}), "there are no ports from 22 to 65536"),
        (json!({"from_port": -1, "to_port": -1}), "there are no ports from -1 to -1"),
        (json!({"from_port": "ssh"}), "`from_port` is \"ssh\", which is no port"),
        (json!({"from_port": 22.5}), "`from_port` is 22.5"),
        (json!({"from_port": [22]}), "`from_port` is [22]"),
        (json!({"proto": "ssh"}), "`proto` is `ssh`"),
        (json!({"proto": 256}), "`proto` is `256`"),
        (json!({"proto": "icmp", "from_port": 256}), "there are no ports"),
        (json!({"direction": "sideways"}), "`direction` is `sideways`"),
        (json!({"action": "KILL"}), "`cidr_range`, which is a part of the security_group, but `kill` is for all of it"),
        (json!({"s3_principal": "x"}), "`s3_principal` of a bucket and `cidr_range` of a security group"),
    ];
    for (edit, says) in edits {
        let mut fields = whole.clone();
        fields.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        let why = match read_value(&group(&fields)).unwrap().action {
            Some(Action::Unknown { why, .. }) => why,
            other => panic!("{fields}: {other:?}"),
        };
        assert!(why.contains(says), "{edit}: {why}");
    }
    let why = refusal(&task(&whole));
    assert!(why.contains("`cidr_range`, which is for a security_group, but names a resource of type ec2"), "{why}");
}

#[test]
fn what_is_aws_s_own_or_only_a_part_of_a_function_is_refused() {
    let managed = "arn:aws:iam::aws:policy/AdministratorAccess";
    let named = task(&json!({"aws_resource_name": managed, "aws_account": "111122223333"}));
    assert!(refusal(&named).contains("is managed by AWS itself"));
    assert_eq!(read_value(&named).unwrap().key, format!("disable:{managed}"));
    let function = |qualifier: &str, action: &str| {
        let arn = format!("arn:aws:lambda:eu-west-1:111122223333:function:resize{qualifier}");
        task(&json!({"aws_resource_name": arn, "action": action}))
    };
    assert!(refusal(&function(":live", "kill")).contains("`live`, an alias or version of the function resize"));
    for task in [function("", "kill"), function(":live", "disable")] {
        assert!(!matches!(read_value(&task).unwrap().action, Some(Action::Unknown { .. })), "{task}");
    }
}

#[test]
fn what_names_no_resource_is_an_error() {
    let rows = [
        (
            json!({"aws_resource_name": "arn:aws:ec2"}),
            "this is neither a finding nor a task: `arn:aws:ec2` is not an ARN",
        ),
        (json!({"aws_resource_name": "arn:aws:iam::aws:policy/AdministratorAccess"}), "is managed by AWS itself"),
        (json!({"aws_resource_name": "arn:aws:s3:::acme"}), "names no `account`"),
        (
            json!({"aws_resource_name": "arn:aws:ec2:region:account-id:volume/volume-id"}),
            "`account-id` is not an account id",
        ),
        (json!({"aws_account": "444455556666"}), "`account` is 444455556666, but its ARN says 111122223333"),
        (json!({"aws_region": "us-east-1"}), "`region` is us-east-1, but its ARN says eu-west-1"),
        (json!({"aws_resource_name": null}), "names no `type`"),
        (json!({"action": null}), "it has no `kind` and no `action`"),
        (json!({"action": null, "kind": "task"}), "this task has no `action`"),
        (json!({"action": 7}), "an action is a name or an object"),
        (json!({"action_time": "soon"}), "`action_time` is \"soon\", which is no time"),
    ];
    for (fields, says) in rows {
        let error = read_value(&task(&fields)).unwrap_err();
        assert!(error.contains(says), "{fields}: {error}");
    }
    let below = read("{\n\"action\": 7,\n\"action_time\": 0\n}").unwrap_err();
    assert!(matches!(below, TaskError::Unreadable { down: 1, .. }), "{below:?}");
    let twice = task(&json!({})).to_string().replace('{', r#"{"action":"kill","#);
    assert!(read(&twice).unwrap_err().to_string().contains("duplicate field `action`"));
}
