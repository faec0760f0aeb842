//! Types to which nothing is done: what a person must decide, or what is not a thing of its own.

use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::Operation;
use common::resource::{AccountSecurity, Organization, RegionServices, Volume};
use serde::Serialize;

use super::ApiCall;

/// The call of a type that has none.
#[derive(Debug, Serialize)]
pub(crate) enum Never {}

impl ApiCall for Never {
    fn operation(&self) -> Operation {
        match *self {}
    }

    async fn send(&self, _session: &Session, _region: &Region) -> Result<Option<String>, AwsError> {
        match *self {}
    }
}

/// A type that has no actions.
macro_rules! unchanging {
    ($($config:ty),+ $(,)?) => {$(
        impl $crate::actions::Mended for $config {
            type Step = $crate::actions::unchanging::Never;

            const CALLS: &'static [(&'static str, &'static [::common::operation::Operation])] = &[];

            fn plan(
                action: &::common::action::Action,
                resource: &::common::record::Resource<Self>,
            ) -> Result<$crate::actions::Planned<Self, Self::Step>, $crate::actions::Refusal> {
                Err($crate::actions::refusal::foreign(action, resource))
            }

            fn rebase(undo: ::common::action::Action, _: &Self, _: &Self) -> ::common::action::Action {
                undo
            }
        }

        #[cfg(test)]
        impl $crate::actions::tests::Samples for $config {
            fn samples() -> Vec<(::common::action::Action, ::common::record::Resource<Self>)> {
                Vec::new()
            }
        }
    )+};
}
pub(super) use unchanging;

unchanging!(Organization, AccountSecurity, RegionServices, Volume);
