//! What the checks of resources with a policy have in common.

use std::collections::BTreeSet;

use common::action::Action;
use common::resource::Bucket;
use serde_json::{Value, json};

use super::{Case, Checked, Problem, Unclear};
use crate::policy::{self, Access, Document, Grant, Grantee, Owner, Source};

/// How many outsiders a title names.
const NAMED: usize = 3;

/// A configuration with the policy of the resource in it.
pub(crate) trait HasPolicy: Checked {
    /// What a person calls it.
    const CALLED: &'static str = "policy";

    /// The policy; nothing where there is none.
    fn policy(&self) -> Option<&Value>;

    /// Whether a canonical user id is the owner's own; nothing where the record does not say.
    fn is_own(&self, _canonical_id: &str) -> Option<bool> {
        Some(false)
    }

    /// Whether one who is neither the owner nor trusted is an outsider here.
    fn is_outsider(_grantee: &Grantee) -> bool {
        true
    }
}

/// A policy, read, and whom it lets in.
pub(super) struct Judged {
    document: Document,
    access: Access,
}

impl<C: HasPolicy> Case<'_, C> {
    /// The resource's policy, judged once for all checks; nothing where it has none. One that is not understood makes its
    /// checks unknown.
    fn judged(&self) -> Result<Option<&Judged>, Unclear> {
        let judged = self.policy.get_or_init(|| {
            let Some(policy) = self.config().policy() else { return Ok(None) };
            let document = Document::parse(policy).map_err(|error| error.to_string())?;
            let arn = self.resource.arn.to_string();
            let access = policy::evaluate(&document, &Owner { account: self.resource.account.as_str(), arn: &arn });
            Ok(Some(Judged { document, access }))
        });
        judged.as_ref().map(Option::as_ref).map_err(|why| Unclear(why.clone()))
    }

    /// Statements of the policy, exactly as they stand there.
    pub(super) fn statements(&self, wanted: &BTreeSet<usize>) -> Vec<Value> {
        let all: &[Value] = match self.config().policy().and_then(|policy| policy.get("Statement")) {
            Some(Value::Array(all)) => all,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        wanted.iter().filter_map(|index| all.get(*index)).cloned().collect()
    }
}

/// Whether the policy lets in anyone, and the statements by which it does.
pub(super) fn public<C: HasPolicy>(
    case: &Case<'_, C>,
    remove: impl Fn(Vec<Value>) -> Action,
) -> Result<Vec<Problem>, Unclear> {
    let Some(Judged { access, .. }) = case.judged()? else { return Ok(Vec::new()) };
    let statements = policy::statements(access.public());
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let actions: BTreeSet<&str> = access.public().flat_map(|grant| &grant.actions).map(String::as_str).collect();
    let statements = case.statements(&statements);
    let what = format!("is open to anyone through its {}, for {}", C::CALLED, shortened(actions.into_iter()));
    Ok(vec![Problem::new(what, json!({ "Statements": statements })).action(remove(statements))])
}

/// Whether the policy lets in a service on behalf of whoever uses it: anyone can have it call. Without an action, since
/// there is something of the owner's as well that calls by it, and would be cut off.
pub(super) fn unguarded<C: HasPolicy>(case: &Case<'_, C>, service: &str) -> Result<Vec<Problem>, Unclear> {
    let Some(Judged { access, .. }) = case.judged()? else { return Ok(Vec::new()) };
    let of_service = |grant: &&Grant| match &grant.grantee {
        Grantee::Service { name, .. } => name.as_deref().is_none_or(|name| name == service),
        _ => false,
    };
    let indices = policy::statements(access.unguarded_services().filter(of_service));
    if indices.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!(
        "is open to anyone by way of {service}: its {} does not say for which account (aws:SourceAccount)",
        C::CALLED
    );
    let evidence = json!({ "Statements": case.statements(&indices) });
    Ok(vec![Problem::new(what, evidence).part(service)])
}

