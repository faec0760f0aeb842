//! What is done to users: keys are deactivated, or deleted where that is asked for; a password can only be removed; an inline
//! policy shuts one out altogether.

use aws_sdk_iam::types::StatusType;
use common::action::{Action, Formerly, Key, Kill};
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{SLUICE_DENY_ALL, User};
use common::settings::Remediate;
use serde_json::Value;

use super::iam::{self, iam_calls, told};
use super::policy::text;
use super::refusal::{foreign, needs};
use super::{Mended, Planned, Refusal};

iam_calls! {
    DeleteLoginProfile = IAM_DELETE_LOGIN_PROFILE, delete_login_profile { user_name: String }
    UpdateAccessKey = IAM_UPDATE_ACCESS_KEY, update_access_key {
        user_name: String, access_key_id: String, status: String => status_of,
    }
    DeleteAccessKey = IAM_DELETE_ACCESS_KEY, delete_access_key { user_name: String, access_key_id: String }
    PutUserPolicy = IAM_PUT_USER_POLICY, put_user_policy {
        user_name: String, policy_name: String, policy_document: Value => text,
    }
    DeleteUserPolicy = IAM_DELETE_USER_POLICY, delete_user_policy { user_name: String, policy_name: String }
    DeactivateMfaDevice = IAM_DEACTIVATE_MFA_DEVICE, deactivate_mfa_device { user_name: String, serial_number: String }
    DeleteVirtualMfaDevice = IAM_DELETE_VIRTUAL_MFA_DEVICE, delete_virtual_mfa_device { serial_number: String }
    DeleteSshPublicKey = IAM_DELETE_SSH_PUBLIC_KEY, delete_ssh_public_key {
        user_name: String, #[serde(rename = "SSHPublicKeyId")] ssh_public_key_id: String,
    }
    DeleteServiceSpecificCredential = IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL, delete_service_specific_credential {
        user_name: String, service_specific_credential_id: String,
    }
    DeleteSigningCertificate = IAM_DELETE_SIGNING_CERTIFICATE, delete_signing_certificate {
        user_name: String, certificate_id: String,
    }
    DetachUserPolicy = IAM_DETACH_USER_POLICY, detach_user_policy { user_name: String, policy_arn: String }
    RemoveUserFromGroup = IAM_REMOVE_USER_FROM_GROUP, remove_user_from_group { group_name: String, user_name: String }
    DeleteUserPermissionsBoundary = IAM_DELETE_USER_PERMISSIONS_BOUNDARY, delete_user_permissions_boundary {
        user_name: String,
    }
    DeleteUser = IAM_DELETE_USER, delete_user { user_name: String }
}

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

/// How the kind of a virtual MFA device stands in its serial number, which is an ARN: it remains when its user is gone. See
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
const VIRTUAL: &str = ":mfa/";

type UserPlan = Result<Planned<User, Step>, Refusal>;

