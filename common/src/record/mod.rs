//! The records that flow between the tools: one JSON object a line, `kind` first.
//!
//! | kind | written by | says |
//! |---|---|---|
//! | `resource` | `poll` | what exists, and its configuration |
//! | `scope` | `poll` | whether an (account, region, type) was covered, or why not |
//! | `unsettled` | `audit` | what could not be judged yet, since AWS is still at work on it |
//! | `finding` | `audit` | what breaks a rule, and which action would mend it |
//! | `exception` | `audit --unused-exceptions` | which exceptions are to be renewed or dropped |
//! | `token` | `honeytoken` | which decoys there are |
//! | `alert` | `honeytoken` | that a decoy was touched |
//! | `task` | anyone | what is to be done to a resource |
//! | `outcome` | `remediate` | what was done, or why not, and what undoes it |
//! | `delivery` | `notify` | who was told |
//!
//! A field is added, never renamed or given another meaning. What a reader does not know it ignores, and a tool that
//! passes a record on passes on its text, so that nothing is lost. `docs/records.md` shows each kind with an example that
//! a test reads; the JSON Schemas in `schemas/` are generated from these types.

mod alert;
mod delivery;
mod exception;
mod finding;
mod outcome;
mod resource;
mod scope;
mod task;
mod token;
mod unsettled;

pub use alert::{Alert, AlertEvent, AlertKind, AlertStatus, AlertToken};
pub use delivery::{Delivery, DeliveryKind, DeliveryStatus};
pub use exception::{ExceptionKind, ExceptionStatus, LapsedException};
pub use finding::{Finding, FindingKind, FindingStatus, ParseSeverityError, Severity};
pub use outcome::{Call, CallResult, Outcome, OutcomeKind, OutcomeStatus};
pub use resource::{Resource, ResourceKind, Unread};
pub use scope::{Scope, ScopeError, ScopeKind, ScopeStatus};
pub use task::{Claim, Filed, Task, TaskKind};
pub use token::{Drill, Fired, Guard, KeyStatus, LastUsed, Planting, Token, TokenKey, TokenKind, TokenState};
pub use unsettled::{Unsettled, UnsettledKind};

/// A record's `kind`, as a type that is written and read as that one word.
macro_rules! kind {
    ($name:ident = $word:literal) => {
        #[doc = concat!("The word `", $word, "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            #[doc = concat!("The word `", $word, "`.")]
            #[default]
            #[serde(rename = $word)]
            Kind,
        }
    };
}
pub(crate) use kind;
