//! Accounts, regions, types and pages: everything is covered, said to be, and asked for once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::{Emulator, Proxy, Ran, Verdict};

use crate::stage::{Stage, json_request, resources, sorted, text};

/// `account region type status count` of each scope, sorted.
fn scopes(polled: &Ran) -> Vec<String> {
    let shown = |scope: &Value| {
        let [account, region, kind, status] = ["account", "region", "type", "status"].map(|field| text(&scope[field]));
        format!("{account} {region} {kind} {status} {}", scope["resources"])
    };
    sorted(polled.kind("scope").iter().map(shown))
}

/// What the scopes must be, given the records.
fn counted(polled: &Ran, account: &str, region: &str, kind: &str) -> String {
    let fields = json!({"kind": "resource", "account": account, "region": region, "type": kind});
    format!("{account} {region} {kind} ok {}", polled.matching(&fields).len())
}

#[test]
fn several_accounts_are_polled_each_under_its_own_name() {
    let stages = [(); 3].map(|()| Stage::empty("sqs"));
    let [own, empty, busy] = &stages;
    let urls = [own.queue("jobs", None), busy.queue("jobs", None), busy.queue("more", None)];
    let ids: Vec<&str> = stages.iter().map(|stage| stage.account.id()).collect();
    let proxy = Proxy::new(Emulator::shared());
    let seen = own.through(&proxy);
    let polled = own.run(seen.tool("poll").args([
        "--accounts",
        &ids.join(","),
        "--role",
        "team/sluice-read",
        "--regions",
        "us-east-1,eu-west-1",
        "--types",
        "sqs,security_group",
    ]));
    let polled = polled.exits(0);
    let expected = ids.iter().flat_map(|id| {
        [("us-east-1", "sqs"), ("eu-west-1", "sqs"), ("us-east-1", "security_group"), ("eu-west-1", "security_group")]
            .map(|(region, kind)| counted(&polled, id, region, kind))
    });
    assert_eq!(scopes(&polled), sorted(expected), "{polled}");

    let queues = polled.matching(&json!({"kind": "resource", "type": "sqs"}));
    let named = |url: &String| url.rsplitn(3, '/').take(2).map(str::to_owned).collect::<Vec<_>>();
    let found = sorted(queues.iter().map(|queue| named(&text(&queue["id"]))));
    assert_eq!(found, sorted(urls.iter().map(named)));
    for record in polled.kind("resource") {
        let account = text(&record["account"]);
        assert!(ids.contains(&account.as_str()), "{record}");
        assert_eq!(text(&record["arn"]).split(':').nth(4), Some(account.as_str()), "{record}");
        let in_the_url = text(&record["id"]).split('/').nth(3).is_none_or(|part| part == account);
        assert!(in_the_url, "{record}");
    }
    // The default group of each region's default network.
    assert_eq!(
        polled.matching(&json!({"type": "security_group", "account": empty.account.id(), "kind": "resource"})).len(),
        2
    );

    // One session for each but the caller's own account.
    assert_eq!(proxy.count("sts:AssumeRole"), 2);
    for id in &ids[1..] {
        let arn = format!("RoleArn=arn%3Aaws%3Aiam%3A%3A{id}%3Arole%2Fteam%2Fsluice-read");
        assert_eq!(proxy.count(tests::on("sts:AssumeRole").about(&arn)), 1);
    }
}

#[test]
fn findings_of_another_account_are_mended_there() {
    let (own, other) = (Stage::empty("sqs"), Stage::of("sqs"));
    let tool = |name| own.tool(name).args(["--role", "sluice"]);
    let polled = tool("poll").args(["--types", "sqs", "--accounts", other.account.id()]).run().exits(0);
    let findings = own.audit(polled.stdout);
    assert_eq!(findings.kind("finding").len(), 2, "{findings}");
    let applied = tool("remediate").arg("--apply").stdin(findings.stdout).run().exits(0);
    assert_eq!(applied.matching(&json!({"status": "applied", "account": other.account.id()})).len(), 2, "{applied}");
    assert!(other.findings().is_empty());
}

