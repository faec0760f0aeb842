//! From the statements to the grants.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Grant, Narrowing};
use super::deny::{Clause, Literal, conditions_of, is_impossible, ways_past};
use super::document::{Document, Scope, Statement};
use super::grantee::Grantee;
use super::limit::{Context, limit, limit_if_present};
use super::principal::{Principal, Principals};
use super::wildcard::{covers, overlaps};

/// Action and resource pairs of one statement up to which Denies are worked out one by one. AWS's size limits keep real
/// policies far below; beyond it Denies count for nothing, which can only report too much.
const MOST_PAIRS: usize = 100_000;

/// The resource that a policy is attached to.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The id of the account that owns it.
    pub account: &'a str,
    /// Its ARN. A statement that is about other resources only lets nobody in.
    pub arn: &'a str,
}

impl Owner<'_> {
    fn service(&self) -> &str {
        self.arn.split(':').nth(2).unwrap_or_default()
    }

    /// All actions there are on the resource.
    fn actions(&self) -> String {
        match self.service() {
            "" => "*".to_owned(),
            // The resource policy of a role is about assuming it.
            "iam" => "sts:*".to_owned(),
            service => format!("{}:*", service.to_ascii_lowercase()),
        }
    }

    /// The resource and what is inside of it.
    fn resources(&self) -> Vec<String> {
        let arn = self.arn;
        match self.service() {
            "" => vec!["*".to_owned()],
            "s3" => vec![arn.to_owned(), format!("{arn}/*")],
            "lambda" => vec![arn.to_owned(), format!("{arn}:*")],
            "sqs" | "sns" | "kms" | "iam" => vec![arn.to_owned()],
            _ => vec![arn.to_owned(), format!("{arn}/*"), format!("{arn}:*")],
        }
    }

    /// Whether actions of this pattern let anyone do anything to the resource: a bucket can't be got as an object, nor an
    /// object be listed. <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
    fn reaches(&self, action: &str, resource: &str) -> bool {
        if self.service() == "iam" {
            // The permissions beside (`sts:TagSession`, `sts:SetSourceIdentity`) are of no use to whom the policy does not
            // let assume the role: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.
            return overlaps(action, "sts:assumerole*");
        }
        let name = action.split(['*', '?']).next().unwrap_or(action);
        if self.service() != "s3" || !name.starts_with("s3:") {
            return true;
        }
        let of_bucket = name.contains("bucket");
        let of_object = !of_bucket
            && (name.contains("object") || ["s3:abortmultipartupload", "s3:listmultipartuploadparts"].contains(&name));
        if resource == self.arn { !of_object } else { !of_bucket || !resource.starts_with(&format!("{}/", self.arn)) }
    }
}

/// Says whom the policy of a resource lets in.
///
/// Names at least all callers that the policy lets in, and is as exact as its Denies and conditions can be shown to be.
/// What else may stop a caller (public access blocks, SCPs, the caller's own policies) is not looked at.
pub fn evaluate(document: &Document, owner: &Owner<'_>) -> Access {
    let context = Context { owner: *owner, variables: document.variables };
    let (allows, denies): (Vec<&Statement>, Vec<&Statement>) =
        document.statements.iter().partition(|statement| statement.allow);
    let grants = allows.into_iter().flat_map(|allow| grants_of(allow, &denies, context)).collect();
    Access { grants, owner: owner.account.to_owned() }
}

/// What the grants of one statement have in common: the Denies that apply, then the actions and resources.
type Groups = BTreeMap<Vec<usize>, (BTreeSet<String>, BTreeSet<String>)>;

fn grants_of(allow: &Statement, denies: &[&Statement], context: Context<'_>) -> Vec<Grant> {
    let groups = groups(allow, denies, context.owner);
    let everyone = [Principal::Everyone];
    let principals = match &allow.principals {
        Principals::Only(list) => list.as_slice(),
        Principals::AllBut(_) => &everyone,
    };
    let mut grants: BTreeMap<Grantee, Grant> = BTreeMap::new();
    for principal in principals {
        for (applying, (actions, resources)) in &groups {
            let mut clauses: Vec<Clause<'_>> = conditions_of(allow).collect();
            for clause in &mut clauses {
                clause.retain(|literal| !is_impossible(literal, principal));
            }
            clauses.extend(applying.iter().filter_map(|&deny| ways_past(denies[deny], allow, principal)));
            let (grantees, narrowed_by) = who_is_left(principal, &clauses, context);
            for grantee in grantees {
                let grant = grants.entry(grantee.clone()).or_insert_with(|| Grant {
                    statement: allow.index,
                    sid: allow.sid.clone(),
                    grantee,
                    actions: Vec::new(),
                    resources: Vec::new(),
                    narrowed_by: Vec::new(),
                });
                merge(&mut grant.actions, actions);
                merge(&mut grant.resources, resources);
                merge(&mut grant.narrowed_by, &narrowed_by);
            }
        }
    }
    grants.into_values().collect()
}

