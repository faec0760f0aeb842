//! HTML for a mail: one piece, styled inline, without script, picture or link, since mail programs take out all else and
//! whoever reads it on a phone has no patience. What is coloured stands there in words as well.
//!
//! Everything that is not ours is escaped; nothing in it becomes a tag, an attribute or an entity.

use common::record::Severity;
use common::settings::Zone;

use crate::digest::Digest;
use crate::entry::{Alarm, Entry, Heading};
use crate::text::grouped;

use super::{Footer, Piece, Sink, continued, pack};

/// The most bytes of a document: Gmail cuts a mail off at 102 KB, with its end and the count of what is left out.
pub(crate) const DOCUMENT: usize = 100_000;
/// Room for the head, the headline and the last lines.
const RESERVED: usize = 8_192;

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"format-detection\" content=\"telephone=no, date=no, address=no\">\n<title>";
const BODY: &str = "</title>\n</head>\n\
    <body style=\"margin:0;padding:12px;background:#ffffff;color:#1f2328;\
    font:14px/1.45 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif\">\n\
    <div style=\"max-width:760px;margin:0 auto;overflow-wrap:anywhere;word-break:break-word\">\n";
const END: &str = "</div>\n</body>\n</html>\n";
const TABLE: &str = "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
    style=\"border-collapse:collapse;margin:0 0 16px\">\n";
const TABLE_END: &str = "\n</table>\n";
/// Grey enough to stand back, dark enough to be read.
const QUIET: &str = "color:#59636e";

/// HTML within its limit.
#[derive(Debug)]
struct Html;

impl Sink for Html {
    const MESSAGES: usize = 1;
    const BLOCKS: usize = usize::MAX;
    const BLOCK: usize = usize::MAX;
    const SIZE: usize = DOCUMENT - RESERVED;

    fn piece(piece: &Piece<'_>, zone: &Zone) -> String {
        let facts = facts(&piece.facts(zone));
        match piece {
            // Each account has a table of its own.
            Piece::Account { headline, continued: more } => {
                let headline = escape(headline) + continued(*more);
                format!("{TABLE_END}<h2 style=\"font-size:16px;margin:20px 0 8px\">{headline}</h2>\n{TABLE}")
            }
            Piece::Check { title, continued: more } => {
                let style = "padding:8px 10px;background:#f2f4f6;font-weight:600";
                format!("<tr><td style=\"{style}\">{}{}</td></tr>", escape(title), continued(*more))
            }
            Piece::Shared { bunch, continued: more } => {
                let (title, count) = (escape(bunch.title), grouped(bunch.count));
                let text = format!("<b>{}</b>: {title}: {count}{}", bunch.heading.title(), continued(*more));
                format!("<tr><td style=\"padding:8px 10px 2px\">{text}{facts}</td></tr>")
            }
            Piece::Under { entry, .. } => row(entry, &code(entry.named()), &facts),
            Piece::Alone(entry) => {
                let place = if entry.place.is_empty() { String::new() } else { format!("<br>{}", code(&entry.place)) };
                let text = format!("<b>{}</b>: {}{place}", entry.heading.title(), escape(&entry.title));
                row(entry, &text, &facts)
            }
        }
    }

    fn size(text: &str) -> usize {
        text.len()
    }
}

fn row(entry: &Entry, text: &str, facts: &str) -> String {
    let colour = colour(entry.heading, entry.severity);
    let style = format!("padding:6px 10px;border-left:4px solid {colour};border-bottom:1px solid #e5e8eb");
    format!("<tr><td style=\"{style}\">{text}{facts}</td></tr>")
}

fn facts(facts: &[(&str, String)]) -> String {
    let line = |(label, text): &(&str, String)| {
        format!("<br><span style=\"{QUIET}\">{}:</span> {}", escape(label), escape(text))
    };
    facts.iter().map(line).collect()
}

fn code(text: &str) -> String {
    format!("<span style=\"font-family:Menlo,Consolas,monospace;font-size:12px\">{}</span>", escape(text))
}

