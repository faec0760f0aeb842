//! Events: which resources a call changed, by CloudTrail's record of it.
//!
//! - `table`: one table for all services: which calls change something that is looked at, of which types, and
//!   where the ids stand in the record.
//! - `place`: the words in which the table says that. `meaning`: what a text that stands there means: an ARN, a name, a
//!   URL, an alias, something of another account.
//! - `ask`: what no record holds and only AWS can answer.
//! - `list`: the table for people, for programs, and as patterns of EventBridge rules.

mod ask;
mod list;
mod meaning;
mod place;
mod table;

use std::time::Duration;

use common::event::Record;
use common::id::{AccountId, IdError, Region};
use common::reference::Reference;
use common::resource::ResourceType;

pub(crate) use ask::{Question, ask, ask_calls};
pub(crate) use list::list;

/// What is to be looked at because of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A resource that the event names.
    Resource {
        /// Which.
        reference: Reference,
        /// Its type.
        kind: ResourceType,
        /// How long AWS takes until a look is worth while. Mostly no time at all.
        delay: Duration,
    },
    /// Resources that only AWS can name.
    Ask {
        /// The account to ask in.
        account: AccountId,
        /// The region to ask in.
        region: Region,
        /// What to ask.
        question: Question,
    },
}

/// Why a record does not say what its event changed, although it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} ({call}): {why}")]
pub(crate) struct EventError {
    /// The event's id.
    event: String,
    /// The service and what was called.
    call: String,
    why: Why,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Why {
    /// Nothing stands where the id should.
    #[error("the record has no {places}, where the id of the {what} should stand")]
    Missing {
        /// The places, one of which should hold it.
        places: String,
        /// Which types it is the id of.
        what: String,
    },
    /// What stands there cannot be an id.
    #[error("`{text}` is not the id of one of the type {kind}")]
    Malformed {
        /// The text.
        text: String,
        /// The type.
        kind: ResourceType,
    },
    /// The account or the region is none.
    #[error(transparent)]
    Id(#[from] IdError),
}

/// What an event changed. Nothing, where the call failed, where it changes nothing that is looked at, and where what it
/// changed belongs to another account: that account gets a record of its own.
///
/// # Errors
///
/// A record that does not hold what the table says it should.
pub(crate) fn targets(record: &Record<'_>) -> Result<Vec<Target>, EventError> {
    let Some(event) = table::event(&record.event_source, &record.event_name) else { return Ok(Vec::new()) };
    if record.failed() {
        return Ok(Vec::new());
    }
    event.targets(record).map_err(|why| EventError {
        event: short(&record.event_id),
        call: format!("{} {}", short(&record.event_source), short(&record.event_name)),
        why,
    })
}

/// As much of a text as a message needs: all of it may be an attacker's.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
