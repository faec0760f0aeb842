//! What can be done to a resource.
//!
//! In a record an action is an object with a `name` and the action's parameters, or a bare string where there are none:
//! `{"name":"iam_deactivate_key","AccessKeyId":"AKIA..."}`, `"stop"`. `audit` names the action that would mend a finding,
//! `remediate` carries it out (`remediate/src/actions/`), and most have an inverse that is an action too.
//!
//! The inverses of what rewrites a document (a policy, an ACL) carry the document `from` which they start and the one
//! `to` which they return: they act only where the resource is still as `from` says, so that an undo never wipes out
//! what somebody else has done since.

mod parameters;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::resource::{AccessControlPolicy, Encryption, MetadataOptions, PublicAccessBlock, ResourceType};

pub use parameters::{
    Actions, Address, Attachment, Change, Formerly, Grants, GroupUsers, Instances, Key, Kill, Placement,
    PolicyEntities, Processes, Rules, Sharing, Statements, TargetAt, Targets,
};

/// What somebody may want taken out of use, or removed for good.
const EXPENDABLE: &[ResourceType] = &[
    ResourceType::Ami,
    ResourceType::EbsSnapshot,
    ResourceType::EbsVolume,
    ResourceType::Ec2,
    ResourceType::Elb,
    ResourceType::Elbv2,
    ResourceType::IamGroup,
    ResourceType::IamPolicy,
    ResourceType::IamRole,
    ResourceType::IamUser,
    ResourceType::LambdaFunction,
    ResourceType::Rds,
    ResourceType::RdsCluster,
    ResourceType::RdsClusterSnapshot,
    ResourceType::RdsSnapshot,
    ResourceType::S3Bucket,
    ResourceType::SecurityGroup,
    ResourceType::Sqs,
];

