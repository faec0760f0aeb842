//! Krampus's tasks file and whitelist, and the tasks of its Justice Engine, as they were written for them.

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::http::Request;
use tests::many::Place;
use tests::stage::{Stage, input, resources, sorted, statuses, text, undos, write_names};
use tests::{Emulator, Proxy, Ran};

const EVERYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

/// `docs/example_tasks.json` of Krampus, with the names that it leaves open.
fn example(region: &str, account: &str, names: [&str; 5]) -> String {
    let [bucket, volume, instance, user, function] = names;
    format!(
        r#"{{
    "tasks": [
        {{
            "s3_principal": "http://acs.amazonaws.com/groups/global/AllUsers",
            "s3_permission": ["READ_ACP", "WRITE"],
            "action": "disable",
            "action_time": 0,
            "aws_resource_name": "arn:aws:s3:{region}:{account}:{bucket}"
        }},
        {{
            "action": "kill",
            "action_time": 1525789927,
            "aws_resource_name": "arn:aws:ec2:{region}:{account}:volume/{volume}"
        }},
        {{
            "action": "disable",
            "action_time": 0,
            "aws_resource_name": "arn:aws:ec2:{region}:{account}:instance/{instance}"
        }},
        {{
            "action": "kill",
            "action_time": 1525789927,
            "aws_resource_name": "arn:aws:iam::{account}:user/{user}"
        }},
        {{
            "action": "kill",
            "action_time": 0,
            "aws_resource_name": "arn:aws:lambda:{region}:{account}:function:{function}"
        }}
    ],
    "other": {{"unique_id": 17, "_comments": ["kept"]}}
}}
"#
    )
}

fn make(stage: &Stage, kind: ResourceType, count: usize) {
    Place { account: &stage.account, region: "us-east-1" }.make(kind, count);
}

/// All that is there of a type, as it is now.
fn all(stage: &Stage, kind: &str) -> Vec<Value> {
    resources(&stage.poll_all()).into_iter().filter(|resource| resource["type"] == kind).collect()
}

/// What Krampus or the Justice Engine would be given for a resource.
fn task(resource: &Value, action: &str, fields: &Value) -> Value {
    let mut task = json!({"aws_resource_name": resource["arn"], "action": action, "action_time": 0, "score": 17});
    task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    task
}

/// Lets everyone read and write the ACL's permissions and the bucket itself.
fn open_to_everyone(stage: &Stage, bucket: &str) {
    let owner = text(&all(stage, "s3_bucket")[0]["config"]["Owner"]["ID"]);
    let grant = |kind: &str, grantee: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\">{grantee}</Grantee>\
             <Permission>{permission}</Permission></Grant>"
        )
    };
    let own = format!("<ID>{owner}</ID>");
    let grants = [
        grant("CanonicalUser", &own, "FULL_CONTROL"),
        grant("Group", &format!("<URI>{EVERYONE}</URI>"), "READ_ACP"),
        grant("Group", &format!("<URI>{EVERYONE}</URI>"), "WRITE"),
    ];
    let policy = format!(
        "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner>{own}</Owner><AccessControlList>{}\
         </AccessControlList></AccessControlPolicy>",
        grants.concat()
    );
    stage.call("s3", Request::new("PUT", &format!("/{bucket}?acl")).body(policy));
}

fn outcomes(ran: &Ran) -> Vec<String> {
    statuses(&ran.kind("outcome"))
}

