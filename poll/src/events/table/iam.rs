//! IAM.

use common::resource::ResourceType::{Account, IamGroup, IamPolicy, IamRole, IamUser};

use crate::events::place::{Change, Events, Need, Paths, Place, at, calls, maybe, own};

const USER: Change = at(IamUser, &["requestParameters.userName"]);
const ROLE: Change = at(IamRole, &["requestParameters.roleName"]);
const GROUP: Change = at(IamGroup, &["requestParameters.groupName"]);
const POLICY: Change = at(IamPolicy, &["requestParameters.policyArn"]);
/// Policies tell how often they are used as a boundary.
const BOUNDARY: Change = maybe(IamPolicy, &["requestParameters.permissionsBoundary"]);
/// Calls that may leave out the user are about the caller; the root user's are about the account.
const ROOT: Change = Change { kind: Account, place: Place::IfRoot, need: Need::Maybe };

const fn user(paths: Paths) -> Change {
    Change { kind: IamUser, place: Place::User(paths), need: Need::Always }
}

pub(super) const EVENTS: &[Events] = &[
    calls(
        "iam",
        &[USER],
        &[
            "CreateUser",
            "DeleteUser",
            "TagUser",
            "UntagUser",
            "PutUserPolicy",
            "DeleteUserPolicy",
            "DeleteUserPermissionsBoundary",
        ],
    ),
    calls(
        "iam",
        &[user(&["requestParameters.userName"]), maybe(IamUser, &["requestParameters.newUserName"])],
        &["UpdateUser"],
    ),
    calls("iam", &[USER, POLICY], &["AttachUserPolicy", "DetachUserPolicy"]),
    calls("iam", &[USER, BOUNDARY], &["PutUserPermissionsBoundary"]),
    calls("iam", &[USER, GROUP], &["AddUserToGroup", "RemoveUserFromGroup"]),
    calls(
        "iam",
        &[user(&["responseElements.accessKey.userName", "requestParameters.userName"]), ROOT],
        &["CreateAccessKey"],
    ),
    calls(
        "iam",
        &[user(&["requestParameters.userName"]), ROOT],
        &[
            "UpdateAccessKey",
            "DeleteAccessKey",
            "CreateLoginProfile",
            "UpdateLoginProfile",
            "DeleteLoginProfile",
            "EnableMFADevice",
            "DeactivateMFADevice",
        ],
    ),
    calls("iam", &[user(&[]), ROOT], &["ChangePassword"]),
    calls(
        "iam",
        &[ROLE],
        &[
            "CreateRole",
            "DeleteRole",
            "UpdateAssumeRolePolicy",
            "TagRole",
            "UntagRole",
            "PutRolePolicy",
            "DeleteRolePolicy",
            "DeleteRolePermissionsBoundary",
            "DeleteServiceLinkedRole",
        ],
    ),
    calls("iam", &[at(IamRole, &["responseElements.role.roleName"])], &["CreateServiceLinkedRole"]),
    calls("iam", &[ROLE, POLICY], &["AttachRolePolicy", "DetachRolePolicy"]),
    calls("iam", &[ROLE, BOUNDARY], &["PutRolePermissionsBoundary"]),
    calls("iam", &[GROUP], &["CreateGroup", "DeleteGroup", "PutGroupPolicy", "DeleteGroupPolicy"]),
    calls("iam", &[GROUP, maybe(IamGroup, &["requestParameters.newGroupName"])], &["UpdateGroup"]),
    calls("iam", &[GROUP, POLICY], &["AttachGroupPolicy", "DetachGroupPolicy"]),
    calls("iam", &[at(IamPolicy, &["responseElements.policy.arn"])], &["CreatePolicy"]),
    calls(
        "iam",
        &[POLICY],
        &["DeletePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy"],
    ),
    calls("iam", &[own(Account)], &["UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy"]),
];
