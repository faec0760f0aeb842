//! Changes from one state of a part of a resource to another: whether they are still to be made, and from where their
//! undo starts.

use common::action::Change;
use serde::Serialize;
use serde_json::Value;

use super::Refusal;

/// Whether a change is still to be made: not where it is made already, and not where the state is neither that from
/// which it starts nor that to which it leads.
pub(super) fn pending<T: PartialEq + Serialize>(change: &Change<T>, now: &T, what: &str) -> Result<bool, Refusal> {
    if *now == change.to {
        return Ok(false);
    }
    if *now == change.from {
        return Ok(true);
    }
    let now = serde_json::to_string(now).unwrap_or_default();
    Err(Refusal::Changed(format!(
        "{what} is neither as it was left nor as it was before; it is now {}",
        shortened(&now)
    )))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}...")
}

/// An undo's change, starting from what AWS made of what it was `sent`. What is `seen` must mean the same, though: where
/// somebody else has changed it in the meantime, the undo keeps waiting for what was sent, and so does not wipe that out.
pub(super) fn rebased<T: Serialize>(change: Change<T>, sent: &T, seen: T) -> Change<T> {
    if meaning(sent) == meaning(&seen) { Change { from: seen, ..change } } else { change }
}

/// What a part of a configuration means: without the order of its lists, without lists of one, and without what is
/// absent, off or only a name to show.
fn meaning(part: &impl Serialize) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            Value::Array(items) => {
                let mut items: Vec<Value> = items.into_iter().map(plain).collect();
                items.sort_by_cached_key(Value::to_string);
                if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
            }
            Value::Object(fields) => {
                let kept = fields.into_iter().filter(|(name, value)| {
                    name != "DisplayName" && !matches!(value, Value::Null | Value::Bool(false))
                });
                let mut kept: Vec<(String, Value)> = kept.map(|(name, value)| (name, plain(value))).collect();
                kept.sort_by(|(one, _), (other, _)| one.cmp(other));
                Value::Object(kept.into_iter().collect())
            }
            other => other,
        }
    }
    serde_json::to_value(part).map_or(Value::Null, plain)
}
