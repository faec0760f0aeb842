//! Slack's Block Kit, for an incoming webhook.
//!
//! Lengths are counted in UTF-16 code units of the escaped text, which is never less than what Slack may count.
//! Limits: <https://docs.slack.dev/reference/block-kit/blocks/section-block>,
//! <https://docs.slack.dev/reference/block-kit/blocks/header-block>.

use common::settings::Zone;
use serde::Serialize;

use crate::digest::Digest;
use crate::entry::{Alarm, SENTENCE};
use crate::text::{grouped, shorten, units};

use super::{Footer, Part, Piece, Sink, TITLES, continued, pack};

/// A message has at most so many blocks.
pub(crate) const BLOCKS: usize = 50;
/// A section's text.
pub(crate) const SECTION: usize = 3_000;
/// A header's text.
pub(crate) const HEADER: usize = 150;
/// All blocks together: documented nowhere, but Slack answers `msg_blocks_too_long` from some 13,200 on
/// (slackapi/bolt-js#2509).
pub(crate) const TOTAL: usize = 12_000;
/// The text that stands in a notification, and where blocks cannot be shown.
pub(crate) const FALLBACK: usize = 3_900;

/// The header and up to four footers: what did not fit, what was counted, how to undo, how to except.
const RESERVED_BLOCKS: usize = 5;
const RESERVED: usize = 1_800;

/// What an entry's texts may take once they are escaped (`&` takes five): its title, its place, what will be done with it,
/// and each of its other lines. All together stay below [`SECTION`].
const TITLE: usize = 600;
const PLACE: usize = 450;
const DUE: usize = 600;
const FACT: usize = 280;
/// What stands around a title (what happened, a bullet), and around any other line (label, backticks, line end).
const AROUND: usize = 40;
const LABEL: usize = 20;
/// Four of these and the header stay below [`RESERVED`].
const FOOTER: usize = 400;
/// An alert's fields: so many in all, so many to a section (Slack's limit), and so long (Slack takes 2,000, but not of all).
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const ALL_FIELDS: usize = 18;
const FIELDS: usize = 10;
const FIELD: usize = 590;

const _: () = assert!(SENTENCE <= DUE);
const _: () = assert!(
    TITLE + AROUND + PLACE + DUE + (Piece::FACTS - 1) * FACT + (1 + Piece::FACTS) * LABEL <= SECTION,
    "an entry fits into a section"
);
const _: () =
    assert!(HEADER + AROUND + TITLE + LABEL + PLACE + ALL_FIELDS * FIELD <= TOTAL, "an alert fits into a message");
const _: () = assert!(HEADER + TITLES * (TITLE + AROUND) <= FALLBACK);
const _: () = assert!(HEADER + (RESERVED_BLOCKS - 1) * FOOTER <= RESERVED);

/// Block Kit within its limits.
#[derive(Debug)]
pub(crate) struct Slack;

impl Sink for Slack {
    const MESSAGES: usize = 3;
    const BLOCKS: usize = BLOCKS - RESERVED_BLOCKS;
    const BLOCK: usize = SECTION;
    const SIZE: usize = TOTAL - RESERVED;

    fn piece(piece: &Piece<'_>, zone: &Zone) -> String {
        let (first, place) = match piece {
            Piece::Account { headline, continued: more } => {
                (format!("*{}{}*", escape(headline, TITLE), continued(*more)), "")
            }
            Piece::Check { title, continued: more } => (format!("*{}{}*", escape(title, TITLE), continued(*more)), ""),
            Piece::Shared { bunch, continued: more } => {
                let (title, count) = (escape(bunch.title, TITLE), grouped(bunch.count));
                (format!("• {}: {title}: {count}{}", bunch.heading.title(), continued(*more)), "")
            }
            Piece::Under { entry, .. } => (format!("◦ `{}`", escape(entry.named(), TITLE)), ""),
            Piece::Alone(entry) => {
                (format!("• {}: {}", entry.heading.title(), escape(&entry.title, TITLE)), entry.place.as_str())
            }
        };
        let place = (!place.is_empty()).then(|| format!("`{}`", escape(place, PLACE)));
        let facts = piece.facts(zone);
        let facts = facts
            .into_iter()
            .map(|(label, text)| format!("{label}: {}", escape(&text, if label == "due" { DUE } else { FACT })));
        std::iter::once(first).chain(place).chain(facts).collect::<Vec<_>>().join("\n")
    }

