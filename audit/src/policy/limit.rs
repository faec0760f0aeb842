//! Which callers are left when one condition has to hold.
//!
//! The keys and when a request has them:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>. Which fixed values make a
//! policy not public:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>.
//! A value is fixed where the part of it that names an owner has neither wildcard nor variable; what a caller can choose
//! (a user agent, a referer, tags, a role's name, a session's name, an external id) limits nobody.

use std::collections::BTreeSet;

use super::evaluate::Owner;
use super::grantee::{Grantee, Source};
use super::network::is_wide;
use super::operator::{Comparison, Constraint, network};
use super::principal::{is_account, is_unique_id};
use super::wildcard::has_wildcard;

/// In the request of every caller that is no service, also an anonymous one, so that `IfExists` and `ForAllValues` let no
/// more of them in. (For anonymous callers `aws:PrincipalAccount` and `aws:userid` are `anonymous`; KMS takes no
/// anonymous calls.)
const ALWAYS: [&str; 3] = ["aws:principalaccount", "aws:userid", "kms:calleraccount"];

/// What the values of a policy are read against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) owner: Owner<'a>,
    pub(super) variables: bool,
}

/// Who is left under the constraint; `None` where that is everyone. `present`: keys that the request is sure to have.
pub(super) fn limit(
    constraint: &Constraint<'_>,
    present: &BTreeSet<&str>,
    context: Context<'_>,
) -> Option<Vec<Grantee>> {
    let key = constraint.condition.key.as_str();
    let optional = constraint.absent() && !present.contains(key);
    if optional && !ALWAYS.contains(&key) {
        return None;
    }
    let mut left = limit_if_present(constraint, context)?;
    if optional {
        left.push(Grantee::Service { name: None, source: None });
    }
    Some(left)
}

/// As [`limit`], for requests that have the key.
pub(super) fn limit_if_present(constraint: &Constraint<'_>, context: Context<'_>) -> Option<Vec<Grantee>> {
    let condition = constraint.condition;
    let comparison = condition.operator.comparison;
    if condition.key == "aws:principalisawsservice" {
        return is_true(constraint).then(|| vec![Grantee::Service { name: None, source: None }]);
    }
    if !constraint.is_positive() || matches!(comparison, Comparison::Null | Comparison::Bool | Comparison::Other(_)) {
        return None;
    }
    let values: Vec<String> = condition.values.iter().map(|value| resolve(value, context)).collect();
    if condition.key == "aws:sourceip" && is_wide(&values.iter().filter_map(|value| network(value)).collect::<Vec<_>>())
    {
        return None;
    }
    values.iter().map(|value| one(&condition.key, value, comparison)).collect()
}

/// Whom one value of a key stands for.
fn one(key: &str, value: &str, comparison: Comparison) -> Option<Grantee> {
    let service = |source| Some(Grantee::Service { name: None, source: Some(source) });
    let network_of = || Some(Grantee::Network { key: key.to_owned(), value: value.to_owned() });
    match key {
        // <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account>
        "aws:principalaccount" | "kms:calleraccount" => fixed_name(value).map(Grantee::account),
        // The last two are set by AWS itself where code runs in Lambda or EC2:
        // <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
        "aws:principalarn" | "lambda:sourcefunctionarn" | "ec2:sourceinstancearn" => {
            let id = fixed_name(arn_account(value, comparison)?)?;
            Some(Grantee::Account { id: id.to_owned(), principal: Some(value.to_owned()) })
        }
        "aws:principalorgid" => organization(value).map(|id| Grantee::Organization { id, path: None }),
        "aws:principalorgpaths" => {
            let id = organization(value)?;
            Some(Grantee::Organization { id, path: Some(value.to_owned()) })
        }
        "aws:userid" => user_id(value),
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>: only calls of services have these.
        "aws:sourceaccount" | "aws:sourceowner" => service(Source::Account(fixed_name(value)?.to_owned())),
        "aws:sourcearn" => service(source_arn(value, comparison)?),
        "aws:sourceorgid" | "aws:sourceorgpaths" => service(Source::Organization(organization(value)?)),
        // <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>: a secret that Alexa passes on.
        "lambda:eventsourcetoken" if is_fixed(value) => service(Source::Token),
        "aws:principalservicename" | "aws:principalservicenameslist" if is_fixed(value) => {
            Some(Grantee::Service { name: Some(value.to_ascii_lowercase()), source: None })
        }
        "aws:sourceip" => {
            let is_address = matches!(comparison, Comparison::Ip) || network(value).is_some();
            if is_address { network_of() } else { None }
        }
        "aws:sourcevpc" | "aws:sourcevpce" | "aws:ec2instancesourcevpc" if is_fixed(value) => network_of(),
        "aws:vpceaccount" => fixed_name(value).and_then(|_| network_of()),
        "aws:vpceorgid" => organization(value).and_then(|_| network_of()),
        "aws:vpceorgpaths" => organization(value).and_then(|_| network_of()),
        "aws:sourcevpcarn" => fixed_name(arn_account(value, comparison)?).and_then(|_| network_of()),
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html>
        "s3:dataaccesspointaccount" => Some(Grantee::AccessPoint { account: fixed_name(value)?.to_owned() }),
        "s3:dataaccesspointarn" => {
            let account = fixed_name(arn_account(value, comparison)?)?.to_owned();
            Some(Grantee::AccessPoint { account })
        }
        "s3:x-amz-server-side-encryption-aws-kms-key-id" if is_fixed(value) => {
            Some(Grantee::Restricted { key: key.to_owned(), value: value.to_owned() })
        }
        _ => None,
    }
}

