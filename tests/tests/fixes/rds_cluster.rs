//! RDS clusters.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back};

#[test]
fn stop() {
    for (what, check, settings) in [
        ("storage that is not encrypted", "rds_cluster_unencrypted", ""),
        ("good: encrypted", "rds_cluster_required_tags", "required_tags = [\"Owner\"]"),
    ] {
        goes_there_and_back(&Fix {
            kind: "rds_cluster",
            what,
            check,
            settings,
            calls: |cluster| call("rds:StopDBCluster", &json!({"DBClusterIdentifier": cluster["id"]})),
            change: |config| config["Status"] = json!("stopped"),
            ..FIX
        });
    }
}
