//! What accounts spend, from each source that tells of it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use common::clock;
use common::resource::Spend;
use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::stage::{Stage, sorted, text};
use tests::{Emulator, Proxy, Ran, on};

/// The start of an hour so many hours ago, in seconds since 1970.
fn ago(hours: i64) -> i64 {
    (clock::now().as_second().div_euclid(3600) - hours) * 3600
}

/// So many hours ago, as AWS writes it.
fn at(hours: i64) -> String {
    DateTime::from_secs(ago(hours)).to_string()
}

/// Writes samples as AWS does: so many hours ago, the month had cost so much.
async fn charge(stage: &Stage, dimensions: &[(&str, &str)], samples: &[(i64, f64)]) {
    let dimension = |(name, value): &(&str, &str)| Dimension::builder().name(*name).value(*value).build();
    let datum = |(hours, value): &(i64, f64)| {
        MetricDatum::builder()
            .metric_name("EstimatedCharges")
            .set_dimensions(Some(dimensions.iter().map(dimension).collect()))
            .timestamp(DateTime::from_secs(ago(*hours)))
            .value(*value)
            .build()
    };
    let put = CloudWatch::new(&stage.account.sdk()).put_metric_data().namespace("AWS/Billing");
    put.set_metric_data(Some(samples.iter().map(datum).collect())).send().await.unwrap();
}

fn poll(stage: &Stage, proxy: &Proxy) -> Ran {
    stage.run(stage.through(proxy).tool("poll").args(["--types", "spend"]))
}

/// What the last hours cost, and who says so.
fn within(record: &Value, hours: u64) -> Option<(String, &'static str)> {
    let spend: Spend = serde_json::from_value(record["config"].clone()).unwrap();
    let amount = spend.within(Duration::from_secs(hours * 3600).try_into().unwrap())?;
    Some((amount.value.to_string(), amount.source.field()))
}

fn unread(record: &Value) -> Vec<String> {
    let fields = record["unread"].as_array().into_iter().flatten();
    fields.map(|it| format!("{} {}", text(&it["field"]), text(&it["code"]))).collect()
}

#[tokio::test]
async fn estimated_charges_are_read_with_the_accounts_own_session() {
    let stage = Stage::empty("spend");
    let account = stage.account.id();
    charge(&stage, &[("Currency", "USD")], &[(9, 100.0), (5, 130.5), (1, 150.25)]).await;
    // Of one service alone: a part of the whole.
    charge(&stage, &[("Currency", "USD"), ("ServiceName", "AmazonEC2")], &[(1, 99.0)]).await;

    let proxy = Proxy::new(Emulator::shared());
    let polled = poll(&stage, &proxy).exits(0);
    let record = polled.one(&json!({"kind": "resource"}));
    assert_eq!((&record["id"], &record["region"]), (&json!(account), &json!("global")));
    assert_eq!(record["arn"], format!("arn:aws:ce::{account}:spend/{account}"));
    let sample = |hours, maximum| json!({"Timestamp": at(hours), "Maximum": maximum, "Currency": "USD"});
    assert_eq!(record["config"]["EstimatedCharges"], json!([sample(9, 100.0), sample(5, 130.5), sample(1, 150.25)]));
    assert_eq!(within(&record, 6), Some(("50.25".to_owned(), "EstimatedCharges")));
    assert_eq!(proxy.counts().into_keys().collect::<Vec<_>>(), ["cloudwatch:GetMetricData", "sts:GetCallerIdentity"]);
    let looked = stage.run(stage.tool("poll").arg("-").stdin(polled.stdout.clone())).exits(0);
    assert_eq!(looked.one(&json!({"kind": "resource"}))["config"], record["config"]);

    // An account that pays for others has samples of all of them, and of its own.
    charge(&stage, &[("LinkedAccount", account), ("Currency", "USD")], &[(5, 1.0), (1, 3.5)]).await;
    let record = poll(&stage, &proxy).exits(0).one(&json!({"kind": "resource"}));
    assert_eq!(within(&record, 4), Some(("2.5".to_owned(), "EstimatedCharges")));

    let proxy = proxy.deny("cloudwatch:GetMetricData");
    let denied = poll(&stage, &proxy).exits(3);
    let scope = denied.one(&json!({"kind": "scope"}));
    assert_eq!((&scope["status"], &scope["error"]["code"]), (&json!("failed"), &json!("AccessDenied")), "{denied}");
    assert!(denied.kind("resource").is_empty());
}

