//! Redshift clusters.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::http::Response;
use tests::stage::Stage;
use tests::{Emulator, Proxy, Verdict};

const PARAMETERS: &str = "redshift:DescribeClusterParameters";

#[test]
fn make_private() {
    goes_there_and_back(&Fix {
        kind: "redshift",
        what: "with an address on the internet",
        check: "redshift_public",
        calls: |cluster| {
            let parameters = json!({"ClusterIdentifier": cluster["id"], "PubliclyAccessible": false});
            call("redshift:ModifyCluster", &parameters)
        },
        change: |config| config["PubliclyAccessible"] = json!(false),
        ..FIX
    });
}

#[test]
fn redshift_encrypt() {
    goes_there_and_back(&Fix {
        kind: "redshift",
        what: "not encrypted",
        check: "redshift_unencrypted",
        settings: "[checks.redshift_unencrypted]\nfix = true",
        calls: |cluster| {
            call("redshift:ModifyCluster", &json!({"ClusterIdentifier": cluster["id"], "Encrypted": true}))
        },
        change: |config| config["Encrypted"] = json!(true),
        ..FIX
    });
}

/// A page of a parameter group.
fn page(name: &str, value: &str, next: &str) -> Response {
    Response::new(
        200,
        format!(
            r#"<DescribeClusterParametersResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/">
<DescribeClusterParametersResult>
<Parameters><Parameter><ParameterName>{name}</ParameterName><ParameterValue>{value}</ParameterValue></Parameter></Parameters>
{next}</DescribeClusterParametersResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeClusterParametersResponse>"#
        ),
    )
    .with("content-type", "text/xml")
}

#[test]
fn a_parameter_group_is_asked_for_once_to_the_page_that_tells() {
    let stage = Stage::of("redshift");
    let proxy = Proxy::new(Emulator::shared()).rule(PARAMETERS, |call| {
        Verdict::Answer(match call.request.text() {
            body if body.contains("Marker=third") => panic!("the second page has told"),
            body if body.contains("Marker=second") => page("require_ssl", "true", "<Marker>third</Marker>"),
            _ => page("statement_timeout", "0", "<Marker>second</Marker>"),
        })
    });
    let polled = stage.through(&proxy).poll();
    assert_eq!(polled.kind("resource").len(), 2, "{polled}");
    assert_eq!(proxy.count(PARAMETERS), 2, "two pages of the group that both clusters have: {proxy:?}");
    let audited = stage.audit(polled.stdout);
    assert!(audited.matching(&json!({"kind": "finding", "check": "redshift_tls"})).is_empty(), "{audited}");
    let others = audited.matching(&json!({"kind": "finding", "check": "redshift_public"}));
    assert_eq!(others.len(), 1, "{audited}");
}

#[test]
fn parameters_that_may_not_be_read_are_unknown_and_all_else_is_told() {
    let stage = Stage::of("redshift");
    let proxy = Proxy::new(Emulator::shared()).deny(PARAMETERS);
    let through = stage.through(&proxy);
    let polled = through.run(through.tool("poll").args(["--types", "redshift", "--only-test-resources"])).exits(3);
    let audited = stage.run(stage.tool("audit").stdin(polled.stdout));
    let findings = audited.kind("finding");
    let unknown: Vec<_> = findings.iter().filter(|finding| finding["status"] == "unknown").collect();
    assert_eq!(unknown.len(), 2, "{audited}");
    for finding in unknown {
        assert_eq!(finding["check"], "redshift_tls");
        assert!(finding["reason"].as_str().is_some_and(|reason| reason.contains(PARAMETERS)), "{finding}");
    }
    assert_eq!(audited.matching(&json!({"check": "redshift_public", "status": "fail"})).len(), 1, "{audited}");
}
