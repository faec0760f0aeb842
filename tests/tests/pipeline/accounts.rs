//! Accounts, regions, types and pages: everything is covered, said to be, and asked for once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::{Emulator, Proxy, Ran, Verdict};

use tests::stage::{Stage, input, json_request, resources, sorted, statuses, text};

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

#[test]
fn remediate_touches_no_account_but_those_of_the_arguments_or_else_the_settings() {
    let stage = Stage::of("sqs");
    let findings = stage.findings();
    let (own, other) = (stage.account.id(), "444455556666");
    let home = stage.tool("remediate").home().to_owned();
    let remediate = |settings: &str, args: &[&str]| {
        std::fs::write(home.join("accounts.toml"), format!("[aws]\naccounts = [{settings}]")).unwrap();
        let tool = stage.remediate(input(&findings)).args(["--config", "accounts.toml"]).args(args.iter().copied());
        statuses(&stage.run(tool).exits(0).kind("outcome"))
    };
    for (settings, args, expected) in [
        ("", &[][..], "planned"),
        (&*format!("{own:?}"), &[], "planned"),
        (&*format!("{other:?}"), &[], "refused"),
        (&*format!("{other:?}, {own:?}"), &[], "planned"),
        (&*format!("{other:?}"), &["--accounts", own], "planned"),
        (&*format!("{own:?}"), &["--accounts", other], "refused"),
    ] {
        assert_eq!(remediate(settings, args), [expected; 2], "accounts = [{settings}], {args:?}");
    }
    let refused =
        stage.run(stage.apply(input(&findings)).args(["--config", "accounts.toml", "--accounts", other])).exits(1);
    let reason = format!("account {own} is not among those of --accounts");
    assert!(text(&refused.kind("outcome")[0]["reason"]).starts_with(&reason), "{refused}");
    assert_eq!(stage.findings().len(), 2, "nothing was touched");
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
    let users = [stage.account.id(), &member].map(|id| format!("{id} global iam_user ok 0"));
    let organization = format!("{} global organization ok 1", stage.account.id());
    assert_eq!(scopes(&polled), sorted(users.into_iter().chain([organization])), "{polled}");
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
    const TYPES: &str = "s3_bucket,ec2,security_group,iam_user,sqs";
    let stage = Stage::of(TYPES);
    let proxy = Proxy::new(Emulator::shared());
    let poll = stage.through(&proxy).tool("poll");
    let polled = stage.run(poll.args(["--stats", "--only-test-resources", "--types", TYPES])).exits(0);
    let stats = polled.stderr.lines().find(|line| line.starts_with('{')).expect("a line of JSON on stderr");
    let stats: BTreeMap<String, usize> = serde_json::from_str(stats).unwrap();
    let expected: BTreeMap<String, usize> = [
        ("sts:GetCallerIdentity", 1),
        // One call tells all, whatever there is of it.
        ("ec2:DescribeAddresses", 1),
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

/// A listing of the query protocol or S3, as it comes from the emulator: all at once.
struct Listing {
    operation: &'static str,
    /// The element that holds the list, and that of an entry.
    list: &'static str,
    entry: &'static str,
    /// The parameter of the request that names a page, and what the answer says of the next one.
    token: &'static str,
    next: fn(usize) -> String,
}

const LISTINGS: [Listing; 4] = [
    Listing {
        operation: "s3:ListBuckets",
        list: "Buckets",
        entry: "Bucket",
        token: "continuation-token",
        next: |page| format!("<ContinuationToken>{page}</ContinuationToken>"),
    },
    Listing {
        operation: "ec2:DescribeSecurityGroups",
        list: "securityGroupInfo",
        entry: "item",
        token: "NextToken",
        next: |page| format!("<nextToken>{page}</nextToken>"),
    },
    Listing {
        operation: "ec2:DescribeInstances",
        list: "reservationSet",
        entry: "item",
        token: "NextToken",
        next: |page| format!("<nextToken>{page}</nextToken>"),
    },
    Listing {
        operation: "iam:GetAccountAuthorizationDetails",
        list: "UserDetailList",
        entry: "member",
        token: "Marker",
        next: |page| format!("<IsTruncated>true</IsTruncated><Marker>{page}</Marker>"),
    },
];

impl Listing {
    /// The entries, which may hold elements of the same name.
    fn entries<'a>(&self, mut inner: &'a str) -> Vec<&'a str> {
        let (open, close) = (format!("<{}>", self.entry), format!("</{}>", self.entry));
        let mut entries = Vec::new();
        while inner.trim_start().starts_with(&open) {
            let mut end = 0;
            loop {
                end += inner[end..].find(&close).expect("an entry's end") + close.len();
                if inner[..end].matches(&open).count() == inner[..end].matches(&close).count() {
                    break;
                }
            }
            entries.push(&inner[..end]);
            inner = &inner[end..];
        }
        entries
    }

    /// The page of the answer that the call asks for, one entry long.
    fn page(&self, account: &tests::Account, call: &tests::Call) -> Response {
        let mut request = call.request.clone();
        let form = request.text();
        let asked = request.query().chain(form.split('&').filter_map(|pair| pair.split_once('=')));
        let page: usize =
            asked.filter(|(name, _)| *name == self.token).map(|(_, page)| page.parse().unwrap()).next().unwrap_or(0);
        let token = format!("&{}={page}", self.token);
        request.body = form.replace(&token, "").into_bytes();
        let ours = ["host", "authorization", "x-amz-security-token", "content-length", "connection"];
        request.headers.retain(|(name, _)| !ours.contains(&name.to_ascii_lowercase().as_str()));
        let whole = account.call(&call.service, request).unwrap().text();
        let (open, close) = (format!("<{}>", self.list), format!("</{}>", self.list));
        let (head, rest) = whole.split_once(&open).unwrap_or_else(|| panic!("no {open}: {whole}"));
        let (inner, tail) = rest.rsplit_once(&close).unwrap();
        let entries = self.entries(inner);
        let more = if page + 1 < entries.len() { (self.next)(page + 1) } else { String::new() };
        let without = |part: &str| part.replace("<IsTruncated>false</IsTruncated>", "");
        let entry = entries.get(page).copied().unwrap_or_default();
        let answer = format!("{}{more}{open}{entry}{close}{}", without(head), without(tail));
        Response::new(200, answer).with("Content-Type", "text/xml")
    }
}