/// Whether the policy lets in somebody in particular who is neither the owner nor trusted.
///
/// Whether a public access block closes the policy at present does not count: it does so only while the policy is public
/// as well, and mending that would let the outsiders in again.
pub(super) fn outsiders<C: HasPolicy>(
    case: &Case<'_, C>,
    remove: impl Fn(Vec<Value>) -> Action,
) -> Result<Vec<Problem>, Unclear> {
    let Some(Judged { access, .. }) = case.judged()? else { return Ok(Vec::new()) };
    let mut outside: Vec<&Grant> = Vec::new();
    for grant in access.outside(&case.rules.trusted).filter(|grant| C::is_outsider(&grant.grantee)) {
        let own = match &grant.grantee {
            Grantee::CanonicalUser { id } => case.config().is_own(id),
            _ => Some(false),
        };
        // `Owner` is none of the check's `needs`: hardly any policy has a canonical id in it, and only then it counts.
        if !own.ok_or_else(|| Unclear("the record does not say Owner, which may be in the policy".to_owned()))? {
            outside.push(grant);
        }
    }
    if outside.is_empty() {
        return Ok(Vec::new());
    }
    let who: BTreeSet<String> = outside.iter().map(|grant| describe(&grant.grantee)).collect();
    let indices = policy::statements(outside.iter().copied());
    let statements = case.statements(&indices);
    // A statement that lets in somebody else as well is not removed: that may be what it is there for.
    let nobody_else =
        access.grants.iter().filter(|grant| indices.contains(&grant.statement)).all(|grant| {
            outside.contains(&grant) || matches!(grant.grantee, Grantee::Public | Grantee::Deleted { .. })
        });
    let what = format!("lets in {} through its {}", shortened(who.iter().map(String::as_str)), C::CALLED);
    let evidence = json!({ "Outsiders": who, "Statements": statements });
    Ok(vec![Problem::new(what, evidence).stranger().action(nobody_else.then(|| remove(statements)))])
}

/// For a resource that always has a policy: a record without one is not understood.
pub(super) fn required<C: HasPolicy>(case: &Case<'_, C>) -> Result<(), Unclear> {
    match case.config().policy() {
        Some(_) => Ok(()),
        None => {
            Err(Unclear(format!("the record does not say its {}, which every {} has", C::CALLED, C::TYPE.singular())))
        }
    }
}

/// Whether requests over plain HTTP are denied.
pub(super) fn tls(case: &Case<'_, Bucket>) -> Result<Vec<Problem>, Unclear> {
    let denied = match case.judged()? {
        Some(Judged { document, .. }) => policy::denies_insecure_transport(document, &case.resource.arn.to_string()),
        None => false,
    };
    if denied {
        return Ok(Vec::new());
    }
    let what = "accepts requests over plain HTTP: its policy does not deny them";
    Ok(vec![Problem::new(what, Value::Null).action(Action::S3DenyInsecureTransport)])
}

/// What a person calls an outsider.
fn describe(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Account { id, principal: None } => format!("account {id}"),
        Grantee::Account { id, principal: Some(principal) } => format!("{principal} of account {id}"),
        Grantee::AccessPoint { account } => format!("access points of account {account}"),
        Grantee::Organization { id, .. } => format!("organization {id}"),
        Grantee::CanonicalUser { id } => format!("canonical user {id}"),
        Grantee::UniqueId { id } => format!("the user or role {id}"),
        Grantee::Federated { provider, .. } => format!("logins at {provider}"),
        Grantee::Service { name, source } => {
            let service = name.as_deref().unwrap_or("any AWS service");
            match source {
                Some(Source::Account(id)) => format!("{service} for account {id}"),
                Some(Source::Organization(id)) => format!("{service} for organization {id}"),
                _ => service.to_owned(),
            }
        }
        other => format!("{other:?}"),
    }
}

/// The first few, and how many more.
pub(super) fn shortened<'a>(mut items: impl ExactSizeIterator<Item = &'a str>) -> String {
    let rest = items.len().saturating_sub(NAMED);
    let first: Vec<&str> = items.by_ref().take(NAMED).collect();
    let first = first.join(", ");
    if rest == 0 { first } else { format!("{first} and {rest} more") }
}
