//! A place with tasks, whichever it is.

use std::sync::Arc;

use common::cli::Failure;

use super::document::Document;
use super::file::{FileError, RunLock, TasksFile};
use super::s3::{ObjectError, TasksObject};

/// A place with tasks.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    File(TasksFile),
    S3(Arc<TasksObject>),
}

/// Why the tasks cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    S3(Box<ObjectError>),
    #[error("the tasks file was not written: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

impl From<ObjectError> for StoreError {
    fn from(error: ObjectError) -> Self {
        Self::S3(Box::new(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Start(error.to_string())
    }
}

/// That this run alone acts, where there is a lock for that.
#[derive(Debug)]
pub(crate) struct Alone {
    _lock: Option<RunLock>,
}

impl Store {
    /// Changes the tasks. `change` may be called more than once, each time on what they are then.
    pub(crate) async fn change<R: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut Document) -> Result<R, serde_json::Error> + Send + 'static,
    ) -> Result<R, StoreError> {
        match self {
            // It may have to wait for a producer: what is under way at AWS goes on.
            Self::File(file) => {
                let file = file.clone();
                Ok(tokio::task::spawn_blocking(move || file.change(change)).await??)
            }
            Self::S3(object) => Ok(object.change(&mut change).await?),
        }
    }

    /// Whether whoever acts is alone. In S3 there is no lock that ends with a run: there a claim holds for a while.
    pub(crate) fn has_run_lock(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// The lock of the run that acts; `None` where another run has it.
    pub(crate) fn try_run(&self) -> Result<Option<Alone>, StoreError> {
        match self {
            Self::File(file) => Ok(file.try_run()?.map(|lock| Alone { _lock: Some(lock) })),
            Self::S3(_) => Ok(Some(Alone { _lock: None })),
        }
    }
}