fn merge<T: Clone + Ord>(into: &mut Vec<T>, more: &BTreeSet<T>) {
    into.extend(more.iter().cloned());
    into.sort();
    into.dedup();
}

/// Splits the statement by the Denies that surely apply to an action and a resource.
fn groups(allow: &Statement, denies: &[&Statement], owner: Owner<'_>) -> Groups {
    let universe = owner.actions();
    // As written, with the pattern that it stands for here.
    let actions: Vec<(String, String)> = if allow.actions.but {
        let left = allow.actions.within(&[universe]);
        let label = format!("* except {}", allow.actions.written.join(", "));
        left.into_iter().map(|pattern| (label.clone(), pattern)).collect()
    } else {
        let pattern = |written: &String| {
            let pattern = written.to_lowercase();
            if covers(&pattern, &universe) { universe.clone() } else { pattern }
        };
        allow.actions.written.iter().map(|written| (written.clone(), pattern(written))).collect()
    };
    let resources = allow.resources.within(&owner.resources());
    let count = actions.len() * resources.len();
    let mut groups = Groups::new();
    if count > MOST_PAIRS {
        let all = (actions.into_iter().map(|(written, _)| written).collect(), resources.into_iter().collect());
        groups.insert(Vec::new(), all);
        return groups;
    }
    let applying = |scope: fn(&Statement) -> &Scope, pattern: &str| -> BTreeSet<usize> {
        (0..denies.len()).filter(|&deny| scope(denies[deny]).covers(pattern)).collect()
    };
    let by_resource: Vec<_> =
        resources.iter().map(|resource| (resource, applying(|deny| &deny.resources, resource))).collect();
    for (written, pattern) in &actions {
        let by_action = applying(|deny| &deny.actions, pattern);
        for (resource, by_resource) in by_resource.iter().filter(|(resource, _)| owner.reaches(pattern, resource)) {
            let both = by_action.intersection(by_resource).copied().collect();
            let (actions, resources) = groups.entry(both).or_default();
            actions.insert(written.clone());
            resources.insert((*resource).clone());
        }
    }
    groups
}

/// Who meets all clauses, and the conditions that had a part in it.
fn who_is_left(
    principal: &Principal,
    clauses: &[Clause<'_>],
    context: Context<'_>,
) -> (BTreeSet<Grantee>, BTreeSet<Narrowing>) {
    let alone = || {
        clauses.iter().filter_map(|clause| match clause.as_slice() {
            [Literal::Constraint(constraint)] => Some(constraint),
            _ => None,
        })
    };
    let present: BTreeSet<&str> = alone()
        .filter(|constraint| constraint.requires_key())
        .map(|constraint| constraint.condition.key.as_str())
        .collect();
    let mut narrowed_by = BTreeSet::new();
    let mut limits: BTreeSet<BTreeSet<Grantee>> = BTreeSet::new();
    for clause in clauses {
        let ways = clause.iter().map(|literal| match literal {
            Literal::Exception(_, left) => Some(vec![left.grantee()]).filter(|left| !left.contains(&Grantee::Public)),
            Literal::Constraint(constraint) => limit(constraint, &present, context),
        });
        if let Some(ways) = ways.collect::<Option<Vec<_>>>() {
            limits.insert(ways.into_iter().flatten().collect());
            narrowed_by.extend(clause.iter().map(Narrowing::from));
        }
    }
    // A request has either the one key or the other: it comes from the internet, or through an endpoint. So two
    // IfExists limit together what neither limits alone, as in the example at the top of
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
    let optional = |keys: &'static [&'static str]| {
        alone().find_map(|constraint| {
            let key = constraint.condition.key.as_str();
            let limited = keys.contains(&key).then(|| limit_if_present(constraint, context)).flatten()?;
            Some((Narrowing::from(&Literal::Constraint(*constraint)), limited))
        })
    };
    if let (Some((one, direct)), Some((two, through))) =
        (optional(&["aws:sourceip"]), optional(&["aws:sourcevpc", "aws:sourcevpce"]))
    {
        // A service's call may have neither.
        let service = Grantee::Service { name: None, source: None };
        limits.insert(direct.into_iter().chain(through).chain([service]).collect());
        narrowed_by.extend([one, two]);
    }
    let base = match principal {
        Principal::Shared(provider) => match alone().find(|constraint| provider.is_limited_by(constraint)) {
            Some(constraint) => {
                narrowed_by.insert(Narrowing::from(&Literal::Constraint(*constraint)));
                provider.grantee()
            }
            None => Grantee::Public,
        },
        named => named.grantee(),
    };
    let mut left = BTreeSet::from([base]);
    for ways in &limits {
        left = left.iter().flat_map(|one| ways.iter().filter_map(|other| one.meet(other))).collect();
    }
    let own = |grantee| match grantee {
        Grantee::Account { id, principal } if id == context.owner.account => Grantee::Own { principal },
        other => other,
    };
    (left.into_iter().map(own).collect(), narrowed_by)
}