macro_rules! actions {
    ($( $(#[doc = $doc:literal])+ $variant:ident $(($parameters:ty))? = $name:literal on $kinds:tt $(, $irreversible:ident)?; )*) => {
        /// What can be done to a resource.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Action {
            $( $(#[doc = $doc])+ $variant $(($parameters))?, )*
            /// An action that this version does not know, or cannot read: kept as it is, and refused by `remediate`.
            Unknown {
                /// What the record says.
                value: Value,
                /// Why it is not understood.
                why: String,
            },
        }

        impl Action {
            /// Every action's name, the types that it acts on, and what it does. `several` acts on whatever its actions do.
            pub const ALL: &[(&'static str, &[ResourceType], &'static str)] = &[
                $( ($name, actions!(@kinds $kinds), concat!($($doc,)+)), )*
            ];

            /// The name in records; `None` for what is not understood.
            pub fn name(&self) -> Option<&'static str> {
                match self {
                    $( actions!(@pattern $variant $(($parameters))?) => Some($name), )*
                    Self::Unknown { .. } => None,
                }
            }

            /// Whether nothing can bring back what it removes.
            pub fn is_irreversible(&self) -> bool {
                if let Self::Several(several) = self {
                    return several.actions.iter().any(Self::is_irreversible);
                }
                match self {
                    $( actions!(@pattern $variant $(($parameters))?) => actions!(@irreversible $($irreversible)?), )*
                    Self::Unknown { .. } => false,
                }
            }

            fn read(name: &str, parameters: Value) -> Result<Self, String> {
                match name {
                    $( $name => actions!(@read parameters $variant $(($parameters))?), )*
                    _ => Err(format!("`{}` is not an action that this version knows", name.chars().take(40).collect::<String>())),
                }
            }

            fn parameters(&self) -> Result<Value, serde_json::Error> {
                match self {
                    $( actions!(@bind parameters $variant $(($parameters))?) => actions!(@write parameters $(($parameters))?), )*
                    Self::Unknown { value, .. } => Ok(value.clone()),
                }
            }
        }
    };
    (@pattern $variant:ident ($parameters:ty)) => { Self::$variant(_) };
    (@pattern $variant:ident) => { Self::$variant };
    (@bind $name:ident $variant:ident ($parameters:ty)) => { Self::$variant($name) };
    (@bind $name:ident $variant:ident) => { Self::$variant };
    (@write $name:ident ($parameters:ty)) => { serde_json::to_value($name) };
    (@write $name:ident) => { Ok(Value::Null) };
    (@read $from:ident $variant:ident ($parameters:ty)) => {
        serde_json::from_value($from).map(Self::$variant).map_err(|error| error.to_string())
    };
    (@read $from:ident $variant:ident) => {{ let _ = $from; Ok(Self::$variant) }};
    (@kinds [$($kind:ident),* $(,)?]) => { &[$(ResourceType::$kind),*] };
    (@kinds $kinds:ident) => { $kinds };
    (@irreversible irreversible) => { true };
    (@irreversible) => { false };
}

actions! {
    /// Whatever takes the resource out of use, and can be undone: what that is depends on the type.
    Disable = "disable" on EXPENDABLE;
    /// Remove the resource for good, and what depends on it first. Nobody can bring it back.
    Kill(Kill) = "kill" on EXPENDABLE, irreversible;
    /// Do these to the resource, in this order.
    Several(Actions) = "several" on [];
    /// Stop the instance or cluster. AWS starts a database again after seven days.
    Stop = "stop" on [Ec2, Rds, RdsCluster];
    /// Start the instance or cluster.
    Start = "start" on [Ec2, Rds, RdsCluster];
    /// Take the address on the internet away.
    MakePrivate = "make_private" on [Rds, Redshift];
    /// Give it an address on the internet; where it had an Elastic IP, AWS gives it another.
    MakePublic = "make_public" on [Rds, Redshift];
    /// No longer share the image or snapshot with these.
    Unshare(Sharing) = "unshare" on [Ami, EbsSnapshot, RdsSnapshot, RdsClusterSnapshot];
    /// Share the image or snapshot with these.
    Share(Sharing) = "share" on [Ami, EbsSnapshot, RdsSnapshot, RdsClusterSnapshot];
    /// Move the database or load balancer into these security groups, out of those that it is in.
    SetSecurityGroups(Change<Vec<String>>) = "set_security_groups" on [Rds, RdsCluster, Elb, Elbv2];
    /// Stop the instance, also if it belongs to an Auto Scaling group, once that is suspended.
    Ec2Halt = "ec2_halt" on [Ec2];
    /// Terminate the instance. Nobody can bring it back.
    Ec2Terminate = "ec2_terminate" on [Ec2], irreversible;
    /// Take the Elastic IP from the instance.
    Ec2DisassociateAddress(Address) = "ec2_disassociate_address" on [Ec2];
    /// Give the Elastic IP to the instance.
    Ec2AssociateAddress(Address) = "ec2_associate_address" on [Ec2];
    /// Require session tokens of the instance metadata service (IMDSv2).
    Ec2RequireImdsv2 = "ec2_require_imdsv2" on [Ec2];
    /// Set the metadata options.
    Ec2SetMetadataOptions(Change<MetadataOptions>) = "ec2_set_metadata_options" on [Ec2];
    /// Cancel the request for a Spot Instance, so that it starts none.
    Ec2CancelSpotRequest = "ec2_cancel_spot_request" on [SpotRequest];
    /// Suspend these processes of the Auto Scaling group.
    AsgSuspend(Processes) = "asg_suspend" on [AutoScalingGroup];
    /// Resume these processes of the Auto Scaling group, once all its instances run.
    AsgResume(Processes) = "asg_resume" on [AutoScalingGroup];
    /// Take these rules out of the security group.
    Ec2RevokeIngress(Rules) = "ec2_revoke_ingress" on [SecurityGroup];
    /// Put these rules into the security group.
    Ec2AuthorizeIngress(Rules) = "ec2_authorize_ingress" on [SecurityGroup];
    /// Take these rules about what goes out of the security group out of it.
    Ec2RevokeEgress(Rules) = "ec2_revoke_egress" on [SecurityGroup];
    /// Put these rules about what goes out into the security group.
    Ec2AuthorizeEgress(Rules) = "ec2_authorize_egress" on [SecurityGroup];
    /// Detach the volume from the instance.
    Ec2DetachVolume(Attachment) = "ec2_detach_volume" on [EbsVolume];
    /// Attach the volume to the instance.
    Ec2AttachVolume(Attachment) = "ec2_attach_volume" on [EbsVolume];
    /// Take the grants to everyone out of the ACL; the others stay.
    S3MakeAclPrivate = "s3_make_acl_private" on [S3Bucket];
    /// Take these grants out of the ACL, or where none is named all but the owner's; the others stay.
    S3RemoveGrants(Grants) = "s3_remove_grants" on [S3Bucket];
    /// Set the ACL.
    S3SetAcl(Change<AccessControlPolicy>) = "s3_set_acl" on [S3Bucket];
    /// Turn on all four switches of the bucket's public access block.
    S3BlockPublicAccess = "s3_block_public_access" on [S3Bucket];
    /// Set or remove the bucket's public access block.
    S3SetPublicAccessBlock(Change<Option<PublicAccessBlock>>) = "s3_set_public_access_block" on [S3Bucket];
    /// Take these statements out of the bucket policy.
    S3RemovePolicyStatements(Statements) = "s3_remove_policy_statements" on [S3Bucket];
    /// Add a statement to the bucket policy that denies plain HTTP.
    S3DenyInsecureTransport = "s3_deny_insecure_transport" on [S3Bucket];
    /// Set or remove the bucket policy.
    S3SetPolicy(Change<Option<Value>>) = "s3_set_policy" on [S3Bucket];
    /// Encrypt new objects by default, with S3's own keys.
    S3EncryptByDefault = "s3_encrypt_by_default" on [S3Bucket];
    /// Set or remove the default encryption.
    S3SetEncryption(Change<Option<Encryption>>) = "s3_set_encryption" on [S3Bucket];
    /// Remove the console password. Nobody can bring it back: the user needs a new one.
    IamDeleteLoginProfile = "iam_delete_login_profile" on [IamUser], irreversible;
    /// Deactivate the access key.
    IamDeactivateKey(Key) = "iam_deactivate_key" on [IamUser];
    /// Activate the access key.
    IamActivateKey(Key) = "iam_activate_key" on [IamUser];
    /// Delete the access key. Nobody can bring it back: whatever uses it needs a new one.
    IamDeleteKey(Key) = "iam_delete_key" on [IamUser], irreversible;
    /// Deny the user everything, and delete all its access keys. Nobody can bring the keys back.
    IamDeleteKeys = "iam_delete_keys" on [IamUser], irreversible;
    /// Deny the user or role everything, whatever else allows it, by the inline policy `SluiceDenyAll`. It holds for sessions
    /// that are open already, too.
    IamDenyAll = "iam_deny_all" on [IamUser, IamRole];
    /// Take the inline policy `SluiceDenyAll` away, or put back what had its name before.
    IamAllowAgain(Formerly) = "iam_allow_again" on [IamUser, IamRole];
    /// Take these users out of the group.
    IamRemoveUsers(GroupUsers) = "iam_remove_users" on [IamGroup];
    /// Put these users into the group.
    IamAddUsers(GroupUsers) = "iam_add_users" on [IamGroup];
    /// Detach the policy from these users, groups and roles. Where it is a permissions boundary it stays one: without it they
    /// could do more, not less.
    IamDetachPolicy(PolicyEntities) = "iam_detach_policy" on [IamPolicy];
    /// Attach the policy to these users, groups and roles.
    IamAttachPolicy(PolicyEntities) = "iam_attach_policy" on [IamPolicy];
    /// Take these statements out of the role's trust policy; where none is left, one that denies everyone takes their place.
    IamRemoveTrustStatements(Statements) = "iam_remove_trust_statements" on [IamRole];
    /// Set the role's trust policy.
    IamSetTrustPolicy(Change<Value>) = "iam_set_trust_policy" on [IamRole];
    /// Take these statements out of the function's resource policy.
    LambdaRemovePermissions(Statements) = "lambda_remove_permissions" on [LambdaFunction];
    /// Put these statements into the function's resource policy.
    LambdaAddPermissions(Statements) = "lambda_add_permissions" on [LambdaFunction];
    /// Reserve this much concurrency for the function, or none (`null`); with 0 it does not run.
    LambdaSetConcurrency(Change<Option<i32>>) = "lambda_set_concurrency" on [LambdaFunction];
    /// Take these statements out of the key policy.
    KmsRemovePolicyStatements(Statements) = "kms_remove_policy_statements" on [KmsKey];
    /// Set the key policy.
    KmsSetPolicy(Change<Value>) = "kms_set_policy" on [KmsKey];
    /// Encrypt the cluster with the account's default KMS key for Redshift. It moves to new storage meanwhile, which can take
    /// hours or days, and cannot be written to.
    RedshiftEncrypt = "redshift_encrypt" on [Redshift];
    /// Turn the cluster's encryption off again. It moves once more.
    RedshiftDecrypt = "redshift_decrypt" on [Redshift];
    /// Take these instances out of the classic load balancer.
    ElbDeregisterInstances(Instances) = "elb_deregister_instances" on [Elb];
    /// Put these instances behind the classic load balancer.
    ElbRegisterInstances(Instances) = "elb_register_instances" on [Elb];
    /// Take these targets out of the target group.
    ElbDeregisterTargets(Targets) = "elb_deregister_targets" on [Elbv2];
    /// Put these targets into the target group.
    ElbRegisterTargets(Targets) = "elb_register_targets" on [Elbv2];
    /// Give the service's tasks no addresses on the internet; they are started anew.
    EcsUnassignPublicIp = "ecs_unassign_public_ip" on [EcsService];
    /// Give the service's tasks, where they are still placed like this, addresses on the internet; they are started anew.
    EcsAssignPublicIp(Placement) = "ecs_assign_public_ip" on [EcsService];
    /// Stop the task. Nobody can start it again; its service, if it has one, starts another.
    EcsStopTask = "ecs_stop_task" on [EcsTask], irreversible;
    /// Delete the task set, and stop its tasks. Nobody can bring it back.
    EcsDeleteTaskSet = "ecs_delete_task_set" on [EcsTaskSet], irreversible;
    /// Take these statements out of the queue's policy.
    SqsRemovePolicyStatements(Statements) = "sqs_remove_policy_statements" on [Sqs];
    /// Set or remove the queue's policy.
    SqsSetPolicy(Change<Option<Value>>) = "sqs_set_policy" on [Sqs];
}

impl Action {
    /// Whether it can be done to resources of a type.
    pub fn acts_on(&self, kind: ResourceType) -> bool {
        if let Self::Several(several) = self {
            return several.actions.iter().all(|action| action.acts_on(kind));
        }
        self.name()
            .is_some_and(|name| Self::ALL.iter().any(|(known, kinds, _)| *known == name && kinds.contains(&kind)))
    }

    /// These as one, in this order; `None` where there are none.
    pub fn several(mut actions: Vec<Self>) -> Option<Self> {
        match actions.len() {
            0 => None,
            1 => actions.pop(),
            _ => Some(Self::Several(Actions { actions })),
        }
    }

    /// What a person is told that it does.
    pub fn describe(&self) -> &str {
        match self {
            Self::Unknown { why, .. } => why,
            _ => {
                Self::ALL.iter().find(|(name, _, _)| Some(*name) == self.name()).map_or("", |(_, _, text)| text.trim())
            }
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let parameters = self.parameters().map_err(S::Error::custom)?;
        match (self.name(), parameters) {
            (Some(name), Value::Object(parameters)) if !parameters.is_empty() => {
                let named = std::iter::once(("name".to_owned(), Value::from(name))).chain(parameters);
                serializer.collect_map(named)
            }
            (Some(name), _) => serializer.serialize_str(name),
            (None, value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = match &value {
            Value::String(name) => Self::read(name, Value::Object(serde_json::Map::new())),
            Value::Object(fields) => match fields.get("name") {
                Some(Value::String(name)) => {
                    let mut parameters = fields.clone();
                    parameters.shift_remove("name");
                    Self::read(name, Value::Object(parameters))
                }
                _ => Err("the action has no `name`".to_owned()),
            },
            _ => return Err(D::Error::custom("an action is a name or an object with a `name`")),
        };
        Ok(read.unwrap_or_else(|why| Self::Unknown { value, why }))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Action {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _, _)| *name).collect();
        schemars::json_schema!({
            "description": "What is to be done: a name, or an object with a name and the action's parameters.",
            "anyOf": [
                {"type": "string", "examples": names},
                {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "examples": names}}}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round_trip(value: Value) -> Value {
        let action: Action = serde_json::from_value(value).unwrap();
        serde_json::to_value(action).unwrap()
    }

    #[test]
    fn parameters_stand_beside_the_name() {
        let value = json!({"name": "iam_deactivate_key", "AccessKeyId": "AKIAEXAMPLE"});
        assert_eq!(
            serde_json::from_value::<Action>(value.clone()).unwrap(),
            Action::IamDeactivateKey(Key { access_key_id: "AKIAEXAMPLE".into() })
        );
        assert_eq!(round_trip(value.clone()), value);
        let value = json!({"name": "s3_set_policy", "from": null, "to": {"Statement": []}});
        assert_eq!(round_trip(value.clone()), value);
    }

    #[test]
    fn a_bare_string_will_do_where_there_are_no_parameters() {
        assert_eq!(serde_json::from_value::<Action>(json!("stop")).unwrap(), Action::Stop);
        assert_eq!(serde_json::from_value::<Action>(json!({"name": "stop"})).unwrap(), Action::Stop);
        assert_eq!(round_trip(json!({"name": "stop"})), json!("stop"));
    }

    #[test]
    fn what_is_not_understood_is_kept_and_says_why() {
        for (value, expected) in [
            (json!("fire"), "`fire` is not an action"),
            (json!({"name": "iam_deactivate_key"}), "missing field `AccessKeyId`"),
            (json!({"AccessKeyId": "AKIAEXAMPLE"}), "no `name`"),
            (json!("iam_deactivate_key"), "missing field `AccessKeyId`"),
            // Nothing in place of a policy removes it: that must have been said.
            (json!({"name": "s3_set_policy", "from": {"Statement": []}}), "missing field `to`"),
            (json!({"name": "s3_set_policy", "to": {"Statement": []}}), "missing field `from`"),
            (json!({"name": "sqs_set_policy", "from": null, "TO": {}}), "unknown field `TO`"),
            // Without its port, each of the instance's ports is meant.
            (
                json!({"name": "elb_deregister_targets", "TargetGroupArn": "arn:x", "Targets": [{"Id": "i-1", "port": 80}]}),
                "unknown field `port`",
            ),
        ] {
            let action: Action = serde_json::from_value(value.clone()).unwrap();
            assert!(action.describe().contains(expected), "{value}: {}", action.describe());
            assert_eq!(serde_json::to_value(action).unwrap(), value);
        }
        assert!(serde_json::from_value::<Action>(json!(7)).is_err());
    }

    #[test]
    fn several_actions_are_one() {
        let value = json!({"name": "several", "Actions": ["stop", {"name": "ec2_disassociate_address", "AllocationId": "eipalloc-1"}]});
        let several: Action = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(round_trip(value), serde_json::to_value(&several).unwrap());
        assert!(several.acts_on(ResourceType::Ec2) && !several.acts_on(ResourceType::Rds));
        assert!(!several.is_irreversible());
        let with = |action| Action::several(vec![Action::Stop, action]).unwrap();
        assert!(with(Action::Ec2Terminate).is_irreversible());
        assert_eq!(Action::several(vec![Action::Stop]), Some(Action::Stop));
        assert_eq!(Action::several(Vec::new()), None);
    }

    #[test]
    fn a_kill_spares_data_unless_it_says_otherwise() {
        let kill = |include_data| Action::Kill(Kill { include_data });
        assert_eq!(serde_json::from_value::<Action>(json!("kill")).unwrap(), kill(false));
        assert_eq!(round_trip(json!({"name": "kill"})), json!("kill"));
        assert_eq!(serde_json::from_value::<Action>(json!({"name": "kill", "IncludeData": true})).unwrap(), kill(true));
        assert!(kill(false).is_irreversible() && !Action::Disable.is_irreversible());
    }

    #[test]
    fn each_action_knows_the_types_that_it_acts_on() {
        assert!(Action::Stop.acts_on(ResourceType::Ec2));
        assert!(!Action::Stop.acts_on(ResourceType::S3Bucket));
        assert!(Action::IamDeleteLoginProfile.is_irreversible());
        assert!(!Action::Stop.is_irreversible());
    }
}
