//! Each action, on paper: done, nothing is left to do; undone, the resource is as it was.

use common::action::{Action, Change, Key, Rules, Statements};
use common::record::{Resource, Unread};
use common::resource::{
    AccessKey, Bucket, Encryption, Grant, Grantee, Instance, InstanceState, IpPermission, IpRange, Ipv6Range,
    MetadataOptions, Owner, PublicAccessBlock, Queue, ResourceType, SecurityGroup, User,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Looked, Refusal, plan, rebase};

fn looked(kind: ResourceType, id: &str, arn: &str, config: impl Serialize) -> Looked {
    serde_json::from_str(
        &json!({
            "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": kind.name(), "id": id, "arn": arn,
            "config": serde_json::to_value(config).unwrap(),
        })
        .to_string(),
    )
    .unwrap()
}

fn group(uri: &str) -> Grantee {
    Grantee { kind: "Group".into(), uri: Some(uri.into()), id: None, display_name: None, email_address: None }
}

fn statement(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"})
}

fn bucket() -> Looked {
    let owner = Grantee {
        kind: "CanonicalUser".into(),
        id: Some("abc".into()),
        uri: None,
        display_name: None,
        email_address: None,
    };
    let config = Bucket {
        name: "acme".into(),
        owner: Some(Owner { id: "abc".into(), display_name: None }),
        grants: vec![
            Grant { grantee: group(Grantee::ALL_USERS), permission: "READ".into() },
            Grant { grantee: owner, permission: "FULL_CONTROL".into() },
            Grant { grantee: group("http://acs.amazonaws.com/groups/s3/LogDelivery"), permission: "WRITE".into() },
            Grant { grantee: group(Grantee::AUTHENTICATED_USERS), permission: "READ_ACP".into() },
        ],
        policy: Some(json!({"Version": "2012-10-17", "Id": "kept", "Statement": [statement("one"), statement("two")]})),
        ..Bucket::default()
    };
    looked(ResourceType::S3Bucket, "acme", "arn:aws:s3:::acme", config)
}

fn instance(state: &str) -> Looked {
    let config = Instance {
        instance_id: "i-1".into(),
        state: InstanceState { name: state.into() },
        metadata_options: MetadataOptions {
            http_tokens: Some("optional".into()),
            http_endpoint: Some("enabled".into()),
            http_put_response_hop_limit: Some(2),
            ..MetadataOptions::default()
        },
        ..Instance::default()
    };
    looked(ResourceType::Ec2, "i-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", config)
}

fn ssh(ranges: &[(&str, &str)]) -> IpPermission {
    let ip_ranges =
        ranges.iter().map(|(cidr, text)| IpRange { cidr_ip: (*cidr).into(), description: Some((*text).into()) });
    IpPermission {
        ip_protocol: "tcp".into(),
        from_port: Some(22),
        to_port: Some(22),
        ip_ranges: ip_ranges.collect(),
        ..IpPermission::default()
    }
}

