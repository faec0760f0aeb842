//! Files in S3, read while they are being fetched.

use tokio::sync::mpsc::Sender;

use super::{Found, S3File, read};
use crate::aws::{AwsError, Bucket, Session};
use crate::operation::S3_GET_OBJECT;
use crate::stream::ReadError;

/// Reads a file in S3 as [`read`] does, without blocking anybody: no more of it is held than a few pieces.
///
/// # Errors
///
/// What S3 says, with the file's name. What came before that has been sent. A file that was fetched and makes no sense is no
/// error: `of` gets that.
pub async fn fetch<T: Send + 'static>(
    session: &Session,
    file: &S3File,
    sender: &Sender<Vec<T>>,
    of: impl FnMut(Result<Found, ReadError>, &mut Vec<T>) + Send + 'static,
) -> Result<(), AwsError> {
    let bucket = Bucket::find(session, &file.bucket);
    let (fetching, pieces) = bucket.fetch(&file.key);
    let reading = {
        let sender = sender.clone();
        tokio::task::spawn_blocking(move || read(pieces, &sender, of))
    };
    let (fetched, read) = tokio::join!(fetching, reading);
    fetched?;
    read.map_err(|error| AwsError::of(S3_GET_OBJECT, "NotRead", format!("{file}: {error}")))
}
