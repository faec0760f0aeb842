//! What a Deny leaves of an Allow.
//!
//! An explicit Deny beats every Allow:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>. So
//! what an Allow lets in also has to fall outside of each Deny: by an exception in its `NotPrincipal`, or by failing one
//! of its conditions. A Deny is counted on only where it surely applies to the principals, actions and resources.

use super::document::Statement;
use super::grantee::Grantee;
use super::operator::Constraint;
use super::principal::{Principal, Principals};

/// One way to meet a [`Clause`].
#[derive(Clone, Debug)]
pub(super) enum Literal<'a> {
    /// To be one that `NotPrincipal` of this statement leaves out.
    Exception(usize, &'a Principal),
    /// To meet a condition, or to fail one of a Deny.
    Constraint(Constraint<'a>),
}

/// What a caller has to meet in one way at least.
pub(super) type Clause<'a> = Vec<Literal<'a>>;

/// The conditions of an Allow: each has to be met.
pub(super) fn conditions_of(allow: &Statement) -> impl Iterator<Item = Clause<'_>> {
    allow
        .conditions
        .iter()
        .map(|condition| vec![Literal::Constraint(Constraint { condition, statement: allow.index, opposite: false })])
}

/// How callers of `allow` get past `deny`; no way at all where the clause is empty. `None` where it is not sure that
/// the Deny applies to the principal. (That it applies to the actions and resources is for the caller to know.)
pub(super) fn ways_past<'a>(deny: &'a Statement, allow: &'a Statement, principal: &Principal) -> Option<Clause<'a>> {
    let mut clause: Clause<'a> = match &deny.principals {
        Principals::Only(list) if list.iter().any(|denied| denied.covers(principal)) => Vec::new(),
        Principals::Only(_) => return None,
        Principals::AllBut(list) => list.iter().map(|left| Literal::Exception(deny.index, left)).collect(),
    };
    for condition in &deny.conditions {
        // A caller that meets the Allow can't fail what the Allow itself asks for.
        if !allow.conditions.iter().any(|asked| asked.implies(condition)) {
            clause.push(Literal::Constraint(Constraint { condition, statement: deny.index, opposite: true }));
        }
    }
    clause.retain(|literal| !is_impossible(literal, principal));
    Some(clause)
}

/// Whether callers that are `principal` surely can't meet the literal.
pub(super) fn is_impossible(literal: &Literal<'_>, principal: &Principal) -> bool {
    let Principal::Named(Grantee::Account { id, principal }) = principal else { return false };
    match literal {
        Literal::Exception(_, left) => left.grantee().meet(&Grantee::account(id)).is_none(),
        Literal::Constraint(constraint) if !constraint.is_positive() => {
            // Not to be this account, for callers from this account. They are signed in, so they have both keys.
            let excluded = &constraint.condition.values;
            match constraint.condition.key.as_str() {
                _ if !constraint.condition.operator.compares_text() => false,
                "aws:principalaccount" | "kms:calleraccount" => excluded.contains(id),
                "aws:principalarn" => {
                    principal.as_ref().is_some_and(|arn| is_user_or_role(arn) && excluded.contains(arn))
                }
                _ => false,
            }
        }
        Literal::Constraint(_) => false,
    }
}

/// For these `aws:PrincipalArn` is what `Principal` says; for a session it is its role.
fn is_user_or_role(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("iam")
}