#[test]
fn what_accounts_spend_is_not_polled_unasked() {
    let stage = Stage::empty("spend");
    let types = |arguments: &[&str]| {
        let ran = stage.run(stage.tool("poll").args(["--iam-policy"]).args(arguments.iter().copied())).exits(0);
        let text = ran.text();
        ["cloudwatch:GetMetricData", "ce:GetCostAndUsage", "s3:GetObject\""].map(|call| text.contains(call))
    };
    assert_eq!(types(&[]), [false; 3]);
    assert_eq!(types(&["--types", "spend"]), [true, false, false]);
    stage.set("[spend]\ncost_explorer = \"daily\"\nreport = \"s3://acme-billing/cur/hourly\"\n");
    assert_eq!(types(&[]), [false; 3]);
    assert_eq!(types(&["--types", "spend"]), [true; 3]);
    stage.set("[spend]\npoll = true\n");
    assert_eq!(types(&[]), [true, false, false]);
}

#[test]
fn cost_explorer_is_asked_where_the_settings_say_so() {
    let stage = Stage::empty("spend");
    stage.set("[spend]\ncost_explorer = \"hourly\"\n");
    let hour = |hours: i64, amount: &str| {
        json!({
            "TimePeriod": {"Start": at(hours), "End": at(hours - 1)}, "Groups": [], "Estimated": true,
            "Total": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
        })
    };
    // Of the last hours, Cost Explorer does not know yet.
    let pages = [
        json!({"ResultsByTime": [hour(9, "1.5"), hour(8, "2")], "NextPageToken": "more"}),
        json!({"ResultsByTime": [hour(7, "0.25"), hour(6, "0"), hour(5, "0")]}),
    ]
    .map(|page| Response::new(200, page.to_string()).with("Content-Type", "application/x-amz-json-1.1"));
    let proxy = Proxy::new(Emulator::shared())
        .answer(on("ce:GetCostAndUsage").about("NextPageToken"), pages[1].clone())
        .answer("ce:GetCostAndUsage", pages[0].clone());
    let record = poll(&stage, &proxy).exits(0).one(&json!({"kind": "resource"}));
    assert_eq!(
        (&record["config"]["Granularity"], &record["config"]["EstimatedCharges"]),
        (&json!("HOURLY"), &json!([]))
    );
    assert_eq!(record["config"]["CostAndUsage"].as_array().unwrap().len(), 5);
    assert_eq!(within(&record, 2), Some(("2.25".to_owned(), "CostAndUsage")));
    let calls = proxy.calls();
    let asked = calls.iter().find(|call| call.operation == "GetCostAndUsage").unwrap();
    let asked: Value = serde_json::from_str(&asked.request.text()).unwrap();
    let filter = json!({"And": [
        {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [stage.account.id()]}},
        {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund"]}}},
    ]});
    assert_eq!((&asked["Filter"], &asked["Metrics"]), (&filter, &json!(["UnblendedCost"])));

    let proxy = Proxy::new(Emulator::shared()).fail("ce:GetCostAndUsage", 400, "DataUnavailableException", "not yet");
    let record = poll(&stage, &proxy).exits(3).one(&json!({"kind": "resource"}));
    assert_eq!(unread(&record), ["CostAndUsage DataUnavailableException"]);
}

const HEADER: &str = "lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,\
                      lineItem/CurrencyCode,lineItem/UnblendedCost\n";

/// A report's file.
fn gzipped(lines: &[String]) -> Vec<u8> {
    let mut gzip = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = HEADER.to_owned() + &lines.concat();
    gzip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    gzip.wait_with_output().unwrap().stdout
}

/// The folders of last month and this: `20261101-20261201`.
fn months() -> [String; 2] {
    let now = at(0);
    let (year, month): (u32, u32) = (now[..4].parse().unwrap(), now[5..7].parse().unwrap());
    let first = |months: u32| format!("{}{:02}01", months / 12, months % 12 + 1);
    let this = year * 12 + month - 1;
    [this - 1, this].map(|month| format!("{}-{}", first(month), first(month + 1)))
}

struct Report {
    stage: Stage,
    bucket: String,
}

impl Report {
    /// A report that nobody delivered yet.
    fn new() -> Self {
        let stage = Stage::empty("spend");
        let bucket = stage.bucket("billing", None);
        stage.set(&format!("[spend]\nreport = \"s3://{bucket}/cur/hourly\"\n"));
        Self { stage, bucket }
    }

    fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        self.stage.call("s3", Request::new("PUT", &format!("/{}/{key}", self.bucket)).body(body));
    }

    /// Both months: the one before has no lines. `files` are this month's.
    fn deliver(&self, files: &[Vec<u8>]) {
        let [last, this] = months();
        for (month, files) in [(last, &[gzipped(&[])][..]), (this, files)] {
            let key = |number: usize| format!("cur/hourly/{month}/20261120T013000Z/hourly-{number:05}.csv.gz");
            let keys: Vec<String> = (1..=files.len()).map(key).collect();
            for (key, file) in keys.iter().zip(files) {
                self.put(key, file.clone());
            }
            let manifest = json!({"assemblyId": "20261120T013000Z", "compression": "GZIP", "reportKeys": keys});
            self.put(&format!("cur/hourly/{month}/hourly-Manifest.json"), manifest.to_string());
        }
    }
}

/// A line of a report: what an hour cost.
fn line(account: &str, hours: i64, cost: &str) -> String {
    format!("{account},Usage,{},{},USD,{cost}\n", at(hours), at(hours - 1))
}

#[test]
fn the_report_is_read_once_for_all_accounts() {
    let report = Report::new();
    let (own, other, absent) = (report.stage.account.id(), "444455556666", "777788889999");
    report.deliver(&[
        gzipped(&[line(own, 30, "0.1"), line(own, 30, "0.2"), line(other, 30, "40"), line(other, 29, "2.50")]),
        gzipped(&[line(own, 29, "7"), line(own, 29, "-500").replace("Usage", "Credit")]),
    ]);
    let proxy = Proxy::new(Emulator::shared());
    let accounts = [own, other, absent].join(",");
    let tool = report.stage.through(&proxy).tool("poll");
    let polled =
        report.stage.run(tool.args(["--types", "spend", "--accounts", &accounts, "--role", "sluice"])).exits(3);
    let record = |account: &str| polled.one(&json!({"kind": "resource", "account": account}));
    assert_eq!(within(&record(own), 1), Some(("7".to_owned(), "Report")));
    assert_eq!(within(&record(own), 2), Some(("7.3".to_owned(), "Report")));
    assert_eq!(within(&record(other), 2), Some(("42.5".to_owned(), "Report")));
    assert_eq!((unread(&record(own)), unread(&record(absent))), (vec![], vec!["Report NotInReport".to_owned()]));
    // Two files and the manifest; in the first days of a month, those of the month before as well.
    let fetched = proxy.count("s3:GetObject");
    assert!(fetched == 3 || fetched == 5, "{fetched}");
}

#[test]
fn a_report_is_found_in_whatever_region_its_bucket_is() {
    let report = Report::new();
    let own = report.stage.account.id();
    report.deliver(&[gzipped(&[line(own, 30, "3")])]);
    let moved =
        "<Error><Code>PermanentRedirect</Code><Message>Please send all future requests there.</Message></Error>";
    let moved = Response::new(301, moved).with("x-amz-bucket-region", "eu-west-1");
    let proxy = Proxy::new(Emulator::shared()).answer(on("s3:GetObject").region("us-east-1"), moved);
    let record = poll(&report.stage, &proxy).exits(0).one(&json!({"kind": "resource"}));
    assert_eq!(within(&record, 1), Some(("3".to_owned(), "Report")));
    assert_eq!(proxy.count(on("s3:GetObject").region("us-east-1")), 1, "it is not asked there again");
}

#[test]
fn what_cannot_be_read_of_a_report_is_unread_and_the_rest_stands() {
    let report = Report::new();
    let stage = &report.stage;
    let code = |proxy: &Proxy| {
        let record = poll(stage, proxy).exits(3).one(&json!({"kind": "resource"}));
        assert_eq!(record["config"]["Report"], json!([]));
        unread(&record)
    };
    let proxy = Proxy::new(Emulator::shared());
    assert_eq!(code(&proxy), ["Report NoSuchKey"]);

    report.deliver(&[gzipped(&[line(stage.account.id(), 30, "much")])]);
    assert_eq!(code(&proxy), ["Report BadReport"]);
    let whole = gzipped(&[line(stage.account.id(), 30, "1")]);
    report.deliver(&[whole[..whole.len() - 9].to_vec()]);
    assert_eq!(code(&proxy), ["Report BadReport"]);
    report.deliver(&[whole]);
    let denied = Proxy::new(Emulator::shared()).deny(on("s3:GetObject").about(".csv.gz"));
    assert_eq!(code(&denied), ["Report AccessDenied"]);
    let overwritten = Proxy::new(Emulator::shared()).fail(
        on("s3:GetObject").about(".csv.gz"),
        412,
        "PreconditionFailed",
        "another one is there now",
    );
    assert_eq!(code(&overwritten), ["Report PreconditionFailed"]);
    assert_eq!(sorted(poll(stage, &proxy).exits(0).kind("scope").iter().map(|scope| text(&scope["status"]))), ["ok"]);
}
