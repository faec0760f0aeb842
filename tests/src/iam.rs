//! Users, roles, groups and policies that have all that there is, made by hand: what must go before they can.

use serde_json::Value;

use crate::account::Account;
use crate::http::Request;
use crate::stage::{Stage, resources};

/// What everything is named that is made here.
pub const LOADED: &str = "loaded";
/// The path of all of it, which is no part of the name.
pub const PATH: &str = "/team/web/";

/// Denies a little: nobody is to be let in by a test's mistake.
const DOCUMENT: &str = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Deny\", \"Action\": \"sqs:*\", \"Resource\": \"*\"}]}";
const TRUST: &str = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \
                     \"Principal\": {\"Service\": \"ec2.amazonaws.com\"}}]}";
/// Of a key that nobody has.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBbzCCARWgAwIBAgIUI8pTrEgjIOl/poHHIy6AI6zRJVkwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjEw\
    OTU0MTJaGA8yMTI2MTAyODA5NTQxMlowDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEZEOYcUY8jr\
    sMNlPXlilzNuZCMC9Q5GzGpGWHjXS3rhdzYdM03TCtO97XhIkrrfEsx40NhA/w6Napi4z8Fa8+WjUzBRMB0GA1UdDgQWBBT6\
    r7HjhQlzuv+C4QNKqvrXT7uiyTAfBgNVHSMEGDAWgBT6r7HjhQlzuv+C4QNKqvrXT7uiyTAPBgNVHRMBAf8EBTADAQH/MAoG\
    CCqGSM49BAMCA0gAMEUCIGB02chqEdHsBlSQdurOpekyiKCek+k2hnnLR4FYyH9xAiEAiMRdrb5f/wT6QmozkliTaUlSKKRC\
    4OqTeoKsHyqJoNs=\
    \n-----END CERTIFICATE-----";

/// The types of IAM, all of which show what is done to one of them.
pub const TYPES: &str = "iam_user,iam_role,iam_group,iam_policy";

/// An account with all that [`Iam::all`] makes, and all that there is in it.
pub fn stage() -> (Stage, Vec<Value>) {
    let stage = Stage::empty(TYPES);
    Iam(&stage.account).all();
    let before = state(&stage);
    (stage, before)
}

/// All that there is.
pub fn state(stage: &Stage) -> Vec<Value> {
    resources(&stage.poll_all())
}

/// One of them, of the type and the name [`LOADED`].
pub fn loaded<'a>(state: &'a [Value], kind: &str) -> &'a Value {
    let named = |it: &&Value| it["arn"].as_str().unwrap().ends_with(&format!("/{LOADED}"));
    state.iter().filter(|it| it["type"] == kind).find(named).unwrap()
}

/// IAM in an account.
#[derive(Debug, Clone, Copy)]
pub struct Iam<'a>(pub &'a Account);

