//! Calls that are about up to ten messages: each of these may fail alone, in an answer that says 200.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};
use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use crate::operation::{
    Operation, SQS_CHANGE_MESSAGE_VISIBILITY_BATCH, SQS_DELETE_MESSAGE_BATCH, SQS_GET_QUEUE_ATTRIBUTES,
    SQS_RECEIVE_MESSAGE, SQS_SEND_MESSAGE_BATCH,
};

use super::{BATCH, LARGE, LONGEST_DELAY, Queue, SMALL, seconds};
use crate::aws::AwsError;

/// All that a consumer calls.
pub const RECEIVE_CALLS: &[Operation] =
    &[SQS_CHANGE_MESSAGE_VISIBILITY_BATCH, SQS_DELETE_MESSAGE_BATCH, SQS_GET_QUEUE_ATTRIBUTES, SQS_RECEIVE_MESSAGE];
/// All that a sender calls.
pub const SEND_CALLS: &[Operation] = &[SQS_GET_QUEUE_ATTRIBUTES, SQS_SEND_MESSAGE_BATCH];

/// How many batches of one kind are under way at once.
const AT_ONCE: usize = 4;
/// How long to wait before what failed alone is tried again, and so how often.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
];

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it says.
    pub body: String,
    /// After how long it can be received, [`LONGEST_DELAY`] at most. A FIFO queue knows no delay of single messages.
    pub delay: Duration,
    /// Which others it stays in order with, in a FIFO queue.
    pub group: String,
}

/// A message that could not be sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The message.
    pub letter: Letter,
    /// What SQS says.
    pub error: AwsError,
}

impl Queue {
    /// Deletes messages by their receipts, and says what could not be deleted, and so comes again. A receipt that has expired
    /// is no error: that message comes again, too, and has a new one.
    pub async fn delete(&self, handles: &[String]) -> Vec<AwsError> {
        let failed = stream::iter(batches(handles)).map(|batch| self.delete_batch(batch)).buffer_unordered(AT_ONCE);
        failed.collect::<Vec<_>>().await.into_iter().flatten().collect()
    }

    async fn delete_batch(&self, handles: Vec<String>) -> Vec<AwsError> {
        let entry = |id: String, handle: &String| {
            DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build()
        };
        let call = |entries| async {
            let call = self.client.delete_message_batch().queue_url(self.url.as_str()).set_entries(Some(entries));
            let answer = call.send().await.map_err(|error| AwsError::new(SQS_DELETE_MESSAGE_BATCH, error))?;
            Ok(answer.failed)
        };
        let failed = each(SQS_DELETE_MESSAGE_BATCH, handles, entry, call).await;
        failed.into_iter().map(|(_, error)| error).filter(|error| !has_expired(error)).collect()
    }

    /// Sets for how long messages stay out of sight from now on; with zero they can be received at once. Says which receipts
    /// could not be used, and why.
    pub async fn hide(&self, handles: &[String], time: Duration) -> Vec<(String, AwsError)> {
        let failed = stream::iter(batches(handles)).map(|batch| self.hide_batch(batch, time)).buffer_unordered(AT_ONCE);
        failed.collect::<Vec<_>>().await.into_iter().flatten().collect()
    }

