//! An input that is read where reading blocks, for those who work on it elsewhere.

use std::io::Read;

use tokio::sync::mpsc::Sender;

use super::{Events, Found};
use crate::stream::ReadError;

/// How much is handed on at once at most: of most events little is made, and there are many of them.
const BATCH: usize = 256;

/// Reads an input to its end, on a thread of its own: reading blocks. `of` makes of each thing that is found what is wanted of
/// it, none or more, and what is at hand is sent before anybody waits for more. Ends early where nobody listens any more.
pub fn read<T>(input: impl Read, sender: &Sender<Vec<T>>, mut of: impl FnMut(Result<Found, ReadError>, &mut Vec<T>)) {
    let mut events = Events::new(input);
    let mut batch = Vec::new();
    loop {
        if batch.len() >= BATCH || (!batch.is_empty() && !events.ready()) {
            let full = std::mem::take(&mut batch);
            if sender.blocking_send(full).is_err() {
                return;
            }
        }
        match events.next() {
            Some(found) => of(found, &mut batch),
            None => break,
        }
    }
    if !batch.is_empty() {
        // Whoever listened has gone, or the run is over.
        let _ = sender.blocking_send(batch);
    }
}
