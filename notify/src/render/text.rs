//! Plain text: for SNS, whose subscribers read it in a mail, and for a person at a terminal.

use crate::entry::Entry;
use crate::group::Group;
use crate::text::ascii;

use super::{Part, Sink, footers, pack};

/// SNS takes 262,144 bytes with all that belongs to the message; this leaves room for the subject, the headline and
/// the last lines. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub(crate) const MESSAGE: usize = 262_144;
const RESERVED: usize = 4_096;

/// A subject has fewer than 100 characters, all printable ASCII: what SNS has always taken.
pub(crate) const SUBJECT: usize = 99;

/// Plain text within the limits of SNS.
#[derive(Debug)]
pub(crate) struct Text;

impl Sink for Text {
    /// One: it is long enough for a thousand entries, and each one is a mail to everybody.
    const MESSAGES: usize = 1;
    const BLOCKS: usize = usize::MAX;
    const SIZE: usize = MESSAGE - RESERVED;

    fn heading(text: &str) -> String {
        format!("== {text} ==")
    }

    fn entry(entry: &Entry) -> String {
        let mut lines = vec![format!("* {}", entry.title)];
        if !entry.place.is_empty() {
            lines.push(format!("  {}", entry.place));
        }
        lines.extend(entry.facts.iter().map(|fact| format!("  {}: {}", fact.label, fact.text)));
        lines.join("\n")
    }

    fn size(block: &str) -> usize {
        // With the empty line before it.
        block.len() + 2
    }
}

/// A message in plain text.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// At most [`SUBJECT`] characters of printable ASCII.
    pub(crate) subject: String,
    /// At most [`MESSAGE`] bytes.
    pub(crate) body: String,
    /// The keys of the records that it tells of.
    pub(crate) keys: Vec<String>,
}

/// The messages for a group.
pub(crate) fn letters(group: &Group) -> Vec<Letter> {
    let letter = |part: Part<'_>| {
        let headline = part.headline(group);
        let mut body = headline.clone();
        for block in part.blocks.iter().cloned().chain(footers(&part)) {
            body.push_str("\n\n");
            body.push_str(&block);
        }
        body.push('\n');
        Letter { subject: ascii(&headline, SUBJECT), body, keys: part.keys }
    };
    pack::<Text>(group).into_iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use common::record::{Finding, OutcomeStatus, Severity, Task};
    use common::settings::Settings;
    use serde_json::json;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    #[test]
    fn it_reads_well_at_three_in_the_morning() {
        let undo: Task = serde_json::from_value(json!({
            "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket", "id": "acme-old",
            "action": {"name": "s3_set_public_access_block", "from": null, "to": null}
        }))
        .unwrap();
        let mut groups = Groups::default();
        groups.finding(samples::finding("acme-logs", Severity::Critical));
        groups.finding(Finding { action: None, ..samples::finding("acme-web", Severity::High) });
        let applied = samples::outcome("acme-old", OutcomeStatus::Applied);
        groups.outcome(common::record::Outcome { undo: Some(undo), ..applied });
        groups.outcome(samples::outcome("acme-new", OutcomeStatus::Already));
        let groups = groups.finish(&samples::settings("[accounts.\"111122223333\"]\nname = \"sandbox\""));
        let letters = letters(&groups[0]);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].subject, "111122223333 (sandbox): 1 critical, 2 high; 1 done");
        assert_eq!(
            letters[0].body,
            "\
111122223333 (sandbox): 1 critical, 2 high; 1 done

== Open: critical (1) ==

* S3 bucket acme-logs is readable by anyone through its ACL
  arn:aws:s3:::acme-logs (s3_bucket, eu-west-1)
  check: s3_bucket_public_acl (FSBP S3.2)
  fix: s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay.

== Open: high (1) ==

* S3 bucket acme-web is readable by anyone through its ACL
  arn:aws:s3:::acme-web (s3_bucket, eu-west-1)
  check: s3_bucket_public_acl (FSBP S3.2)
  fix: by hand: there is no action for it

== Done: high (1) ==

* S3 bucket acme-old is readable by anyone through its ACL
  arn:aws:s3:::acme-old (s3_bucket, eu-west-1)
  check: s3_bucket_public_acl
  done: s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay.
  at: 2026-11-20T10:00:00Z
  calls: s3:PutBucketAcl
  undo: s3_set_public_access_block {\"from\":null,\"to\":null}: Set or remove the bucket's public access block.

Also 1 already in order.

To put one thing back, with its key (from the outcomes or the delivery record) for KEY: \
jq -c 'select(.key == \"KEY\" and .undo).undo' outcomes.ndjson | remediate --apply
"
        );
        assert_eq!(letters[0].keys.len(), 4);
    }

    #[test]
    fn ten_thousand_findings_are_cut_with_a_count() {
        let mut groups = Groups::default();
        for index in 0..10_000 {
            let id = format!("bücket-{index:05}");
            let title = "日本語の題名".repeat(100);
            groups.finding(Finding { title, ..samples::finding(&id, Severity::ALL[index % 4]) });
        }
        let groups = groups.finish(&Settings::default());
        let letters = letters(&groups[0]);
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        assert!(letter.body.len() <= MESSAGE, "{}", letter.body.len());
        assert!(letter.body.len() > MESSAGE - 2 * RESERVED, "the room is used: {}", letter.body.len());
        assert_eq!(letter.keys.len(), 10_000);
        let listed = letter.body.matches("\n* ").count();
        let rest = crate::text::grouped(10_000 - listed);
        assert!(letter.body.contains(&format!("\n\nand {rest} more (")), "{rest}");
    }

    #[test]
    fn subjects_are_short_and_plain() {
        let long = samples::settings(&format!("[accounts.\"111122223333\"]\nname = \"{}\"", "é\\n".repeat(80)));
        let mut groups = Groups::default();
        for severity in Severity::ALL {
            (0..1000).for_each(|_| groups.finding(samples::finding("b", severity)));
        }
        groups.outcome(samples::outcome("b", OutcomeStatus::Refused));
        let groups = groups.finish(&long);
        let subject = &letters(&groups[0])[0].subject;
        assert_eq!(subject.len(), SUBJECT);
        assert!(subject.starts_with("111122223333 (? ?"), "{subject}");
        assert!(subject.ends_with("..."), "{subject}");
    }
}
