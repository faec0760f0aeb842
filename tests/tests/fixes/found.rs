//! Each mistake that the misconfiguration maker makes is found, and nothing else.

use serde_json::{Value, json};
use tests::stage::{Stage, sorted, text};

const ALL: &str = "s3_bucket,ec2,auto_scaling_group,spot_request,security_group,ami,ebs_snapshot,ebs_volume,elb,elbv2,ecs_service,ecs_task,ecs_task_set,iam_user,iam_role,iam_group,iam_policy,kms_key,lambda_function,rds,rds_cluster,rds_snapshot,rds_cluster_snapshot,redshift,sqs";

#[test]
fn each_mistake_gives_the_findings_that_it_announces_and_nothing_else_is_polled() {
    let stage = Stage::of(ALL);
    let bucket = stage.bucket("another", None);
    let queue = stage.queue("another", None);
    stage.call("iam", tests::http::Request::form("Action=CreateUser&UserName=another&Version=2010-05-08"));

    let polled = stage.poll();
    let ids = |records: &[Value]| sorted(records.iter().map(|record| text(&record["id"])));
    assert_eq!(ids(&polled.kind("resource")), ids(stage.made()), "{polled}");
    let all = ids(&stage.poll_all().kind("resource"));
    for other in [&bucket, &queue, "another"] {
        assert!(all.iter().any(|id| id == other), "{other} is not among {all:?}");
    }

    let findings = stage.audit(polled.stdout.clone());
    for made in stage.made() {
        let of_it = findings.matching(&json!({"kind": "finding", "arn": made["arn"]}));
        assert!(of_it.iter().all(|finding| finding["status"] == "fail" && finding["type"] == made["type"]));
        let mut checks = sorted(of_it.iter().map(|finding| text(&finding["check"])));
        checks.dedup();
        let announced = sorted(made["checks"].as_array().unwrap().iter().map(text));
        assert_eq!(checks, announced, "{}\n{findings}", made["what"]);
    }
    let arns = sorted(stage.made().iter().map(|made| text(&made["arn"])));
    for finding in findings.kind("finding") {
        assert!(arns.contains(&text(&finding["arn"])), "{finding}");
        assert_eq!(finding["found_at"], "2099-01-01T00:00:00Z");
    }
    // What takes time to become bad is not bad yet.
    let today = polled.pipe("audit").run().exits(0);
    assert!(today.matching(&json!({"kind": "finding", "type": "iam_user"})).is_empty(), "{today}");
    assert!(!today.matching(&json!({"kind": "finding", "type": "s3_bucket"})).is_empty(), "{today}");
}