#[test]
fn the_documented_file_goes_through_as_it_is() {
    let stage = Stage::empty("s3_bucket,ebs_volume,ec2,iam_user,lambda_function");
    let kinds = [
        ResourceType::S3Bucket,
        ResourceType::EbsVolume,
        ResourceType::Ec2,
        ResourceType::IamUser,
        ResourceType::LambdaFunction,
    ];
    for kind in kinds {
        make(&stage, kind, 1);
    }
    // An instance comes with a volume of its own.
    let id_of = |kind: ResourceType| {
        let of_kind = all(&stage, kind.name());
        let loose = of_kind.iter().find(|it| it["config"]["Attachments"].as_array().is_none_or(Vec::is_empty));
        text(&loose.unwrap()["id"])
    };
    let ids = kinds.map(id_of);
    open_to_everyone(&stage, &ids[0]);
    let names: [&str; 5] = std::array::from_fn(|at| ids[at].as_str());
    let file = example("us-east-1", stage.account.id(), names);
    let plan = stage.run(stage.remediate(file).arg("--irreversible")).exits(0);
    let planned = plan.kind("outcome");
    let named = |outcome: &Value| format!("{} {}", text(&outcome["type"]), text(&outcome["id"]));
    let expected = kinds.iter().zip(&ids).map(|(kind, id)| format!("{kind} {id}"));
    assert_eq!(sorted(planned.iter().map(named)), sorted(expected), "{plan}");
    for outcome in &planned {
        let kill = ["ebs_volume", "iam_user", "lambda_function"].contains(&outcome["type"].as_str().unwrap());
        let action = match outcome["type"].as_str() {
            Some("s3_bucket") => json!({
                "name": "s3_remove_grants", "Principal": EVERYONE,
                "Permissions": ["READ_ACP", "WRITE"],
            }),
            _ => json!(if kill { "kill" } else { "disable" }),
        };
        assert_eq!((&outcome["status"], &outcome["action"]), (&json!("planned"), &action), "{outcome}");
    }

    // With its placeholders, as it stands in Krampus's repository: nothing that can be named, and nothing asked of AWS.
    let proxy = Proxy::new(Emulator::shared());
    let placeholders = ["my-bucket", "volume-id", "instance-id", "user-name", "function-name"];
    let unedited = example("region", "account-id", placeholders);
    let ran = stage.run(stage.through(&proxy).apply(unedited)).exits(3);
    assert!(ran.records().is_empty() && proxy.calls().is_empty(), "{ran}");
    for line in [3, 10, 15, 20, 25] {
        let says = format!("line {line}: this is neither a finding nor a task: `account-id` is not an account id");
        assert!(ran.stderr.contains(&says), "{says}\n{ran}");
    }
}

#[test]
fn what_cannot_be_done_is_told_one_by_one_and_the_rest_is_done() {
    let stage = Stage::empty("ec2");
    make(&stage, ResourceType::Ec2, 2);
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let instances = all(&stage, "ec2");
    let [good, other] = &instances[..] else { panic!("{instances:?}") };
    let arn = |arn: &str| json!({"aws_resource_name": arn.replace("ACCOUNT", stage.account.id())});
    let group = "arn:aws:ec2:us-east-1:ACCOUNT:security-group/sg-1";
    let half = json!({"aws_resource_name": group.replace("ACCOUNT", stage.account.id()), "cidr_ip": "0.0.0.0/0"});
    let managed = "arn:aws:iam::aws:policy/AdministratorAccess";
    let in_account = json!({"aws_resource_name": managed, "aws_account": stage.account.id()});
    // A task, whether it is named in an outcome, and what is said of it.
    let rows = [
        (task(good, "disable", &json!({"_comments": "by hand"})), true, ""),
        (
            task(good, "disable", &arn("arn:aws:ec2")),
            false,
            "line 2: this is neither a finding nor a task: `arn:aws:ec2` is not an ARN",
        ),
        (
            task(good, "disable", &arn("arn:aws:dynamodb:us-east-1:ACCOUNT:table/shop")),
            true,
            "`dynamodb_table` is not a resource type",
        ),
        (
            task(good, "kill", &arn(managed)),
            false,
            "line 4: this is neither a finding nor a task: arn:aws:iam::aws:policy/AdministratorAccess is managed by AWS itself",
        ),
        (
            task(good, "kill", &in_account),
            true,
            "line 5: arn:aws:iam::aws:policy/AdministratorAccess is managed by AWS itself",
        ),
        (task(good, "maim", &json!({})), true, "line 6: `maim` is not an action"),
        (task(good, "disable", &half), true, "line 7: it names a rule without `proto`"),
        (
            task(good, "kill", &json!({"cidr_range": "0.0.0.0/0"})),
            true,
            "line 8: it has `cidr_range`, which is for a security_group",
        ),
        (
            task(good, "kill", &json!({"aws_account": "999999999999"})),
            false,
            "line 9: this is neither a finding nor a task: the record's `account` is 999999999999",
        ),
        (task(other, "DISABLE", &json!({"action_time": "1525789927"})), true, ""),
        (task(other, "kill", &json!({"action_time": 32_503_680_000_u64})), true, "not due before 3000-01-01T00:00:00Z"),
        (
            task(other, "kill", &json!({"action_time": "soon"})),
            false,
            "line 12: this task cannot be read: `action_time`",
        ),
    ];
    let tasks: Vec<Value> = rows.iter().map(|(task, ..)| task.clone()).collect();
    let ran = stage.run(seen.apply(input(&tasks))).exits(1);
    let told = ran.kind("outcome");
    assert_eq!(told.len(), rows.iter().filter(|(_, named, _)| *named).count(), "{ran}");
    for (_, named, says) in &rows {
        if *named {
            let reasons = told.iter().filter_map(|outcome| outcome["reason"].as_str());
            assert!(says.is_empty() || reasons.into_iter().any(|reason| reason.contains(says)), "{says}\n{ran}");
        } else {
            assert!(ran.stderr.contains(says), "{says}\n{ran}");
        }
    }
    let expected = [["refused"; 5].as_slice(), &["applied"; 2], &["waiting"]].concat();
    assert_eq!(sorted(outcomes(&ran)), sorted(expected.into_iter().map(str::to_owned)), "{ran}");
    assert_eq!(proxy.count("ec2:TerminateInstances"), 0);
    let state = |instance: &Value| text(&instance["config"]["State"]["Name"]);
    assert_eq!(all(&stage, "ec2").iter().map(state).collect::<Vec<_>>(), ["stopped"; 2]);

    let again = stage.run(seen.apply(json!({"tasks": [tasks[0], tasks[9]]}).to_string())).exits(0);
    assert_eq!(outcomes(&again), ["already"; 2], "{again}");
}

