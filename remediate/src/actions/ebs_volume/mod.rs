//! What is done to volumes: they are detached, and attached again; and removed for good once no instance has them.
//!
//! A call that builds on the one before it waits for what that one set going: an instance takes minutes to stop, a volume
//! seconds to be free.

mod ready;

use std::time::Duration;

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Attachment, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{AttachedInstance, ResourceType, Volume, VolumeAttachment, auto_scaling_group};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::refusal::{foreign, needs};
use super::{Along, ApiCall, Mended, Planned, Refusal, Turn};
use crate::wait::pauses;
use ready::{Free, has_stopped, is_attached, is_free, until};

/// A call on a volume, or on the instance that has it.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    StopInstances {
        instance_ids: Vec<String>,
    },
    Detach {
        volume_id: String,
        instance_id: String,
        device: String,
        /// Whether the instance must have stopped first.
        #[serde(skip)]
        once_stopped: bool,
    },
    Attach {
        volume_id: String,
        instance_id: String,
        device: String,
    },
    /// Whether the volume goes with its instance.
    ModifyInstance {
        instance_id: String,
        block_device_mappings: Vec<Mapping>,
        #[serde(skip)]
        volume_id: String,
    },
    Delete {
        volume_id: String,
        /// Whether an instance must have let go of it first.
        #[serde(skip)]
        once_free: bool,
    },
}

/// What is changed of one of an instance's volumes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mapping {
    device_name: String,
    ebs: Ebs,
}

/// See [`Mapping`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Ebs {
    delete_on_termination: bool,
}

/// How long a call waits for what the one before it set going.
const LONGEST: Duration = Duration::from_mins(5);

/// What a closer look fills in.
const INSTANCES: &str = "AttachedInstances";

type VolumePlan = Result<Planned<Volume, Step>, Refusal>;

