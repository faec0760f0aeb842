//! Security groups as a whole: what cannot be stopped is moved into the one group that the settings name for its VPC,
//! through which nothing comes, and back into its own.

use common::action::{Action, Change};
use common::record::Resource;
use common::settings::Remediate;

use super::change::pending;
use super::{Planned, Refusal};

/// The action that moves a resource out of the groups that it is in into the closed one of its VPC. `why`: why it must be,
/// a fragment that goes on from "it".
pub(super) fn disable(
    why: &str,
    vpc: Option<&str>,
    groups: Vec<String>,
    settings: &Remediate,
) -> Result<Vec<Action>, Refusal> {
    let Some(vpc) = vpc.filter(|vpc| !vpc.is_empty()) else {
        return Err(Refusal::Impossible(format!("it {why}, and its record does not say its VPC")));
    };
    let Some(closed) = settings.closed_security_groups.get(vpc) else {
        return Err(Refusal::Impossible(format!(
            "it {why}, and the settings name no closed security group for {vpc} into which it could be moved instead: give \
             one in `closed_security_groups` under [remediate]"
        )));
    };
    Ok(vec![Action::SetSecurityGroups(Change { from: sorted(groups), to: vec![closed.clone()] })])
}

/// What a change of the groups comes to on a resource that is in `now`. `set` makes the call, and what the configuration
/// will be.
pub(super) fn plan<C: Clone, S>(
    resource: &Resource<C>,
    change: &Change<Vec<String>>,
    now: Vec<String>,
    set: impl FnOnce(Vec<String>) -> Result<(S, C), Refusal>,
) -> Result<Planned<C, S>, Refusal> {
    let change = Change { from: sorted(change.from.clone()), to: sorted(change.to.clone()) };
    let now = sorted(now);
    if change.to.is_empty() {
        return Err(Refusal::Impossible("the action names no security group in `to`: there must be one".to_owned()));
    }
    if now.is_empty() {
        return Err(Refusal::Impossible("it is in no security group, and could not be put back into none".to_owned()));
    }
    if !pending(&change, &now, "the list of its security groups")? {
        return Ok(Planned::nothing(resource));
    }
    let (step, after) = set(change.to.clone())?;
    let undo = Action::SetSecurityGroups(Change { from: change.to, to: now });
    Ok(Planned::one(step, Some(undo), after))
}

/// The order means nothing, and AWS keeps none.
fn sorted(mut groups: Vec<String>) -> Vec<String> {
    groups.sort_unstable();
    groups.dedup();
    groups
}

#[cfg(test)]
pub(super) mod tests {
    use common::resource::Config;
    use serde_json::Value;

    use super::*;
    use crate::actions::tests::{planned, the_call};

    pub(in crate::actions) fn moves(from: &[&str], to: &[&str]) -> Action {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        Action::SetSecurityGroups(Change { from: ids(from), to: ids(to) })
    }

    /// A resource of `vpc-1` that is in `sg-1` and `sg-2` is moved to the closed group by this call, to nowhere else, and
    /// out of nothing that the action does not know of.
    pub(in crate::actions) fn moves_into_the_closed_group<C: Config>(resource: &Resource<C>, call: (&str, &Value)) {
        let (operation, parameters) = the_call(&Action::Disable, resource);
        assert_eq!((operation.as_str(), &parameters), call);
        let plan = planned(&Action::Disable, resource).unwrap();
        assert_eq!(plan.undo, Some(moves(&["sg-closed"], &["sg-1", "sg-2"])));
        let (operation, parameters) = the_call(&moves(&["sg-2", "sg-1"], &["sg-closed"]), resource);
        assert_eq!((operation.as_str(), &parameters), call, "in whatever order they stand there");
        let refused = planned(&moves(&["sg-1"], &["sg-closed"]), resource);
        assert!(matches!(&refused, Err(Refusal::Changed(why)) if why.contains("sg-2")), "{refused:?}");
        let refused = planned(&moves(&["sg-1", "sg-2"], &[]), resource);
        assert!(matches!(&refused, Err(Refusal::Impossible(why)) if why.contains("no security group")), "{refused:?}");
    }

    /// The same in a VPC for which the settings name no group.
    pub(in crate::actions) fn stays_where_the_settings_name_no_group<C: Config>(resource: &Resource<C>, vpc: &str) {
        let refused = planned(&Action::Disable, resource);
        let named = |why: &str| why.contains(vpc) && why.contains("closed_security_groups");
        assert!(matches!(&refused, Err(Refusal::Impossible(why)) if named(why)), "{refused:?}");
    }
}
