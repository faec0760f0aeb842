//! Runs that cannot begin, and accounts and regions that cannot be entered: one sentence each, and the rest goes on.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy, Ran, Tool, on};

use crate::{apply, failing, holds_no_secret, misconfigure, poll, public_queues, quiet, run, text, then, timeless};

/// The one line that a run said.
fn sentence(ran: &Ran) -> &str {
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "one sentence, on one line: {ran}");
    lines[0]
}

/// A run that could not start: it says why, and writes nothing.
fn does_not_start(ran: Ran, said: &[&str]) {
    let ran = ran.exits(4);
    assert!(ran.stdout.is_empty(), "{ran}");
    let sentence = sentence(&ran);
    let tool = sentence.split(": ").next().unwrap();
    assert!(["poll", "remediate"].contains(&tool), "whoever speaks says who it is: {ran}");
    for said in said {
        assert!(sentence.contains(said), "{said:?} is not in: {ran}");
    }
}

/// Both tools that talk to AWS, with something to do.
fn both(account: &Account) -> [Tool; 2] {
    let task = json!({
        "kind": "task", "account": account.id(), "region": "us-east-1", "type": "ec2", "id": "i-0abc", "action": "stop",
    });
    [poll(account, "ec2"), apply(account, &[task])]
}

#[test]
fn without_credentials_a_run_says_where_it_looked() {
    let account = Account::new();
    for tool in both(&account) {
        let mut tool = tool;
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            tool = tool.without_env(name);
        }
        does_not_start(quiet(tool), &["no AWS credentials found", "AWS_ACCESS_KEY_ID", "--profile"]);
    }
}

#[test]
fn an_unknown_profile_is_named_with_those_that_there_are() {
    let account = Account::new();
    for tool in both(&account) {
        let directory = tool.home().join(".aws");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config"), "[profile prod]\nregion = eu-west-1\n").unwrap();
        does_not_start(run(tool.args(["--profile", "prd"])), &["`prd`", "prod"]);
    }
}

#[test]
fn expired_credentials_are_called_expired() {
    const SAID: &str = "The security token included in the request is expired";
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).fail("sts:*", 403, "ExpiredToken", SAID);
    for tool in both(&account.through(&proxy)) {
        does_not_start(run(tool), &["sts:GetCallerIdentity", "have expired", "renew them"]);
    }
    assert!(proxy.counts().keys().all(|call| call.starts_with("sts:")), "nothing else is tried: {proxy:?}");
}

#[test]
fn credentials_that_expire_on_the_way_fail_what_is_left() {
    const KINDS: &str = "iam_user,sqs";
    let account = Account::new();
    misconfigure(&account, KINDS);
    let findings = failing(&account, "sqs");
    let proxy = Proxy::new(Emulator::shared())
        .fail("sqs:ListQueues", 403, "ExpiredTokenException", "The security token included in the request is expired")
        .fail(
            "sqs:GetQueueAttributes",
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        );
    let seen = account.through(&proxy);
    let polled = run(poll(&seen, KINDS)).exits(3).says("have expired").says("sqs");
    assert_eq!(polled.one(&json!({"kind": "scope", "type": "iam_user"}))["status"], "ok");
    assert_eq!(polled.matching(&json!({"kind": "scope", "type": "sqs", "status": "failed"})).len(), 2, "{polled}");
    let applied = run(apply(&seen, &findings)).exits(1);
    assert!(applied.kind("outcome").iter().all(|it| it["status"] == "failed"), "{applied}");
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 0);
}

#[test]
fn an_endpoint_that_refuses_is_named() {
    // A port that nobody listens at any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let account = Account::new();
    for tool in both(&account) {
        let ran = run(tool.env("AWS_ENDPOINT_URL", format!("http://{address}")));
        does_not_start(ran, &[&address.to_string(), "no connection"]);
    }
}

#[test]
fn a_caller_who_may_not_even_ask_who_it_is_is_told_so() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny("sts:GetCallerIdentity");
    for tool in both(&account.through(&proxy)) {
        does_not_start(run(tool), &["sts:GetCallerIdentity", "AccessDenied"]);
    }
}

