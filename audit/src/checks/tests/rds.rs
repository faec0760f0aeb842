//! The checks of RDS instances.

use common::resource::{DbInstance, ResourceType};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, tags, with};

impl Example for DbInstance {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:db:shop";
    const IDS: &'static [&'static str] = &["rds_public", "rds_unencrypted", "rds_required_tags"];

    fn healthy() -> Value {
        json!({
            "DBInstanceIdentifier": "shop",
            "DBClusterIdentifier": null,
            "DBInstanceStatus": "available",
            "Engine": "mysql",
            "MultiAZ": false,
            "StorageEncrypted": true,
            "PubliclyAccessible": false,
            "ReadReplicaSourceDBInstanceIdentifier": null,
            "ReadReplicaSourceDBClusterIdentifier": null,
            "ReadReplicaDBInstanceIdentifiers": [],
            "ReadReplicaDBClusterIdentifiers": [],
        })
    }

    fn rotten() -> Value {
        json!({
            "DBClusterIdentifier": "all",
            "MultiAZ": true,
            "StorageEncrypted": false,
            "PubliclyAccessible": true,
            "ReadReplicaSourceDBInstanceIdentifier": "source",
            "ReadReplicaDBInstanceIdentifiers": ["replica"],
        })
    }
}

fn instance(fields: Value) -> Value {
    with(ResourceType::Rds, fields)
}

/// An instance with something wrong with it, and some more fields.
fn bad(mut wrong: Value, fields: Value) -> Value {
    let (Value::Object(wrong_fields), Value::Object(fields)) = (&mut wrong, fields) else { panic!("objects") };
    wrong_fields.extend(fields);
    instance(wrong)
}

fn title(check: &str, config: &Value) -> String {
    judge(&settings(), check, &resource("rds", config))[0].title.clone()
}

#[test]
fn public_instances() {
    let public = |fields: Value| bad(json!({"PubliclyAccessible": true}), fields);
    let fail = &["fail critical make_private"][..];
    let by_hand = &["fail critical -"][..];
    table(
        &settings(),
        "rds_public",
        &[
            ("public", public(json!({})), fail),
            (
                "a member of an Aurora cluster",
                public(json!({"DBClusterIdentifier": "a", "Engine": "aurora-mysql"})),
                fail,
            ),
            ("a member of a Neptune cluster", public(json!({"DBClusterIdentifier": "a", "Engine": "neptune"})), fail),
            (
                "a member of a Multi-AZ cluster",
                public(json!({"DBClusterIdentifier": "a", "Engine": "postgres"})),
                by_hand,
            ),
            ("a read replica", public(json!({"ReadReplicaSourceDBInstanceIdentifier": "a"})), fail),
            ("with a full disk", public(json!({"DBInstanceStatus": "storage-full"})), fail),
            ("stopping", public(json!({"DBInstanceStatus": "stopping"})), by_hand),
            ("stopped", public(json!({"DBInstanceStatus": "stopped"})), by_hand),
            ("deleting", public(json!({"DBInstanceStatus": "deleting"})), &["pass"]),
            (
                "no word of it",
                instance(json!({"PubliclyAccessible": null})),
                &["unknown the record does not say PubliclyAccessible"],
            ),
            (
                "no word of the status",
                public(json!({"DBInstanceStatus": ""})),
                &["unknown the record does not say DBInstanceStatus"],
            ),
        ],
    );
    assert_eq!(title("rds_public", &public(json!({}))), "RDS instance shop has an address on the internet");
    assert_eq!(
        title("rds_public", &public(json!({"DBClusterIdentifier": "all"}))),
        "RDS instance shop has an address on the internet, and keeps the address that its Multi-AZ cluster all was created \
         with"
    );
}

#[test]
fn unencrypted_instances_that_run() {
    let plain = |fields: Value| bad(json!({"StorageEncrypted": false}), fields);
    let fail = &["fail medium stop"][..];
    let by_hand = &["fail medium -"][..];
    table(
        &settings(),
        "rds_unencrypted",
        &[
            ("unencrypted", plain(json!({})), fail),
            ("with a standby", plain(json!({"MultiAZ": true})), fail),
            ("being backed up", plain(json!({"DBInstanceStatus": "backing-up"})), fail),
            ("in a state that is new", plain(json!({"DBInstanceStatus": "dreaming"})), fail),
            ("SQL Server with a standby", plain(json!({"MultiAZ": true, "Engine": "sqlserver-ee"})), by_hand),
            ("a member of a cluster", plain(json!({"DBClusterIdentifier": "all", "Engine": "docdb"})), by_hand),
            ("a read replica", plain(json!({"ReadReplicaSourceDBInstanceIdentifier": "a"})), by_hand),
            ("a read replica's source", plain(json!({"ReadReplicaDBInstanceIdentifiers": ["a"]})), by_hand),
            ("stopping", plain(json!({"DBInstanceStatus": "stopping"})), &["pass"]),
            ("stopped", plain(json!({"DBInstanceStatus": "stopped"})), &["pass"]),
            ("deleting", plain(json!({"DBInstanceStatus": "deleting"})), &["pass"]),
            (
                "no word of it",
                instance(json!({"StorageEncrypted": null})),
                &["unknown the record does not say StorageEncrypted"],
            ),
        ],
    );
    assert_eq!(
        title("rds_unencrypted", &plain(json!({"DBClusterIdentifier": "all"}))),
        "RDS instance shop stores its data unencrypted, and can be stopped only with its cluster all"
    );
}

#[test]
fn only_what_runs_needs_tags() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(
        &team,
        "rds_required_tags",
        &[
            ("running", instance(json!({})), &["fail low stop"]),
            ("stopping", instance(json!({"DBInstanceStatus": "stopping"})), &["pass"]),
            ("stopped", instance(json!({"DBInstanceStatus": "stopped"})), &["pass"]),
            ("deleting", instance(json!({"DBInstanceStatus": "deleting"})), &["pass"]),
            ("a member of a cluster", instance(json!({"DBClusterIdentifier": "all"})), &["fail low -"]),
            ("RDS Custom for Oracle", instance(json!({"Engine": "custom-oracle-ee"})), &["fail low -"]),
        ],
    );
}
