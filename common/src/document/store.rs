//! A document, wherever it is.

use std::sync::Arc;

use super::{Document, DocumentFile, DocumentObject, FileError, Object, ObjectError};
use crate::aws::Session;
use crate::cli::Failure;

/// The place of a document.
#[derive(Debug)]
pub enum Store<D> {
    /// A file.
    File(DocumentFile<D>),
    /// An object in S3.
    S3(Arc<DocumentObject<D>>),
}

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The one in a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The one in S3.
    #[error(transparent)]
    S3(Box<ObjectError>),
    /// The process is about to end.
    #[error("the {what} was not written: {error}")]
    Broken {
        /// What the document is.
        what: &'static str,
        /// What the runtime says.
        error: tokio::task::JoinError,
    },
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

impl<D> Clone for Store<D> {
    fn clone(&self) -> Self {
        match self {
            Self::File(file) => Self::File(file.clone()),
            Self::S3(object) => Self::S3(Arc::clone(object)),
        }
    }
}

impl<D: Document> Store<D> {
    /// The one in an object, which is reached by way of a session.
    pub fn object(object: Object, session: Session) -> Self {
        Self::S3(Arc::new(DocumentObject::new(object, session)))
    }

    /// Changes the document. `change` may be called more than once, each time on what it is then; only what its last call
    /// answers and does to the document counts.
    ///
    /// # Errors
    ///
    /// The document cannot be read, understood or written. Where it cannot be read or understood, nothing was written.
    pub async fn change<R: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut D) -> Result<R, serde_json::Error> + Send + 'static,
    ) -> Result<R, StoreError> {
        match self {
            // It may have to wait for whoever else changes it: what is under way meanwhile goes on.
            Self::File(file) => {
                let file = file.clone();
                let changed = tokio::task::spawn_blocking(move || file.change(change)).await;
                Ok(changed.map_err(|error| StoreError::Broken { what: D::WHAT, error })??)
            }
            Self::S3(object) => Ok(object.change(&mut change).await?),
        }
    }
}