#[test]
fn one_account_of_three_that_cannot_be_entered_does_not_hold_up_the_others() {
    let caller = Account::new();
    let accounts = [Account::new(), Account::new(), Account::new()];
    for account in &accounts {
        public_queues(account, 2);
    }
    let [one, closed, other] = &accounts;
    let mut proxy = Proxy::new(Emulator::shared()).deny(on("sts:AssumeRole").about(closed.id()));
    let seen = caller.through(&proxy);
    let list = accounts.each_ref().map(Account::id).join(",");
    let everywhere = |tool: Tool| tool.args(["--role", "sluice-audit"]);
    let sweep = || everywhere(poll(&seen, "sqs").args(["--accounts", &list]));

    let polled = run(sweep()).exits(3);
    let said = sentence(&polled);
    for part in [closed.id(), "sluice-audit", "sts:AssumeRole", "AccessDenied"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert_eq!(proxy.count(on("sts:AssumeRole").about(closed.id())), 1, "a denied role is asked for once");
    let scopes = polled.matching(&json!({"kind": "scope", "account": closed.id()}));
    assert_eq!(scopes.len(), 2, "{polled}");
    for scope in scopes {
        assert_eq!((text(&scope["status"]), text(&scope["error"]["code"])), ("failed", "AccessDenied"), "{scope}");
        assert_eq!(scope["error"]["operation"], "sts:AssumeRole", "{scope}");
    }
    let of = |ran: &Ran, id: &str| timeless(ran.matching(&json!({ "account": id })));
    for account in [one, other] {
        let alone = run(poll(&account.through(&proxy), "sqs")).exits(0);
        assert_eq!(of(&polled, account.id()), timeless(alone.records()), "complete, as if alone");
    }
    let _ = run(then(&polled, "audit")).exits(3).says("not looked at").says(closed.id());

    // And with the findings of a time when it could be entered.
    proxy.reset();
    let findings = run(then(&run(sweep()).exits(0), "audit")).exits(0).kind("finding");
    assert_eq!(findings.iter().filter(|it| it["status"] == "fail").count(), 6);
    proxy = proxy.deny(on("sts:AssumeRole").about(closed.id()));
    let applied = run(everywhere(apply(&seen, &findings))).exits(1);
    for outcome in applied.kind("outcome") {
        let expected = if outcome["account"] == closed.id() { "failed" } else { "applied" };
        assert_eq!(outcome["status"], expected, "{outcome}");
        assert!(expected == "applied" || text(&outcome["reason"]).contains("sts:AssumeRole"), "{outcome}");
    }

    // The credentials that AWS gave for the roles are secrets, too.
    let tokens: BTreeSet<String> = proxy
        .calls()
        .iter()
        .filter_map(|call| call.request.header("x-amz-security-token").map(str::to_owned))
        .collect();
    assert!(tokens.len() > 1, "those of the caller and of each account");
    for (place, text) in [("stdout", applied.text()), ("stderr", applied.stderr.clone())] {
        assert!(!tokens.iter().any(|token| text.contains(token)), "{place} shows a session token");
        holds_no_secret(place, &text);
    }
}

#[test]
fn a_region_that_is_not_enabled_is_a_failed_scope_that_says_so() {
    const REGIONS: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item>\
                           </regionInfo></DescribeRegionsResponse>";
    const SAID: &str = "AWS was not able to validate the provided access credentials";
    let account = Account::new();
    public_queues(&account, 1);
    // One that is there and off, and one that is misspelt.
    for region in ["me-south-1", "eu-wset-1"] {
        let proxy = Proxy::new(Emulator::shared())
            .answer("ec2:DescribeRegions", tests::http::Response::new(200, REGIONS))
            .fail(on("ec2:*").region(region), 401, "AuthFailure", SAID)
            .fail(on("sqs:*").region(region), 403, "InvalidClientTokenId", "The security token is invalid.");
        let seen = account.through(&proxy);
        let regions = format!("us-east-1,{region}");
        let types = "s3_bucket,ec2,security_group,sqs";
        let polled = run(seen.tool("poll").args(["--regions", &regions, "--types", types])).exits(3);
        assert!(polled.stderr.contains(region) && polled.stderr.contains("--regions"), "{polled}");
        for kind in types.split(',') {
            let scope = |region: &str| polled.one(&json!({"kind": "scope", "type": kind, "region": region}));
            assert_eq!(scope("us-east-1")["status"], "ok", "{polled}");
            let failed = scope(region);
            assert_eq!((text(&failed["status"]), &failed["error"]["code"]), ("failed", &json!("RegionNotEnabled")));
        }
        assert_eq!(polled.matching(&json!({"kind": "resource", "type": "sqs"})).len(), 1, "{polled}");
        let _ = run(then(&polled, "audit")).exits(3).says(region);
    }
    // Bad credentials are not taken for a region that is off.
    let proxy = Proxy::new(Emulator::shared()).fail(on("ec2:DescribeInstances"), 401, "AuthFailure", SAID);
    let polled = run(poll(&account.through(&proxy), "ec2")).exits(3);
    let codes: Vec<Value> = polled.kind("scope").iter().map(|scope| scope["error"]["code"].clone()).collect();
    assert_eq!(codes, ["AuthFailure", "AuthFailure"], "{polled}");
}
