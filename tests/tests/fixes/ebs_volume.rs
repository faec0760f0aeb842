//! Volumes, of which only the tags are asked about: nothing is done to them.

use serde_json::json;
use tests::stage::Stage;

#[test]
fn a_volume_without_a_required_tag_is_found_and_left_alone() {
    let stage = Stage::of("ebs_volume");
    assert!(stage.findings().is_empty(), "nothing is required");
    stage.set("required_tags = [\"Owner\"]");
    let findings = stage.findings();
    let [finding] = findings.as_slice() else { panic!("one volume has no owner: {findings:?}") };
    assert_eq!(finding["arn"], stage.arn("nobody owns it"));
    assert_eq!((&finding["check"], &finding["action"]), (&json!("ebs_volume_required_tags"), &json!(null)));
    assert_eq!(finding["evidence"], json!({"MissingTags": ["Owner"]}));
}
