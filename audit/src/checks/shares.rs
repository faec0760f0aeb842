//! What the checks of images and snapshots that can be shared have in common.
//!
//! Whether the account's or the region's block of public sharing closes a share at present does not count: AWS keeps the
//! share, and it is open again as soon as the block goes.

use common::action::{Action, Sharing};
use common::arn::Arn;
use common::id::AccountId;
use common::resource::{EVERYONE, Shared};
use serde_json::{Map, Value, to_value};

use super::{Case, Checked, Problem, Unclear};
use crate::judge::Rules;

/// A configuration of something that can be shared.
pub(super) trait Judged: Checked + Shared {}

impl<C: Checked + Shared> Judged for C {}

/// Whether it is shared with everyone.
pub(super) fn public<C: Judged>(case: &Case<'_, C>, what: &str) -> Result<Vec<Problem>, Unclear> {
    let public = with(case)?.into_iter().find(|who| who == EVERYONE);
    Ok(public.map(|everyone| problem(case, what, everyone)).into_iter().collect())
}

/// With whom in particular it is shared who is not known: a problem for each.
pub(super) fn strangers<C: Judged>(case: &Case<'_, C>) -> Result<Vec<Problem>, Unclear> {
    let account = &case.resource.account;
    let strangers = with(case)?.into_iter().filter(|who| who != EVERYONE && !is_known(case.rules, account, who));
    Ok(strangers
        .map(|who| {
            let what = format!("is shared with {}, which is not known", describe(&who));
            problem(case, &what, who.clone()).stranger().part(who)
        })
        .collect())
}

fn with<C: Judged>(case: &Case<'_, C>) -> Result<impl IntoIterator<Item = String>, Unclear> {
    let unclear = || Unclear(format!("its record has {} that name nobody whom this version knows of", C::FIELD));
    case.config().shared_with().ok_or_else(unclear)
}

fn problem<C: Judged>(case: &Case<'_, C>, what: &str, who: String) -> Problem {
    let just = case.config().sharing_with(&[who.clone()].into());
    let entry = to_value(&just).unwrap_or_default().get_mut(C::FIELD).map(Value::take).unwrap_or_default();
    let evidence = Map::from_iter([(C::FIELD.to_owned(), said(entry))]);
    Problem::new(what, Value::Object(evidence)).action(Action::Unshare(Sharing { with: vec![who] }))
}

/// An entry without the fields that say nothing.
fn said(entry: Value) -> Value {
    match entry {
        Value::Array(items) => items.into_iter().map(said).collect(),
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, said(value))).collect()
        }
        other => other,
    }
}

/// Whether it is the owner, or somebody whom the settings or the organization's record make known.
fn is_known(rules: &Rules, owner: &AccountId, who: &str) -> bool {
    who == owner.as_str()
        || rules.trusted.accounts.contains(who)
        || organization(who).is_some_and(|id| rules.trusted.organizations.contains(&id))
}

/// The id in the ARN of an organization (`organization/o-...`) or of a unit of it (`ou/o-.../ou-...`), see
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_arn-formats.html>.
///
/// What the ARN says of the management account counts for nothing: the id alone is unique.
fn organization(who: &str) -> Option<String> {
    let arn: Arn = who.parse().ok().filter(|arn: &Arn| arn.service == "organizations")?;
    let mut parts = arn.resource.split('/');
    match (parts.next(), parts.next()) {
        (Some("organization" | "ou"), Some(id)) => Some(id.to_owned()),
        _ => None,
    }
}

/// What a person calls somebody.
fn describe(who: &str) -> String {
    let Some(id) = organization(who) else { return format!("account {who}") };
    match who.rsplit('/').next() {
        Some(unit) if unit != id => format!("the unit {unit} of organization {id}"),
        _ => format!("organization {id}"),
    }
}
