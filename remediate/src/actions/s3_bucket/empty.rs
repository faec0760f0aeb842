//! Taking everything out of a bucket, a thousand versions a call. What is gone stays gone: whoever is cut off begins again with
//! what is left.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{Delete, MultipartUpload, ObjectIdentifier};
use common::aws::AwsError;
use common::operation::{
    S3_ABORT_MULTIPART_UPLOAD, S3_DELETE_OBJECTS, S3_LIST_MULTIPART_UPLOADS, S3_LIST_OBJECT_VERSIONS,
};
use futures_util::{TryStreamExt, stream};

use super::unbuilt;

/// How many calls are under way at once: S3 takes 3,500 of them a second for each prefix, and slows down whoever makes more.
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>.
const AT_ONCE: usize = 8;

/// Where the next page begins: behind a key, and behind one of its versions or uploads.
#[derive(Clone, Debug, Default)]
struct Behind {
    key: Option<String>,
    id: Option<String>,
}

impl Behind {
    /// What begins the next page, if there is one. One that S3 does not tell the beginning of would be the first again.
    fn next(is_truncated: Option<bool>, key: Option<String>, id: Option<String>) -> Option<Self> {
        (is_truncated.unwrap_or_default() && key.is_some()).then_some(Self { key, id })
    }
}

/// Deletes all versions of all objects, and all delete markers.
pub(super) async fn delete_objects(client: &Client, bucket: &str, owner: &str) -> Result<Option<String>, AwsError> {
    let pages = stream::try_unfold(Some(Behind::default()), |behind| async move {
        let Some(behind) = behind else { return Ok(None) };
        let list = || async {
            let list = client.list_object_versions().bucket(bucket).expected_bucket_owner(owner);
            let list = list.set_key_marker(behind.key.clone()).set_version_id_marker(behind.id.clone());
            list.send().await.map_err(|error| AwsError::new(S3_LIST_OBJECT_VERSIONS, error))
        };
        let page = again(list).await?;
        let next = Behind::next(page.is_truncated, page.next_key_marker, page.next_version_id_marker);
        let versions = page.versions.unwrap_or_default().into_iter().map(|it| (it.key, it.version_id));
        let markers = page.delete_markers.unwrap_or_default().into_iter().map(|it| (it.key, it.version_id));
        Ok(Some((versions.chain(markers).collect::<Vec<_>>(), next)))
    });
    let deleted = pages.try_for_each_concurrent(AT_ONCE, |page| delete(client, bucket, owner, page)).await;
    deleted.map(|()| None)
}

/// Deletes a page of versions. S3 answers for each by itself: the first that it does not delete ends it all, since the bucket
/// cannot be empty then.
async fn delete(
    client: &Client,
    bucket: &str,
    owner: &str,
    page: Vec<(Option<String>, Option<String>)>,
) -> Result<(), AwsError> {
    if page.is_empty() {
        return Ok(());
    }
    let these = page
        .into_iter()
        .map(|(key, id)| ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(id).build());
    let these = these.collect::<Result<Vec<_>, BuildError>>();
    let these = these.and_then(|these| Delete::builder().set_objects(Some(these)).quiet(true).build());
    let these = these.map_err(|error| unbuilt(S3_DELETE_OBJECTS, &error))?;
    let delete = || async {
        let delete = client.delete_objects().bucket(bucket).expected_bucket_owner(owner).delete(these.clone());
        delete.send().await.map_err(|error| AwsError::new(S3_DELETE_OBJECTS, error))
    };
    let answer = again(delete).await?;
    let Some(error) = answer.errors().first() else { return Ok(()) };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let (key, version) = (text(error.key()), error.version_id().map(|id| format!(" ({id})")).unwrap_or_default());
    let others = match answer.errors().len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    let message = format!("{}: {key}{version}{others}", text(error.message()));
    Err(AwsError::of(S3_DELETE_OBJECTS, text(error.code()), message))
}

/// Ends all uploads that are not complete.
pub(super) async fn abort_uploads(client: &Client, bucket: &str, owner: &str) -> Result<Option<String>, AwsError> {
    let pages = stream::try_unfold(Some(Behind::default()), |behind| async move {
        let Some(behind) = behind else { return Ok(None) };
        let list = || async {
            let list = client.list_multipart_uploads().bucket(bucket).expected_bucket_owner(owner);
            let list = list.set_key_marker(behind.key.clone()).set_upload_id_marker(behind.id.clone());
            list.send().await.map_err(|error| AwsError::new(S3_LIST_MULTIPART_UPLOADS, error))
        };
        let page = again(list).await?;
        let next = Behind::next(page.is_truncated, page.next_key_marker, page.next_upload_id_marker);
        Ok(Some((page.uploads.unwrap_or_default(), next)))
    });
    let aborted = pages.try_for_each_concurrent(AT_ONCE, |page| abort(client, bucket, owner, page)).await;
    aborted.map(|()| None)
}

async fn abort(client: &Client, bucket: &str, owner: &str, page: Vec<MultipartUpload>) -> Result<(), AwsError> {
    for upload in page {
        let abort = || async {
            let abort = client.abort_multipart_upload().bucket(bucket).expected_bucket_owner(owner);
            let abort = abort.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
            abort.send().await.map_err(|error| AwsError::new(S3_ABORT_MULTIPART_UPLOAD, error))
        };
        match again(abort).await {
            // Somebody has completed or aborted it since it was listed.
            Err(error) if error.code() == "NoSuchUpload" => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// Makes a call again that was not answered: whatever it did, doing it twice does no more. Else one lost answer among thousands
/// would be the end.
async fn again<T, F: Future<Output = Result<T, AwsError>>>(call: impl Fn() -> F) -> Result<T, AwsError> {
    for pause in [1, 2, 4].map(Duration::from_secs) {
        match call().await {
            Err(error) if error.outcome_unknown() => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    call().await
}
