//! What is done to users: keys are deactivated, never deleted; a password can only be removed.

use aws_sdk_iam::types::StatusType;
use common::action::{Action, Key};
use common::aws::{AwsError, Session};
use common::record::Resource;
use common::resource::User;
use serde::Serialize;

use super::{Planned, Refusal, foreign, needs, sent};

/// A call on a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "operation", content = "parameters", rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    #[serde(rename = "iam:DeleteLoginProfile")]
    DeleteLoginProfile { user_name: String },
    #[serde(rename = "iam:UpdateAccessKey")]
    UpdateAccessKey { user_name: String, access_key_id: String, status: String },
}

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

type UserPlan = Result<Planned<User, Step>, Refusal>;

pub(crate) fn plan(action: &Action, resource: &Resource<User>) -> UserPlan {
    match action {
        Action::IamDeleteLoginProfile => {
            needs(resource, &["PasswordEnabled"])?;
            if !resource.config.password_enabled {
                return Ok(Planned::nothing(resource));
            }
            let step = Step::DeleteLoginProfile { user_name: resource.config.user_name.clone() };
            let after = User { password_enabled: false, password_last_changed: None, ..resource.config.clone() };
            Ok(Planned::one(step, None, after))
        }
        Action::IamDeactivateKey(key) => set_status(resource, key, INACTIVE),
        Action::IamActivateKey(key) => set_status(resource, key, ACTIVE),
        other => Err(foreign(other, resource)),
    }
}

fn set_status(resource: &Resource<User>, key: &Key, status: &str) -> UserPlan {
    needs(resource, &["AccessKeys"])?;
    let mut after = resource.config.clone();
    let Some(present) = after.access_keys.iter_mut().find(|present| present.access_key_id == key.access_key_id) else {
        if status == INACTIVE {
            return Ok(Planned::nothing(resource));
        }
        return Err(Refusal::Changed(format!("the user has no access key {} any more", key.access_key_id)));
    };
    if present.status == status {
        return Ok(Planned::nothing(resource));
    }
    status.clone_into(&mut present.status);
    let undo =
        if status == ACTIVE { Action::IamDeactivateKey(key.clone()) } else { Action::IamActivateKey(key.clone()) };
    let step = Step::UpdateAccessKey {
        user_name: resource.config.user_name.clone(),
        access_key_id: key.access_key_id.clone(),
        status: status.to_owned(),
    };
    Ok(Planned::one(step, Some(undo), after))
}

impl Step {
    pub(crate) async fn send(&self, session: &Session) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_iam, session, session.home_region());
        match self {
            Self::DeleteLoginProfile { user_name } => {
                sent("iam:DeleteLoginProfile", client.delete_login_profile().user_name(user_name).send().await)
            }
            Self::UpdateAccessKey { user_name, access_key_id, status } => sent(
                "iam:UpdateAccessKey",
                client
                    .update_access_key()
                    .user_name(user_name)
                    .access_key_id(access_key_id)
                    .status(StatusType::from(status.as_str()))
                    .send()
                    .await,
            ),
        }
    }
}
