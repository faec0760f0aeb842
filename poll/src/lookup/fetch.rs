//! `--fetch`: the files in S3 that notices name, read while they are being fetched.

use common::aws::{Bucket, Sessions};
use common::event::S3File;
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc;

use super::entry::{self, Entry};

/// What a file holds, entry by entry. It begins to be fetched at once. One that cannot be read is named, behind what came
/// of it.
pub(super) fn fetched(sessions: &Sessions, file: S3File) -> impl Stream<Item = Entry> + Send + use<> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(fetch(sessions.clone(), file, sender));
    super::one_by_one(receiver)
}

async fn fetch(sessions: Sessions, file: S3File, sender: mpsc::Sender<Vec<Entry>>) {
    let S3File { bucket, key } = file;
    let origin = format!("s3://{bucket}/{key}: ");
    let session = match sessions.account(sessions.caller()).await {
        Ok(session) => session,
        Err(error) => return drop(sender.send(vec![Entry::Broken(format!("{origin}{error}"))]).await),
    };
    let bucket = Bucket::find(&session, &bucket);
    let (fetching, pieces) = bucket.fetch(&key);
    let reading = {
        let sender = sender.clone();
        tokio::task::spawn_blocking(move || entry::read(pieces, &origin, &sender))
    };
    let (fetched, read) = tokio::join!(fetching, reading);
    let why = match (fetched, read) {
        // It names the file itself.
        (Err(error), _) => error.to_string(),
        (_, Err(error)) => format!("s3://{}/{key}: {error}", bucket.name()),
        (Ok(()), Ok(())) => return,
    };
    // Whoever listened has gone only where the run is over.
    let _ = sender.send(vec![Entry::Broken(why)]).await;
}

/// Nothing, where a notice is not followed.
pub(super) fn not_fetched(file: &S3File) -> impl Stream<Item = Entry> + Send + use<> {
    let S3File { bucket, key } = file;
    stream::iter([Entry::Broken(format!("s3://{bucket}/{key} holds events: with --fetch it is read"))])
}
