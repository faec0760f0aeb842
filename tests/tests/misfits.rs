//! Records that are JSON and no records of ours, policies that are none, settings that are broken: named with their line,
//! never passed off as clean; and what is for others goes through to the byte.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::Tool;
use tests::filter::{FILTERS, Filter, NOW, account, around, is_calm, line};

/// Changes the second of three valid records as text, and holds the tool to naming it with what is wrong.
fn misfits(filter: Filter, rows: &[(&str, &str, &str)]) {
    let account = format!("\"{}\"", account().id());
    for (from, to, said) in rows {
        let record = filter.valid(4).to_string().replace(&account, "\"111122223333\"");
        assert_eq!(record.matches(from).count(), 1, "{from} in {record}");
        let ran = filter.tool().stdin(around(filter, record.replace(from, to).as_bytes())).run();
        is_calm(&ran);
        let [complaint] = filter.complaints(&ran).try_into().unwrap_or_else(|all| panic!("{to}: {all:?}\n{ran}"));
        assert!(complaint.starts_with("line 2: ") && complaint.contains(said), "{to}: {complaint:?}\n{ran}");
        assert_eq!(complaint.matches("line 2").count(), 1, "{complaint}");
        assert_eq!(filter.answered(&ran), [1, 2, 3], "{to}: {ran}");
        assert_eq!(ran.code(), 3, "{to}: {ran}");
    }
}

const ACCOUNT: &str = r#""account":"111122223333""#;
const REGION: &str = r#""region":"global""#;

