//! The checks of volumes.

use common::resource::{ResourceType, Volume};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Example, settings, table, tags, with};

impl Example for Volume {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0abc";
    const IDS: &'static [&'static str] = &["ebs_volume_required_tags"];

    fn healthy() -> Value {
        json!({"VolumeId": "vol-0abc", "State": "in-use", "Encrypted": true})
    }

    fn rotten() -> Value {
        json!({})
    }
}

#[test]
fn volumes_need_tags_until_they_go() {
    let state = |state: Value| with(ResourceType::EbsVolume, json!({ "State": state }));
    let fail = &["fail low -"][..];
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(
        &team,
        "ebs_volume_required_tags",
        &[
            ("in use", state(json!("in-use")), fail),
            ("attached to nothing", state(json!("available")), fail),
            ("broken", state(json!("error")), fail),
            ("about to go", state(json!("deleting")), &["pass"]),
            ("gone", state(json!("deleted")), &["pass"]),
            ("no word of the state", state(json!(null)), &["unknown the record does not say State"]),
        ],
    );
    table(&settings(), "ebs_volume_required_tags", &[("it has them", state(json!("in-use")), &["pass"])]);
}