    fn size(text: &str) -> usize {
        units(text)
    }
}

/// Escapes what Slack takes for markup, `<!channel>` first of all, and cuts at `max` units, never inside an entity.
///
/// A backtick becomes an apostrophe: it would end the `code` that names stand in.
/// <https://docs.slack.dev/messaging/formatting-message-text#escaping>
pub(crate) fn escape(text: &str, max: usize) -> String {
    fn spell(character: char, buffer: &mut [u8; 4]) -> &str {
        match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '`' => "'",
            other => other.encode_utf8(buffer),
        }
    }
    shorten(text, max, spell, units)
}

/// What is posted.
#[derive(Serialize)]
struct Payload<'a> {
    /// For the older webhooks, which are not bound to one channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    text: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block {
    Text { r#type: &'static str, text: TextObject },
    Fields { r#type: &'static str, fields: Vec<TextObject> },
}

#[derive(Serialize)]
struct TextObject {
    r#type: &'static str,
    text: String,
    /// No links made of what looks like a URL, a channel or a mention.
    #[serde(skip_serializing_if = "Option::is_none")]
    verbatim: Option<bool>,
    /// No pictures made of what looks like `:this:`.
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<bool>,
}

fn header(text: &str) -> Block {
    let text = escape(text, HEADER);
    Block::Text {
        r#type: "header",
        text: TextObject { r#type: "plain_text", text, verbatim: None, emoji: Some(false) },
    }
}

fn markdown(text: String) -> TextObject {
    TextObject { r#type: "mrkdwn", text, verbatim: Some(true), emoji: None }
}

fn section(text: String) -> Block {
    Block::Text { r#type: "section", text: markdown(text) }
}

/// A message for an incoming webhook.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// The first line, as a person reads it.
    pub(crate) subject: String,
    /// The JSON to post.
    pub(crate) body: String,
    /// The same for a terminal.
    pub(crate) plain: String,
    /// The keys of the records that it tells of.
    pub(crate) keys: Vec<String>,
}

/// The messages for a digest; a channel is for webhooks that are not bound to one.
pub(crate) fn posts(digest: &Digest, channel: Option<&str>) -> Result<Vec<Post>, serde_json::Error> {
    pack::<Slack>(digest).into_iter().map(|part| post(part, channel)).collect()
}

fn post(part: Part, channel: Option<&str>) -> Result<Post, serde_json::Error> {
    let Part { headline: subject, blocks, titles, footers, keys } = part;
    let titles = titles.iter().map(|title| format!("• {}", escape(title, TITLE)));
    let text = std::iter::once(escape(&subject, HEADER)).chain(titles).collect::<Vec<_>>().join("\n");
    let texts: Vec<String> = blocks.into_iter().chain(footers.iter().map(footer)).collect();
    let plain = std::iter::once(subject.clone()).chain(texts.iter().map(|text| unescape(text)));
    let plain = plain.collect::<Vec<_>>().join("\n\n");
    let blocks = std::iter::once(header(&subject)).chain(texts.into_iter().map(section)).collect();
    let body = serde_json::to_string(&Payload { channel, text, blocks })?;
    Ok(Post { subject, body, plain, keys })
}

/// What there is to copy is our own: no backtick in it, and nothing to escape that would take much.
fn footer(footer: &Footer) -> String {
    let text = escape(&footer.text, FOOTER);
    match footer.code {
        Some(code) => format!("{text}\n```{}```", escape(code, FOOTER.saturating_sub(units(&text)))),
        None => text,
    }
}

/// The message for an alert.
pub(crate) fn alert(alarm: &Alarm, zone: &Zone, channel: Option<&str>) -> Result<Post, serde_json::Error> {
    let entry = &alarm.entry;
    let facts: Vec<(&str, String)> =
        entry.facts.iter().take(ALL_FIELDS).map(|fact| (fact.label, escape(&fact.text(zone), FIELD - LABEL))).collect();
    let severity = entry.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
    let title = format!("*{}{severity}*: {}", entry.heading.title(), escape(&entry.title, TITLE));
    let title = format!("{title}\n`{}`", escape(&entry.place, PLACE));
    let plain = facts.iter().map(|(label, text)| format!("{label}: {}", unescape(text)));
    let plain = std::iter::once(unescape(&title)).chain(plain).collect::<Vec<_>>().join("\n");
    let text = escape(&alarm.subject, TITLE);
    let mut blocks = vec![header(&alarm.subject), section(title)];
    for facts in facts.chunks(FIELDS) {
        let fields = facts.iter().map(|(label, text)| markdown(format!("*{label}*\n{text}"))).collect();
        blocks.push(Block::Fields { r#type: "section", fields });
    }
    let body = serde_json::to_string(&Payload { channel, text, blocks })?;
    Ok(Post { subject: alarm.subject.clone(), body, plain, keys: entry.keys.clone() })
}

/// What Slack shows.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use common::record::{Alert, Finding, Outcome, OutcomeStatus, Severity};
    use common::settings::Settings;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    fn told(groups: Groups) -> Vec<Post> {
        posts(&samples::digest(groups, &Settings::default()), None).unwrap()
    }

    /// Checks a payload against Slack's limits, and that no markup got through but ours.
    fn check(body: &str) -> Value {
        let payload: Value = serde_json::from_str(body).unwrap();
        assert!(units(payload["text"].as_str().unwrap()) <= FALLBACK);
        let blocks = payload["blocks"].as_array().unwrap();
        assert!((2..=BLOCKS).contains(&blocks.len()), "{} blocks", blocks.len());
        let mut total = 0;
        for (index, block) in blocks.iter().enumerate() {
            assert_eq!(block["type"], if index == 0 { "header" } else { "section" });
            let fields = block["fields"].as_array();
            assert!(fields.is_none_or(|fields| (1..=FIELDS).contains(&fields.len())));
            let max = if index == 0 { HEADER } else { fields.map_or(SECTION, |_| FIELD) };
            let texts = fields.map_or_else(|| vec![&block["text"]], |fields| fields.iter().collect());
            for object in texts {
                assert_eq!(object["type"], if index == 0 { "plain_text" } else { "mrkdwn" });
                assert_eq!(object["verbatim"] == true, index > 0);
                let text = object["text"].as_str().unwrap();
                assert!((1..=max).contains(&units(text)), "{} units", units(text));
                total += units(text);
                assert!(!text.contains(['<', '>']), "{text}");
                let entities =
                    ["&amp;", "&lt;", "&gt;"].map(|entity| text.matches(entity).count()).iter().sum::<usize>();
                assert_eq!(text.matches('&').count(), entities, "{text}");
                assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
            }
        }
        assert!(total <= TOTAL, "{total}");
        payload
    }

    #[test]
    fn markup_of_strangers_is_text() {
        let rows = [
            ("<!channel>", "&lt;!channel&gt;"),
            ("&amp;", "&amp;amp;"),
            ("<https://evil.example|your console>", "&lt;https://evil.example|your console&gt;"),
            ("a `b` c", "a 'b' c"),
            ("<@U123> & <#C1>", "&lt;@U123&gt; &amp; &lt;#C1&gt;"),
            ("日本語", "日本語"),
        ];
        for (text, expected) in rows {
            assert_eq!(escape(text, 100), expected);
            assert_eq!(unescape(&escape(text, 100)), text.replace('`', "'"));
        }
    }

    #[test]
    fn a_cut_never_splits_an_entity_or_a_character() {
        let rows = [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("ab&", 7, "ab&amp;"),
            ("ab&c", 7, "ab…"),
            ("ab&c", 8, "ab&amp;c"),
            ("&&", 6, "&amp;…"),
            ("&", 3, "…"),
            ("a😀b", 3, "a…"),
            ("a😀b", 4, "a😀b"),
        ];
        for (text, max, expected) in rows {
            let escaped = escape(text, max);
            assert_eq!(escaped, expected, "{text} at {max}");
            assert!(units(&escaped) <= max);
        }
    }

    #[test]
    fn the_blocks_are_what_slack_documents() {
        let mut groups = Groups::default();
        groups.finding(Finding {
            title: "bucket <!channel> & co\u{202e}\u{7}".into(),
            ..samples::finding("acme", Severity::Critical)
        });
        let posts = told(groups);
        assert_eq!(posts.len(), 1);
        assert_eq!(
            check(&posts[0].body),
            json!({
                "text": "111122223333: 1 critical\n• bucket &lt;!channel&gt; &amp; co??",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "111122223333: 1 critical", "emoji": false}},
                    {"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text":
                        "*Critical: s3_bucket_public_acl (FSBP S3.2)*\n\n\
                        • Open: bucket &lt;!channel&gt; &amp; co??\n`arn:aws:s3:::acme (s3_bucket, eu-west-1)`\n\
                        fix: s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay."}},
                    {"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text":
                        "To except one, put this into the settings with its check, its ARN (* is any text) and why. What has \
                        the tag sluice:protect is told of, and not touched.\n\
                        ```[[exceptions]]\ncheck = \"CHECK\"\narn = \"ARN\"\nreason = \"WHY\"```"}},
                ]
            })
        );
        assert!(posts[0].plain.contains("• Open: bucket <!channel> & co??\n"));
    }

    #[test]
    fn an_alert_has_its_fields() {
        let post =
            alert(&Alarm::new(&samples::alert("open")), &"Europe/Berlin".parse().unwrap(), Some("#soc")).unwrap();
        let payload = check(&post.body);
        assert_eq!(payload["channel"], "#soc");
        let title = "Decoy svc-billing-export was used from 203.0.113.9: sts:GetCallerIdentity";
        assert_eq!((payload["text"].as_str(), post.subject.as_str()), (Some(title), title));
        assert_eq!(
            payload["blocks"][1]["text"]["text"],
            format!(
                "*Alert (critical)*: {title}\n`arn:aws:iam::111122223333:user/svc-billing-export (iam_user, us-east-1)`"
            )
        );
        let fields: Vec<&Value> =
            payload["blocks"].as_array().unwrap().iter().filter_map(|it| it["fields"].as_array()).flatten().collect();
        let texts: Vec<&str> = fields.iter().map(|field| field["text"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), 12);
        for expected in [
            "*decoy*\nsvc-billing-export (9f2c)",
            "*user agent*\naws-cli/2.17 &lt;!channel&gt;",
            "*time*\n2026-11-20 09:58:12 UTC (10:58:12 Europe/Berlin)",
        ] {
            assert!(texts.contains(&expected), "{texts:?}");
        }
        assert!(post.plain.contains("user agent: aws-cli/2.17 <!channel>\n"), "{}", post.plain);
        let closed = alert(&Alarm::new(&samples::alert("closed")), &Zone::default(), None).unwrap();
        let payload = check(&closed.body);
        assert_eq!(payload.get("channel"), None);
        assert!(payload["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("Closed: Decoy"), "{payload}");
        assert!(payload["blocks"][1]["text"]["text"].as_str().unwrap().starts_with("*Closed (critical)*: "));
    }

    #[test]
    fn there_is_room_for_all_that_an_alert_can_say() {
        let alarm = Alarm::new(&samples::full_alert());
        assert_eq!(alarm.entry.facts.len(), ALL_FIELDS);
        let payload = check(&alert(&alarm, &Zone::default(), None).unwrap().body);
        assert!(payload["text"].as_str().unwrap().starts_with("Drill: "), "{payload}");
        let fields = payload["blocks"].as_array().unwrap().iter().filter_map(|it| it["fields"].as_array()).flatten();
        let texts: Vec<&str> = fields.map(|field| field["text"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), ALL_FIELDS);
        for expected in ["*drill*\nthis is a drill", "*tool*\npacu", "*region*\neu-west-1", "*event*\ne544d47e"] {
            assert!(texts.iter().any(|text| text.starts_with(expected)), "{expected}: {texts:?}");
        }
    }

    /// What a nightly run over many buckets looks like.
    #[test]
    fn two_hundred_buckets_of_one_check_are_one_message() {
        let mut groups = Groups::default();
        (0..200).for_each(|index| groups.finding(samples::finding(&format!("b-{index:03}"), Severity::High)));
        let posts = told(groups);
        assert_eq!(posts.len(), 1);
        let payload = check(&posts[0].body).to_string();
        assert_eq!(payload.matches("fix: ").count(), 1);
        assert_eq!(payload.matches("◦ `arn:aws:s3:::b-").count(), 200);
        assert!(!payload.contains(" more ("));
    }

    #[test]
    fn a_hundred_thousand_findings_are_three_messages_and_a_count() {
        let posts = posts(&samples::many(100_000), None).unwrap();
        assert_eq!(posts.len(), 3);
        let listed: usize = posts.iter().map(|post| check(&post.body).to_string().matches("◦ ").count()).sum();
        let rest = grouped(100_000 - listed);
        assert!(posts[2].body.contains(&format!("and {rest} more (")), "{rest}");
        assert!(!posts[0].body.contains(" more ("));
        assert_eq!(posts.iter().map(|post| post.keys.len()).sum::<usize>(), 100_000);
        let subject = "111122223333: 25,000 critical, 25,000 high, 25,000 medium, 25,000 low [2 of 3]";
        assert_eq!(posts[1].subject, subject);
    }

    #[test]
    fn five_hundred_accounts_stay_within_the_number_of_blocks() {
        let mut groups = Groups::default();
        for index in 0..500 {
            let task = json!({
                "key": format!("k{index}"), "status": "failed", "account": format!("{index:012}"), "region": "global",
                "type": "x", "id": "y", "title": "z"
            });
            groups.outcome(serde_json::from_value(task).unwrap());
        }
        let posts = told(groups);
        assert_eq!(posts.len(), Slack::MESSAGES);
        for post in &posts {
            assert!(check(&post.body)["blocks"].as_array().unwrap().len() >= BLOCKS - RESERVED_BLOCKS);
        }
        assert_eq!(posts.iter().map(|post| post.keys.len()).sum::<usize>(), 500);
    }

    #[test]
    fn titles_of_a_megabyte_stay_within_the_limits() {
        for unit in ["x", "&", "<!channel>", "日", "😀", "\u{1b}"] {
            let long = unit.repeat((1 << 20) / unit.len());
            let mut groups = Groups::default();
            for id in ["1", "2", "3"] {
                let mut finding = samples::finding(id, Severity::High);
                finding.title.clone_from(&long);
                finding.controls = vec![long.clone()];
                finding.check.clone_from(&long);
                groups.finding(finding);
                let outcome = samples::outcome(id, OutcomeStatus::Failed);
                groups.outcome(Outcome { title: long.clone(), reason: Some(long.clone()), ..outcome });
            }
            for post in told(groups) {
                check(&post.body);
            }
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let short =
            prop_oneof!["[&<>`*_~]{1,8}", "<!channel>", "\\PC{0,20}", ".{0,20}", Just("\u{202e}\u{0}\n".to_owned())];
        (short, 1_usize..200).prop_map(|(unit, times)| unit.repeat(times))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_records_make_messages_within_all_limits(
            texts in proptest::collection::vec((hostile(), hostile(), 0_usize..4, 0_usize..11), 1..120),
            name in hostile(),
        ) {
            let statuses = [
                OutcomeStatus::Planned, OutcomeStatus::Applied, OutcomeStatus::Already, OutcomeStatus::Waiting,
                OutcomeStatus::Changed, OutcomeStatus::Excepted, OutcomeStatus::Refused, OutcomeStatus::Failed,
                OutcomeStatus::Interrupted, OutcomeStatus::Scheduled, OutcomeStatus::Resolved,
            ];
            let accounts = ["111122223333", "111122223333", "222222222222", "333333333333"];
            let mut settings = Settings::default();
            let account = common::settings::Account { name: Some(name), ..common::settings::Account::default() };
            settings.accounts.insert("111122223333".parse().unwrap(), account);
            let mut groups = Groups::default();
            for (one, other, severity, status) in &texts {
                let mut finding = samples::finding("b", Severity::ALL[*severity]);
                (finding.title, finding.id, finding.r#type) = (one.clone(), other.clone(), other.clone());
                finding.reason = Some(other.clone());
                finding.arn.resource.clone_from(other);
                finding.account = accounts[*severity].parse().unwrap();
                groups.finding(finding);
                let mut outcome = samples::outcome("b", statuses[*status]);
                (outcome.title, outcome.reason, outcome.check) = (other.clone(), Some(one.clone()), Some(one.clone()));
                outcome.arn = None;
                outcome.id.clone_from(other);
                outcome.action_time = Some(Timestamp::MAX);
                groups.outcome(outcome);
                groups.scope(&serde_json::from_value(json!({
                    "account": "111122223333", "region": "eu-west-1", "type": one, "status": "failed",
                    "error": {"operation": other, "code": one, "message": other}
                })).unwrap());
            }
            let digest = samples::digest(groups, &settings);
            let posts = posts(&digest, Some(&texts[0].0)).unwrap();
            prop_assert!((1..=Slack::MESSAGES).contains(&posts.len()));
            for post in &posts {
                check(&post.body);
            }
            prop_assert_eq!(posts.iter().map(|post| post.keys.len()).sum::<usize>(), 3 * texts.len());
            let letters = crate::render::text::letters(&digest);
            prop_assert_eq!(letters.len(), 1);
            prop_assert!(letters[0].body.len() <= crate::render::text::MESSAGE);
            prop_assert!(letters[0].subject.len() <= crate::render::text::SUBJECT);
            prop_assert!(letters[0].subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(!letters[0].body.chars().any(|character| character.is_control() && character != '\n'));
            prop_assert_eq!(letters[0].keys.len(), 3 * texts.len());
        }

        #[test]
        fn any_alert_makes_a_message_within_all_limits(one in hostile(), other in hostile(), closed: bool, event: bool) {
            let mut alert: Alert = samples::alert(if closed { "closed" } else { "open" });
            for text in [&mut alert.title, &mut alert.key, &mut alert.incident, &mut alert.id, &mut alert.trigger] {
                text.clone_from(&one);
            }
            (alert.token.owner, alert.token.location) = (other.clone(), one.clone());
            alert.token.labels = [(one.clone(), other.clone())].into();
            if let Some(event) = &mut alert.event {
                (event.user_agent, event.source, event.operation) = (other.clone(), one.clone(), other.clone());
                (event.error, event.access_key) = (Some(one.clone()), Some(other.clone()));
                (event.region, event.tool, event.source_is_doubtful) = (Some(one.clone()), Some(other.clone()), closed);
            }
            alert.token.planted = samples::full_alert().token.planted;
            for place in &mut alert.token.planted {
                (place.host, place.path) = (one.clone(), other.clone());
            }
            (alert.token.notes, alert.drill, alert.suppressed) = (one, closed, u64::MAX);
            alert.latency_seconds = Some(u64::MAX);
            alert.event = alert.event.filter(|_| event);
            let alarm = Alarm::new(&alert);
            let zone = "Asia/Kolkata".parse().unwrap();
            check(&super::alert(&alarm, &zone, None).unwrap().body);
            let letter = crate::render::text::alert(&alarm, &zone);
            prop_assert!(letter.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(letter.subject.len() <= crate::render::text::SUBJECT && letter.body.len() < 50_000);
        }
    }
}
