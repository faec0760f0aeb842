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
    use common::record::{Finding, Outcome, OutcomeStatus, Severity, Task};
    use common::settings::Settings;
    use serde_json::json;

    use super::*;
    use crate::entry::{Before, Entry, Told, finding, resolved};
    use crate::group::Groups;
    use crate::samples;

    fn body(groups: Groups, settings: &Settings) -> String {
        let letters = letters(&samples::digest(groups, settings));
        assert_eq!(letters.len(), 1);
        letters[0].body.clone()
    }

    #[test]
    fn it_reads_well_at_three_in_the_morning() {
        let undo: Task = serde_json::from_value(json!({
            "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket", "id": "acme-old",
            "action": {"name": "s3_set_public_access_block", "from": null, "to": null}
        }))
        .unwrap();
        let settings = samples::settings(
            "[accounts.\"111122223333\"]\nname = \"sandbox\"\n[notify]\ntime_zone = \"Europe/Berlin\"",
        );
        let mut groups = Groups::default();
        groups.finding(samples::finding("acme-logs", Severity::Critical));
        for id in ["acme-web", "acme-img"] {
            groups.finding(samples::finding(id, Severity::High));
        }
        let applied = samples::outcome("acme-old", OutcomeStatus::Applied);
        groups.outcome(Outcome { undo: Some(undo), ..applied });
        groups.outcome(samples::outcome("acme-new", OutcomeStatus::Already));
        let tagless = |id: &str| Outcome {
            account: "444455556666".parse().unwrap(),
            check: Some("s3_bucket_required_tags".into()),
            severity: Some(Severity::Medium),
            title: format!("S3 bucket {id} lacks the required tag Owner"),
            action: Some(serde_json::from_value(json!("s3_block_public_access")).unwrap()),
            action_time: Some("2026-11-27T14:00:00Z".parse().unwrap()),
            calls: Vec::new(),
            ..samples::outcome(id, OutcomeStatus::Scheduled)
        };
        for id in ["one", "two"] {
            groups.outcome(tagless(id));
        }
        let digest = samples::digest(groups, &settings);
        let letters = letters(&digest);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].subject, "2 accounts: 1 critical, 3 high, 2 medium; 1 done, 2 to be done later");
        // The page shows this very message.
        let page = include_str!("../../../docs/notify.md");
        assert!(page.contains(&format!("```text\n{}```\n", letters[0].body)), "{}", letters[0].body);
        assert_eq!(letters[0].keys.len(), 7);
    }

    #[test]
    fn what_nobody_can_except_or_undo_says_nothing_of_it() {
        let mut groups = Groups::default();
        groups.outcome(samples::outcome("b", OutcomeStatus::Failed));
        let scope = json!({"account": "111122223333", "region": "global", "type": "iam_user", "status": "failed"});
        groups.scope(&serde_json::from_value(scope).unwrap());
        groups.outcome(Outcome { check: None, severity: None, ..samples::outcome("c", OutcomeStatus::Refused) });
        let body = body(groups, &Settings::default());
        assert!(!body.contains("To except") && !body.contains("To put"), "{body}");
        let at = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text}: {body}"));
        let order = [
            "== High: s3_bucket_public_acl ==",
            "== Tasks ==",
            "== Not looked at: what is there is not known ==",
            "* Not looked at: 1 scope: iam_user\n  regions: global\n",
        ];
        assert!(order.map(at).is_sorted(), "{body}");
    }

    #[test]
    fn what_is_resolved_is_told_with_when_it_was_told() {
        let Told::Listed(open) = finding(samples::finding("acme-logs", Severity::High)) else { panic!() };
        let Entry { about, severity, title, place, keys, .. } = *open;
        let told = "2026-11-13T04:00:00Z".parse().unwrap();
        let entry = resolved(Before { about, severity, title, place, key: keys[0].clone(), told });
        let digest = Digest::new(vec![entry.into()], &[].into(), "Asia/Kolkata".parse().unwrap(), |_| None);
        assert_eq!(
            letters(&digest)[0].body,
            "111122223333: 1 resolved\n\n== High: s3_bucket_public_acl ==\n\n\
            * Resolved: S3 bucket acme-logs is readable by anyone through its ACL\n  \
            arn:aws:s3:::acme-logs (s3_bucket, eu-west-1)\n  \
            was told: 2026-11-13 04:00:00 UTC (09:30:00 Asia/Kolkata)\n"
        );
    }

    #[test]
    fn an_alert_is_a_letter_of_its_own() {
        let letter = alert(&Alarm::new(&samples::alert("open")), &"Europe/Berlin".parse().unwrap());
        assert_eq!(letter.subject, "Decoy svc-billing-export was used from 203.0.113.9: sts:GetCallerIdentity");
        assert_eq!(
            letter.body,
            "\
Alert (critical): Decoy svc-billing-export was used from 203.0.113.9: sts:GetCallerIdentity
arn:aws:iam::111122223333:user/svc-billing-export (iam_user, us-east-1)

decoy: svc-billing-export (9f2c)
owner: J. Smith
location: laptop-042
call: sts:GetCallerIdentity (allowed)
source: 203.0.113.9
user agent: aws-cli/2.17 <!channel>
key: AKIAIOSFODNN7EXAMPLE
time: 2026-11-20 09:58:12 UTC (10:58:12 Europe/Berlin)
seen: 1m 48s later
incident: honeytoken/9f2c/203.0.113.9; 3 calls so far, open
labels: team=it
event: e544d47e
"
        );
        assert_eq!(letter.keys, ["honeytoken:9f2c:used"]);
        assert!(alert(&Alarm::new(&samples::alert("closed")), &Zone::default()).subject.starts_with("Closed: Decoy"));
        let full = alert(&Alarm::new(&samples::full_alert()), &Zone::default());
        assert!(full.subject.starts_with("Drill: Decoy"), "{}", full.subject);
        assert!(full.body.contains("\nseen: 4m 12s later\n") && full.body.contains("\ntool: pacu\n"), "{}", full.body);
    }

    #[test]
    fn ten_thousand_findings_are_cut_with_a_count() {
        let mut groups = Groups::default();
        for index in 0..10_000 {
            let id = format!("bücket-{index:05}");
            let title = "日本語の題名".repeat(100) + &id;
            groups.finding(Finding { title, ..samples::finding(&id, Severity::ALL[index % 4]) });
        }
        for index in 0..10_000 {
            let title = format!("日本語の題名 {index}");
            groups.finding(Finding { title, ..samples::finding("b", Severity::ALL[index % 4]) });
        }
        let letters = letters(&samples::digest(groups, &Settings::default()));
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        assert!(letter.body.len() <= MESSAGE, "{}", letter.body.len());
        assert!(letter.body.len() > MESSAGE - 2 * RESERVED, "the room is used: {}", letter.body.len());
        assert_eq!(letter.keys.len(), 20_000);
        let listed = letter.body.matches("arn:aws").count();
        let rest = grouped(20_000 - listed);
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
        let subject = &letters(&samples::digest(groups, &long))[0].subject;
        assert_eq!(subject.len(), SUBJECT);
        assert!(subject.starts_with("111122223333 (? ?"), "{subject}");
        assert!(subject.ends_with("..."), "{subject}");
    }
}
