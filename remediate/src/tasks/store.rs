//! The tasks, wherever they are, and the lock of the run that acts on them.
//!
//! `FILE.run` is held by the run that acts, for as long as it does: whatever is claimed in the file while nobody holds it was
//! claimed by a run that died. The lock under which the file is written is another one.

use std::path::Path;

use common::aws::Session;
use common::document::{DocumentFile, FileError, Held, Lock, Object, Store, StoreError};

use super::document::Document;

/// A place with tasks.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    store: Store<Document>,
    /// The lock of the run that acts. In S3 there is none that ends with a run.
    run: Option<Lock>,
}

/// That this run alone acts, where there is a lock for that.
#[derive(Debug)]
pub(crate) struct Alone {
    _lock: Option<Held>,
}

impl Tasks {
    /// Those in a file.
    pub(crate) fn at(path: &Path) -> Result<Self, StoreError> {
        let file = DocumentFile::at(path)?;
        Ok(Self { run: Some(file.lock_beside(".run")), store: Store::File(file) })
    }

    /// Those in S3.
    pub(crate) fn object(object: Object, session: Session) -> Self {
        Self { store: Store::object(object, session), run: None }
    }

    /// Changes the tasks. `change` may be called more than once, each time on what they are then.
    pub(crate) async fn change<R: Send + 'static>(
        &self,
        change: impl FnMut(&mut Document) -> Result<R, serde_json::Error> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.store.change(change).await
    }

    /// Whether whoever acts is alone. In S3 there is no lock that ends with a run: there a claim holds for a while.
    pub(crate) fn has_run_lock(&self) -> bool {
        self.run.is_some()
    }

    /// The lock of the run that acts; `None` where another run has it.
    pub(crate) fn try_run(&self) -> Result<Option<Alone>, StoreError> {
        let Some(run) = &self.run else { return Ok(Some(Alone { _lock: None })) };
        let held = run.try_hold().map_err(FileError::from)?;
        Ok(held.map(|held| Alone { _lock: Some(held) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_acts_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.json");
        let (tasks, others) = (Tasks::at(&path).unwrap(), Tasks::at(&path).unwrap());
        let held = tasks.try_run().unwrap();
        assert!(held.is_some() && path.with_extension("json.run").exists());
        assert!(others.try_run().unwrap().is_none());
        drop(held);
        assert!(others.try_run().unwrap().is_some());
    }
}