#[test]
fn the_rule_that_a_task_names_goes_and_the_others_stay() {
    let stage = Stage::empty("security_group");
    make(&stage, ResourceType::SecurityGroup, 1);
    let group =
        || all(&stage, "security_group").into_iter().find(|it| it["config"]["GroupName"] == "many-0000").unwrap();
    let made = group();
    let id = text(&made["id"]);
    let more = [
        "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22\
         &IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8",
        "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=3389&IpPermissions.1.ToPort=3389\
         &IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0",
    ];
    for rule in more {
        let call = format!("Version=2016-11-15&Action=AuthorizeSecurityGroupIngress&GroupId={id}&{rule}");
        stage.call("ec2", Request::form(call));
    }
    let before = group();
    let jobs = [
        task(&before, "disable", &json!({"cidr_range": "0.0.0.0/0", "from_port": 22, "to_port": 22, "proto": "tcp"})),
        task(
            &before,
            "Disable",
            &json!({"cidr_ip": "::/0", "from_port": "3389", "to_port": "3389", "proto": "TCP", "direction": "ingress"}),
        ),
        task(
            &before,
            "disable",
            &json!({"cidr_range": "192.0.2.0/24", "from_port": 22, "to_port": 22, "proto": "tcp"}),
        ),
    ];
    let applied = stage.run(stage.apply(json!({"tasks": jobs}).to_string())).exits(0);
    let told = applied.kind("outcome");
    assert_eq!(sorted(statuses(&told)), ["already", "applied", "applied"], "{applied}");
    let keys = sorted(told.iter().map(|outcome| text(&outcome["key"])));
    let key = |part: &str| format!("ec2_revoke_ingress:{}:{part}", text(&before["arn"]));
    assert_eq!(keys, sorted([key("tcp:22-22:0.0.0.0/0"), key("tcp:22-22:192.0.2.0/24"), key("tcp:3389-3389:::/0")]));
    let rules = json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]);
    assert_eq!(group()["config"]["IpPermissions"], rules);

    let undone = stage.run(stage.apply(input(&undos(&told)))).exits(0);
    assert_eq!(outcomes(&undone), ["applied"; 2], "{undone}");
    assert_eq!(group()["config"]["IpPermissions"], before["config"]["IpPermissions"]);
}

#[test]
fn the_grants_that_a_task_names_go_and_the_others_stay() {
    let stage = Stage::empty("s3_bucket");
    let name = stage.bucket("grants", None);
    open_to_everyone(&stage, &name);
    let bucket = || all(&stage, "s3_bucket").remove(0);
    let before = bucket();
    let arn = format!("arn:aws:s3:us-east-1:{}:{name}", stage.account.id());
    let grant = json!({"aws_resource_name": arn, "s3_principal": EVERYONE, "s3_permission": ["WRITE", "WRITE_ACP"]});
    let applied = stage.run(stage.apply(task(&before, "disable", &grant).to_string())).exits(0);
    assert_eq!(outcomes(&applied), ["applied"], "{applied}");
    let mut expected = before["config"]["Grants"].clone();
    let grants = expected.as_array_mut().unwrap();
    let all_of_them = grants.len();
    grants.retain(|grant| grant["Grantee"]["URI"] != EVERYONE || grant["Permission"] != "WRITE");
    assert_eq!(grants.len(), all_of_them - 1);
    assert_eq!(bucket()["config"]["Grants"], expected, "the owner's and the other one stay");

    let undone = stage.run(stage.apply(input(&undos(&applied.kind("outcome"))))).exits(0);
    assert_eq!(outcomes(&undone), ["applied"], "{undone}");
    assert_eq!(bucket()["config"], before["config"]);
}

