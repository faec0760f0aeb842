//! What the actions on users, roles, groups and managed policies share.

use common::action::{Change, Formerly};
use common::record::Resource;
use common::resource::SLUICE_DENY_ALL;
use serde_json::{Value, json};

use super::Refusal;
use super::change::pending;
use super::refusal::needs;

/// The calls of a type, in a line each: `PutUserPolicy = IAM_PUT_USER_POLICY, put_user_policy { user_name: String, ... }`.
/// The fields are the call's parameters and the SDK's setters; `=> path` is how a field becomes what the setter takes.
macro_rules! iam_calls {
    ($(
        $variant:ident = $operation:ident, $method:ident {
            $( $(#[$attribute:meta])* $field:ident: $type:ty $(=> $convert:path)? ),+ $(,)?
        }
    )+) => {
        /// A call.
        #[derive(Debug, serde::Serialize)]
        #[serde(untagged, rename_all_fields = "PascalCase")]
        pub(crate) enum Step {
            $( $variant { $( $(#[$attribute])* $field: $type ),+ }, )+
        }

        impl crate::actions::ApiCall for Step {
            fn operation(&self) -> common::operation::Operation {
                match self { $( Self::$variant { .. } => common::operation::$operation, )+ }
            }

            async fn send(
                &self,
                session: &common::aws::Session,
                _: &common::id::Region,
            ) -> Result<Option<String>, common::aws::AwsError> {
                let client = common::client!(aws_sdk_iam, session, session.home_region());
                let operation = self.operation();
                match self {
                    $( Self::$variant { $( $field ),+ } => {
                        let call = client.$method()$( .$field($crate::actions::iam::iam_calls!(@sent $field $($convert)?)) )+;
                        $crate::actions::call::sent(operation, call.send().await)
                    } )+
                }
            }
        }
    };
    (@sent $field:ident) => { $field };
    (@sent $field:ident $convert:path) => { $convert($field) };
}
pub(super) use iam_calls;

/// What the inline policy `SluiceDenyAll` says. An explicit deny beats whatever else allows something, and holds for the
/// sessions that are open already: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.
pub(super) fn deny_all() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
}

/// From whatever has the name of Sluice's inline policy to the one that denies everything; nothing where it is there. What
/// only has its name, and denies less, must not keep it out.
pub(super) fn closing(now: Option<&Value>) -> Option<Change<Option<Value>>> {
    let change = Change { from: now.cloned(), to: Some(deny_all()) };
    (change.from != change.to).then_some(change)
}

/// Back from there; nothing where that is done.
pub(super) fn opening(former: &Formerly, now: Option<&Value>) -> Result<Option<Change<Option<Value>>>, Refusal> {
    let change = Change { from: Some(deny_all()), to: former.policy_document.clone() };
    let open = pending(&change, &now.cloned(), &format!("its inline policy {SLUICE_DENY_ALL}"))?;
    Ok(open.then_some(change))
}

/// The names of inline policies, with or without Sluice's own among them.
pub(super) fn renamed(names: &[String], with_own: bool) -> Vec<String> {
    let own = with_own.then(|| SLUICE_DENY_ALL.to_owned());
    let mut names: Vec<String> = names.iter().filter(|name| *name != SLUICE_DENY_ALL).cloned().chain(own).collect();
    names.sort_unstable();
    names
}

/// The names of inline policies in the order in which they are deleted: what denies everything goes last, so that nothing
/// that is still there allows anything in between.
pub(super) fn own_last(names: &[String]) -> impl Iterator<Item = &String> {
    let own = |name: &&String| *name == SLUICE_DENY_ALL;
    names.iter().filter(move |name| !own(name)).chain(names.iter().filter(own))
}

/// What a closer look told.
pub(super) fn told<'a, C, T>(resource: &Resource<C>, value: Option<&'a T>, field: &str) -> Result<&'a T, Refusal> {
    needs(resource, &[field])?;
    value
        .ok_or_else(|| Refusal::Impossible(format!("its record does not tell `{field}`: it was not looked at closely")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_has_the_name_is_replaced_and_comes_back() {
        let other = json!({"Statement": []});
        assert_eq!(closing(Some(&deny_all())), None);
        assert_eq!(closing(None).unwrap().from, None);
        assert_eq!(closing(Some(&other)).unwrap().from, Some(other.clone()));
        let former = Formerly { policy_document: Some(other.clone()) };
        assert_eq!(opening(&former, Some(&deny_all())).unwrap().unwrap().to, Some(other.clone()));
        assert_eq!(opening(&former, Some(&other)).unwrap(), None);
        assert_eq!(opening(&Formerly::default(), None).unwrap(), None);
        for (former, now) in [(&former, None), (&Formerly::default(), Some(&other))] {
            assert!(matches!(opening(former, now), Err(Refusal::Changed(_))), "{now:?}");
        }
    }

    #[test]
    fn the_deny_stays_to_the_last() {
        let names = ["Admin", SLUICE_DENY_ALL, "Zebra"].map(str::to_owned);
        assert_eq!(own_last(&names).collect::<Vec<_>>(), ["Admin", "Zebra", SLUICE_DENY_ALL]);
        assert_eq!(renamed(&names, false), ["Admin", "Zebra"]);
        assert_eq!(renamed(&names, true), names);
    }
}
