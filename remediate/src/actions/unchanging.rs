//! Types to which nothing is done: what a person must decide, or what is not a thing of its own.

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::Operation;
use common::record::Resource;
use common::resource::{AccountSecurity, Organization, RegionServices};
use serde::Serialize;

use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

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

/// Types that have no actions.
macro_rules! unchanging {
    ($($config:ty),+ $(,)?) => {$(
        impl Mended for $config {
            type Step = Never;

            const CALLS: &'static [(&'static str, &'static [Operation])] = &[];

            fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Never>, Refusal> {
                Err(foreign(action, resource))
            }

            fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
                undo
            }
        }

        #[cfg(test)]
        impl crate::actions::tests::Samples for $config {
            fn samples() -> Vec<(Action, Resource<Self>)> {
                Vec::new()
            }
        }
    )+};
}

unchanging!(Organization, AccountSecurity, RegionServices);