#[test]
fn a_resource_of_the_wrong_shape_is_named() {
    misfits(
        Filter::Audit,
        &[
            (ACCOUNT, r#""account":111122223333"#, "invalid type: integer `111122223333`, expected a string"),
            (ACCOUNT, r#""account":"prod""#, "`prod` is not an account id: twelve digits are expected"),
            (ACCOUNT, r#""account":"１１１１２２２２３３３３""#, "is not an account id"),
            (ACCOUNT, r#""account":"\u001b[2J\u202e""#, "`?[2J?` is not an account id"),
            (ACCOUNT, r#""account":null"#, "invalid type: null"),
            (ACCOUNT, r#""konto":"111122223333""#, "missing field `account`"),
            (ACCOUNT, r#""account":"111122223333","account":"444455556666""#, "duplicate field `account`"),
            (REGION, r#""region":"evil.example.com/""#, "`evil.example.com/` is not a region"),
            (REGION, r#""region":"eu-west-1@evil""#, "is not a region"),
            (REGION, r#""region":["eu-west-1"]"#, "invalid type: sequence"),
            (r#""type":"iam_user""#, r#""type":7"#, "invalid type: integer `7`"),
            (r#""id":"r4""#, r#""id":4"#, "invalid type: integer `4`"),
            (r#""id":"r4""#, r#""id":"\ud800""#, "hex escape"),
            (":user/r4\"", "\"", "is not an ARN"),
            ("arn:aws:iam", r"arn:aws:iam\u0000", "is not an ARN"),
            (
                r#""tags":{"Owner":"web"}"#,
                r#""tags":[{"Key":"Owner","Value":"web"}]"#,
                "invalid type: sequence, expected a map",
            ),
            (r#""tags":{"Owner":"web"}"#, r#""tags":{"Owner":7}"#, "invalid type: integer `7`, expected a string"),
            (r#""tags":{"Owner":"web"}"#, r#""tags":{"Owner":"\udc00"}"#, "surrogate"),
            (
                r#""config":{"UserName":"r4","#,
                r#""config":"none","x":{"#,
                "is not that of `iam_user`: invalid type: string \"none\"",
            ),
            (
                r#""config":{"UserName":"r4","#,
                r#""config":{"UserName":"r4","UserName":"r5","#,
                "duplicate field `UserName`",
            ),
            (r#""config":{"UserName":"r4","#, r#""config":{"UserName":"\ud800","#, "hex escape"),
            (r#""MfaActive":false"#, r#""MfaActive":"false""#, "invalid type: string \"false\", expected a boolean"),
            (r#""MfaActive":false"#, r#""MfaActive":1e999"#, "number out of range"),
            (r#""AccessKeys":[]"#, r#""AccessKeys":[{"Status":[]}]"#, "is not that of `iam_user`"),
            (r#""2020-01-01T00:00:00Z","AccessKeys""#, r#""yesterday","AccessKeys""#, "is not that of `iam_user`"),
            (r#""observed_at":"2026-11-20T10:00:00Z""#, r#""observed_at":"soon""#, "integer as year"),
            (
                r#""observed_at":"2026-11-20T10:00:00Z""#,
                r#""unread":"Tags""#,
                "invalid type: string \"Tags\", expected a sequence",
            ),
            (r#""kind":"resource""#, r#""kind":"scope""#, "missing field `status`"),
            (r#""kind":"resource""#, r#""kind":"scope","status":"ok","resources":-1"#, "invalid value: integer `-1`"),
            (r#""kind":"resource""#, r#""kind":"scope","status":"fine""#, "unknown variant `fine`"),
        ],
    );
}

#[test]
fn a_finding_of_the_wrong_shape_is_named() {
    let rows = [
        (ACCOUNT, r#""account":111122223333"#, "invalid type: integer `111122223333`, expected a string"),
        (ACCOUNT, r#""account":"prod""#, "`prod` is not an account id"),
        (ACCOUNT, r#""account":"\u001b]0;x\u0007""#, "is not an account id"),
        (ACCOUNT, r#""account":"111122223333","account":"111122223333""#, "duplicate field `account`"),
        (REGION, r#""region":"evil.example.com/""#, "is not a region"),
        (r#""tags":{"Owner":"web"}"#, r#""tags":[]"#, "invalid type: sequence, expected a map"),
        (r#""severity":"medium""#, r#""severity":"apocalyptic""#, "unknown variant `apocalyptic`"),
        (r#""severity":"medium""#, r#""severity":3"#, "expected"),
        (r#""check":"iam_user_mfa""#, r#""check":null"#, "invalid type: null"),
        (r#""evidence":{"MfaActive":false}"#, r#""evidence":{"n":1e999}"#, "number out of range"),
        (r#""title":"user r4"#, r#""title":"user \ud800"#, "hex escape"),
        (r#""controls":["CIS 1.10"]"#, r#""controls":"CIS 1.10""#, "expected a sequence"),
        (r#""action":"iam_delete_login_profile""#, r#""action":7"#, "an action is a name or an object with a `name`"),
        (r#""found_at":"2026-11-20T10:00:00Z""#, r#""found_at":1700000000"#, "expected"),
        (r#""kind":"finding""#, r#""kind":"outcome","calls":"none""#, "expected a sequence"),
        (r#""kind":"finding""#, r#""kind":"scope""#, "unknown variant"),
    ];
    for filter in [Filter::Remediate, Filter::Notify] {
        misfits(filter, &rows);
    }
    misfits(
        Filter::Remediate,
        &[
            (r#""kind":"finding""#, r#""kind":"task","action_time":"soon""#, "integer as year"),
            (r#""kind":"finding","#, r#""action":"stop","#, "duplicate field `action`"),
            (r#""action":"iam_delete_login_profile","#, r#""kind":"task","#, "duplicate field `kind`"),
        ],
    );
}

#[test]
fn a_reference_of_the_wrong_shape_is_named() {
    misfits(
        Filter::Poll,
        &[
            (ACCOUNT, r#""account":7"#, "`7` is not an account id"),
            (ACCOUNT, r#""account":"prod""#, "`prod` is not an account id"),
            (ACCOUNT, r#""account":{"id":"111122223333"}"#, "`account` is not a text"),
            (ACCOUNT, r#""x":1"#, "names no `account`"),
            (ACCOUNT, r#""account":"111122223333","arn":"nonsense""#, "is not an ARN"),
            (
                ACCOUNT,
                r#""account":"111122223333","arn":"arn:aws:iam::444455556666:user/r4""#,
                "its ARN says 444455556666",
            ),
            (
                r#""region":"global","type":"iam_user""#,
                r#""region":"evil.example.com/","type":"ec2""#,
                "is not a region",
            ),
            (
                r#""region":"global","type":"iam_user""#,
                r#""region":["eu-west-1"],"type":"ec2""#,
                "`region` is not a text",
            ),
            (r#""type":"iam_user""#, r#""type":"cloudfront""#, "cloudfront"),
            (r#""type":"iam_user""#, r#""type":"\u001b[2J""#, "?[2J"),
            (r#""type":"iam_user""#, r#""type":["iam_user"]"#, "`type` is not a text"),
            (r#""id":"r4""#, r#""id":4"#, "`id` is not a text"),
            (r#""id":"r4""#, r#""id":"""#, "names no `id`"),
            (r#""id":"r4""#, r#""id":"\ud800""#, "hex escape"),
            (r#""id":"r4""#, r#""id":"r4","id":"r5""#, "duplicate"),
            (r#""id":"r4""#, r#""kind":"finding""#, "names no `id`"),
        ],
    );
}

/// A queue with this policy, as text.
fn queue(policy: &str) -> Vec<u8> {
    let account = account().id();
    let arn = format!("arn:aws:sqs:eu-west-1:{account}:jobs");
    format!(
        r#"{{"kind":"resource","account":"{account}","region":"eu-west-1","type":"sqs","id":"https://sqs.eu-west-1.amazonaws.com/{account}/jobs","arn":"{arn}","config":{{"Policy":{policy}}}}}"#
    )
    .into_bytes()
}

#[test]
fn a_policy_that_is_none_is_unknown_and_not_clean() {
    let statement = |with: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"{with}}}]}}"#
        )
    };
    let many =
        vec![r#"{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}"#; 10_000].join(",");
    let rows = [
        (r#""nonsense""#.to_owned(), "is not a JSON object"),
        ("7".to_owned(), "is not a JSON object"),
        ("[]".to_owned(), "is not a JSON object"),
        ("{}".to_owned(), "has no `Statement`"),
        (r#"{"Statement":"none"}"#.to_owned(), "has no `Statement`"),
        (r#"{"Version":"2026-01-01","Statement":[]}"#.to_owned(), "`Version`"),
        (r#"{"Statement":[7]}"#.to_owned(), "is not an object"),
        (
            statement(r#","Condition":[{"StringEquals":{"aws:SourceAccount":"111122223333"}}]"#),
            "`Condition` is not an object",
        ),
        (
            statement(r#","Condition":{"StringEquals":["aws:SourceAccount"]}"#),
            "`Condition.StringEquals` is not an object",
        ),
        (statement(r#","Condition":{"StringEquals":{"aws:SourceAccount":{}}}"#), "other than strings"),
        (statement(r#","Condition":{"StringResembles":{"aws:SourceAccount":"1"}}"#), "not a known condition operator"),
        (statement(r#","Condition":{"StringEquals":{"aws:SourceAccount":[]}}"#), "is an empty list"),
        (statement(r#","Statements":[]"#), "not an element of a policy"),
        (format!(r#"{{"Statement":[{many}]}}"#), "several times larger than AWS allows"),
    ];
    for (policy, why) in rows {
        let ran = Filter::Audit.tool().stdin(around(Filter::Audit, &queue(&policy))).run().exits(3);
        is_calm(&ran);
        let finding = ran.one(&json!({"kind": "finding", "check": "sqs_public"}));
        assert_eq!(finding["status"], "unknown", "{policy:.200}");
        assert!(finding["reason"].as_str().unwrap().contains(why), "{finding:.600}");
        assert!(finding["action"].is_null(), "nobody acts on what is not known: {finding:.600}");
        assert_eq!(Filter::Audit.answered(&ran), [1, 2, 3]);
        let ran = ran.pipe("remediate").env("AWS_ENDPOINT_URL", account().endpoint());
        let ran = account().env().into_iter().fold(ran, |tool, (name, value)| tool.env(name, value)).run();
        assert_eq!(ran.one(&json!({"check": "sqs_public"}))["status"], "refused", "{ran}");
    }
}

#[test]
fn a_group_with_5000_rules_is_judged_rule_by_rule() {
    let account = account().id();
    let group = |open: &dyn Fn(usize) -> bool| {
        let rule = |port: usize| {
            let range = if open(port) { "0.0.0.0/0" } else { "10.0.0.0/8" };
            json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": range}]})
        };
        let rules: Vec<Value> = (1..=5000).map(rule).collect();
        json!({
            "kind": "resource", "account": account, "region": "eu-west-1", "type": "security_group", "id": "sg-1",
            "arn": format!("arn:aws:ec2:eu-west-1:{account}:security-group/sg-1"), "config": {"IpPermissions": rules},
        })
    };
    let audit = |group: &Value| Tool::new("audit").args(["--now", NOW]).stdin(line(group)).run().exits(0);
    let found = audit(&group(&|port| port == 2345));
    let finding = found.one(&json!({"kind": "finding", "check": "security_group_open"}));
    assert!(finding["key"].as_str().unwrap().contains("2345"), "{finding}");
    let found = audit(&group(&|_| true));
    let keys: BTreeSet<String> = found.kind("finding").iter().map(|finding| finding["key"].to_string()).collect();
    assert_eq!(keys.len(), 5000);
}

/// Records as people leave them in a file, and each as it has to come out of a filter that has no use for it.
const PASSED_ON: [(&str, &str); 9] = [
    (r#"{"kind":"weather","x":1.50e1,"big":12345678901234567890123,"huge":1e999}"#, ""),
    (r#"{"kind":"weather","text":"\u00e9 é \/ \" \\","sur":"\ud800"}"#, ""),
    (r#"{"x":{"b":1,"a":[ ]},"kind":"report" , "y" : [1 ,2]}"#, r#"{"x":{"b":1,"a":[]},"kind":"report","y":[1,2]}"#),
    ("{\r\n  \"kind\": \"identified\",\r\n  \"a b\": \"c  d\"\r\n}", r#"{"kind":"identified","a b":"c  d"}"#),
    (r#"{"kind":"weather","same":1,"same":2,"":null}"#, ""),
    (r#"{"kind":"Resource","config":{"MfaActive":false}}"#, ""),
    ("{\"kind\":\"weather\",\"name\":\"\u{202e}\u{9b}31m\u{7f}\"}", ""),
    (r#"{"kind":"delivery","status":"delivered","future":{"field":true}}"#, ""),
    (
        r#"{"kind":"scope","account":"111122223333","region":"eu-west-1","type":"sqs","status":"ok","resources":0,"future":[1.0]}"#,
        "",
    ),
];

#[test]
fn what_is_not_for_a_filter_goes_through_to_the_byte() {
    let input: String = PASSED_ON.iter().flat_map(|(record, _)| [*record, "\n"]).collect();
    let expected: String =
        PASSED_ON.iter().flat_map(|(record, out)| [if out.is_empty() { *record } else { *out }, "\n"]).collect();
    // `audit` says behind a scope's own fields what it made of it, and nothing else.
    let audited = expected.replace(r#""future":[1.0]}"#, r#""future":[1.0],"checks":["sqs_public"],"findings":0}"#);
    assert_ne!(audited, expected);
    for (filter, input, expected) in [
        (Filter::Audit, &input, &audited),
        (Filter::Remediate, &input, &expected),
        (Filter::Remediate, &audited, &audited),
        (Filter::Poll, &input, &expected),
        (Filter::Watch, &input, &expected),
    ] {
        let ran = filter.tool().stdin(input.clone()).run().exits(0);
        assert_eq!(ran.text(), *expected, "{}", filter.name());
    }
    let array = format!("[{}]", PASSED_ON.map(|(record, _)| record).join(",\n"));
    let ran = Filter::Audit.tool().stdin(array).run().exits(0);
    let ran = ran.pipe("remediate");
    let ran = account().env().into_iter().fold(ran, |tool, (name, value)| tool.env(name, value)).run().exits(0);
    assert_eq!(ran.text(), audited);
    // A scope that is not understood is named, and not lost for those who do understand it.
    let odd = r#"{"kind":"scope","account":"111122223333","region":"eu-west-1","type":"sqs","status":"ok","resources":1e999}"#;
    for filter in [Filter::Audit, Filter::Remediate, Filter::Notify] {
        let ran = filter.tool().stdin(odd).run().exits(3).says("error: line 1: number out of range");
        assert_eq!(ran.text(), format!("{odd}\n"));
    }
    // Nobody has so many resources, but anybody can say so.
    let many = odd.replace("1e999", "18446744073709551615");
    let ran = Filter::Remediate.tool().stdin(format!("{many}\n{many}")).run().exits(0);
    is_calm(&ran);
}

#[test]
fn settings_that_are_broken_stop_every_tool_with_file_and_line() {
    let rows: [(&[u8], &str); 9] = [
        (b"required_tags = [\n\"a\"\n[aws", "line 3"),
        (b"\n\nrequird_tags = []", "line 3"),
        (b"[remediate]\nmax_actions = \"five\"", "line 2"),
        (b"[remediate]\nmax_action = 5", "line 2"),
        (b"[thresholds]\nopen_ipv4_prefix = 300", "line 2"),
        (b"[accounts.prod]\ndev = true", "line 1"),
        (b"[aws]\nregions = [\"evil.example.com/\"]", "line 2"),
        (b"{\"required_tags\": []}", "line 1"),
        (b"required_tags = [\"\xff\"]", "UTF-8"),
    ];
    for filter in FILTERS {
        for (text, place) in rows {
            let tool = filter.tool().args(["--config", "broken.toml"]).stdin(line(&filter.valid(1)));
            std::fs::write(tool.home().join("broken.toml"), text).unwrap();
            let ran = tool.run().exits(4).says("broken.toml").says(place);
            is_calm(&ran);
            assert_eq!((ran.text().as_str(), ran.stderr.lines().count()), ("", 1), "{ran}");
        }
        for path in ["/", "nowhere.toml"] {
            let ran = filter.tool().env("SLUICE_CONFIG", path).run().exits(4).says(path);
            assert_eq!(ran.text(), "");
        }
    }
}