/// `${aws:ResourceAccount}` is the owner, whoever calls.
fn resolve(value: &str, context: Context<'_>) -> String {
    const VARIABLE: &str = "${aws:resourceaccount}";
    match value.to_ascii_lowercase().find(VARIABLE) {
        Some(at) if context.variables => [&value[..at], context.owner.account, &value[at + VARIABLE.len()..]].concat(),
        _ => value.to_owned(),
    }
}

/// Neither wildcard nor variable, and not `anonymous`, which callers without credentials have for account and user id.
fn fixed_name(value: &str) -> Option<&str> {
    (is_fixed(value) && !value.eq_ignore_ascii_case("anonymous")).then_some(value)
}

fn is_fixed(value: &str) -> bool {
    !has_wildcard(value) && !value.contains("${") && !value.is_empty()
}

/// A fixed organization, or the owner's own; of a path its first part.
fn organization(value: &str) -> Option<String> {
    let id = value.split('/').next().unwrap_or(value);
    if id.eq_ignore_ascii_case("${aws:ResourceOrgID}") {
        return Some("${aws:ResourceOrgID}".to_owned());
    }
    fixed_name(id).map(str::to_owned)
}

/// The account component of an ARN or of a pattern of ARNs, where no wildcard can reach across it.
fn arn_account(value: &str, comparison: Comparison) -> Option<&str> {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let [_, _, _, _, account, _] = parts.as_slice() else { return None };
    // StringLike has wildcards cross colons, and the path of a role may hold colons: `arn:*:111122223333:role/x` is met
    // by `arn:aws:iam::999999999999:role/:111122223333:role/x`.
    let crossed = comparison == Comparison::Like && parts[..4].iter().any(|part| has_wildcard(part));
    (!crossed && !account.is_empty()).then_some(*account)
}

fn source_arn(value: &str, comparison: Comparison) -> Option<Source> {
    if let Some(id) = arn_account(value, comparison).and_then(fixed_name) {
        return Some(Source::Account(id.to_owned()));
    }
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let ["arn", partition, service, _, _, resource] = parts.as_slice() else { return None };
    if resource.is_empty() || value.contains("${") {
        return None;
    }
    // The ARN of a bucket has no account, and its name belongs to nobody else; AWS's own examples write
    // `arn:aws:s3:*:*:bucket`: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html>.
    let bucket = resource.split('/').next().unwrap_or(resource);
    let crossed = comparison == Comparison::Like && has_wildcard(partition);
    // These have an account in their ARN: without one, anyone's are meant.
    let with_account = ["accesspoint", "job", "storage-lens", "storage-lens-group", "access-grants"].contains(&bucket);
    let is_bucket = *service == "s3" && !has_wildcard(bucket) && !with_account && !crossed;
    (is_bucket || !has_wildcard(value)).then(|| Source::Resource(value.to_owned()))
}

/// The unique id has to be fixed; what follows the colon is the name of a session, which the caller chooses.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>
fn user_id(value: &str) -> Option<Grantee> {
    let id = match value.split_once(':') {
        Some((id, _)) => id,
        // `AROA...*` for `AROA...:*`: AWS makes the ids, so a long beginning of one is as good as the whole.
        None => value.strip_suffix('*').filter(|id| is_unique_id(id) && id.len() >= 16).unwrap_or(value),
    };
    let id = fixed_name(id)?;
    Some(if is_account(id) { Grantee::account(id) } else { Grantee::UniqueId { id: value.to_owned() } })
}

/// Whether a boolean key has to be true.
fn is_true(constraint: &Constraint<'_>) -> bool {
    let condition = constraint.condition;
    let compared =
        matches!(condition.operator.comparison, Comparison::Bool | Comparison::Exact | Comparison::IgnoreCase);
    let known = condition.values.iter().all(|value| !value.contains("${"));
    compared
        && known
        && condition.has("true") == constraint.is_positive()
        && condition.has("false") != constraint.is_positive()
}
