//! What the actions on images and snapshots that can be shared have in common: exactly those whom an action names go or
//! come, in one call, and all others stay.

use std::collections::BTreeSet;

use common::action::{Action, Sharing};
use common::arn::Arn;
use common::id::AccountId;
use common::record::Resource;
use common::resource::{EVERYONE, ResourceType, Shared};

use super::refusal::{foreign, needs};
use super::{Planned, Refusal};

/// Which way a share is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modify {
    Add,
    Remove,
}

/// The plan, with the call that adds or removes some names.
pub(super) fn plan<C: Shared, S>(
    action: &Action,
    resource: &Resource<C>,
    step: impl FnOnce(Modify, Vec<String>) -> S,
) -> Result<Planned<C, S>, Refusal> {
    match action {
        Action::Unshare(sharing) => {
            let unwanted = named(sharing)?;
            let (gone, kept) = shared_with(resource)?.into_iter().partition(|who| unwanted.contains(who));
            Ok(change(resource, Modify::Remove, gone, &kept, step))
        }
        Action::Share(sharing) => {
            let wanted = named(sharing)?;
            wanted.iter().try_for_each(|who| can_be_shared_with(C::TYPE, who))?;
            let present = shared_with(resource)?;
            let missing = wanted.difference(&present).cloned().collect();
            let all = wanted.union(&present).cloned().collect();
            Ok(change(resource, Modify::Add, missing, &all, step))
        }
        other => Err(foreign(other, resource)),
    }
}

/// The action that shares the resource with nobody any more.
pub(super) fn disable<C: Shared>(resource: &Resource<C>) -> Result<Vec<Action>, Refusal> {
    let with: Vec<String> = shared_with(resource)?.into_iter().collect();
    Ok(if with.is_empty() { Vec::new() } else { vec![Action::Unshare(Sharing { with })] })
}

/// With whom it is shared.
fn shared_with<C: Shared>(resource: &Resource<C>) -> Result<BTreeSet<String>, Refusal> {
    needs(resource, &[C::FIELD])?;
    let unknown = || format!("its {} name somebody whom this version does not know: look at them by hand", C::FIELD);
    resource.config.shared_with().ok_or_else(|| Refusal::Impossible(unknown()))
}

/// The change by `these`, after which the resource is shared with `all`.
fn change<C: Shared, S>(
    resource: &Resource<C>,
    modify: Modify,
    these: BTreeSet<String>,
    all: &BTreeSet<String>,
    step: impl FnOnce(Modify, Vec<String>) -> S,
) -> Planned<C, S> {
    if these.is_empty() {
        return Planned::nothing(resource);
    }
    let with: Vec<String> = these.into_iter().collect();
    let sharing = Sharing { with: with.clone() };
    let undo = match modify {
        Modify::Add => Action::Unshare(sharing),
        Modify::Remove => Action::Share(sharing),
    };
    Planned::one(step(modify, with), Some(undo), resource.config.sharing_with(all))
}

/// Whom an action names.
fn named(sharing: &Sharing) -> Result<BTreeSet<String>, Refusal> {
    if sharing.with.is_empty() {
        return Err(Refusal::Impossible("the action names nobody in `With`".to_owned()));
    }
    Ok(sharing.with.iter().cloned().collect())
}

/// Refuses what AWS would take for an account that does not exist.
fn can_be_shared_with(kind: ResourceType, who: &str) -> Result<(), Refusal> {
    let organization = || who.parse().is_ok_and(|arn: Arn| arn.service == "organizations");
    if who == EVERYONE || who.parse::<AccountId>().is_ok() || (kind == ResourceType::Ami && organization()) {
        return Ok(());
    }
    let organizations = if kind == ResourceType::Ami { " nor the ARN of an organization or a unit of it" } else { "" };
    Err(Refusal::Impossible(format!(
        "`{who}` in `With` is neither an account id nor `{EVERYONE}`{organizations}: name one of these"
    )))
}

/// The names as the RDS API takes them: those to add, and those to remove.
pub(super) fn to_add_and_to_remove(modify: Modify, with: Vec<String>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    match modify {
        Modify::Add => (Some(with), None),
        Modify::Remove => (None, Some(with)),
    }
}

/// Those of some names that are accounts, and those that are groups; `None` for the empty lists that the APIs refuse.
pub(super) fn accounts_and_groups(with: &[String]) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let (groups, accounts): (Vec<_>, Vec<_>) = with.iter().cloned().partition(|who| who == EVERYONE);
    let filled = |list: Vec<String>| (!list.is_empty()).then_some(list);
    (filled(accounts), filled(groups))
}

#[cfg(test)]
pub(super) mod tests {
    use common::resource::{DbClusterSnapshot, DbSnapshot, Image, Snapshot};
    use serde_json::{Value, json};

    use super::*;
    use crate::actions::tests::{Samples, after, needs, planned, the_call};

    pub(in crate::actions) const STRANGER: &str = "444455556666";
    pub(in crate::actions) const FRIEND: &str = "777788889999";
    const UNIT: &str = "arn:aws:organizations::111122223333:ou/o-acme/ou-web-1a2b";

