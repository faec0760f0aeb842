//! The checks of RDS clusters.

use common::resource::{DbCluster, ResourceType};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, tags, with};

impl Example for DbCluster {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:cluster:books";
    const IDS: &'static [&'static str] =
        &["rds_cluster_public", "rds_cluster_unencrypted", "rds_cluster_required_tags"];

    fn healthy() -> Value {
        json!({
            "DBClusterIdentifier": "books",
            "Status": "available",
            "Engine": "aurora-mysql",
            "EngineMode": "provisioned",
            "StorageEncrypted": true,
            "PubliclyAccessible": null,
            "InternetAccessGatewayEnabled": null,
            "GlobalClusterIdentifier": null,
            "ReadReplicaIdentifiers": [],
        })
    }

    fn rotten() -> Value {
        json!({
            "StorageEncrypted": false,
            "PubliclyAccessible": true,
            "InternetAccessGatewayEnabled": true,
            "GlobalClusterIdentifier": "world",
            "ReadReplicaIdentifiers": ["far"],
        })
    }
}

fn cluster(fields: Value) -> Value {
    with(ResourceType::RdsCluster, fields)
}

#[test]
fn public_clusters() {
    let fail = &["fail critical -"][..];
    let multi_az = |public: Value| cluster(json!({"Engine": "postgres", "PubliclyAccessible": public}));
    table(
        &settings(),
        "rds_cluster_public",
        &[
            ("a public Multi-AZ cluster", multi_az(json!(true)), fail),
            ("a Multi-AZ cluster that is not", multi_az(json!(false)), &["pass"]),
            (
                "a Multi-AZ cluster of which AWS says nothing",
                multi_az(json!(null)),
                &["unknown the record does not say PubliclyAccessible"],
            ),
            ("Aurora", cluster(json!({})), &["pass"]),
            ("Aurora, though AWS says it", cluster(json!({"PubliclyAccessible": true})), fail),
            ("Aurora behind an internet access gateway", cluster(json!({"InternetAccessGatewayEnabled": true})), fail),
            ("Aurora with the gateway off", cluster(json!({"InternetAccessGatewayEnabled": false})), &["pass"]),
            (
                "an engine that nobody says",
                cluster(json!({"Engine": null})),
                &["unknown the record does not say Engine"],
            ),
            ("stopped", cluster(json!({"InternetAccessGatewayEnabled": true, "Status": "stopped"})), fail),
            ("deleting", cluster(json!({"PubliclyAccessible": true, "Status": "deleting"})), &["pass"]),
        ],
    );
}

#[test]
fn unencrypted_clusters_that_run() {
    let plain = |mut fields: Value| {
        fields["StorageEncrypted"] = json!(false);
        cluster(fields)
    };
    let fail = &["fail medium stop"][..];
    let by_hand = &["fail medium -"][..];
    table(
        &settings(),
        "rds_cluster_unencrypted",
        &[
            ("Aurora", plain(json!({})), fail),
            ("Neptune", plain(json!({"Engine": "neptune"})), fail),
            ("DocumentDB", plain(json!({"Engine": "docdb"})), fail),
            ("a Multi-AZ cluster", plain(json!({"Engine": "mysql"})), by_hand),
            ("a part of a global database", plain(json!({"GlobalClusterIdentifier": "world"})), by_hand),
            ("stopping", plain(json!({"Status": "stopping"})), &["pass"]),
            ("stopped", plain(json!({"Status": "stopped"})), &["pass"]),
            ("deleting", plain(json!({"Status": "deleting"})), &["pass"]),
            ("no word of the status", plain(json!({"Status": ""})), &["unknown the record does not say Status"]),
            (
                "no word of it",
                cluster(json!({"StorageEncrypted": null})),
                &["unknown the record does not say StorageEncrypted"],
            ),
        ],
    );
    for (engine, control) in [
        ("aurora-postgresql", "FSBP RDS.27"),
        ("postgres", "FSBP RDS.27"),
        ("neptune", "FSBP Neptune.1"),
        ("docdb", "FSBP DocumentDB.1"),
    ] {
        let record = resource("rds_cluster", &plain(json!({"Engine": engine})));
        assert_eq!(judge(&settings(), "rds_cluster_unencrypted", &record)[0].controls, [control], "{engine}");
    }
}

#[test]
fn only_what_runs_needs_tags() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(
        &team,
        "rds_cluster_required_tags",
        &[
            ("running", cluster(json!({})), &["fail low stop"]),
            ("stopped", cluster(json!({"Status": "stopped"})), &["pass"]),
            ("deleting", cluster(json!({"Status": "deleting"})), &["pass"]),
            ("Aurora Serverless v1", cluster(json!({"EngineMode": "serverless"})), &["fail low -"]),
        ],
    );
}