    async fn hide_batch(&self, handles: Vec<String>, time: Duration) -> Vec<(String, AwsError)> {
        const CALL: Operation = SQS_CHANGE_MESSAGE_VISIBILITY_BATCH;
        let entry = |id: String, handle: &String| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
            entry.visibility_timeout(seconds(time)).build()
        };
        let call = |entries| async {
            let call = self.client.change_message_visibility_batch().queue_url(self.url.as_str());
            let answer = call.set_entries(Some(entries)).send().await.map_err(|error| AwsError::new(CALL, error))?;
            Ok(answer.failed)
        };
        each(CALL, handles, entry, call).await
    }

    /// Sends messages, and says what could not be sent. What was sent may have been sent twice, where an answer was lost.
    pub async fn send(&self, letters: Vec<Letter>) -> Vec<Unsent> {
        let mut unsent = Vec::new();
        let mut batches: Vec<Vec<(Letter, String)>> = Vec::new();
        let (most, mut size) = (if self.message_size > SMALL { LARGE } else { SMALL }, 0);
        let run = RandomState::new().hash_one(letters.len());
        for (number, letter) in letters.into_iter().enumerate() {
            let length = letter.body.len();
            if length > self.message_size {
                let message = format!("a message of {length} bytes; the queue takes {}", self.message_size);
                unsent.push(Unsent { letter, error: AwsError::of(SQS_SEND_MESSAGE_BATCH, "MessageTooLong", message) });
                continue;
            }
            let full = batches.last().is_none_or(|batch| batch.len() == BATCH || size + length > most);
            if full {
                batches.push(Vec::with_capacity(BATCH));
                size = 0;
            }
            size += length;
            // One of its own: what is told of twice has changed twice. Only the same call, made again, is a duplicate.
            let duplicate = format!("{run:016x}-{number}");
            if let Some(batch) = batches.last_mut() {
                batch.push((letter, duplicate));
            }
        }
        let failed = stream::iter(batches).map(|batch| self.send_batch(batch)).buffer_unordered(AT_ONCE);
        unsent.extend(failed.collect::<Vec<_>>().await.into_iter().flatten());
        unsent
    }

    async fn send_batch(&self, letters: Vec<(Letter, String)>) -> Vec<Unsent> {
        let fifo = self.url.is_fifo();
        let entry = |id: String, (letter, duplicate): &(Letter, String)| {
            SendMessageBatchRequestEntry::builder()
                .id(id)
                .message_body(&letter.body)
                .set_delay_seconds((!fifo).then(|| seconds(letter.delay.min(LONGEST_DELAY))))
                .set_message_group_id(fifo.then(|| letter.group.clone()))
                .set_message_deduplication_id(fifo.then(|| duplicate.clone()))
                .build()
        };
        let call = |entries| async {
            let call = self.client.send_message_batch().queue_url(self.url.as_str()).set_entries(Some(entries));
            let answer = call.send().await.map_err(|error| AwsError::new(SQS_SEND_MESSAGE_BATCH, error))?;
            Ok(answer.failed)
        };
        let failed = each(SQS_SEND_MESSAGE_BATCH, letters, entry, call).await;
        failed.into_iter().map(|((letter, _), error)| Unsent { letter, error }).collect()
    }
}

/// Makes one call about all of these, and again about those of them that failed alone and not by our fault; says which have
/// failed in the end. The ids in the call are the numbers of what it was made about.
async fn each<T, E, C: Future<Output = Result<Vec<BatchResultErrorEntry>, AwsError>>>(
    operation: Operation,
    mut left: Vec<T>,
    entry: impl Fn(String, &T) -> Result<E, BuildError>,
    call: impl Fn(Vec<E>) -> C,
) -> Vec<(T, AwsError)> {
    let mut failed = Vec::new();
    let mut pauses = PAUSES.into_iter();
    loop {
        let entries: Result<Vec<E>, BuildError> =
            left.iter().enumerate().map(|(number, it)| entry(number.to_string(), it)).collect();
        let answer = match entries {
            Ok(entries) => call(entries).await,
            // All that an entry has to have is set above.
            Err(error) => Err(AwsError::of(operation, "NotSent", error.to_string())),
        };
        let answer = match answer {
            Ok(answer) => answer,
            // The SDK has tried again already.
            Err(error) => {
                failed.extend(left.into_iter().map(|it| (it, error.clone())));
                return failed;
            }
        };
        let mut all: Vec<Option<T>> = left.into_iter().map(Some).collect();
        let pause = pauses.next();
        left = Vec::new();
        for entry in answer {
            let Some(it) = entry.id.parse().ok().and_then(|number: usize| all.get_mut(number)?.take()) else {
                continue;
            };
            if pause.is_some() && !entry.sender_fault {
                left.push(it);
            } else {
                let message = entry.message.unwrap_or_default();
                failed.push((it, AwsError::of(operation, entry.code, message)));
            }
        }
        match pause {
            Some(pause) if !left.is_empty() => sleep(pause).await,
            _ => return failed,
        }
    }
}

fn batches(handles: &[String]) -> Vec<Vec<String>> {
    handles.chunks(BATCH).map(<[String]>::to_vec).collect()
}

/// Whether a receipt does not count any more: the message was out of sight for too short a time, or has been deleted.
pub(super) fn has_expired(error: &AwsError) -> bool {
    let code = error.code();
    let code = code.rsplit('.').next().unwrap_or(code);
    matches!(code, "ReceiptHandleIsInvalid" | "MessageNotInflight" | "InvalidReceiptHandle")
        || (code == "InvalidParameterValue" && error.message.contains("receipt handle has expired"))
}