    pub(in crate::actions) fn unshare(with: &[&str]) -> Action {
        Action::Unshare(sharing(with))
    }

    pub(in crate::actions) fn share(with: &[&str]) -> Action {
        Action::Share(sharing(with))
    }

    fn sharing(with: &[&str]) -> Sharing {
        Sharing { with: with.iter().map(|&who| who.to_owned()).collect() }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// The resource, shared with these.
    pub(in crate::actions) fn shared<C: Shared>(resource: Resource<C>, with: &[&str]) -> Resource<C> {
        resource.map(|config| config.sharing_with(&set(with)))
    }

    /// What each type's actions are tried on.
    pub(in crate::actions) fn samples<C: Shared>(resource: &Resource<C>) -> Vec<(Action, Resource<C>)> {
        let with = |names: &[&str]| shared(resource.clone(), names);
        vec![
            (unshare(&["all"]), with(&["all", STRANGER])),
            (unshare(&[STRANGER]), with(&["all", STRANGER, FRIEND])),
            (unshare(&[STRANGER]), with(&[STRANGER])),
            (share(&[STRANGER, FRIEND]), with(&[FRIEND])),
        ]
    }

    fn exactly_those_go_or_come<C: Shared + Samples>() {
        let (_, resource) = C::samples().remove(0);
        let with = |names: &[&str]| shared(resource.clone(), names);
        let plan = |action: Action, names: &[&str]| planned(&action, &with(names)).unwrap();
        let left = |action: Action, names: &[&str]| after::<C>(&plan(action, names)).config.shared_with().unwrap();
        assert_eq!(left(unshare(&[STRANGER]), &["all", STRANGER, FRIEND]), set(&["all", FRIEND]));
        assert_eq!(left(unshare(&["all"]), &["all", STRANGER, FRIEND]), set(&[STRANGER, FRIEND]));
        assert_eq!(left(share(&["all"]), &[FRIEND]), set(&["all", FRIEND]));
        for (action, present) in [
            (unshare(&[STRANGER]), &["all", FRIEND][..]),
            (unshare(&["all"]), &[]),
            (share(&["all", FRIEND]), &["all", FRIEND]),
        ] {
            let plan = plan(action, present);
            assert!(plan.steps.is_empty() && plan.undo.is_none(), "nothing is left to do");
        }
        // Of what is named, only what is there goes, and only that comes back.
        assert_eq!(plan(unshare(&[STRANGER, FRIEND]), &[FRIEND]).undo, Some(share(&[FRIEND])));
        assert_eq!(plan(share(&[STRANGER, FRIEND]), &[FRIEND]).undo, Some(unshare(&[STRANGER])));
        let refused = |action: Action| match planned(&action, &resource) {
            Err(Refusal::Impossible(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused(unshare(&[])).contains("names nobody"));
        assert!(refused(share(&[])).contains("names nobody"));
        assert!(refused(share(&["4444-5555-6666"])).contains("neither an account id"));
        assert!(refused(share(&["arn:aws:iam::444455556666:root"])).contains("neither an account id"));
        assert_eq!(planned(&share(&[UNIT]), &resource).is_ok(), C::TYPE == ResourceType::Ami);
        assert!(needs(&unshare(&["all"]), resource.clone(), C::FIELD), "whom it is shared with could not be read");
    }

    #[test]
    fn exactly_those_whom_an_action_names_go_or_come() {
        exactly_those_go_or_come::<Image>();
        exactly_those_go_or_come::<Snapshot>();
        exactly_those_go_or_come::<DbSnapshot>();
        exactly_those_go_or_come::<DbClusterSnapshot>();
    }

    #[test]
    fn disabled_it_is_shared_with_nobody() {
        let (_, resource) = Image::samples().remove(0);
        let of = |names: &[&str]| disable(&shared(resource.clone(), names)).unwrap();
        assert_eq!(of(&["all", STRANGER, UNIT]), [unshare(&[STRANGER, "all", UNIT])]);
        assert_eq!(of(&[]), []);
        assert!(needs(&Action::Disable, resource.clone(), Image::FIELD));
        let odd = resource.map(|_| -> Image { serde_json::from_value(json!({"LaunchPermissions": [{}]})).unwrap() });
        assert!(matches!(disable(&odd), Err(Refusal::Impossible(why)) if why.contains("by hand")));
    }

    #[test]
    fn what_is_not_understood_is_not_changed() {
        let (_, resource) = Image::samples().remove(0);
        let odd = resource.map(|_| -> Image { serde_json::from_value(json!({"LaunchPermissions": [{}]})).unwrap() });
        assert!(matches!(planned(&unshare(&["all"]), &odd), Err(Refusal::Impossible(why)) if why.contains("by hand")));
    }

    /// The call by which a share goes, and the one by which it comes back.
    pub(in crate::actions) fn calls<C: Shared>(with: &[&str], resource: &Resource<C>) -> [(String, Value); 2] {
        let shared = shared(resource.clone(), with);
        [the_call(&unshare(with), &shared), the_call(&share(with), resource)]
    }
}