fn security_group() -> Looked {
    let world = Ipv6Range { cidr_ipv6: "::/0".into(), description: None };
    let mut permissions = vec![
        ssh(&[("0.0.0.0/0", "for now")]),
        ssh(&[("10.0.0.0/8", "office")]),
        IpPermission { ip_ranges: Vec::new(), ipv6_ranges: vec![world], ..ssh(&[]) },
    ];
    permissions.sort();
    let config = SecurityGroup { group_id: "sg-1".into(), ip_permissions: permissions, ..SecurityGroup::default() };
    looked(ResourceType::SecurityGroup, "sg-1", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", config)
}

fn user() -> Looked {
    let key =
        |id: &str, status: &str| AccessKey { access_key_id: id.into(), status: status.into(), ..AccessKey::default() };
    let config = User {
        user_name: "jane".into(),
        password_enabled: true,
        access_keys: vec![key("AKIA1", "Active"), key("AKIA2", "Inactive")],
        ..User::default()
    };
    looked(ResourceType::IamUser, "jane", "arn:aws:iam::111122223333:user/team/jane", config)
}

fn queue() -> Looked {
    let policy = Some(json!({"Version": "2012-10-17", "Statement": [statement("one")]}));
    let config = Queue { queue_url: "https://sqs/jobs".into(), policy, ..Queue::default() };
    looked(ResourceType::Sqs, "https://sqs/jobs", "arn:aws:sqs:eu-west-1:111122223333:jobs", config)
}

fn key(id: &str) -> Key {
    Key { access_key_id: id.into() }
}

/// Every action that changes something, on a resource that it can change.
fn rows() -> Vec<(Action, Looked)> {
    let only = |sid: &str| Statements { statements: vec![statement(sid)] };
    vec![
        (Action::Stop, instance("running")),
        (Action::Start, instance("stopped")),
        (Action::Ec2RequireImdsv2, instance("running")),
        (
            Action::Ec2RevokeIngress(Rules { ip_permissions: vec![ssh(&[("0.0.0.0/0", "another text")])] }),
            security_group(),
        ),
        (
            Action::Ec2AuthorizeIngress(Rules { ip_permissions: vec![ssh(&[("192.0.2.0/24", "new")])] }),
            security_group(),
        ),
        (Action::S3MakeAclPrivate, bucket()),
        (Action::S3BlockPublicAccess, bucket()),
        (Action::S3RemovePolicyStatements(only("one")), bucket()),
        (Action::S3DenyInsecureTransport, bucket()),
        (Action::S3EncryptByDefault, bucket()),
        (Action::IamDeactivateKey(key("AKIA1")), user()),
        (Action::IamActivateKey(key("AKIA2")), user()),
        (Action::SqsRemovePolicyStatements(only("one")), queue()),
    ]
}

fn config(resource: &Looked) -> Value {
    serde_json::from_str(resource.config.get()).unwrap()
}

#[test]
fn done_is_done_and_undone_is_as_before() {
    for (action, before) in rows() {
        let name = action.name().unwrap();
        let done = plan(&action, &before).unwrap();
        assert!(!done.steps.is_empty(), "{name} does nothing");
        assert_ne!(config(&done.after), config(&before), "{name}");
        assert!(plan(&action, &done.after).unwrap().steps.is_empty(), "{name} is not done");
        let undo = rebase(done.undo.unwrap(), &done.after, &done.after);
        let undone = plan(&undo, &done.after).unwrap();
        let sorted = |resource: &Looked| {
            let mut config = config(resource);
            if let Some(grants) = config.get_mut("Grants").and_then(Value::as_array_mut) {
                grants.sort_by_key(ToString::to_string);
            }
            config
        };
        assert_eq!(sorted(&undone.after), sorted(&before), "{name}");
    }
}

#[test]
fn every_action_of_the_table_is_planned_by_its_type() {
    let resources = [bucket(), instance("running"), security_group(), user(), queue()];
    let planned: Vec<&str> = rows().iter().filter_map(|(action, _)| action.name()).collect();
    let undone = rows().into_iter().filter_map(|(action, resource)| plan(&action, &resource).unwrap().undo);
    let undone: Vec<&str> = undone.filter_map(|action| action.name()).collect();
    for (name, kinds, _) in Action::ALL {
        let irreversible = *name == "iam_delete_login_profile";
        assert!(irreversible || planned.contains(name) || undone.contains(name), "{name} is tested nowhere");
        for resource in &resources {
            let kind: ResourceType = resource.r#type.parse().unwrap();
            let Some((action, _)) = rows().into_iter().find(|(action, _)| action.name() == Some(*name)) else {
                continue;
            };
            let foreign =
                matches!(plan(&action, resource), Err(Refusal::Impossible(why)) if why.contains("cannot be done"));
            assert_eq!(foreign, !kinds.contains(&kind), "{name} on {kind}");
        }
    }
}

#[test]
fn the_calls_are_the_smallest_that_mend() {
    let calls = |action: Action, resource: &Looked| {
        let plan = plan(&action, resource).unwrap();
        let calls: Vec<_> = plan.steps.iter().map(|step| (step.call().operation, step.call().parameters)).collect();
        assert_eq!(calls.len(), 1);
        calls.into_iter().next().unwrap()
    };
    let (operation, parameters) = calls(Action::S3MakeAclPrivate, &bucket());
    assert_eq!(operation, "s3:PutBucketAcl");
    let grants = parameters["AccessControlPolicy"]["Grants"].as_array().unwrap();
    assert_eq!(grants.len(), 2, "the owner's grant and that of the log delivery stay: {parameters}");
    let (operation, parameters) = calls(Action::Ec2RequireImdsv2, &instance("running"));
    assert_eq!(
        (operation.as_str(), parameters),
        ("ec2:ModifyInstanceMetadataOptions", json!({"InstanceId": "i-1", "HttpTokens": "required"}))
    );
    let world = Rules { ip_permissions: vec![ssh(&[("0.0.0.0/0", "")])] };
    let (_, parameters) = calls(Action::Ec2RevokeIngress(world), &security_group());
    assert_eq!(
        parameters["IpPermissions"],
        json!([ssh(&[("0.0.0.0/0", "for now")])]),
        "with the description that the undo needs"
    );
    let both = Statements { statements: vec![statement("one"), statement("two")] };
    let (operation, parameters) = calls(Action::S3RemovePolicyStatements(both), &bucket());
    assert_eq!((operation.as_str(), parameters), ("s3:DeleteBucketPolicy", json!({"Bucket": "acme"})));
    let (operation, parameters) = calls(Action::IamDeleteLoginProfile, &user());
    assert_eq!((operation.as_str(), parameters), ("iam:DeleteLoginProfile", json!({"UserName": "jane"})));
}

#[test]
fn an_undo_does_not_wipe_out_what_came_after_it() {
    let mended =
        plan(&Action::S3RemovePolicyStatements(Statements { statements: vec![statement("one")] }), &bucket()).unwrap();
    let undo = mended.undo.unwrap();
    let mut since: Resource<Bucket> = mended.after.typed().unwrap();
    since.config.policy = Some(json!({"Version": "2012-10-17", "Statement": [statement("two"), statement("three")]}));
    let since = looked(ResourceType::S3Bucket, "acme", "arn:aws:s3:::acme", since.config);
    assert!(matches!(plan(&undo, &since), Err(Refusal::Changed(_))));
}

#[test]
fn an_undo_starts_from_what_aws_made_of_it() {
    let plan = plan(&Action::S3EncryptByDefault, &bucket()).unwrap();
    let mut seen: Resource<Bucket> = plan.after.clone().typed().unwrap();
    if let Some(Encryption { rules }) = &mut seen.config.server_side_encryption_configuration {
        rules[0].bucket_key_enabled = Some(false);
    }
    let expected = seen.config.server_side_encryption_configuration.clone();
    let seen = looked(ResourceType::S3Bucket, "acme", "arn:aws:s3:::acme", seen.config);
    let Action::S3SetEncryption(Change { from, to }) = rebase(plan.undo.unwrap(), &plan.after, &seen) else {
        panic!("another undo")
    };
    assert_eq!((from, to), (expected, None));
}

#[test]
fn an_undo_does_not_take_somebody_elses_change_for_its_own() {
    let plan =
        plan(&Action::S3RemovePolicyStatements(Statements { statements: vec![statement("one")] }), &bucket()).unwrap();
    let with = |statements: Value| {
        let mut seen: Resource<Bucket> = plan.after.clone().typed().unwrap();
        seen.config.policy = Some(json!({"Version": "2012-10-17", "Id": "kept", "Statement": statements}));
        looked(ResourceType::S3Bucket, "acme", "arn:aws:s3:::acme", seen.config)
    };
    let from = |seen: &Looked| match rebase(plan.undo.clone().unwrap(), &plan.after, seen) {
        Action::S3SetPolicy(change) => change.from.unwrap()["Statement"].clone(),
        other => panic!("another undo: {other:?}"),
    };
    let mut spelt = statement("two");
    spelt["Action"] = json!(["s3:GetObject"]);
    assert_eq!(from(&with(json!([spelt]))), json!([spelt]), "AWS spells it otherwise");
    let sent = json!([statement("two")]);
    assert_eq!(from(&with(json!([statement("two"), statement("three")]))), sent, "somebody has added a statement");
}

#[test]
fn a_rule_is_the_same_however_it_is_spelt() {
    let revoke = |permission: IpPermission| {
        plan(&Action::Ec2RevokeIngress(Rules { ip_permissions: vec![permission] }), &security_group())
    };
    for protocol in ["tcp", "TCP", "6"] {
        let permission = IpPermission { ip_protocol: protocol.into(), ..ssh(&[("0.0.0.0/0", "")]) };
        assert_eq!(revoke(permission).unwrap().steps.len(), 1, "{protocol}");
    }
    let world = Ipv6Range { cidr_ipv6: "0::0/0".into(), description: None };
    assert_eq!(revoke(IpPermission { ipv6_ranges: vec![world], ..ssh(&[]) }).unwrap().steps.len(), 1);
    assert!(
        matches!(revoke(ssh(&[])), Err(Refusal::Impossible(_))),
        "a rule that names nobody is not a rule that is gone"
    );
}

#[test]
fn an_instance_of_an_auto_scaling_group_is_not_stopped() {
    let mut instance = instance("running");
    instance.tags.insert("aws:autoscaling:groupName".into(), "web".into());
    assert!(matches!(plan(&Action::Stop, &instance), Err(Refusal::Impossible(why)) if why.contains("web")));
}

#[test]
fn what_could_not_be_read_is_not_changed() {
    let rows = [
        (Action::S3MakeAclPrivate, bucket(), "Grants"),
        (Action::S3DenyInsecureTransport, bucket(), "Policy"),
        (Action::S3BlockPublicAccess, bucket(), "PublicAccessBlockConfiguration"),
        (Action::S3EncryptByDefault, bucket(), "ServerSideEncryptionConfiguration"),
        (Action::IamDeleteLoginProfile, user(), "PasswordEnabled"),
        (Action::IamDeactivateKey(key("AKIA1")), user(), "AccessKeys"),
        (Action::SqsSetPolicy(Change { from: None, to: None }), queue(), "Policy"),
    ];
    for (action, mut resource, field) in rows {
        let (operation, code) = ("x:Get".to_owned(), "AccessDenied".to_owned());
        resource.unread.push(Unread { field: field.to_owned(), operation, code, message: None });
        assert!(matches!(plan(&action, &resource), Err(Refusal::Unread { .. })), "{action:?}");
    }
}

#[test]
fn states_in_which_nothing_can_be_done_are_said() {
    assert!(plan(&Action::Stop, &instance("terminated")).unwrap().steps.is_empty());
    assert!(matches!(plan(&Action::Start, &instance("terminated")), Err(Refusal::Changed(_))));
    assert!(matches!(plan(&Action::Start, &instance("stopping")), Err(Refusal::Impossible(_))));
    assert!(matches!(plan(&Action::IamActivateKey(key("AKIA9")), &user()), Err(Refusal::Changed(_))));
    assert!(matches!(plan(&Action::IamDeactivateKey(key("AKIA9")), &user()), Err(Refusal::Changed(_))));
    assert!(
        plan(&Action::S3SetPublicAccessBlock(Change { from: Some(PublicAccessBlock::ALL), to: None }), &bucket())
            .unwrap()
            .steps
            .is_empty()
    );
}