impl Iam<'_> {
    /// A call that has to succeed, and its answer: `iam.call("CreateUser", &[("UserName", "jane")])`.
    ///
    /// # Panics
    /// Where IAM says no.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let mut form = format!("Version=2010-05-08&Action={action}");
        for (name, value) in parameters {
            let value = value.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
            form = format!("{form}&{name}={value}");
        }
        let answer = self.0.call("iam", Request::form(form)).unwrap();
        assert_eq!(answer.status, 200, "{action} {parameters:?}: {}", answer.text());
        answer.text()
    }

    /// The ARN of what is made here.
    pub fn arn(&self, kind: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{PATH}{LOADED}", self.0.id())
    }

    /// All of it: the user in the group, and the policy attached to the user, the group and the role.
    pub fn all(&self) {
        self.group();
        self.role();
        self.user();
        self.join(LOADED);
        let arn = self.policy(3);
        for kind in ["User", "Group", "Role"] {
            self.call(&format!("Attach{kind}Policy"), &[(&format!("{kind}Name"), LOADED), ("PolicyArn", &arn)]);
        }
    }

    /// A policy that is attached somewhere: its ARN.
    fn managed(self, to: &str) -> String {
        let name = format!("managed-{to}");
        self.call("CreatePolicy", &[("PolicyName", &name), ("PolicyDocument", DOCUMENT)]);
        format!("arn:aws:iam::{}:policy/{name}", self.0.id())
    }

    /// A policy of the account's own, with this many versions, the second of which is in force.
    pub fn policy(&self, versions: usize) -> String {
        self.call("CreatePolicy", &[("PolicyName", LOADED), ("Path", PATH), ("PolicyDocument", DOCUMENT)]);
        let arn = self.arn("policy");
        for version in 1..versions {
            let default = if version == 1 { "true" } else { "false" };
            self.call(
                "CreatePolicyVersion",
                &[("PolicyArn", &arn), ("PolicyDocument", DOCUMENT), ("SetAsDefault", default)],
            );
        }
        arn
    }

    /// A group, with inline and managed policies.
    pub fn group(&self) {
        let name = ("GroupName", LOADED);
        self.call("CreateGroup", &[name, ("Path", PATH)]);
        for policy in ["one", "two"] {
            self.call("PutGroupPolicy", &[name, ("PolicyName", policy), ("PolicyDocument", DOCUMENT)]);
        }
        let managed = self.managed("group");
        self.call("AttachGroupPolicy", &[name, ("PolicyArn", &managed)]);
    }

    /// A role in an instance profile, with inline and managed policies and a boundary.
    pub fn role(&self) {
        let name = ("RoleName", LOADED);
        self.call("CreateRole", &[name, ("Path", PATH), ("AssumeRolePolicyDocument", TRUST)]);
        for policy in ["SluiceDenyAll", "zebra"] {
            self.call("PutRolePolicy", &[name, ("PolicyName", policy), ("PolicyDocument", DOCUMENT)]);
        }
        let managed = self.managed("role");
        self.call("AttachRolePolicy", &[name, ("PolicyArn", &managed)]);
        self.call("PutRolePermissionsBoundary", &[name, ("PermissionsBoundary", &managed)]);
        self.call("CreateInstanceProfile", &[("InstanceProfileName", LOADED)]);
        self.call("AddRoleToInstanceProfile", &[name, ("InstanceProfileName", LOADED)]);
    }

    /// A user with everything to sign in with, policies and a boundary.
    pub fn user(&self) {
        let name = ("UserName", LOADED);
        self.call("CreateUser", &[name, ("Path", PATH)]);
        self.burden();
    }

    /// All that hangs on the user, for one that is there.
    pub fn burden(&self) {
        let name = ("UserName", LOADED);
        // As everywhere: an inline policy of our own name that somebody else wrote.
        for policy in ["SluiceDenyAll", "zebra"] {
            self.call("PutUserPolicy", &[name, ("PolicyName", policy), ("PolicyDocument", DOCUMENT)]);
        }
        self.call("CreateLoginProfile", &[name, ("Password", "Not-for-anyone-1")]);
        self.call("CreateAccessKey", &[name]);
        self.call("CreateAccessKey", &[name]);
        self.call("CreateVirtualMFADevice", &[("VirtualMFADeviceName", LOADED)]);
        for serial in [format!("arn:aws:iam::{}:mfa/{LOADED}", self.0.id()), "GAHT12345678".to_owned()] {
            let codes = [("AuthenticationCode1", "123456"), ("AuthenticationCode2", "234567")];
            self.call("EnableMFADevice", &[name, ("SerialNumber", &serial), codes[0], codes[1]]);
        }
        self.call("UploadSSHPublicKey", &[name, ("SSHPublicKeyBody", "ssh-rsa AAAA nobody")]);
        self.call("CreateServiceSpecificCredential", &[name, ("ServiceName", "codecommit.amazonaws.com")]);
        self.call("UploadSigningCertificate", &[name, ("CertificateBody", CERTIFICATE)]);
        let managed = self.managed("user");
        self.call("AttachUserPolicy", &[name, ("PolicyArn", &managed)]);
        self.call("PutUserPermissionsBoundary", &[name, ("PermissionsBoundary", &managed)]);
    }

    /// Puts a user into the group.
    pub fn join(&self, user: &str) {
        self.call("AddUserToGroup", &[("GroupName", LOADED), ("UserName", user)]);
    }
}