impl Mended for Volume {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::EC2_DETACH_VOLUME]),
        ("kill", &[operation::EC2_STOP_INSTANCES, operation::EC2_DETACH_VOLUME, operation::EC2_DELETE_VOLUME]),
        ("ec2_detach_volume", &[operation::EC2_DETACH_VOLUME]),
        ("ec2_attach_volume", &[operation::EC2_ATTACH_VOLUME, operation::EC2_MODIFY_INSTANCE_ATTRIBUTE]),
    ];

    const CLOSELY: &'static [&'static str] = &["disable", "kill", "ec2_detach_volume"];

    /// An instance that has mounted it lets go of it slowly.
    const PATIENCE: Duration = Duration::from_mins(2);

    fn plan(action: &Action, resource: &Resource<Self>) -> VolumePlan {
        match action {
            Action::Ec2DetachVolume(attachment) => detach(resource, attachment),
            Action::Ec2AttachVolume(attachment) => attach(resource, attachment),
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        resource.config.attachments.iter().map(|it| named(it).map(Action::Ec2DetachVolume)).collect()
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> VolumePlan {
        if matches!(resource.config.state.as_deref(), Some("deleting" | "deleted")) {
            return Ok(Planned::nothing(resource));
        }
        let volume_id = resource.config.volume_id.clone();
        let (mut stopped, mut steps) = (Vec::new(), Vec::new());
        for attachment in &resource.config.attachments {
            if attachment.state.as_deref() == Some("detaching") {
                continue;
            }
            let Attachment { instance_id, device, .. } = named(attachment)?;
            let instance = instance(resource, &instance_id)?;
            let state = instance.state.name.as_str();
            match state {
                // It lets go of its volumes by itself, and some go with it.
                "shutting-down" | "terminated" => continue,
                "running" | "pending" => {
                    can_be_stopped(instance)?;
                    stopped.push(instance_id.clone());
                }
                "stopping" | "stopped" => {}
                other => {
                    let why = format!("the state of {instance_id} is `{other}`, which this version does not know");
                    return Err(Refusal::Impossible(why));
                }
            }
            // Whoever asked it to let go waits for whatever holds the volume there to end, as the stop makes it.
            if attachment.state.as_deref() != Some("busy") {
                let once_stopped = state != "stopped";
                steps.push(Step::Detach { volume_id: volume_id.clone(), instance_id, device, once_stopped });
            }
        }
        if !stopped.is_empty() {
            steps.insert(0, Step::StopInstances { instance_ids: stopped });
        }
        steps.push(Step::Delete { volume_id, once_free: !resource.config.attachments.is_empty() });
        Ok(Planned { steps, undo: None, after: None })
    }

    /// The instances that are stopped for it, or lose it. Those that go let go of it by themselves.
    fn along(action: &Action, resource: &Resource<Self>) -> Result<Vec<Along>, Refusal> {
        let meant = |it: &&VolumeAttachment| match action {
            Action::Ec2DetachVolume(attachment) => it.instance_id.as_ref() == Some(&attachment.instance_id),
            Action::Disable | Action::Kill(_) => it.state.as_deref() != Some("detaching"),
            _ => false,
        };
        let ids: Vec<&String> =
            resource.config.attachments.iter().filter(meant).filter_map(|it| it.instance_id.as_ref()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        needs(resource, &[INSTANCES])?;
        let stays = |it: &&AttachedInstance| !matches!(it.state.name.as_str(), "shutting-down" | "terminated");
        let instances = resource.config.attached_instances.iter().flatten().filter(stays);
        let instances = instances.filter(|instance| ids.contains(&&instance.instance_id)).map(|instance| {
            let id = instance.instance_id.as_str();
            let name = format!("{id}, which has it,");
            Along::of(resource, ResourceType::Ec2, id, "instance/", name).tagged(&instance.tags)
        });
        Ok(instances.collect())
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// An instance that is to go as well lets go of it.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

/// The attachment as an action names it.
fn named(attachment: &VolumeAttachment) -> Result<Attachment, Refusal> {
    match (attachment.instance_id.clone(), attachment.device.clone()) {
        (Some(instance_id), Some(device)) => {
            // What AWS does by itself need not be said.
            let delete_on_termination = attachment.delete_on_termination.filter(|goes_too| *goes_too);
            Ok(Attachment { instance_id, device, delete_on_termination })
        }
        _ => Err(Refusal::Impossible("AWS does not say which instance has it, and where".to_owned())),
    }
}

/// The instance that has the volume.
fn instance<'a>(resource: &'a Resource<Volume>, id: &str) -> Result<&'a AttachedInstance, Refusal> {
    needs(resource, &[INSTANCES])?;
    let instance = resource.config.attached_instances.iter().flatten().find(|instance| instance.instance_id == id);
    instance.ok_or_else(|| Refusal::Changed(format!("{id}, which has it, does not exist, or no longer exists")))
}

fn can_be_stopped(instance: &AttachedInstance) -> Result<(), Refusal> {
    let id = &instance.instance_id;
    if let Some(group) = instance.tags.get(auto_scaling_group::TAG) {
        return Err(Refusal::Impossible(format!(
            "{id}, which has it, belongs to the Auto Scaling group {group}, which would terminate and replace it once stopped"
        )));
    }
    if instance.root_device_type.as_deref() == Some("instance-store") {
        return Err(Refusal::Impossible(format!(
            "the root device of {id}, which has it, is an instance store: it can be terminated, not stopped"
        )));
    }
    Ok(())
}

fn detach(resource: &Resource<Volume>, wanted: &Attachment) -> VolumePlan {
    let id = &wanted.instance_id;
    let attachments = &resource.config.attachments;
    let Some(present) = attachments.iter().find(|it| it.instance_id.as_ref() == Some(id)) else {
        return Ok(Planned::nothing(resource));
    };
    let named = named(present)?;
    if named.device != wanted.device {
        return Err(Refusal::Changed(format!("{id} has it as {}", named.device)));
    }
    match present.state.as_deref() {
        Some("busy") => {
            return Err(Refusal::Changed(format!("{id} still uses it: it is detached once it is unmounted there")));
        }
        Some(state @ ("attaching" | "detaching")) => {
            return Err(Refusal::Changed(format!("it is still {state}, to or from {id}")));
        }
        _ => {}
    }
    let instance = instance(resource, id)?;
    let stopped = instance.state.name == "stopped";
    if !stopped && instance.root_device_name.as_ref() == Some(&named.device) {
        return Err(Refusal::Impossible(format!(
            "it is the root device of {id}, which is {}: stop that first",
            instance.state.name
        )));
    }
    let step = Step::Detach {
        volume_id: resource.config.volume_id.clone(),
        instance_id: id.clone(),
        device: named.device.clone(),
        once_stopped: false,
    };
    let kept = attachments.iter().filter(|it| it.instance_id.as_ref() != Some(id)).cloned().collect();
    Ok(Planned::one(step, Some(Action::Ec2AttachVolume(named)), attached(resource, kept)))
}

fn attach(resource: &Resource<Volume>, wanted: &Attachment) -> VolumePlan {
    let Attachment { instance_id, device, delete_on_termination } = wanted.clone();
    let volume_id = resource.config.volume_id.clone();
    let goes_too = delete_on_termination.unwrap_or_default();
    let modify = || Step::ModifyInstance {
        instance_id: instance_id.clone(),
        block_device_mappings: vec![Mapping {
            device_name: device.clone(),
            ebs: Ebs { delete_on_termination: goes_too },
        }],
        volume_id: volume_id.clone(),
    };
    let (here, others): (Vec<_>, Vec<_>) =
        resource.config.attachments.iter().cloned().partition(|it| it.instance_id.as_ref() == Some(&instance_id));
    let back = VolumeAttachment {
        instance_id: Some(instance_id.clone()),
        device: Some(device.clone()),
        state: Some("attached".to_owned()),
        delete_on_termination: Some(goes_too),
    };
    let after = attached(resource, [others.clone(), vec![back]].concat());
    if let Some(present) = here.first() {
        let now = named(present)?;
        if now.device != device {
            return Err(Refusal::Changed(format!("{instance_id} has it as {}", now.device)));
        }
        if present.state.as_deref().is_some_and(|state| state != "attached") {
            let state = present.state.as_deref().unwrap_or_default();
            return Err(Refusal::Changed(format!("it is still {state}, to or from {instance_id}")));
        }
        if delete_on_termination.is_none() || present.delete_on_termination.unwrap_or_default() == goes_too {
            return Ok(Planned::nothing(resource));
        }
        let undo = Attachment { delete_on_termination: Some(!goes_too), ..now };
        return Ok(Planned::one(modify(), Some(Action::Ec2AttachVolume(undo)), after));
    }
    let several = resource.config.multi_attach_enabled == Some(true);
    if let Some(other) = others.first().filter(|_| !several) {
        let id = other.instance_id.as_deref().unwrap_or("another instance");
        return Err(Refusal::Changed(format!("{id} has it")));
    }
    match resource.config.state.as_deref() {
        Some("available" | "in-use") => {}
        state => return Err(Refusal::Changed(format!("its state is `{}`", state.unwrap_or_default()))),
    }
    let mut steps =
        vec![Step::Attach { volume_id: volume_id.clone(), instance_id: instance_id.clone(), device: device.clone() }];
    if goes_too {
        steps.push(modify());
    }
    let undo = Attachment { delete_on_termination: None, ..wanted.clone() };
    Ok(Planned { steps, undo: Some(Action::Ec2DetachVolume(undo)), after: Some(after) })
}

/// The volume with these attachments.
fn attached(resource: &Resource<Volume>, mut attachments: Vec<VolumeAttachment>) -> Volume {
    attachments.sort_unstable();
    let state = if attachments.is_empty() { "available" } else { "in-use" };
    Volume { attachments, state: Some(state.to_owned()), ..resource.config.clone() }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::StopInstances { .. } => operation::EC2_STOP_INSTANCES,
            Self::Detach { .. } => operation::EC2_DETACH_VOLUME,
            Self::Attach { .. } => operation::EC2_ATTACH_VOLUME,
            Self::ModifyInstance { .. } => operation::EC2_MODIFY_INSTANCE_ATTRIBUTE,
            Self::Delete { .. } => operation::EC2_DELETE_VOLUME,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        let operation = self.operation();
        match self {
            Self::StopInstances { instance_ids } => {
                sent(operation, client.stop_instances().set_instance_ids(Some(instance_ids.clone())).send().await)
            }
            Self::Detach { volume_id, instance_id, device, once_stopped } => {
                if *once_stopped {
                    let late = || format!("{instance_id} has not stopped in time: the next run goes on from there");
                    until(operation, pauses(LONGEST), late, || has_stopped(&client, instance_id)).await?;
                }
                let detach = client.detach_volume().volume_id(volume_id).instance_id(instance_id).device(device);
                sent(operation, detach.send().await)
            }
            Self::Attach { volume_id, instance_id, device } => {
                let attach = client.attach_volume().volume_id(volume_id).instance_id(instance_id).device(device);
                sent(operation, attach.send().await)
            }
            Self::ModifyInstance { instance_id, block_device_mappings, volume_id } => {
                let late = || format!("{volume_id} is not attached yet: do the same once more when it is");
                until(operation, pauses(LONGEST), late, || is_attached(&client, volume_id, instance_id)).await?;
                let mappings = block_device_mappings.iter().map(sdk).collect();
                let modify = client.modify_instance_attribute().instance_id(instance_id);
                sent(operation, modify.set_block_device_mappings(Some(mappings)).send().await)
            }
            Self::Delete { volume_id, once_free } => {
                if *once_free {
                    let late = || format!("{volume_id} is not detached yet: the next run goes on from there");
                    let free = until(operation, pauses(LONGEST), late, || is_free(&client, volume_id)).await?;
                    if free == Free::Gone {
                        return Ok(None);
                    }
                }
                sent(operation, client.delete_volume().volume_id(volume_id).send().await)
            }
        }
    }
}

fn sdk(mapping: &Mapping) -> ec2::InstanceBlockDeviceMappingSpecification {
    let ebs = ec2::EbsInstanceBlockDeviceSpecification::builder();
    ec2::InstanceBlockDeviceMappingSpecification::builder()
        .device_name(&mapping.device_name)
        .ebs(ebs.delete_on_termination(mapping.ebs.delete_on_termination).build())
        .build()
}

#[cfg(test)]
mod tests {
    use common::record::Call;
    use common::resource::InstanceState;
    use serde_json::{Value, json};

    use super::*;
    use crate::actions::tests::{Samples, after, needs as refuses_without, planned, resource, the_call};

    /// A volume on these instances, which are in these states; `i-1` has it as its root device.
    fn volume(instances: &[(&str, &str)]) -> Resource<Volume> {
        let device = |id: &str| if id == "i-1" { "/dev/xvda" } else { "/dev/sdf" }.to_owned();
        let attachment = |&(id, _): &(&str, &str)| VolumeAttachment {
            instance_id: Some(id.into()),
            device: Some(device(id)),
            state: Some("attached".into()),
            delete_on_termination: Some(id == "i-1"),
        };
        let instance = |&(id, state): &(&str, &str)| AttachedInstance {
            instance_id: id.into(),
            state: InstanceState { name: state.into() },
            root_device_name: Some("/dev/xvda".into()),
            root_device_type: Some("ebs".into()),
            ..AttachedInstance::default()
        };
        let config = Volume {
            volume_id: "vol-1".into(),
            multi_attach_enabled: Some(instances.len() > 1),
            state: Some(if instances.is_empty() { "available" } else { "in-use" }.into()),
            attachments: instances.iter().map(attachment).collect(),
            attached_instances: Some(instances.iter().map(instance).collect()),
            ..Volume::default()
        };
        resource("vol-1", "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", config)
    }

    /// A volume that `i-2` had once.
    fn free() -> Resource<Volume> {
        let mut volume = volume(&[("i-2", "running")]);
        volume.config.attachments.clear();
        volume.config.state = Some("available".into());
        volume
    }

    fn on(instance: &str, device: &str, goes_too: Option<bool>) -> Attachment {
        Attachment { instance_id: instance.into(), device: device.into(), delete_on_termination: goes_too }
    }

    fn kill() -> Action {
        Action::Kill(Kill::default())
    }

    fn calls(action: &Action, volume: &Resource<Volume>) -> Vec<(String, Value)> {
        let calls = planned(action, volume).unwrap().calls().into_iter();
        calls.map(|Call { operation, parameters, .. }| (operation, parameters)).collect()
    }

    fn names(action: &Action, volume: &Resource<Volume>) -> Vec<String> {
        calls(action, volume).into_iter().map(|(name, _)| name.replace("ec2:", "")).collect()
    }

    impl Samples for Volume {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Disable, volume(&[("i-2", "running"), ("i-3", "stopped")])),
                (Action::Disable, volume(&[("i-1", "stopped")])),
                (kill(), volume(&[("i-1", "running")])),
                (kill(), volume(&[])),
                (
                    Action::Ec2DetachVolume(on("i-2", "/dev/sdf", None)),
                    volume(&[("i-2", "running"), ("i-3", "running")]),
                ),
                (Action::Ec2AttachVolume(on("i-2", "/dev/sdf", Some(true))), free()),
                (Action::Ec2AttachVolume(on("i-2", "/dev/sdf", Some(true))), volume(&[("i-2", "running")])),
            ]
        }
    }

    #[test]
    fn a_volume_comes_back_as_it_was_attached() {
        let detached = planned(&Action::Disable, &volume(&[("i-1", "stopped")])).unwrap();
        assert_eq!(detached.undo, Some(Action::Ec2AttachVolume(on("i-1", "/dev/xvda", Some(true)))));
        let again: Vec<(String, Value)> = calls(&detached.undo.clone().unwrap(), &after(&detached));
        let mapping = json!({"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": true}});
        assert_eq!(
            again,
            [
                (
                    "ec2:AttachVolume".to_owned(),
                    json!({"VolumeId": "vol-1", "InstanceId": "i-1", "Device": "/dev/xvda"})
                ),
                (
                    "ec2:ModifyInstanceAttribute".to_owned(),
                    json!({"InstanceId": "i-1", "BlockDeviceMappings": [mapping]})
                ),
            ]
        );
        // What AWS does by itself is not asked of it.
        let detached = planned(&Action::Disable, &volume(&[("i-2", "running")])).unwrap();
        let (operation, _) = the_call(&detached.undo.clone().unwrap(), &after::<Volume>(&detached));
        assert_eq!(operation, "ec2:AttachVolume");
    }

    #[test]
    fn a_root_device_is_taken_from_a_stopped_instance_alone() {
        for state in ["running", "pending", "stopping", "shutting-down"] {
            let refused = planned(&Action::Disable, &volume(&[("i-1", state)]));
            assert!(matches!(&refused, Err(Refusal::Impossible(why)) if why.contains(state)), "{state}: {refused:?}");
            assert_eq!(names(&Action::Disable, &volume(&[("i-2", state)])), ["DetachVolume"], "{state}");
        }
        assert_eq!(names(&Action::Disable, &volume(&[("i-1", "stopped")])), ["DetachVolume"]);
    }

    #[test]
    fn a_kill_makes_the_calls_that_are_left() {
        for (state, expected) in [
            ("running", &["StopInstances", "DetachVolume", "DeleteVolume"][..]),
            ("pending", &["StopInstances", "DetachVolume", "DeleteVolume"]),
            ("stopping", &["DetachVolume", "DeleteVolume"]),
            ("stopped", &["DetachVolume", "DeleteVolume"]),
            ("shutting-down", &["DeleteVolume"]),
        ] {
            assert_eq!(names(&kill(), &volume(&[("i-1", state)])), expected, "{state}");
        }
        assert_eq!(names(&kill(), &volume(&[])), ["DeleteVolume"]);
        let stop = ("ec2:StopInstances".to_owned(), json!({"InstanceIds": ["i-2", "i-4"]}));
        let shared = volume(&[("i-2", "running"), ("i-3", "stopped"), ("i-4", "running")]);
        assert_eq!(calls(&kill(), &shared)[0], stop, "one stop for all");
        assert_eq!(names(&kill(), &shared).len(), 5);

        let with = |state: &str, attachment: &str| {
            let mut volume = volume(&[("i-2", "running")]);
            volume.config.state = Some(state.into());
            volume.config.attachments[0].state = Some(attachment.into());
            volume
        };
        assert_eq!(names(&kill(), &with("in-use", "detaching")), ["DeleteVolume"]);
        assert_eq!(names(&kill(), &with("in-use", "busy")), ["StopInstances", "DeleteVolume"]);
        assert_eq!(names(&kill(), &with("deleting", "detaching")), [""; 0]);
        // A call waits for the one before it, and for nothing that nobody set going.
        let plan = Volume::kill(&volume(&[("i-2", "stopped")]), Kill::default(), &Remediate::default()).unwrap();
        assert!(matches!(
            plan.steps[..],
            [Step::Detach { once_stopped: false, .. }, Step::Delete { once_free: true, .. }]
        ));
        let plan = Volume::kill(&volume(&[("i-2", "stopping")]), Kill::default(), &Remediate::default()).unwrap();
        assert!(matches!(plan.steps[0], Step::Detach { once_stopped: true, .. }));
    }

    #[test]
    fn an_instance_that_cannot_be_stopped_keeps_its_volume() {
        type Row = (fn(&mut AttachedInstance), &'static str);
        let rows: [Row; 2] = [
            (|it| drop(it.tags.insert(auto_scaling_group::TAG.into(), "web".into())), "Auto Scaling group web"),
            (|it| it.root_device_type = Some("instance-store".into()), "not stopped"),
        ];
        for (change, why) in rows {
            for state in ["running", "stopped"] {
                let mut volume = volume(&[("i-2", state)]);
                change(&mut volume.config.attached_instances.as_mut().unwrap()[0]);
                let killed = planned(&kill(), &volume);
                let refused = matches!(&killed, Err(Refusal::Impossible(said)) if said.contains(why));
                assert_eq!(refused, state == "running", "{why} {state}: {killed:?}");
                assert!(planned(&Action::Disable, &volume).is_ok(), "{why} {state}");
            }
        }
    }

    #[test]
    fn without_a_closer_look_nothing_is_taken_from_an_instance() {
        for action in [kill(), Action::Disable, Action::Ec2DetachVolume(on("i-2", "/dev/sdf", None))] {
            let volume = volume(&[("i-2", "running")]);
            assert!(refuses_without(&action, volume.clone(), INSTANCES), "{action:?}");
            let unknown = Resource { config: Volume { attached_instances: None, ..volume.config.clone() }, ..volume };
            assert!(matches!(planned(&action, &unknown), Err(Refusal::Changed(_))), "{action:?}");
        }
    }

    #[test]
    fn what_aws_is_at_work_on_or_somebody_has_changed_is_left_alone() {
        let detach = |device| Action::Ec2DetachVolume(on("i-2", device, None));
        let attach = |id, device| Action::Ec2AttachVolume(on(id, device, None));
        let here = || volume(&[("i-2", "running")]);
        let changed = |action: &Action, volume: &Resource<Volume>| match planned(action, volume) {
            Err(Refusal::Changed(why)) => why,
            other => panic!("{action:?}: {other:?}"),
        };
        for (state, why) in [("attaching", "still attaching"), ("detaching", "still detaching"), ("busy", "unmounted")]
        {
            let mut volume = here();
            volume.config.attachments[0].state = Some(state.into());
            assert!(changed(&detach("/dev/sdf"), &volume).contains(why), "{state}");
            assert!(changed(&attach("i-2", "/dev/sdf"), &volume).contains(state), "{state}");
        }
        assert!(changed(&detach("/dev/sdg"), &here()).contains("as /dev/sdf"));
        assert!(changed(&attach("i-2", "/dev/sdg"), &here()).contains("as /dev/sdf"));
        assert!(changed(&attach("i-9", "/dev/sdf"), &here()).contains("i-2 has it"));
        let mut several = here();
        several.config.multi_attach_enabled = Some(true);
        assert_eq!(names(&attach("i-9", "/dev/sdf"), &several), ["AttachVolume"]);
        let mut broken = volume(&[]);
        broken.config.state = Some("error".into());
        assert!(changed(&attach("i-2", "/dev/sdf"), &broken).contains("`error`"));
        assert!(planned(&attach("i-2", "/dev/sdf"), &here()).unwrap().steps.is_empty());
        assert!(planned(&detach("/dev/sdf"), &volume(&[])).unwrap().steps.is_empty());
        assert!(planned(&Action::Disable, &volume(&[])).unwrap().steps.is_empty());
    }
}
