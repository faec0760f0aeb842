//! Why an action is not planned.

use common::action::Action;
use common::record::Resource;

/// Why an action is not planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The resource is not in the state from which the action starts.
    #[error("{0}")]
    Changed(String),
    /// The action cannot be done to it.
    #[error("{0}")]
    Impossible(String),
    /// What it needs to know could not be read.
    #[error("`{field}` could not be read ({operation}: {code})")]
    Unread { field: String, operation: String, code: String },
}

impl Refusal {
    #[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
    pub(super) fn impossible(error: impl ToString) -> Self {
        Self::Impossible(error.to_string())
    }
}

/// Refuses to go on where a field that the action rests on could not be read.
pub(super) fn needs<C>(resource: &Resource<C>, fields: &[&str]) -> Result<(), Refusal> {
    fields.iter().find_map(|field| resource.unread(field)).map_or(Ok(()), |unread| {
        let (field, operation, code) = (unread.field.clone(), unread.operation.clone(), unread.code.clone());
        Err(Refusal::Unread { field, operation, code })
    })
}

/// What a closer look found; refuses to go on where there was none.
pub(super) fn known<'a, T, C>(resource: &Resource<C>, field: &str, found: Option<&'a T>) -> Result<&'a T, Refusal> {
    needs(resource, &[field])?;
    found.ok_or_else(|| Refusal::Impossible(format!("it was not looked at closely: its `{field}` is not known")))
}

/// The refusal of an action that is for another type.
pub(super) fn foreign<C>(action: &Action, resource: &Resource<C>) -> Refusal {
    Refusal::Impossible(format!(
        "`{}` cannot be done to a resource of type {}",
        action.name().unwrap_or("?"),
        resource.r#type
    ))
}
