//! What is done to users: keys are deactivated, or deleted where that is asked for; a password can only be removed.

use aws_sdk_iam::types::StatusType;
use common::action::{Action, Key};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::User;
use serde::Serialize;

use super::call::sent;
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on a user.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    DeleteLoginProfile { user_name: String },
    UpdateAccessKey { user_name: String, access_key_id: String, status: String },
    DeleteAccessKey { user_name: String, access_key_id: String },
}

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

type UserPlan = Result<Planned<User, Step>, Refusal>;

impl Mended for User {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("iam_delete_login_profile", &[operation::IAM_DELETE_LOGIN_PROFILE]),
        ("iam_deactivate_key", &[operation::IAM_UPDATE_ACCESS_KEY]),
        ("iam_activate_key", &[operation::IAM_UPDATE_ACCESS_KEY]),
        ("iam_delete_key", &[operation::IAM_DELETE_ACCESS_KEY]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> UserPlan {
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
            Action::IamDeleteKey(key) => delete(resource, key),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

fn set_status(resource: &Resource<User>, key: &Key, status: &str) -> UserPlan {
    needs(resource, &["AccessKeys"])?;
    let mut after = resource.config.clone();
    let Some(present) = after.access_keys.iter_mut().find(|present| present.access_key_id == key.access_key_id) else {
        // A key of another user is not harmless because this one does not have it.
        return Err(Refusal::Changed(format!("the user has no access key {}", key.access_key_id)));
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

fn delete(resource: &Resource<User>, key: &Key) -> UserPlan {
    needs(resource, &["AccessKeys"])?;
    let mut after = resource.config.clone();
    after.access_keys.retain(|present| present.access_key_id != key.access_key_id);
    if after.access_keys.len() == resource.config.access_keys.len() {
        return Ok(Planned::nothing(resource));
    }
    let user_name = resource.config.user_name.clone();
    let step = Step::DeleteAccessKey { user_name, access_key_id: key.access_key_id.clone() };
    Ok(Planned::one(step, None, after))
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::DeleteLoginProfile { .. } => operation::IAM_DELETE_LOGIN_PROFILE,
            Self::UpdateAccessKey { .. } => operation::IAM_UPDATE_ACCESS_KEY,
            Self::DeleteAccessKey { .. } => operation::IAM_DELETE_ACCESS_KEY,
        }
    }

    async fn send(&self, session: &Session, _: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_iam, session, session.home_region());
        let operation = self.operation();
        match self {
            Self::DeleteLoginProfile { user_name } => {
                sent(operation, client.delete_login_profile().user_name(user_name).send().await)
            }
            Self::UpdateAccessKey { user_name, access_key_id, status } => {
                let update = client.update_access_key().user_name(user_name).access_key_id(access_key_id);
                sent(operation, update.status(StatusType::from(status.as_str())).send().await)
            }
            Self::DeleteAccessKey { user_name, access_key_id } => {
                let delete = client.delete_access_key().user_name(user_name).access_key_id(access_key_id);
                sent(operation, delete.send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::resource::AccessKey;
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, after, needs, planned, resource, the_call};

    fn user() -> Resource<User> {
        let key = |id: &str, status: &str| AccessKey {
            access_key_id: id.into(),
            status: status.into(),
            ..AccessKey::default()
        };
        let config = User {
            user_name: "jane".into(),
            password_enabled: true,
            access_keys: vec![key("AKIA1", "Active"), key("AKIA2", "Inactive")],
            ..User::default()
        };
        resource("jane", "arn:aws:iam::111122223333:user/team/jane", config)
    }

    fn key(id: &str) -> Key {
        Key { access_key_id: id.into() }
    }

    impl Samples for User {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::IamDeleteLoginProfile, user()),
                (Action::IamDeactivateKey(key("AKIA1")), user()),
                (Action::IamActivateKey(key("AKIA2")), user()),
                (Action::IamDeleteKey(key("AKIA2")), user()),
            ]
        }
    }

    #[test]
    fn a_password_goes_by_the_name_of_its_user() {
        let (operation, parameters) = the_call(&Action::IamDeleteLoginProfile, &user());
        assert_eq!((operation.as_str(), parameters), ("iam:DeleteLoginProfile", json!({"UserName": "jane"})));
    }

    #[test]
    fn one_key_is_deleted_and_the_other_stays() {
        let plan = planned(&Action::IamDeleteKey(key("AKIA1")), &user()).unwrap();
        let calls = plan.calls();
        assert_eq!((calls.len(), calls[0].operation.as_str()), (1, "iam:DeleteAccessKey"));
        assert_eq!(calls[0].parameters, json!({"UserName": "jane", "AccessKeyId": "AKIA1"}));
        let left: Vec<String> =
            after::<User>(&plan).config.access_keys.into_iter().map(|key| key.access_key_id).collect();
        assert_eq!(left, ["AKIA2"]);
    }

    #[test]
    fn a_key_that_the_user_does_not_have_is_not_a_key_in_order() {
        assert!(matches!(planned(&Action::IamActivateKey(key("AKIA9")), &user()), Err(Refusal::Changed(_))));
        assert!(matches!(planned(&Action::IamDeactivateKey(key("AKIA9")), &user()), Err(Refusal::Changed(_))));
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        assert!(needs(&Action::IamDeleteLoginProfile, user(), "PasswordEnabled"));
        assert!(needs(&Action::IamDeactivateKey(key("AKIA1")), user(), "AccessKeys"));
        assert!(needs(&Action::IamDeleteKey(key("AKIA1")), user(), "AccessKeys"));
    }
}
