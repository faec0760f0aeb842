//! Files in S3, piece by piece: no answer is bigger than [`PIECE`], whatever the size of the file.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_smithy_types::byte_stream::AggregatedBytes;
use aws_smithy_types::byte_stream::error::Error as StreamError;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{AwsError, Session};
use crate::client;
use crate::id::Region;
use crate::operation::{S3_GET_OBJECT, S3_LIST_OBJECTS_V2};

/// How much is fetched at a time.
const PIECE: u64 = 8 << 20;
/// How many pieces may wait to be unpacked.
const WAITING: usize = 1;

/// A bucket, in whatever region it is.
#[derive(Debug)]
pub struct Bucket<'a> {
    session: &'a Session,
    name: &'a str,
    client: Mutex<Client>,
}

impl<'a> Bucket<'a> {
    /// It is looked for in the home region first.
    pub fn find(session: &'a Session, name: &'a str) -> Self {
        Self { session, name, client: Mutex::new(client!(aws_sdk_s3, session, session.home_region())) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A small file, whole.
    ///
    /// # Errors
    ///
    /// What S3 says, with the file's name.
    pub async fn whole(&self, key: &str) -> Result<Vec<u8>, AwsError> {
        let answer = self.get(key, None, None).await?;
        answer.body.collect().await.map(AggregatedBytes::to_vec).map_err(|error| unread(&error))
    }

    /// A file to be read while it is being fetched, by another thread than that which does the work.
    pub fn fetch(&self, key: &str) -> (impl Future<Output = Result<(), AwsError>>, Pieces) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (self.send(key.to_owned(), sender), Pieces { receiver, piece: Vec::new(), read: 0 })
    }

    async fn send(&self, key: String, sender: Sender<Vec<u8>>) -> Result<(), AwsError> {
        let (mut at, mut etag) = (0, None);
        loop {
            let range = format!("bytes={at}-{}", at + PIECE - 1);
            let answer = match self.get(&key, Some(range), etag.take()).await {
                // Nothing can be asked of a file without a byte.
                Err(error) if error.code() == "InvalidRange" && at == 0 => return Ok(()),
                answer => answer?,
            };
            // `bytes 0-8388607/123456789`
            let whole = answer.content_range.as_deref().and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
            // Another delivery may overwrite the file between two pieces.
            etag = answer.e_tag;
            let piece = answer.body.collect().await.map_err(|error| unread(&error))?.to_vec();
            at += piece.len() as u64;
            let ended = piece.is_empty() || whole.is_none_or(|whole| at >= whole);
            // Nobody reads on where the file made no sense; whoever gave up says why.
            if sender.send(piece).await.is_err() || ended {
                return Ok(());
            }
        }
    }

    async fn get(&self, key: &str, range: Option<String>, etag: Option<String>) -> Result<GetObjectOutput, AwsError> {
        let request = |client: Client| {
            client.get_object().bucket(self.name).key(key).set_range(range.clone()).set_if_match(etag.clone()).send()
        };
        let answer = self.wherever(request).await;
        answer.map_err(|error| named(AwsError::new(S3_GET_OBJECT, error), self.name, key))
    }

    /// Makes a call where the bucket is.
    async fn wherever<T, E, F: Future<Output = Result<T, SdkError<E>>>>(
        &self,
        request: impl Fn(Client) -> F,
    ) -> Result<T, SdkError<E>> {
        match request(self.client()).await {
            Err(error) if let Some(region) = elsewhere(&error) => {
                let client = client!(aws_sdk_s3, self.session, &region);
                self.client.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&client);
                request(client).await
            }
            answer => answer,
        }
    }

    /// The keys that begin with `prefix`, in the order of their bytes; those alone that come behind `after`, where that is
    /// given: it need not be a key that is there.
    pub fn list<'b>(&'b self, prefix: &'b str, after: Option<&'b str>) -> Listing<'b> {
        Listing { bucket: self, prefix, after, folders: false, token: None, ended: false }
    }

    /// The folders directly in one (`a/` where none is named, `a/b/` in `a/`), in the order of their bytes, with their whole names.
    ///
    /// # Errors
    ///
    /// What S3 says; there is no answer that is not complete.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let mut listing = Listing { folders: true, ..self.list(prefix, None) };
        let mut folders = Vec::new();
        while let Some(page) = listing.next().await {
            folders.extend(page?);
        }
        Ok(folders)
    }
}

/// A bucket's keys, page by page.
#[derive(Debug)]
pub struct Listing<'b> {
    bucket: &'b Bucket<'b>,
    prefix: &'b str,
    after: Option<&'b str>,
    folders: bool,
    token: Option<String>,
    ended: bool,
}

impl Listing<'_> {
    /// The next page, of up to a thousand keys. `None` behind the last one, and behind an error.
    ///
    /// # Errors
    ///
    /// What S3 says.
    pub async fn next(&mut self) -> Option<Result<Vec<String>, AwsError>> {
        if self.ended {
            return None;
        }
        let request = |client: Client| {
            let call = client.list_objects_v2().bucket(self.bucket.name).prefix(self.prefix);
            let call = call.set_delimiter(self.folders.then(|| "/".to_owned()));
            call.set_start_after(self.after.map(str::to_owned)).set_continuation_token(self.token.clone()).send()
        };
        let answer = match self.bucket.wherever(request).await {
            Ok(answer) => answer,
            Err(error) => {
                self.ended = true;
                return Some(Err(named(AwsError::new(S3_LIST_OBJECTS_V2, error), self.bucket.name, self.prefix)));
            }
        };
        self.token = answer.next_continuation_token.filter(|_| answer.is_truncated == Some(true));
        self.ended = self.token.is_none();
        Some(Ok(if self.folders {
            answer.common_prefixes.unwrap_or_default().into_iter().filter_map(|folder| folder.prefix).collect()
        } else {
            answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect()
        }))
    }
}

/// The region in which S3 says that a bucket is, where it was asked for in another:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html>.
fn elsewhere<E>(error: &SdkError<E>) -> Option<Region> {
    let answer = error.raw_response()?;
    if !matches!(answer.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    answer.headers().get("x-amz-bucket-region")?.parse().ok()
}

/// Says which file it was: of a bucket with many, S3's messages name none.
fn named(mut error: AwsError, bucket: &str, key: &str) -> AwsError {
    error.message = format!("s3://{bucket}/{key}: {}", error.message);
    error
}

fn unread(error: &StreamError) -> AwsError {
    AwsError::of(S3_GET_OBJECT, "ConnectionLost", error.to_string())
}

/// A file as one that can be read. It waits for the next piece, and must not be read where others wait.
#[derive(Debug)]
pub struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    read: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            match self.receiver.blocking_recv() {
                Some(piece) => (self.piece, self.read) = (piece, 0),
                None => return Ok(0),
            }
        }
        let count = (&self.piece[self.read..]).read(into)?;
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_one_file() {
        let (sender, receiver) = mpsc::channel(8);
        for piece in ["Cost ", "", "and", " Usage"] {
            sender.try_send(piece.as_bytes().to_vec()).unwrap();
        }
        drop(sender);
        let mut all = String::new();
        Pieces { receiver, piece: Vec::new(), read: 0 }.read_to_string(&mut all).unwrap();
        assert_eq!(all, "Cost and Usage");
    }
}
