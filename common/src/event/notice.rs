//! What S3 and CloudTrail say of new files.

use super::{S3File, What};

/// What is to be done with a new object: read it where there can be CloudTrail records in it.
pub(super) fn new_object(bucket: &str, key: &str) -> What {
    match holds_none(key) {
        Some(why) => What::Nothing(why),
        None => What::File(S3File { bucket: bucket.to_owned(), key: key.to_owned() }),
    }
}

/// Why there is no CloudTrail record in the file with this key; `None` where there can be some.
///
/// Keys of log files: `[prefix/]AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/....json.gz`,
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html>. Copies elsewhere are taken as
/// what their name says.
fn holds_none(key: &str) -> Option<&'static str> {
    let mut folders = key.split('/').rev();
    let name = folders.next().unwrap_or_default();
    if folders.any(|folder| folder == "CloudTrail-Digest") {
        return Some("a digest of CloudTrail's log files");
    }
    if key.split('/').any(|folder| folder == "CloudTrail-Insight") {
        return Some("a file of CloudTrail Insights");
    }
    let mut folders = key.split('/').skip_while(|&folder| folder != "AWSLogs").skip(1).peekable();
    if folders.next_if(|folder| folder.starts_with("o-")).is_some() || folders.peek().is_some() {
        let service = folders.nth(1);
        if !matches!(service, Some("CloudTrail" | "CloudTrail-NetworkActivity")) {
            return Some("a log file of another service");
        }
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("gz" | "json" | "jsonl" | "ndjson") => None,
        _ => Some("a file that is no log file"),
    }
}

/// A key as S3's own notices write it: URL-encoded, with `+` for a space.
pub(super) fn decode(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, behind @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = behind;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a hexadecimal digit counts.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A').wrapping_add(10),
    }
}