#[test]
fn all_pages_are_read() {
    let stage = Stage::of("s3_bucket,ec2,security_group,iam_user,sqs");
    let whole = stage.poll();
    let proxy = LISTINGS.into_iter().fold(Proxy::new(Emulator::shared()), |proxy, listing| {
        let account = stage.account.clone();
        proxy.rule(listing.operation, move |call| Verdict::Answer(listing.page(&account, call)))
    });
    let all = json_request("AmazonSQS.ListQueues", &json!({}));
    let all: Value = serde_json::from_str(&stage.call("sqs", all).text()).unwrap();
    let urls = all["QueueUrls"].as_array().unwrap().clone();
    let proxy = proxy.rule("sqs:ListQueues", move |call| {
        let asked: Value = serde_json::from_str(&call.request.text()).unwrap();
        let page: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let mut answer = json!({"QueueUrls": [urls[page]]});
        if page + 1 < urls.len() {
            answer["NextToken"] = json!((page + 1).to_string());
        }
        Verdict::Answer(Response::new(200, answer.to_string()).with("Content-Type", "application/x-amz-json-1.0"))
    });
    let paged = stage.through(&proxy).poll();
    assert_eq!(resources(&paged), resources(&whole));
    assert_eq!(scopes(&paged), scopes(&whole));
    for (operation, pages) in [
        ("s3:ListBuckets", 8),
        ("ec2:DescribeInstances", 6),
        ("ec2:DescribeSecurityGroups", 6),
        ("iam:GetAccountAuthorizationDetails", 4),
        ("sqs:ListQueues", 4),
    ] {
        assert_eq!(proxy.count(operation), pages, "{operation}");
    }
}
