//! Plain text: for SNS, whose subscribers read it in a mail, and for a person at a terminal.

use common::settings::Zone;

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::text::{ascii, grouped};

use super::{Footer, Part, Piece, Sink, continued, pack};

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
    const BLOCK: usize = usize::MAX;
    const SIZE: usize = MESSAGE - RESERVED;

    fn piece(piece: &Piece<'_>, zone: &Zone) -> String {
        let (first, place, indent) = match piece {
            Piece::Account { headline, continued: more } => (format!("=== {headline}{} ===", continued(*more)), "", ""),
            Piece::Check { title, continued: more } => (format!("== {title}{} ==", continued(*more)), "", ""),
            Piece::Shared { bunch, continued: more } => {
                let (title, count) = (bunch.title, grouped(bunch.count));
                (format!("* {}: {title}: {count}{}", bunch.heading.title(), continued(*more)), "", "  ")
            }
            Piece::Under { entry, .. } => (format!("  - {}", entry.named()), "", "    "),
            Piece::Alone(entry) => {
                (format!("* {}: {}", entry.heading.title(), entry.title), entry.place.as_str(), "  ")
            }
        };
        let place = (!place.is_empty()).then(|| format!("{indent}{place}"));
        let facts = piece.facts(zone).into_iter().map(|(label, text)| format!("{indent}{label}: {text}"));
        std::iter::once(first).chain(place).chain(facts).collect::<Vec<_>>().join("\n")
    }

    fn size(text: &str) -> usize {
        text.len()
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

/// The messages for a digest.
pub(crate) fn letters(digest: &Digest) -> Vec<Letter> {
    let letter = |part: Part| {
        let footers = part.footers.iter().map(footer);
        let paragraphs = std::iter::once(part.headline.clone()).chain(part.blocks).chain(footers);
        let body = paragraphs.collect::<Vec<_>>().join("\n\n") + "\n";
        Letter { subject: ascii(&part.headline, SUBJECT), body, keys: part.keys }
    };
    pack::<Text>(digest).into_iter().map(letter).collect()
}

fn footer(footer: &Footer) -> String {
    let code = footer.code.into_iter().flat_map(str::lines).map(|line| format!("    {line}"));
    std::iter::once(footer.text.clone()).chain(code).collect::<Vec<_>>().join("\n")
}

/// The message for an alert.
pub(crate) fn alert(alarm: &Alarm, zone: &Zone) -> Letter {
    let entry = &alarm.entry;
    let severity = entry.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
    let head = [format!("{}{severity}: {}", entry.heading.title(), entry.title), entry.place.clone(), String::new()];
    let facts = entry.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.text(zone)));
    let body = head.into_iter().chain(facts).collect::<Vec<_>>().join("\n") + "\n";
    Letter { subject: ascii(&alarm.subject, SUBJECT), body, keys: entry.keys.clone() }
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
