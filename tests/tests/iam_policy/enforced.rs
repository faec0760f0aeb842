//! The whole pipeline under users with exactly the printed policies, in an emulator that asks for permissions.

use std::collections::BTreeSet;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::stage::{input, statuses};
use tests::{Account, Credentials, Emulator};

use crate::{actions, audit, misconfigure, poll, printed, remediate, there_and_back, types};

/// Types that the emulator does not judge as AWS does, and what it gets wrong.
const LEFT_OUT: &[(ResourceType, &str)] = &[
    (ResourceType::LambdaFunction, "moto denies every call to Lambda, whatever the policy says"),
    (ResourceType::Spend, "moto gets CBOR in a translation, which has not been signed"),
    (ResourceType::Region, "moto denies every call to GuardDuty, whatever the policy says"),
];

/// Types that are looked at here and not changed, and why.
const UNCHANGED: &[(ResourceType, &str)] = &[
    (ResourceType::SecurityGroup, "moto computes another signature than AWS where a rule's description has spaces"),
    (ResourceType::AutoScalingGroup, "no check asks for what can be done to it"),
    (ResourceType::SpotRequest, "no check asks for what can be done to it"),
    (ResourceType::EbsVolume, "no check asks for what can be done to it"),
    (ResourceType::IamGroup, "no check asks for what can be done to it"),
    (ResourceType::IamPolicy, "no check asks for what can be done to it"),
];

/// Permissions for which moto asks by another name, mostly that of a GET, PUT or DELETE of the whole bucket. The rest of the
/// policy stands as it is printed.
const RENAMED: &[(&str, &[&str])] = &[
    ("s3:GetAccountPublicAccessBlock", &["s3:GetPublicAccessBlock"]),
    ("s3:GetBucketPublicAccessBlock", &["s3:ListBucket"]),
    ("s3:GetEncryptionConfiguration", &["s3:ListBucket"]),
    ("s3:PutBucketPublicAccessBlock", &["s3:CreateBucket", "s3:DeleteBucket"]),
    ("s3:PutEncryptionConfiguration", &["s3:CreateBucket", "s3:DeleteBucket"]),
];

/// The policy as moto understands it.
fn renamed(mut policy: Value) -> Value {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let mut names = Vec::new();
        for name in statement["Action"].as_array().unwrap() {
            match RENAMED.iter().find(|(aws, _)| name == aws) {
                Some((_, moto)) => names.extend(moto.iter().map(|&name| json!(name))),
                None => names.push(name.clone()),
            }
        }
        statement["Action"] = names.into();
    }
    policy
}

/// A user of the account who may do what the policy says, and nothing else.
fn user(account: &Account, name: &str, policy: &Value) -> Account {
    let iam = |request: Request| -> String {
        let answer: Response = account.call("iam", request).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text()
    };
    let form = |action: &str| Request::form(format!("Action={action}&Version=2010-05-08&UserName={name}"));
    iam(form("CreateUser"));
    let document = policy.to_string().bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    let put =
        format!("Action=PutUserPolicy&Version=2010-05-08&UserName={name}&PolicyName=printed&PolicyDocument={document}");
    iam(Request::form(put));
    let made = iam(form("CreateAccessKey"));
    let field = |field: &str| {
        let (_, rest) = made.split_once(&format!("<{field}>")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let (access_key_id, secret_access_key) = (field("AccessKeyId"), field("SecretAccessKey"));
    account.with(Credentials { access_key_id, secret_access_key, session_token: String::new() })
}

#[test]
fn the_pipeline_works_under_the_printed_policies_and_under_less_it_does_not() {
    let kinds: Vec<ResourceType> = types().filter(|kind| LEFT_OUT.iter().all(|(out, _)| out != kind)).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let list = names.join(",");

    let emulator = Emulator::alone();
    let account = Account::of(&emulator, "111122223333");
    misconfigure(&account, &list);
    let poller = user(&account, "poller", &renamed(printed("poll", &["--types", &list])));
    let looker = user(&account, "looker", &renamed(printed("poll", &["-", "--types", &list])));
    let mender = user(&account, "mender", &renamed(printed("remediate", &["--types", &list])));
    let answer = account.call("iam", Request::new("POST", "/moto-api/reset-auth").body("0")).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");

    let swept = poll(&poller, &list).args(["--regions", "us-east-1"]).run().exits(0);
    assert!(swept.kind("resource").iter().all(|resource| resource["unread"].is_null()), "{swept}");
    let polled: BTreeSet<&str> = names.iter().copied().collect();
    let seen: Vec<Value> = swept.kind("resource");
    let seen: BTreeSet<&str> = seen.iter().filter_map(|resource| resource["type"].as_str()).collect();
    assert_eq!(seen, polled, "{swept}");
    let again = looker.tool("poll").arg("-").stdin(input(&swept.kind("resource"))).run().exits(0);
    assert_eq!(again.kind("resource").len(), swept.kind("resource").len(), "{again}");
    assert!(again.kind("resource").iter().all(|resource| resource["unread"].is_null()), "{again}");

    let audited = audit(&account, &swept.stdout);
    let mut findings = audited.matching(&json!({"kind": "finding", "status": "fail"}));
    let unchanged = |name: &Value| UNCHANGED.iter().any(|(kind, _)| name == kind.name());
    // The users of this test stay as they are.
    let made = |finding: &Value| !["poller", "looker", "mender"].iter().any(|user| finding["id"] == *user);
    findings.retain(|finding| !finding["action"].is_null() && !unchanged(&finding["type"]) && made(finding));
    let concerned: BTreeSet<&str> = findings.iter().filter_map(|finding| finding["type"].as_str()).collect();
    for kind in kinds.iter().filter(|kind| !actions(**kind).is_empty() && !unchanged(&json!(kind.name()))) {
        assert!(concerned.contains(kind.name()), "nothing of {kind} is mended here");
    }

    // Who may only look plans, and changes nothing.
    let denied = remediate(&looker, input(&findings)).arg("--apply").run().exits(1);
    let outcomes = denied.kind("outcome");
    assert!(outcomes.iter().all(|outcome| outcome["status"] != "applied"), "{denied}");
    assert!(statuses(&outcomes).iter().any(|status| status == "failed"), "{denied}");
    // Nor does who may look at each queue know which there are.
    let blind = poll(&mender, "sqs").args(["--regions", "us-east-1"]).run().exits(3);
    assert_eq!(blind.one(&json!({"kind": "scope"}))["error"]["operation"], "sqs:ListQueues", "{blind}");

    let remediated = there_and_back(&mender, &findings);
    assert_eq!(statuses(&remediated.planned), vec!["planned"; findings.len()], "{:#?}", remediated.planned);
    for outcome in remediated.applied.iter().chain(&remediated.undone) {
        // One action may mend two findings.
        assert!(outcome["status"] == "applied" || outcome["status"] == "already", "{outcome}");
    }
}