impl Mended for User {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::IAM_PUT_USER_POLICY, operation::IAM_UPDATE_ACCESS_KEY]),
        (
            "kill",
            &[
                operation::IAM_DELETE_LOGIN_PROFILE,
                operation::IAM_DEACTIVATE_MFA_DEVICE,
                operation::IAM_DELETE_VIRTUAL_MFA_DEVICE,
                operation::IAM_DELETE_SSH_PUBLIC_KEY,
                operation::IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL,
                operation::IAM_DELETE_SIGNING_CERTIFICATE,
                operation::IAM_DELETE_ACCESS_KEY,
                operation::IAM_REMOVE_USER_FROM_GROUP,
                operation::IAM_DETACH_USER_POLICY,
                operation::IAM_DELETE_USER_POLICY,
                operation::IAM_DELETE_USER_PERMISSIONS_BOUNDARY,
                operation::IAM_DELETE_USER,
            ],
        ),
        ("iam_delete_login_profile", &[operation::IAM_DELETE_LOGIN_PROFILE]),
        ("iam_deactivate_key", &[operation::IAM_UPDATE_ACCESS_KEY]),
        ("iam_activate_key", &[operation::IAM_UPDATE_ACCESS_KEY]),
        ("iam_delete_key", &[operation::IAM_DELETE_ACCESS_KEY]),
        ("iam_delete_keys", &[operation::IAM_PUT_USER_POLICY, operation::IAM_DELETE_ACCESS_KEY]),
        ("iam_deny_all", &[operation::IAM_PUT_USER_POLICY]),
        ("iam_allow_again", &[operation::IAM_DELETE_USER_POLICY, operation::IAM_PUT_USER_POLICY]),
    ];

    const CLOSELY: &'static [&'static str] = &["kill"];

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
            Action::IamDeleteKeys => delete_keys(resource),
            Action::IamDenyAll => deny_all(resource),
            Action::IamAllowAgain(former) => allow_again(resource, former),
            other => Err(foreign(other, resource)),
        }
    }

    /// The password stays: nobody could bring it back, and who signs in with it may do nothing. The keys first: AWS refuses
    /// the deny where the user's inline policies have no room for it, which an intruder may have seen to.
    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        needs(resource, &["AccessKeys"])?;
        let active = resource.config.access_keys.iter().filter(|key| key.status == ACTIVE);
        let keys = active.map(|key| Action::IamDeactivateKey(Key { access_key_id: key.access_key_id.clone() }));
        Ok(keys.chain([Action::IamDenyAll]).collect())
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> UserPlan {
        kill(resource)
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

fn status_of(status: &str) -> StatusType {
    StatusType::from(status)
}

/// What the user has to sign in with goes first. Then what allows them something, for the sake of sessions that are open
/// still; after that what denies it.
fn kill(resource: &Resource<User>) -> UserPlan {
    needs(resource, &["PasswordEnabled", "AccessKeys", "GroupList", "AttachedManagedPolicies", "UserPolicyList"])?;
    let config = &resource.config;
    let user_name = config.user_name.clone();
    let mut steps = Vec::new();
    if config.password_enabled {
        steps.push(Step::DeleteLoginProfile { user_name: user_name.clone() });
    }
    // Between these two a run must not be cut off, or the device stays behind: once it is nobody's, IAM does not tell whose it
    // was. Nobody can sign in with it.
    for serial_number in told(resource, config.mfa_devices.as_ref(), "MfaDevices")? {
        let (user_name, serial_number) = (user_name.clone(), serial_number.clone());
        steps.push(Step::DeactivateMfaDevice { user_name, serial_number: serial_number.clone() });
        if serial_number.contains(VIRTUAL) {
            steps.push(Step::DeleteVirtualMfaDevice { serial_number });
        }
    }
    for id in told(resource, config.ssh_public_keys.as_ref(), "SshPublicKeys")? {
        steps.push(Step::DeleteSshPublicKey { user_name: user_name.clone(), ssh_public_key_id: id.clone() });
    }
    for id in told(resource, config.service_specific_credentials.as_ref(), "ServiceSpecificCredentials")? {
        let (user_name, service_specific_credential_id) = (user_name.clone(), id.clone());
        steps.push(Step::DeleteServiceSpecificCredential { user_name, service_specific_credential_id });
    }
    for id in told(resource, config.signing_certificates.as_ref(), "SigningCertificates")? {
        steps.push(Step::DeleteSigningCertificate { user_name: user_name.clone(), certificate_id: id.clone() });
    }
    for key in &config.access_keys {
        let (user_name, access_key_id) = (user_name.clone(), key.access_key_id.clone());
        steps.push(Step::DeleteAccessKey { user_name, access_key_id });
    }
    for group_name in &config.group_list {
        let (group_name, user_name) = (group_name.clone(), user_name.clone());
        steps.push(Step::RemoveUserFromGroup { group_name, user_name });
    }
    for policy in &config.attached_managed_policies {
        let (user_name, policy_arn) = (user_name.clone(), policy.policy_arn.clone());
        steps.push(Step::DetachUserPolicy { user_name, policy_arn });
    }
    for policy_name in iam::own_last(&config.user_policy_list) {
        let (user_name, policy_name) = (user_name.clone(), policy_name.clone());
        steps.push(Step::DeleteUserPolicy { user_name, policy_name });
    }
    if config.permissions_boundary.is_some() {
        steps.push(Step::DeleteUserPermissionsBoundary { user_name: user_name.clone() });
    }
    steps.push(Step::DeleteUser { user_name });
    Ok(Planned { steps, undo: None, after: None })
}

fn deny_all(resource: &Resource<User>) -> UserPlan {
    needs(resource, &["UserPolicyList", SLUICE_DENY_ALL])?;
    let Some(change) = iam::closing(resource.config.sluice_deny_all.as_ref()) else {
        return Ok(Planned::nothing(resource));
    };
    let undo = Action::IamAllowAgain(Formerly { policy_document: change.from });
    let (step, after) = set_own_policy(&resource.config, change.to);
    Ok(Planned::one(step, Some(undo), after))
}

fn allow_again(resource: &Resource<User>, former: &Formerly) -> UserPlan {
    needs(resource, &["UserPolicyList", SLUICE_DENY_ALL])?;
    let Some(change) = iam::opening(former, resource.config.sluice_deny_all.as_ref())? else {
        return Ok(Planned::nothing(resource));
    };
    let (step, after) = set_own_policy(&resource.config, change.to);
    Ok(Planned::one(step, Some(Action::IamDenyAll), after))
}

/// The call that sets or removes Sluice's own inline policy, and the user after it.
fn set_own_policy(user: &User, document: Option<Value>) -> (Step, User) {
    let (user_name, policy_name) = (user.user_name.clone(), SLUICE_DENY_ALL.to_owned());
    let after = User {
        user_policy_list: iam::renamed(&user.user_policy_list, document.is_some()),
        sluice_deny_all: document.clone(),
        ..user.clone()
    };
    let step = match document {
        Some(policy_document) => Step::PutUserPolicy { user_name, policy_name, policy_document },
        None => Step::DeleteUserPolicy { user_name, policy_name },
    };
    (step, after)
}

/// And denied: a key that is deleted may have opened a session before.
fn delete_keys(resource: &Resource<User>) -> UserPlan {
    needs(resource, &["AccessKeys"])?;
    let Planned { steps: denies, after, .. } = deny_all(resource)?;
    let deleted = resource.config.access_keys.iter().map(|key| Step::DeleteAccessKey {
        user_name: resource.config.user_name.clone(),
        access_key_id: key.access_key_id.clone(),
    });
    let steps = deleted.chain(denies).collect();
    let after = after.map(|after| User { access_keys: Vec::new(), ..after });
    Ok(Planned { steps, undo: None, after })
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

#[cfg(test)]
mod tests {
    use common::resource::{AccessKey, AttachedPolicy, PermissionsBoundary};
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

    /// As a closer look finds somebody who has all that there is.
    fn loaded() -> Resource<User> {
        let texts = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect());
        let mut user = user();
        user.config = User {
            group_list: vec!["admins".into()],
            attached_managed_policies: vec![AttachedPolicy {
                policy_name: "Read".into(),
                policy_arn: "arn:aws:iam::aws:policy/Read".into(),
            }],
            user_policy_list: vec![SLUICE_DENY_ALL.into(), "deploy".into()],
            sluice_deny_all: Some(iam::deny_all()),
            permissions_boundary: Some(PermissionsBoundary::default()),
            mfa_devices: texts(&["GAHT12345678", "arn:aws:iam::111122223333:mfa/jane"]),
            ssh_public_keys: texts(&["APKA1"]),
            service_specific_credentials: texts(&["ACCA1"]),
            signing_certificates: texts(&["CERT1"]),
            ..user.config
        };
        user
    }

    /// The same with nothing but the user left.
    fn bare() -> Resource<User> {
        let mut user = user();
        user.config.password_enabled = false;
        user.config.access_keys = Vec::new();
        let none = || Some(Vec::new());
        user.config.mfa_devices = none();
        user.config.ssh_public_keys = none();
        user.config.service_specific_credentials = none();
        user.config.signing_certificates = none();
        user
    }

    fn calls(action: &Action, resource: &Resource<User>) -> Vec<(String, Value)> {
        let calls = planned(action, resource).unwrap().calls();
        calls.into_iter().map(|call| (call.operation, call.parameters)).collect()
    }

    fn names(action: &Action, resource: &Resource<User>) -> Vec<String> {
        calls(action, resource).into_iter().map(|(name, _)| name.replace("iam:", "")).collect()
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
                (Action::IamDeleteKeys, user()),
                (Action::IamDenyAll, user()),
                (Action::Disable, user()),
                (Action::Kill(Kill::default()), loaded()),
                (Action::Kill(Kill::default()), bare()),
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

    #[test]
    fn disabled_they_may_do_nothing_and_have_no_active_key_but_keep_their_password() {
        let plan = planned(&Action::Disable, &user()).unwrap();
        assert_eq!(names(&Action::Disable, &user()), ["UpdateAccessKey", "PutUserPolicy"]);
        let parameters = &plan.calls()[1].parameters;
        assert_eq!((&parameters["UserName"], &parameters["PolicyName"]), (&json!("jane"), &json!("SluiceDenyAll")));
        assert_eq!(
            parameters["PolicyDocument"]["Statement"],
            json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}])
        );
        let disabled = after::<User>(&plan);
        assert!(disabled.config.password_enabled);
        assert!(disabled.config.access_keys.iter().all(|key| key.status == INACTIVE));
        let undo = serde_json::to_value(plan.undo).unwrap();
        let expected = json!({"name": "several", "Actions": [
            "iam_allow_again", {"name": "iam_activate_key", "AccessKeyId": "AKIA1"},
        ]});
        assert_eq!(undo, expected, "the key that was inactive before stays so");
    }

    #[test]
    fn a_policy_that_only_has_the_name_does_not_keep_the_deny_out() {
        let mut user = user();
        user.config.user_policy_list = vec![SLUICE_DENY_ALL.into()];
        user.config.sluice_deny_all = Some(json!({"Statement": []}));
        let plan = planned(&Action::IamDenyAll, &user).unwrap();
        assert_eq!(plan.calls()[0].parameters["PolicyDocument"], iam::deny_all());
        let denied = after::<User>(&plan);
        assert_eq!(denied.config.user_policy_list, [SLUICE_DENY_ALL]);
        let (operation, parameters) = the_call(&plan.undo.unwrap(), &denied);
        assert_eq!(
            (operation.as_str(), &parameters["PolicyDocument"]),
            ("iam:PutUserPolicy", &json!({"Statement": []}))
        );
        let refused = planned(&Action::IamAllowAgain(Formerly::default()), &user);
        assert!(matches!(refused, Err(Refusal::Changed(_))), "it is not Sluice's to take away");
    }

    #[test]
    fn all_that_a_user_has_goes_before_the_user_and_the_deny_after_what_allows() {
        let kill = Action::Kill(Kill::default());
        assert_eq!(
            names(&kill, &loaded()),
            [
                "DeleteLoginProfile",
                "DeactivateMFADevice",
                "DeactivateMFADevice",
                "DeleteVirtualMFADevice",
                "DeleteSSHPublicKey",
                "DeleteServiceSpecificCredential",
                "DeleteSigningCertificate",
                "DeleteAccessKey",
                "DeleteAccessKey",
                "RemoveUserFromGroup",
                "DetachUserPolicy",
                "DeleteUserPolicy",
                "DeleteUserPolicy",
                "DeleteUserPermissionsBoundary",
                "DeleteUser",
            ]
        );
        let all = calls(&kill, &loaded());
        assert_eq!(all[3].1, json!({"SerialNumber": "arn:aws:iam::111122223333:mfa/jane"}));
        assert_eq!(all[4].1, json!({"UserName": "jane", "SSHPublicKeyId": "APKA1"}));
        assert_eq!((&all[11].1["PolicyName"], &all[12].1["PolicyName"]), (&json!("deploy"), &json!(SLUICE_DENY_ALL)));
        assert_eq!(names(&kill, &bare()), ["DeleteUser"], "where another run was cut off before");
    }

    #[test]
    fn keys_are_deleted_and_all_is_denied() {
        assert_eq!(names(&Action::IamDeleteKeys, &user()), ["DeleteAccessKey", "DeleteAccessKey", "PutUserPolicy"]);
        assert_eq!(names(&Action::IamDeleteKeys, &loaded()), ["DeleteAccessKey"; 2]);
    }

    #[test]
    fn nobody_is_killed_who_is_not_known_through_and_through() {
        let kill = Action::Kill(Kill::default());
        for field in [
            "PasswordEnabled",
            "AccessKeys",
            "GroupList",
            "AttachedManagedPolicies",
            "UserPolicyList",
            "MfaDevices",
            "SshPublicKeys",
            "ServiceSpecificCredentials",
            "SigningCertificates",
        ] {
            assert!(needs(&kill, loaded(), field), "{field}");
        }
        assert!(matches!(planned(&kill, &user()), Err(Refusal::Impossible(why)) if why.contains("closely")));
        for action in [Action::IamDenyAll, Action::Disable, Action::IamAllowAgain(Formerly::default())] {
            for field in ["UserPolicyList", SLUICE_DENY_ALL] {
                assert!(needs(&action, user(), field), "{action:?}: {field}");
            }
        }
        assert!(needs(&Action::Disable, user(), "AccessKeys"));
        assert!(needs(&Action::IamDeleteKeys, user(), "AccessKeys"));
    }
}
