//! What every type's actions have in common: done, nothing is left to do; undone, the resource is as it was; no call that
//! `--iam-policy` does not grant. What is a type's own is tested in its file.

use std::collections::BTreeSet;

use common::action::{Action, Statements};
use common::record::{Call, Resource, Unread};
use common::resource::{Config, ResourceType};
use common::settings::Remediate;
use common::with_config;
use serde_json::{Value, json};

use super::{Looked, Mended, Plan, Refusal, rebase};

/// What a type's actions are tried on.
pub(super) trait Samples: Mended {
    /// Each of the type's actions, save those that another's undo is, on a resource that it changes.
    fn samples() -> Vec<(Action, Resource<Self>)>;
}

/// A resource of a type, in eu-west-1.
pub(super) fn resource<C: Config>(id: &str, arn: &str, config: C) -> Resource<C> {
    let bare: Resource<Value> = serde_json::from_value(json!({
        "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": C::TYPE.name(), "id": id, "arn": arn,
        "config": null,
    }))
    .unwrap();
    bare.map(|_| config)
}

/// The resource as it comes from a look at it.
pub(super) fn looked<C: Config>(resource: &Resource<C>) -> Looked {
    resource.clone().map(|config| serde_json::value::to_raw_value(&config).unwrap())
}

/// Settings that say nothing but which security group is closed.
pub(super) fn settings() -> Remediate {
    let closed_security_groups = [("vpc-1".to_owned(), "sg-closed".to_owned())].into();
    Remediate { closed_security_groups, ..Remediate::default() }
}

/// What an action on a resource comes to.
fn plan(action: &Action, resource: &Looked) -> Result<Plan, Refusal> {
    super::plan(action, resource, &settings())
}

/// The actions that are not made of others.
fn single(action: Action) -> Vec<Action> {
    match action {
        Action::Several(several) => several.actions.into_iter().flat_map(single).collect(),
        one => vec![one],
    }
}

/// What an action on a resource comes to.
pub(super) fn planned<C: Config>(action: &Action, resource: &Resource<C>) -> Result<Plan, Refusal> {
    plan(action, &looked(resource))
}

/// The only call of an action.
pub(super) fn the_call<C: Config>(action: &Action, resource: &Resource<C>) -> (String, Value) {
    let calls = planned(action, resource).unwrap().calls();
    let [Call { operation, parameters, .. }] = calls.as_slice() else { panic!("not one call: {calls:?}") };
    (operation.clone(), parameters.clone())
}

/// What the resource will be.
pub(super) fn after<C: Config>(plan: &Plan) -> Resource<C> {
    plan.after.clone().unwrap().typed().unwrap()
}

/// Whether an action that rests on a field is refused where that could not be read.
pub(super) fn needs<C: Config>(action: &Action, mut resource: Resource<C>, field: &str) -> bool {
    let (operation, code) = ("x:Get".to_owned(), "AccessDenied".to_owned());
    resource.unread.push(Unread { field: field.to_owned(), operation, code, message: None });
    matches!(planned(action, &resource), Err(Refusal::Unread { .. }))
}

/// A statement of a policy.
pub(super) fn statement(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"})
}

/// The statement of this `Sid` alone.
pub(super) fn only(sid: &str) -> Statements {
    Statements { statements: vec![statement(sid)] }
}

/// The samples of all types.
fn samples() -> Vec<(Action, Looked)> {
    fn of<C: Samples>() -> Vec<(Action, Looked)> {
        C::samples().into_iter().map(|(action, resource)| (action, looked(&resource))).collect()
    }
    ResourceType::ALL.iter().flat_map(|kind| with_config!(*kind, C => of::<C>())).collect()
}

/// A configuration, whatever the order of its lists, and without what AWS makes anew each time.
fn config(resource: &Looked) -> Value {
    fn unordered(value: Value) -> Value {
        match value {
            Value::Array(items) => {
                let mut items: Vec<Value> = items.into_iter().map(unordered).collect();
                items.sort_by_key(ToString::to_string);
                Value::Array(items)
            }
            Value::Object(fields) => {
                let kept = fields.into_iter().filter(|(name, _)| name != "AssociationId");
                kept.map(|(name, value)| (name, unordered(value))).collect()
            }
            other => other,
        }
    }
    unordered(serde_json::from_str(resource.config.get()).unwrap())
}

