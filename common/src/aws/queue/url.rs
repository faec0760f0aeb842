//! What a queue's URL tells: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>.

use std::fmt;
use std::str::FromStr;

use crate::id::{AccountId, Region};

/// A queue's URL, such as `https://sqs.eu-west-1.amazonaws.com/111122223333/jobs`.
///
/// The host is not where requests go (that is the SDK's to say, and `AWS_ENDPOINT_URL`'s), but it tells the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrl {
    text: String,
    region: Option<Region>,
    account: AccountId,
    name: String,
}

/// Why a text is no queue's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a queue's URL, such as https://sqs.eu-west-1.amazonaws.com/111122223333/jobs")]
pub struct QueueUrlError(String);

impl QueueUrl {
    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The queue's region, where the host has it: an emulator's may not.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The account that owns the queue.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are the same queue's, whichever of its hosts they name.
    pub fn is_same_queue(&self, other: &Self) -> bool {
        (&self.region, &self.account, &self.name) == (&other.region, &other.account, &other.name)
    }

    /// Whether the queue keeps its messages in order. The names of these queues end so, and no others' do.
    #[expect(clippy::case_sensitive_file_extension_comparisons, reason = "it is no file, and SQS minds the case")]
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

impl FromStr for QueueUrl {
    type Err = QueueUrlError;

    fn from_str(text: &str) -> Result<Self, QueueUrlError> {
        let parts = || {
            let (scheme, rest) = text.split_once("://")?;
            let mut segments = rest.split('/');
            let host = segments.next()?;
            let path: Vec<&str> = segments.collect();
            // Some emulators have more in front: `/queue/eu-west-1/111122223333/jobs`.
            let [.., account, name] = path[..] else { return None };
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            let well_formed = matches!(scheme, "https" | "http")
                && !host.is_empty()
                && !name.is_empty()
                && name.len() <= 80
                && name.bytes().all(is_name);
            well_formed.then_some(())?;
            Some(Self {
                text: text.to_owned(),
                region: region(host),
                account: account.parse().ok()?,
                name: name.to_owned(),
            })
        };
        parts().ok_or_else(|| QueueUrlError(text.chars().take(200).collect()))
    }
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// The region in a host: that behind `sqs` (or `sqs-fips`), also of a VPC endpoint, or in the hosts of old
/// (`eu-west-1.queue.amazonaws.com`, and `queue.amazonaws.com` in us-east-1) that before `queue`.
fn region(host: &str) -> Option<Region> {
    let host = host.split(':').next().unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    if let Some(at) = labels.iter().position(|label| matches!(*label, "sqs" | "sqs-fips")) {
        return labels.get(at + 1)?.parse().ok();
    }
    let at = labels.iter().position(|label| *label == "queue")?;
    match labels[..at].last() {
        Some(label) => label.parse().ok(),
        None => "us-east-1".parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_region_account_and_name() {
        for (url, region, name) in [
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/jobs", Some("eu-west-1"), "jobs"),
            ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/jobs.fifo", Some("cn-north-1"), "jobs.fifo"),
            ("https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/jobs", Some("us-gov-west-1"), "jobs"),
            ("https://sqs.eu-west-1.api.aws/111122223333/jobs", Some("eu-west-1"), "jobs"),
            ("https://vpce-0a-1b.sqs.us-east-1.vpce.amazonaws.com/111122223333/jobs", Some("us-east-1"), "jobs"),
            ("https://queue.amazonaws.com/111122223333/jobs", Some("us-east-1"), "jobs"),
            ("https://eu-west-1.queue.amazonaws.com/111122223333/jobs", Some("eu-west-1"), "jobs"),
            ("http://127.0.0.1:5000/111122223333/jobs", None, "jobs"),
            ("http://sqs.us-east-2.localhost.localstack.cloud:4566/111122223333/jobs", Some("us-east-2"), "jobs"),
            ("http://localhost:4566/queue/us-east-2/111122223333/jobs", None, "jobs"),
        ] {
            let parsed: QueueUrl = url.parse().unwrap();
            assert_eq!(parsed.region().map(Region::as_str), region, "{url}");
            assert_eq!((parsed.account().as_str(), parsed.name(), parsed.as_str()), ("111122223333", name, url));
            assert_eq!(parsed.is_fifo(), name == "jobs.fifo");
        }
    }

    #[test]
    fn a_queue_is_the_same_whichever_host_names_it() {
        let url = |text: &str| text.parse::<QueueUrl>().unwrap();
        let jobs = url("https://sqs.eu-west-1.amazonaws.com/111122223333/jobs");
        assert!(jobs.is_same_queue(&url("https://eu-west-1.queue.amazonaws.com/111122223333/jobs")));
        for other in ["eu-west-1.amazonaws.com/111122223333/others", "us-east-1.amazonaws.com/111122223333/jobs"] {
            assert!(!jobs.is_same_queue(&url(&format!("https://sqs.{other}"))), "{other}");
        }
    }

    #[test]
    fn what_is_none_is_turned_down() {
        for text in [
            "",
            "jobs",
            "arn:aws:sqs:eu-west-1:111122223333:jobs",
            "https://sqs.eu-west-1.amazonaws.com/jobs",
            "https://sqs.eu-west-1.amazonaws.com/1111/jobs",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs?x",
            "ftp://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
            "https:///111122223333/jobs",
        ] {
            assert!(text.parse::<QueueUrl>().is_err_and(|error| error.to_string().contains("queue's URL")), "{text}");
        }
    }
}
