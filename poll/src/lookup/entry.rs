//! What comes in, judged: what each value of the input asks for.

use std::io::{self, Read};
use std::time::Duration;

use common::event::{self, Found, Record, S3File, What};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::{Extent, ResourceType};
use common::stream::{Item, ReadError, without_place};
use tokio::sync::mpsc::Sender;

use super::Key;
use crate::events::{Question, Target, targets};
use crate::types::type_of;

/// Kinds of records that are references to the resource that they are about. An alert is not: what is on its way to people
/// goes on.
const REFERENCES: [&str; 5] = ["resource", "finding", "task", "outcome", "token"];

/// What a value of the input asks for.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It names a resource.
    Look(Wanted),
    /// An event made or changed a resource.
    Changed(Wanted),
    /// An event made or changed a resource that AWS alone can name.
    Ask(Asked),
    /// It names a file that holds events.
    File(S3File),
    /// It is not for this tool.
    Pass(Item),
    /// So many events changed nothing that is looked at.
    Idle(u64),
    /// It is not understood; why, with its place.
    Broken(String),
    /// The input broke off.
    Lost(io::Error),
}

/// A resource that somebody wants to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) reference: Reference,
    pub(crate) kind: ResourceType,
    /// How long AWS takes until a look is worth while, by experience.
    pub(crate) delay: Duration,
}

/// A question to AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) question: Question,
}

impl Wanted {
    /// What makes it the same as another one.
    pub(crate) fn key(&self) -> Key {
        let Reference { account, region, id, .. } = &self.reference;
        // Not all types go by their region: a bucket's name is its own in the whole partition, and people get its region
        // wrong.
        let region = (self.kind.extent() == Extent::Regional).then(|| region.clone());
        Key::Resource(account.clone(), region, self.kind, id.clone())
    }
}

/// Reads an input to its end, on a thread of its own: reading blocks. `origin` stands before the line of what is named, such
/// as `s3://bucket/key: `, and is empty for stdin.
pub(crate) fn read(input: impl Read, origin: &str, sender: &Sender<Vec<Entry>>) {
    event::read(input, sender, |found, entries| of(found, origin, entries));
}

/// What one thing that came in asks for: added to `entries`.
pub(crate) fn of(found: Result<Found, ReadError>, origin: &str, entries: &mut Vec<Entry>) {
    let found = match found {
        Ok(found) => found,
        Err(ReadError::Broken(broken)) => return entries.push(Entry::Broken(format!("{origin}{broken}"))),
        Err(ReadError::Io { source, .. }) if origin.is_empty() => return entries.push(Entry::Lost(source)),
        Err(lost @ ReadError::Io { .. }) => return entries.push(Entry::Broken(format!("{origin}{lost}"))),
    };
    let line = found.line;
    let broken = |why: String| Entry::Broken(format!("{origin}line {line}: {why}"));
    match found.what {
        What::Record(item) => match changed(&item) {
            Ok(targets) if targets.is_empty() => idle(entries),
            Ok(targets) => entries.extend(targets.into_iter().map(Entry::from)),
            Err(why) => entries.push(broken(why)),
        },
        What::File(file) if origin.is_empty() => entries.push(Entry::File(file)),
        // Whoever may write one such file could name another in it for ever.
        What::File(file) => {
            entries.push(broken(format!("{file} is not read: it is named in a file that was fetched itself")));
        }
        What::Health(item) => entries.push(Entry::Pass(item)),
        What::Nothing(_) => idle(entries),
        What::Other(item) => entries.push(named(item).unwrap_or_else(broken)),
    }
}

/// One more event that changed nothing that is looked at.
fn idle(entries: &mut Vec<Entry>) {
    match entries.last_mut() {
        Some(Entry::Idle(count)) => *count += 1,
        _ => entries.push(Entry::Idle(1)),
    }
}

/// What a CloudTrail record made or changed.
fn changed(item: &Item) -> Result<Vec<Target>, String> {
    let record = Record::parse(&item.text)
        .map_err(|error| format!("the CloudTrail record cannot be read: {}", without_place(&error)))?;
    targets(&record).map_err(|error| error.to_string())
}

impl From<Target> for Entry {
    fn from(target: Target) -> Self {
        match target {
            Target::Resource { reference, kind, delay } => Self::Changed(Wanted { reference, kind, delay }),
            Target::Ask { account, region, question } => Self::Ask(Asked { account, region, question }),
        }
    }
}

/// What a value is: something that names a resource, or a record of another kind.
fn named(item: Item) -> Result<Entry, String> {
    match item.kind().map(|kind| kind.map(|kind| REFERENCES.contains(&&*kind))) {
        Ok(Some(false)) => return Ok(Entry::Pass(item)),
        Ok(None | Some(true)) => {}
        Err(broken) => return Err(broken.cause.to_string()),
    }
    let reference = Reference::from_json(&item.text).map_err(|error| error.to_string())?;
    wanted(reference).map(Entry::Look)
}

