//! What is done to AMIs: launch permissions go out one by one, and come back; or the image goes, for good. Its snapshots stay.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{Image, LaunchPermission};
use common::settings::Remediate;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::call::sent;
use super::shares::{self, Modify};
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on an image.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Modify { image_id: String, launch_permission: Modifications },
    Deregister { image_id: String },
}

/// What is changed of the launch permissions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) enum Modifications {
    #[serde(serialize_with = "said")]
    Add(Vec<LaunchPermission>),
    #[serde(serialize_with = "said")]
    Remove(Vec<LaunchPermission>),
}

/// The permissions without the fields that say nothing.
fn said<S: Serializer>(permissions: &[LaunchPermission], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(permissions.len()))?;
    for LaunchPermission { group, user_id, organization_arn, organizational_unit_arn } in permissions {
        let fields = [
            ("Group", group),
            ("UserId", user_id),
            ("OrganizationArn", organization_arn),
            ("OrganizationalUnitArn", organizational_unit_arn),
        ];
        let said: serde_json::Map<_, _> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))).collect();
        list.serialize_element(&said)?;
    }
    list.end()
}

impl Mended for Image {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::EC2_MODIFY_IMAGE_ATTRIBUTE]),
        ("kill", &[operation::EC2_DEREGISTER_IMAGE]),
        ("unshare", &[operation::EC2_MODIFY_IMAGE_ATTRIBUTE]),
        ("share", &[operation::EC2_MODIFY_IMAGE_ATTRIBUTE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Self::Step>, Refusal> {
        shares::plan(action, resource, |modify, with| {
            let permissions = with.iter().map(|who| LaunchPermission::of(who)).collect();
            Step::Modify {
                image_id: resource.config.image_id.clone(),
                launch_permission: match modify {
                    Modify::Add => Modifications::Add(permissions),
                    Modify::Remove => Modifications::Remove(permissions),
                },
            }
        })
    }

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        shares::disable(resource)
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> Result<Planned<Self, Step>, Refusal> {
        // AWS shows it a while longer.
        if resource.config.state.as_deref() == Some("deregistered") {
            return Ok(Planned::nothing(resource));
        }
        let step = Step::Deregister { image_id: resource.config.image_id.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Modify { .. } => operation::EC2_MODIFY_IMAGE_ATTRIBUTE,
            Self::Deregister { .. } => operation::EC2_DEREGISTER_IMAGE,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        match self {
            Self::Modify { image_id, launch_permission } => {
                let sdk = |list: &[LaunchPermission]| Some(list.iter().map(sdk).collect());
                let changes = ec2::LaunchPermissionModifications::builder();
                let changes = match launch_permission {
                    Modifications::Add(list) => changes.set_add(sdk(list)),
                    Modifications::Remove(list) => changes.set_remove(sdk(list)),
                };
                let modify = client.modify_image_attribute().image_id(image_id);
                sent(self.operation(), modify.launch_permission(changes.build()).send().await)
            }
            Self::Deregister { image_id } => {
                sent(self.operation(), client.deregister_image().image_id(image_id).send().await)
            }
        }
    }
}

fn sdk(permission: &LaunchPermission) -> ec2::LaunchPermission {
    ec2::LaunchPermission::builder()
        .set_group(permission.group.as_deref().map(ec2::PermissionGroup::from))
        .set_user_id(permission.user_id.clone())
        .set_organization_arn(permission.organization_arn.clone())
        .set_organizational_unit_arn(permission.organizational_unit_arn.clone())
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::shares::tests::{STRANGER, calls, samples, shared};
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn image() -> Resource<Image> {
        let config = Image { image_id: "ami-1".into(), ..Image::default() };
        resource("ami-1", "arn:aws:ec2:eu-west-1::image/ami-1", config)
    }

    impl Samples for Image {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            let taken =
                vec![(Action::Disable, shared(image(), &["all", STRANGER])), (Action::Kill(Kill::default()), image())];
            [samples(&image()), taken].concat()
        }
    }

    #[test]
    fn an_image_that_is_gone_is_left_alone() {
        let kill = Action::Kill(Kill::default());
        let mut image = image();
        assert_eq!(the_call(&kill, &image), ("ec2:DeregisterImage".to_owned(), json!({"ImageId": "ami-1"})));
        image.config.state = Some("deregistered".into());
        assert!(planned(&kill, &image).unwrap().steps.is_empty());
    }

    #[test]
    fn each_share_is_named_by_what_it_is() {
        let organization = "arn:aws:organizations::111122223333:organization/o-acme";
        let unit = "arn:aws:organizations::111122223333:ou/o-acme/ou-web-1a2b";
        for (who, permission) in [
            ("all", json!({"Group": "all"})),
            (STRANGER, json!({"UserId": STRANGER})),
            (organization, json!({"OrganizationArn": organization})),
            (unit, json!({"OrganizationalUnitArn": unit})),
        ] {
            let [gone, back] = calls(&[who], &image());
            let modify = |way: &str| {
                let parameters = json!({"ImageId": "ami-1", "LaunchPermission": {way: [permission]}});
                ("ec2:ModifyImageAttribute".to_owned(), parameters)
            };
            assert_eq!((gone, back), (modify("Remove"), modify("Add")));
        }
    }
}
