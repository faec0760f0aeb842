//! The tasks file as text: `{"tasks": [...], ...}`, Krampus's shape.

use common::document::{List, Listed};

pub(crate) use common::document::{Edit, ListEntry as Entry};

/// A tasks file.
pub(crate) type Document = List<OfTasks>;

/// What is listed in it.
#[derive(Debug)]
pub(crate) struct OfTasks;

impl Listed for OfTasks {
    const WHAT: &'static str = "tasks file";
    const NAME: &'static str = "tasks";
    const ENTRY: &'static str = "a task";
    // Somebody has emptied it who may have meant something else: tasks are not to be lost unseen.
    const MAY_BE_BLANK: bool = false;
}