/// A call to Organizations.
fn organizations(stage: &Stage, operation: &str, body: &Value) -> Value {
    let request = json_request(&format!("AWSOrganizationsV20161128.{operation}"), body);
    let answer = stage.call("organizations", request).text();
    serde_json::from_str(&answer).unwrap_or_default()
}

#[test]
fn the_active_accounts_of_an_organization_are_polled() {
    let stage = Stage::empty("iam_user");
    organizations(&stage, "CreateOrganization", &json!({"FeatureSet": "ALL"}));
    let [member, suspended] = ["member", "suspended"].map(|name| {
        let body = json!({"AccountName": name, "Email": format!("{name}@example.com")});
        text(&organizations(&stage, "CreateAccount", &body)["CreateAccountStatus"]["AccountId"])
    });
    organizations(&stage, "CloseAccount", &json!({"AccountId": suspended}));
    let polled = stage.run(stage.tool("poll").args(["--org", "--role", "x", "--types", "iam_user"])).exits(0);
    let expected = [stage.account.id(), &member].map(|id| format!("{id} global iam_user ok 0"));
    assert_eq!(scopes(&polled), sorted(expected), "{polled}");
}

#[test]
fn only_the_regions_and_types_that_were_named_are_looked_at() {
    let stage = Stage::empty("s3_bucket");
    let here = stage.bucket("here", None);
    let there = format!("there-{}", stage.account.id());
    let body =
        "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    stage.call("s3", Request::new("PUT", &format!("/{there}")).body(body));
    stage.queue("not-asked-for", None);
    let poll = |regions: &str| {
        let ran = stage.tool("poll").args(["--types", "s3_bucket", "--regions", regions]).run().exits(0);
        let ids = sorted(ran.kind("resource").iter().map(|it| format!("{} {}", text(&it["region"]), text(&it["id"]))));
        (ids, scopes(&ran))
    };
    let id = stage.account.id();
    let (there, here) = (format!("eu-west-1 {there}"), format!("us-east-1 {here}"));
    let scope = |region: &str, count: u8| format!("{id} {region} s3_bucket ok {count}");
    assert_eq!(poll("eu-west-1"), (vec![there.clone()], vec![scope("eu-west-1", 1)]));
    assert_eq!(poll("us-east-1"), (vec![here.clone()], vec![scope("us-east-1", 1)]));
    assert_eq!(poll("us-west-2"), (vec![], vec![scope("us-west-2", 0)]));
    let both = vec![scope("eu-west-1", 1), scope("us-east-1", 1)];
    assert_eq!(poll("eu-west-1,us-east-1"), (vec![there, here], both));
}

#[test]
fn all_enabled_regions_are_looked_at_when_none_is_named() {
    let stage = Stage::empty("sqs");
    let region = |name: &str| {
        format!("<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint></item>")
    };
    let regions = region("us-east-1") + &region("ap-south-1");
    let answer = format!("<DescribeRegionsResponse><regionInfo>{regions}</regionInfo></DescribeRegionsResponse>");
    let proxy = Proxy::new(Emulator::shared())
        .answer("ec2:DescribeRegions", Response::new(200, answer).with("Content-Type", "text/xml"));
    let seen = stage.account.through(&proxy);
    let polled = seen.tool("poll").args(["--types", "sqs,iam_user,security_group"]).run().exits(0);
    let expected = [
        ("ap-south-1", "sqs"),
        ("us-east-1", "sqs"),
        ("ap-south-1", "security_group"),
        ("us-east-1", "security_group"),
        ("global", "iam_user"),
    ];
    let expected = expected.map(|(region, kind)| counted(&polled, stage.account.id(), region, kind));
    assert_eq!(scopes(&polled), sorted(expected), "{polled}");
    assert_eq!(proxy.count("ec2:DescribeRegions"), 1);
}

