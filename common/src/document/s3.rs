//! A document in S3, to which others write at the same time: written only if nobody else has since it was read
//! (`If-Match`, `If-None-Match`), and otherwise read and changed anew.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketLocationConstraint;
use tokio::sync::OnceCell;

use super::{Document, NotUnderstood, Object};
use crate::aws::{AwsError, Session};
use crate::client;
use crate::id::{IdError, Region};

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";
const LOCATE: &str = "s3:GetBucketLocation";

/// How long others may be faster.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why a document in S3 cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// What AWS says.
    #[error("cannot use the {what} {object}: {error}")]
    Aws {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        object: Object,
        /// Why it did not work.
        error: AwsError,
    },
    /// It is none.
    #[error("cannot understand the {what} {object}: {error}; nothing was overwritten")]
    NotUnderstood {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        object: Object,
        /// Why it is none.
        error: NotUnderstood,
    },
    /// It is no text.
    #[error("the {what} {object} is not UTF-8; nothing was overwritten")]
    NotText {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        object: Object,
    },
    /// Others are always faster.
    #[error("others write to the {what} {object} all the time: no change of ours came in between in two minutes")]
    Contended {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        object: Object,
    },
    /// What was made of it cannot be written.
    #[error("cannot write the {what}: {error}")]
    Unwritable {
        /// What the document is.
        what: &'static str,
        /// Why not.
        error: serde_json::Error,
    },
}

/// A document in an object.
#[derive(Debug)]
pub struct DocumentObject<D> {
    object: Object,
    session: Session,
    /// Where the bucket is, once it was found not to be where the session is.
    elsewhere: OnceCell<Region>,
    document: PhantomData<fn() -> D>,
}

/// What came of a conditional write.
enum Put {
    Done,
    /// Somebody else was faster.
    Late,
    /// There was no answer: a look tells.
    Unknown,
}

impl<D: Document> DocumentObject<D> {
    /// The one in an object, which is reached by way of a session.
    pub fn new(object: Object, session: Session) -> Self {
        Self { object, session, elsewhere: OnceCell::new(), document: PhantomData }
    }

    /// Changes the document. `change` may be called more than once: each time on what the object holds then, also where an
    /// earlier change of its own came through without an answer.
    ///
    /// # Errors
    ///
    /// The object cannot be read, understood or written, or others do not let it.
    pub async fn change<R>(
        &self,
        change: &mut (dyn FnMut(&mut D) -> Result<R, serde_json::Error> + Send),
    ) -> Result<R, ObjectError> {
        let unwritable = |error| ObjectError::Unwritable { what: D::WHAT, error };
        let (start, mut pause) = (Instant::now(), Duration::from_millis(10));
        loop {
            let (mut document, tag) = self.read().await?;
            let result = change(&mut document).map_err(unwritable)?;
            if !document.is_changed() {
                return Ok(result);
            }
            match self.put(document.text().map_err(unwritable)?, tag).await? {
                Put::Done => return Ok(result),
                Put::Late | Put::Unknown if start.elapsed() > PATIENCE => {
                    return Err(ObjectError::Contended { what: D::WHAT, object: self.object.clone() });
                }
                Put::Late | Put::Unknown => {
                    tokio::time::sleep(pause + jitter(pause)).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }

    fn region(&self) -> &Region {
        self.elsewhere.get().unwrap_or(self.session.home_region())
    }

    fn failed(&self, error: AwsError) -> ObjectError {
        ObjectError::Aws { what: D::WHAT, object: self.object.clone(), error }
    }

    /// The document, and the version that it is. A missing object is an empty document.
    async fn read(&self) -> Result<(D, Option<String>), ObjectError> {
        let Object { bucket, key } = &self.object;
        let read = || async {
            let client = client!(aws_sdk_s3, &self.session, self.region());
            client.get_object().bucket(bucket).key(key).send().await.map_err(|error| AwsError::new(GET, error))
        };
        let answer = match read().await {
            Err(error) if is_elsewhere(&error) && self.elsewhere.get().is_none() => {
                let region = self.locate().await.map_err(|error| self.failed(error))?;
                // Whoever came first has set the same.
                drop(self.elsewhere.set(region));
                read().await
            }
            answer => answer,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code == "NoSuchKey" => return Ok((D::default(), None)),
            Err(error) => return Err(self.failed(error)),
        };
        let tag = answer.e_tag.clone();
        let lost =
            |error: aws_sdk_s3::primitives::ByteStreamError| AwsError::of(GET, "ConnectionLost", error.to_string());
        let body = answer.body.collect().await.map_err(|error| self.failed(lost(error)))?.to_vec();
        let object = || self.object.clone();
        let text = String::from_utf8(body).map_err(|_| ObjectError::NotText { what: D::WHAT, object: object() })?;
        let not_understood =
            |error: D::Error| ObjectError::NotUnderstood { what: D::WHAT, object: object(), error: error.into() };
        Ok((D::parse(&text).map_err(not_understood)?, tag))
    }

    /// Where the bucket is.
    async fn locate(&self) -> Result<Region, AwsError> {
        let client = client!(aws_sdk_s3, &self.session, self.session.home_region());
        let answer = client.get_bucket_location().bucket(&self.object.bucket).send().await;
        let answer = answer.map_err(|error| AwsError::new(LOCATE, error))?;
        // The first region has no name here, and the second one an old one.
        let name = match answer.location_constraint.as_ref().map(BucketLocationConstraint::as_str) {
            None | Some("") => "us-east-1",
            Some("EU") => "eu-west-1",
            Some(name) => name,
        };
        name.parse().map_err(|error: IdError| AwsError::of(LOCATE, "BadResponse", error.to_string()))
    }

    async fn put(&self, text: String, tag: Option<String>) -> Result<Put, ObjectError> {
        // Not sent again unasked: a second one would find the first one's version, and take it for somebody else's.
        let client = client!(aws_sdk_s3, &self.session.for_writes(), self.region());
        let put = client
            .put_object()
            .bucket(&self.object.bucket)
            .key(&self.object.key)
            .content_type("application/json")
            .body(ByteStream::from(text.into_bytes()));
        let put = match tag {
            Some(tag) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        match put.send().await.map_err(|error| AwsError::new(PUT, error)) {
            Ok(_) => Ok(Put::Done),
            // `NoSuchKey`: it was removed since it was read.
            Err(error)
                if matches!(
                    error.code.as_str(),
                    "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey" | "Http412" | "Http409"
                ) =>
            {
                Ok(Put::Late)
            }
            Err(error) if error.outcome_unknown() => Ok(Put::Unknown),
            Err(error) => Err(self.failed(error)),
        }
    }
}

/// Whether a bucket is in another region than it was looked for.
fn is_elsewhere(error: &AwsError) -> bool {
    matches!(
        error.code.as_str(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "Http301"
    )
}

/// Up to as long again, so that those who met once do not meet again.
fn jitter(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    // Keyed at random, which is all the randomness that is needed.
    let random = RandomState::new().hash_one(std::process::id());
    let share = u32::try_from(random % 1000).unwrap_or_default();
    pause * share / 1000
}