#[test]
fn both_whitelists_cover_tasks_and_findings() {
    let stage = Stage::empty("ec2,sqs");
    make(&stage, ResourceType::Ec2, 2);
    make(&stage, ResourceType::Sqs, 1);
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let write = |content: &str| {
        std::fs::write(stage.account.tool("audit").home().join("whitelist.json"), content).unwrap();
    };
    let instances = all(&stage, "ec2");
    let tasks: Vec<Value> = instances.iter().map(|instance| task(instance, "kill", &json!({}))).collect();
    let exact = json!({"Whitelist": {text(&instances[0]["arn"]): "the bastion"}});
    let account = format!("arn:aws:*::{}:*", stage.account.id());
    let last = text(&instances[1]["id"]).chars().last().unwrap();
    let rows = [
        (exact.clone(), ["excepted", "planned"], "the bastion"),
        (json!({"whitelist": {"arn:aws:ec2:*:*:*": "all of EC2"}}), ["excepted"; 2], "all of EC2"),
        (json!({"whitelist": {account: "ours"}}), ["excepted"; 2], "ours"),
        (json!({"whitelist": {"arn:aws:sqs:*": "queues"}}), ["planned"; 2], ""),
        (
            json!({"Whitelist": exact["Whitelist"], "whitelist": {format!("arn:*[{last}]"): "one"}}),
            ["excepted"; 2],
            "one",
        ),
    ];
    for (whitelist, expected, reason) in rows {
        write(&whitelist.to_string());
        let tool = seen.remediate(input(&tasks)).args(["--irreversible", "--whitelist", "whitelist.json"]);
        let ran = stage.run(tool).exits(0);
        assert_eq!(sorted(outcomes(&ran)), expected, "{whitelist}\n{ran}");
        let told = ran.kind("outcome").iter().any(|outcome| outcome["reason"] == reason);
        assert!(reason.is_empty() || told, "{whitelist}\n{ran}");
    }

    // Findings, in both tools, and whichever of them is told.
    write(r#"{"whitelist": {"arn:aws:sqs:*": "queues"}}"#);
    let polled = stage.poll_all().stdout;
    let audit = |arguments: &[&str]| {
        stage.run(stage.tool("audit").args(["--checks", "sqs_public"]).args(arguments).stdin(polled.clone())).exits(0)
    };
    let (blind, told) = (audit(&[]), audit(&["--whitelist", "whitelist.json"]));
    let finding = told.one(&json!({"kind": "finding"}));
    assert_eq!((&finding["status"], &finding["reason"]), (&json!("excepted"), &json!("queues")), "{told}");
    let ran = stage.run(seen.apply(blind.stdout).args(["--whitelist", "whitelist.json"])).exits(0);
    assert_eq!(outcomes(&ran), ["excepted"], "{ran}");

    for (content, says) in [
        (r#"{"Whitelist": {"i-1": "x"}}"#, "`Whitelist` has `i-1`, which is no ARN"),
        (r#"{"whitelist": {"arn:aws:ec2:*:*:*": "x"}"#, "whitelist.json"),
        ("{}", "neither `Whitelist`"),
    ] {
        write(content);
        for tool in [stage.tool("audit").stdin(polled.clone()), seen.apply(input(&tasks)).arg("--irreversible")] {
            let ran = stage.run(tool.args(["--whitelist", "whitelist.json"])).exits(4).says(says);
            assert!(ran.stdout.is_empty(), "{ran}");
        }
    }
    let nowhere = stage.run(seen.apply(input(&tasks)).args(["--irreversible", "--whitelist", "nowhere.json"]));
    assert!(nowhere.exits(4).says("nowhere.json").stdout.is_empty());
    assert_eq!(write_names(&proxy), [""; 0]);
}