/// How bad it is, at a glance: green is what is in order (again).
const fn colour(heading: Heading, severity: Option<Severity>) -> &'static str {
    match (heading, severity) {
        (Heading::Applied | Heading::Resolved | Heading::Settled | Heading::Closed, _) => "#1a7f37",
        (Heading::Excepted, _) => "#8c959f",
        (_, Some(Severity::Critical)) => "#a40e26",
        (_, Some(Severity::High)) => "#d4500c",
        (_, Some(Severity::Medium)) => "#bf8700",
        (_, Some(Severity::Low)) => "#4184e4",
        (_, None) => "#59636e",
    }
}

/// Text that is nothing but text, between tags and between quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What is no character of HTML, and what nobody has cleaned.
            '\0' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// The document that tells a digest.
pub(crate) fn digest(digest: &Digest) -> String {
    let mut body = String::new();
    for part in pack::<Html>(digest) {
        body.extend(["<h1 style=\"font-size:18px;margin:4px 0 12px\">", &escape(&part.headline), "</h1>\n"]);
        // Where accounts have tables of their own, the first begins with the end of one that is empty.
        let rows = format!("{TABLE}{}{TABLE_END}", part.blocks.join("\n"));
        body += rows.strip_prefix(&format!("{TABLE}{TABLE_END}")).unwrap_or(&rows);
        body.extend(part.footers.iter().map(footer));
    }
    document(&digest.headline(), &body)
}

fn footer(footer: &Footer) -> String {
    let style = "margin:8px 0 0;padding:8px 10px;background:#f2f4f6;white-space:pre-wrap;font-size:12px";
    let code = footer.code.map(|code| format!("<pre style=\"{style}\">{}</pre>", escape(code))).unwrap_or_default();
    format!("<p style=\"margin:12px 0 0;{QUIET}\">{}</p>{code}\n", escape(&footer.text))
}

/// The document that tells an alert.
pub(crate) fn alert(alarm: &Alarm, zone: &Zone) -> String {
    let entry = &alarm.entry;
    let colour = colour(entry.heading, entry.severity);
    let severity = entry.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
    let cell = "padding:6px 10px;border-bottom:1px solid #e5e8eb;vertical-align:top";
    let fact = |label: &str, text: &str| {
        let (label, text) = (escape(label), escape(text));
        format!(
            "<tr><td style=\"{cell};white-space:nowrap;{QUIET}\">{label}</td><td style=\"{cell}\">{text}</td></tr>\n"
        )
    };
    let facts: String = entry.facts.iter().map(|told| fact(told.label, &told.text(zone))).collect();
    let body = format!(
        "<h1 style=\"font-size:18px;margin:4px 0 12px;padding:8px 12px;border-left:6px solid {colour}\">{}{severity}: {}</h1>\n\
         {TABLE}{}{facts}{TABLE_END}",
        entry.heading.title(),
        escape(&entry.title),
        fact("resource", &entry.place),
    );
    document(&alarm.subject, &body)
}

fn document(title: &str, body: &str) -> String {
    format!("{HEAD}{}{BODY}{body}{END}", escape(title))
}