/// A reference, as one that is wanted.
pub(crate) fn wanted(reference: Reference) -> Result<Wanted, String> {
    let kind = type_of(&reference)?;
    Ok(Wanted { reference, kind, delay: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// What `read` makes of an input, in short.
    fn entries(input: &str, origin: &str) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        read(input.as_bytes(), origin, &sender);
        drop(sender);
        let mut shown = Vec::new();
        while let Ok(batch) = receiver.try_recv() {
            shown.extend(batch.into_iter().map(|entry| match entry {
                Entry::Look(wanted) => format!("look {} {}", wanted.kind, wanted.reference.id),
                Entry::Changed(wanted) => {
                    let Reference { account, region, id, .. } = wanted.reference;
                    format!("changed {account} {region} {} {id}", wanted.kind)
                }
                Entry::Ask(asked) => format!("ask {:?}", asked.question),
                Entry::File(S3File { bucket, key }) => format!("file {bucket} {key}"),
                Entry::Pass(item) => format!("pass {}", item.line),
                Entry::Idle(count) => format!("idle {count}"),
                Entry::Broken(why) => why,
                Entry::Lost(error) => error.to_string(),
            }));
        }
        shown
    }

    const WHERE: &str = r#""account":"111122223333","region":"eu-west-1""#;

    #[test]
    fn whatever_names_a_resource_is_wanted() {
        let input = format!(
            r#"{{{WHERE},"type":"ec2","id":"i-1"}}
               {{"kind":"finding","check":"x",{WHERE},"type":"ec2","id":"i-1"}}
               {{"kind":"outcome","arn":"arn:aws:iam::111122223333:user/team/jane"}}
               {{"kind":"task",{WHERE},"type":"sqs","id":"jobs","action":"stop"}}
               {{"kind":"token","token":"k4f7","account":"111122223333","region":"global","type":"iam_user","id":"svc"}}
               {{"tasks":[{{{WHERE},"type":"s3_bucket","id":"acme"}}]}}"#
        );
        assert_eq!(
            entries(&input, ""),
            [
                "look ec2 i-1",
                "look ec2 i-1",
                "look iam_user jane",
                "look sqs jobs",
                "look iam_user svc",
                "look s3_bucket acme"
            ]
        );
    }

    #[test]
    fn the_same_resource_is_known_whatever_the_region_of_a_bucket() {
        let key = |kind: &str, region: &str| {
            let text = format!(r#"{{"account":"111122223333","region":"{region}","type":"{kind}","id":"x"}}"#);
            wanted(Reference::from_json(&text).unwrap()).unwrap().key()
        };
        assert_eq!(key("s3_bucket", "eu-west-1"), key("s3_bucket", "us-east-1"));
        assert_ne!(key("ec2", "eu-west-1"), key("ec2", "us-east-1"));
        assert_ne!(key("ec2", "eu-west-1"), key("ami", "eu-west-1"));
    }

    #[test]
    fn events_ask_for_what_they_changed() {
        let event = |name: &str, rest: &str| {
            format!(
                r#"{{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1",
                    "recipientAccountId":"111122223333","eventID":"e-1"{rest}}}"#
            )
        };
        let put = event("PutBucketAcl", r#","requestParameters":{"bucketName":"acme"}"#);
        let other = event("GetBucketAcl", r#","requestParameters":{"bucketName":"acme"}"#);
        let odd = event("PutBucketAcl", r#","requestParameters":null"#);
        let input = format!("{other}\n{other}\n{put}\n{odd}\n{other}");
        let shown = entries(&input, "");
        assert_eq!(shown.len(), 4, "{shown:?}");
        assert_eq!(shown[..2], ["idle 2", "changed 111122223333 eu-west-1 s3_bucket acme"]);
        assert!(shown[2].starts_with("line 7: ") && shown[2].contains("PutBucketAcl"), "{}", shown[2]);
        assert_eq!(shown[3], "idle 1");
    }

    #[test]
    fn a_file_that_is_named_in_a_file_is_not_read_and_that_is_said() {
        let notice = r#"{"s3Bucket":"logs","s3ObjectKey":["a.json.gz","b.json.gz"]}"#;
        assert_eq!(entries(notice, ""), ["file logs a.json.gz", "file logs b.json.gz"]);
        let shown = entries(notice, "s3://logs/x: ");
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown[0].starts_with("s3://logs/x: line 1: s3://logs/a.json.gz is not read"), "{shown:?}");
    }

    #[test]
    fn other_kinds_pass_and_what_is_not_understood_is_named_with_its_place() {
        let input = format!(
            "{{\"kind\":\"scope\",{WHERE},\"type\":\"ec2\"}}\n\
             {{\"kind\":\"alert\",{WHERE},\"type\":\"iam_user\",\"id\":\"svc\"}}\n\
             {{\"kind\":\"finding\"}}\n\
             {{\"kind\":7}}\n\
             17\n\
             {{{WHERE},\"type\":\"cloudfront\",\"id\":\"x\"}}\n\
             {{{WHERE},\"type\":\"ec2\",\"id\":\"i-2\"}}\n"
        );
        for origin in ["", "s3://logs/x: "] {
            let shown = entries(&input, origin);
            assert_eq!(shown.len(), 7, "{shown:?}");
            assert_eq!(shown[..2], ["pass 1", "pass 2"]);
            let at = |line: u64| format!("{origin}line {line}: ");
            assert!(shown[2].starts_with(&at(3)) && shown[2].contains("`type`"), "{}", shown[2]);
            assert!(shown[3].starts_with(&at(4)), "{}", shown[3]);
            assert!(shown[4].starts_with(&at(5)), "{}", shown[4]);
            assert!(shown[5].starts_with(&at(6)) && shown[5].contains("cloudfront"), "{}", shown[5]);
            assert_eq!(shown[6], "look ec2 i-2");
        }
    }
}
