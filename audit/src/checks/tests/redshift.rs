//! The checks of Redshift clusters.

use common::resource::{RedshiftCluster, ResourceType};
use common::settings::{Check, Settings};
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, tags, with};

impl Example for RedshiftCluster {
    const ARN: &'static str = "arn:aws:redshift:eu-west-1:111122223333:cluster:facts";
    const IDS: &'static [&'static str] =
        &["redshift_public", "redshift_unencrypted", "redshift_tls", "redshift_required_tags"];

    fn healthy() -> Value {
        json!({
            "ClusterIdentifier": "facts",
            "ClusterStatus": "available",
            "Encrypted": true,
            "PubliclyAccessible": false,
            "ClusterParameterGroups": [group("strict", "in-sync", Some(true))],
        })
    }

    fn rotten() -> Value {
        json!({
            "Encrypted": false,
            "PubliclyAccessible": true,
            "ClusterParameterGroups": [group("lax", "in-sync", Some(false))],
        })
    }
}

fn group(name: &str, status: &str, require_ssl: Option<bool>) -> Value {
    json!({"ParameterGroupName": name, "ParameterApplyStatus": status, "RequireSsl": require_ssl})
}

fn cluster(fields: Value) -> Value {
    with(ResourceType::Redshift, fields)
}

#[test]
fn public_clusters() {
    let public = |status: &str| cluster(json!({"PubliclyAccessible": true, "ClusterStatus": status}));
    let fail = &["fail critical make_private"][..];
    table(
        &settings(),
        "redshift_public",
        &[
            ("available", public("available"), fail),
            ("with a full disk", public("storage-full"), fail),
            ("paused", public("paused"), &["fail critical -"]),
            ("deleting", public("deleting"), &["pass"]),
            ("being saved before it is deleted", public("final-snapshot"), &["pass"]),
            ("no word of the status", public(""), &["unknown the record does not say ClusterStatus"]),
            (
                "no word of it",
                cluster(json!({"PubliclyAccessible": null})),
                &["unknown the record does not say PubliclyAccessible"],
            ),
        ],
    );
}

#[test]
fn unencrypted_clusters_are_moved_only_where_the_settings_say_so() {
    let plain = |status: &str| cluster(json!({"Encrypted": false, "ClusterStatus": status}));
    table(
        &settings(),
        "redshift_unencrypted",
        &[
            ("available", plain("available"), &["fail medium -"]),
            ("paused", plain("paused"), &["fail medium -"]),
            ("deleting", plain("deleting"), &["pass"]),
            ("no word of it", cluster(json!({"Encrypted": null})), &["unknown the record does not say Encrypted"]),
        ],
    );
    let mut fixing = settings();
    fixing.checks.insert("redshift_unencrypted".into(), Check { fix: Some(true), ..Check::default() });
    table(
        &fixing,
        "redshift_unencrypted",
        &[
            ("available", plain("available"), &["fail medium redshift_encrypt"]),
            ("paused", plain("paused"), &["fail medium -"]),
        ],
    );
}

#[test]
fn tls_is_required_only_by_groups_that_are_in_force() {
    let groups = |groups: &[Value]| cluster(json!({"ClusterParameterGroups": groups}));
    let strict = || group("strict", "in-sync", Some(true));
    let lax = || group("lax", "in-sync", Some(false));
    let fail = &["fail medium -"][..];
    let waiting = &[
        "unknown the parameter group new is `pending-reboot` and not `in-sync`: what it says may not be in force",
    ][..];
    table(
        &settings(),
        "redshift_tls",
        &[
            ("not required", groups(&[lax()]), fail),
            ("not required by one of two", groups(&[strict(), lax()]), fail),
            ("required after a reboot", groups(&[group("new", "pending-reboot", Some(true))]), waiting),
            (
                "required by another one after a reboot",
                groups(&[strict(), group("new", "pending-reboot", Some(true))]),
                waiting,
            ),
            ("not required after a reboot", groups(&[group("new", "pending-reboot", Some(false))]), waiting),
            ("not required, whatever comes", groups(&[lax(), group("new", "pending-reboot", Some(true))]), fail),
            (
                "nobody knows",
                groups(&[group("old", "in-sync", None)]),
                &["unknown the record does not say RequireSsl of the parameter group old"],
            ),
            (
                "a group without a status",
                groups(&[json!({"ParameterGroupName": "old", "RequireSsl": true})]),
                &["unknown the parameter group old is `` and not `in-sync`: what it says may not be in force"],
            ),
            ("no group", groups(&[]), &["unknown the record does not say any of its ClusterParameterGroups"]),
            ("deleting", cluster(json!({"ClusterStatus": "deleting", "ClusterParameterGroups": [lax()]})), &["pass"]),
        ],
    );
    let findings = judge(&settings(), "redshift_tls", &resource("redshift", &groups(&[strict(), lax()])));
    assert_eq!(
        findings[0].title,
        "Redshift cluster facts accepts connections without TLS, see its parameter group lax"
    );
    assert_eq!(findings[0].evidence, json!({"ClusterParameterGroups": [lax()]}));
}

#[test]
fn every_cluster_that_stays_needs_tags() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    for (status, expected) in [("available", "fail low -"), ("paused", "fail low -"), ("deleting", "pass")] {
        let record = resource("redshift", &cluster(json!({"ClusterStatus": status})));
        assert_eq!(said(&judge(&team, "redshift_required_tags", &record)), [expected], "{status}");
    }
}