#[cfg(test)]
mod tests {
    use common::record::{Alert, Finding, Outcome, OutcomeStatus};
    use common::settings::Settings;
    use proptest::prelude::*;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    /// The tags of a document, in their order; fails where they are not nested, or where text holds what is none.
    fn tags(html: &str) -> Vec<String> {
        const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
        let (mut open, mut all) = (Vec::new(), Vec::new());
        for piece in html.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("`<{piece}` is no tag"));
            let name = tag.split_whitespace().next().unwrap().to_owned();
            assert!(!text.contains(['"', '>', '\0']), "{text}");
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{html}");
            } else if !VOID.contains(&name.as_str()) {
                open.push(name.clone());
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            all.push(name);
        }
        assert_eq!(open, [""; 0]);
        all
    }

    #[test]
    fn markup_of_strangers_is_text() {
        let rows = [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onload='x'", "&quot; onload=&#39;x&#39;"),
            ("&amp;", "&amp;amp;"),
            ("日本語 é", "日本語 é"),
            ("a\0b", "a\u{fffd}b"),
        ];
        for (text, expected) in rows {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn a_document_is_complete_and_needs_nothing_from_elsewhere() {
        let mut groups = Groups::default();
        for (account, severity) in [("111122223333", Severity::Critical), ("444455556666", Severity::Low)] {
            for id in ["a", "b"] {
                let account = account.parse().unwrap();
                groups.finding(Finding { account, ..samples::finding(id, severity) });
            }
        }
        groups.outcome(samples::outcome("c", OutcomeStatus::Applied));
        let settings = samples::settings("[accounts.\"111122223333\"]\nname = \"<b>sandbox</b>\"");
        let html = digest(&samples::digest(groups, &settings));
        let tags = tags(&html);
        assert_eq!(tags.iter().filter(|tag| *tag == "table").count(), 2, "one for each account: {html}");
        assert!(html.contains("111122223333 (&lt;b&gt;sandbox&lt;/b&gt;)"), "{html}");
        for colour in ["#a40e26", "#4184e4", "#1a7f37"] {
            assert!(html.contains(&format!("border-left:4px solid {colour}")), "{colour}: {html}");
        }
        for elsewhere in ["src=", "href=", "url(", "http", "<script", "<style", "@import"] {
            assert!(!html.contains(elsewhere), "{elsewhere}: {html}");
        }
    }

    #[test]
    fn one_account_has_one_table() {
        let mut groups = Groups::default();
        groups.finding(samples::finding("acme-logs", Severity::High));
        let html = digest(&samples::digest(groups, &Settings::default()));
        assert_eq!(tags(&html).iter().filter(|tag| *tag == "table").count(), 1, "{html}");
        assert!(html.contains("arn:aws:s3:::acme-logs (s3_bucket, eu-west-1)"), "{html}");
    }

    #[test]
    fn an_alert_says_all_that_is_known() {
        let html = alert(&Alarm::new(&samples::alert("open")), &Zone::default());
        tags(&html);
        for expected in
            ["svc-billing-export", "203.0.113.9", "aws-cli/2.17 &lt;!channel&gt;", "laptop-042", "(critical)"]
        {
            assert!(html.contains(expected), "{expected}: {html}");
        }
        let html = alert(&Alarm::new(&samples::full_alert()), &Zone::default());
        tags(&html);
        for expected in
            ["<title>Drill: ", "this is a drill", "nas-1:/root/.aws/credentials [backup]", "pacu", "4m 12s later"]
        {
            assert!(html.contains(expected), "{expected}: {html}");
        }
    }

    #[test]
    fn ten_thousand_findings_are_cut_with_a_count() {
        let mut groups = Groups::default();
        for index in 0..10_000 {
            let title = format!("<{index}>").repeat(60);
            groups.finding(Finding { title, ..samples::finding(&format!("b{index}"), Severity::ALL[index % 4]) });
        }
        let html = digest(&samples::digest(groups, &Settings::default()));
        assert!((DOCUMENT / 2..=DOCUMENT).contains(&html.len()), "{}", html.len());
        assert!(html.contains(" more ("), "the rest is counted");
        tags(&html);
    }

    proptest! {
        #[test]
        fn whatever_strangers_write_is_text_within_the_limit(
            text in "\\PC{0,400}|.{0,2000}|[<>&\"'/!\\-\u{202e}\n\r\u{0}é日]{0,2000}",
            severity in 0_usize..4,
        ) {
            let mut groups = Groups::default();
            let severity = Severity::ALL[severity];
            for index in 0..40 {
                let id = format!("{text}{index}");
                let found = samples::finding("b", severity);
                groups.finding(Finding { title: id.clone(), id, check: text.clone(), reason: Some(text.clone()), ..found });
                let done = samples::outcome("b", OutcomeStatus::Applied);
                groups.outcome(Outcome { title: text.clone(), reason: Some(text.clone()), ..done });
            }
            let html = digest(&samples::digest(groups, &Settings::default()));
            prop_assert!(html.len() <= DOCUMENT, "{}", html.len());
            tags(&html);
            let mut touched = Alert { title: text.clone(), id: text.clone(), ..samples::full_alert() };
            (touched.token.owner, touched.token.notes) = (text.clone(), text.clone());
            touched.token.planted.iter_mut().for_each(|place| place.path.clone_from(&text));
            if let Some(event) = &mut touched.event {
                (event.user_agent, event.tool, event.source) = (text.clone(), Some(text.clone()), text);
            }
            let html = alert(&Alarm::new(&touched), &Zone::default());
            prop_assert!(html.len() <= DOCUMENT, "{}", html.len());
            tags(&html);
        }
    }
}