/// What a sample comes to, and what its undo comes to after that.
fn there_and_back(action: Action, before: &Looked) -> Vec<(Action, Plan)> {
    let done = plan(&action, before).unwrap();
    let back = done.undo.clone().map(|undo| {
        let after = done.after.as_ref().unwrap();
        let undo = rebase(undo, after, after);
        let undone = plan(&undo, after).unwrap();
        (undo, undone)
    });
    [(action, done)].into_iter().chain(back).collect()
}

#[test]
fn done_is_done_and_undone_is_as_before() {
    for (action, before) in samples() {
        let name = format!("{} on {}", action.name().unwrap(), before.r#type);
        let irreversible = action.is_irreversible();
        let plans = there_and_back(action, &before);
        let (action, done) = &plans[0];
        assert!(!done.steps.is_empty(), "{name} does nothing");
        if let Some(after) = &done.after {
            assert_ne!(config(after), config(&before), "{name}");
            assert!(plan(action, after).unwrap().steps.is_empty(), "{name} is not done");
        }
        match plans.get(1) {
            Some((_, undone)) => {
                assert!(!irreversible, "{name} has an undo");
                assert_eq!(config(undone.after.as_ref().unwrap()), config(&before), "{name}");
            }
            // See there for why it is an exception.
            None => assert!(irreversible || *action == Action::Ec2CancelSpotRequest, "{name} has no undo"),
        }
    }
}

#[test]
fn every_action_is_planned_by_its_types_and_no_other() {
    let mut tried = BTreeSet::new();
    for (action, resource) in samples() {
        for action in there_and_back(action, &resource).into_iter().flat_map(|(action, _)| single(action)) {
            tried.insert((resource.r#type.clone(), action.name().unwrap()));
        }
    }
    let granted = super::calls().map(|(kind, action, _)| (kind.name().to_owned(), action)).collect();
    assert_eq!(tried, granted, "what samples try (left) and what CALLS grant (right)");
    let mut known = BTreeSet::new();
    for (name, kinds, _) in Action::ALL {
        for kind in *kinds {
            known.insert((kind.name().to_owned(), *name));
        }
    }
    assert_eq!(granted, known, "what CALLS grant (left) and what the table of actions says (right)");
    for (action, _) in samples() {
        for (_, resource) in samples() {
            let kind: ResourceType = resource.r#type.parse().unwrap();
            let foreign = matches!(plan(&action, &resource), Err(Refusal::Impossible(why)) if why.contains("cannot be done to a"));
            // Two types may have one action.
            assert_eq!(
                foreign,
                !granted.contains(&(kind.name().to_owned(), action.name().unwrap())),
                "{action:?} on {kind}"
            );
        }
    }
}

#[test]
fn no_call_is_made_that_is_not_granted() {
    for (action, resource) in samples() {
        for (action, plan) in there_and_back(action, &resource) {
            let names: Vec<_> = single(action.clone()).iter().map(|action| action.name().unwrap()).collect();
            for call in plan.calls() {
                let granted = super::calls().any(|(kind, name, operations)| {
                    kind.name() == resource.r#type
                        && names.contains(&name)
                        && operations.iter().any(|operation| operation.name() == call.operation)
                });
                assert!(granted, "{} of {action:?} on {}", call.operation, resource.r#type);
                assert!(call.parameters.is_object(), "{call:?}");
            }
        }
    }
}

#[test]
fn no_call_is_granted_twice() {
    let mut seen = BTreeSet::new();
    for (kind, action, operations) in super::calls() {
        assert!(seen.insert((kind, action)), "{action} on {kind}");
        assert_eq!(operations.iter().collect::<BTreeSet<_>>().len(), operations.len(), "{action} on {kind}");
        assert!(!operations.is_empty(), "{action} on {kind}");
    }
}

#[test]
fn what_others_hold_on_to_is_removed_after_them() {
    let kill = |include_data| Action::Kill(common::action::Kill { include_data });
    for (holder, held) in [
        (ResourceType::IamUser, ResourceType::IamGroup),
        (ResourceType::IamUser, ResourceType::IamPolicy),
        (ResourceType::IamRole, ResourceType::IamPolicy),
        (ResourceType::Ec2, ResourceType::EbsVolume),
        (ResourceType::Ec2, ResourceType::SecurityGroup),
        (ResourceType::Ami, ResourceType::EbsSnapshot),
        (ResourceType::Rds, ResourceType::RdsCluster),
    ] {
        assert!(super::turn(&kill(true), holder) < super::turn(&kill(true), held), "{holder} {held}");
        assert_eq!(super::turn(&Action::Disable, held), super::Turn::Usual, "{held}");
    }
}