#[test]
fn a_poll_makes_the_calls_that_are_needed_and_says_how_many() {
    let stage = Stage::of("s3_bucket,ec2,security_group,iam_user,sqs");
    let proxy = Proxy::new(Emulator::shared());
    let polled = stage.run(stage.through(&proxy).tool("poll").args(["--stats", "--only-test-resources"])).exits(0);
    let stats = polled.stderr.lines().find(|line| line.starts_with('{')).expect("a line of JSON on stderr");
    let stats: BTreeMap<String, usize> = serde_json::from_str(stats).unwrap();
    let expected: BTreeMap<String, usize> = [
        ("sts:GetCallerIdentity", 1),
        // One call tells all, whatever there is of it.
        ("ec2:DescribeInstances", 1),
        ("ec2:DescribeSecurityGroups", 1),
        ("s3:ListBuckets", 1),
        ("s3:GetAccountPublicAccessBlock", 1),
        // Eight buckets. The emulator does not say where a bucket is in its list, as AWS does: a call more for each.
        ("s3:GetBucketLocation", 8),
        ("s3:GetBucketAcl", 8),
        ("s3:GetBucketEncryption", 8),
        ("s3:GetBucketPolicy", 8),
        ("s3:GetBucketTagging", 8),
        ("s3:GetPublicAccessBlock", 8),
        // Four users, of whom two have a key; the report has to be made first.
        ("iam:GetAccountAuthorizationDetails", 1),
        ("iam:GetCredentialReport", 2),
        ("iam:GenerateCredentialReport", 1),
        ("iam:ListAccessKeys", 2),
        // Four queues.
        ("sqs:ListQueues", 1),
        ("sqs:GetQueueAttributes", 4),
        ("sqs:ListQueueTags", 4),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect();
    assert_eq!(stats, expected);
    let sent = proxy.counts().into_iter().map(|(name, count)| match name.as_str() {
        // Another API of the same name.
        "s3control:GetPublicAccessBlock" => ("s3:GetAccountPublicAccessBlock".to_owned(), count),
        _ => (name, count),
    });
    assert_eq!(sent.collect::<BTreeMap<_, _>>(), expected, "what was sent is what was said");
}

/// An AWS whose pages have but two entries, however many are asked for.
fn small_pages(stage: &Stage) -> Proxy {
    let small = |service: &'static str| {
        let account = stage.account.clone();
        move |call: &tests::Call| {
            let mut request = call.request.clone();
            let body = request.text();
            let body =
                body.replace("MaxResults=1000", "MaxResults=5").replace("\"MaxResults\":1000", "\"MaxResults\":2");
            request.body = body.replace("MaxItems=1000", "MaxItems=2").into_bytes();
            request.target = request.target.replace("max-buckets=1000", "max-buckets=2");
            request.headers.retain(|(name, _)| {
                !["host", "authorization", "x-amz-security-token", "content-length", "connection"]
                    .contains(&name.to_ascii_lowercase().as_str())
            });
            account.call(service, request).map_or(Verdict::CutBefore, Verdict::Answer)
        }
    };
    Proxy::new(Emulator::shared())
        .rule("ec2:DescribeSecurityGroups", small("ec2"))
        .rule("ec2:DescribeInstances", small("ec2"))
        .rule("s3:ListBuckets", small("s3"))
        .rule("sqs:ListQueues", small("sqs"))
        .rule("iam:GetAccountAuthorizationDetails", small("iam"))
}

#[test]
fn all_pages_are_read() {
    let stage = Stage::of("s3_bucket,security_group,sqs");
    let whole = stage.poll();
    let proxy = small_pages(&stage);
    let paged = stage.through(&proxy).poll();
    let ids = |ran: &Ran| sorted(resources(ran).iter().map(|it| text(&it["arn"])));
    assert_eq!(ids(&paged), ids(&whole));
    assert_eq!(scopes(&paged), scopes(&whole));
    for (operation, calls) in proxy.counts() {
        println!("{operation} {calls}");
    }
    for (operation, pages) in [("ec2:DescribeSecurityGroups", 2), ("s3:ListBuckets", 4), ("sqs:ListQueues", 2)] {
        assert!(proxy.count(operation) >= pages, "{operation}: {:?}", proxy.counts());
    }
}
