//! `--fetch`: the files in S3 that notices name, read while they are being fetched.

use common::aws::Sessions;
use common::event::{self, S3File};
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
    let origin = format!("{file}: ");
    let why = match sessions.account(sessions.caller()).await {
        Ok(session) => {
            let read = event::fetch(&session, &file, &sender, move |found, entries| entry::of(found, &origin, entries));
            match read.await {
                Ok(()) => return,
                // It names the file itself.
                Err(error) => error.to_string(),
            }
        }
        Err(error) => format!("{origin}{error}"),
    };
    // Whoever listened has gone only where the run is over.
    let _ = sender.send(vec![Entry::Broken(why)]).await;
}

/// Nothing, where a notice is not followed.
pub(super) fn not_fetched(file: &S3File) -> impl Stream<Item = Entry> + Send + use<> {
    stream::iter([Entry::Broken(format!("{file} holds events: with --fetch it is read"))])
}
