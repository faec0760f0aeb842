//! Slack's Block Kit, for an incoming webhook.
//!
//! Lengths are counted in UTF-16 code units of the escaped text, which is never less than what Slack may count.
//! Limits: <https://docs.slack.dev/reference/block-kit/blocks/section-block>,
//! <https://docs.slack.dev/reference/block-kit/blocks/header-block>.

use serde::Serialize;

use crate::entry::Entry;
use crate::group::Group;
use crate::text::{shorten, units};

use super::{Part, Sink, footers, pack};

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

/// The header and up to three footers.
const RESERVED_BLOCKS: usize = 4;
const RESERVED: usize = 1_500;

/// What an entry's texts may take once they are escaped (`&` takes five). All together stay below [`SECTION`]: an entry
/// has at most five facts.
const TITLE: usize = 700;
const PLACE: usize = 500;
const FACT: usize = 320;
/// Three of these and the header stay below [`RESERVED`].
const FOOTER: usize = 400;
const FACTS: usize = 5;
/// What stands around a title, a place and a fact: bullet, backticks, label and line end.
const AROUND: usize = 12;
/// How many titles the fallback names.
const TITLES: usize = 5;

const _: () = assert!(TITLE + PLACE + FACTS * FACT + (2 + FACTS) * AROUND <= SECTION);
const _: () = assert!(HEADER + TITLES * (TITLE + AROUND) <= FALLBACK);
const _: () = assert!(HEADER + (RESERVED_BLOCKS - 1) * FOOTER <= RESERVED);

/// Block Kit within its limits.
#[derive(Debug)]
pub(crate) struct Slack;

impl Sink for Slack {
    const MESSAGES: usize = 3;
    const BLOCKS: usize = BLOCKS - RESERVED_BLOCKS;
    const SIZE: usize = TOTAL - RESERVED;

    fn heading(text: &str) -> String {
        format!("*{}*", escape(text, FACT))
    }

    fn entry(entry: &Entry) -> String {
        let mut lines = vec![format!("• {}", escape(&entry.title, TITLE))];
        if !entry.place.is_empty() {
            lines.push(format!("`{}`", escape(&entry.place, PLACE)));
        }
        lines.extend(entry.facts.iter().map(|fact| format!("{}: {}", fact.label, escape(&fact.text, FACT))));
        lines.join("\n")
    }

    fn size(block: &str) -> usize {
        units(block)
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
struct Payload {
    text: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
struct Block {
    r#type: &'static str,
    text: TextObject,
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
    Block { r#type: "header", text: TextObject { r#type: "plain_text", text, verbatim: None, emoji: Some(false) } }
}

fn section(text: String) -> Block {
    Block { r#type: "section", text: TextObject { r#type: "mrkdwn", text, verbatim: Some(true), emoji: None } }
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

/// The messages for a group.
pub(crate) fn posts(group: &Group) -> Result<Vec<Post>, serde_json::Error> {
    pack::<Slack>(group).into_iter().map(|part| post(group, part)).collect()
}

fn post(group: &Group, part: Part<'_>) -> Result<Post, serde_json::Error> {
    let subject = part.headline(group);
    let titles = part.entries.iter().take(TITLES).map(|entry| format!("• {}", escape(&entry.title, TITLE)));
    let fallback: Vec<String> = std::iter::once(escape(&subject, HEADER)).chain(titles).collect();
    let footers = footers(&part).into_iter().map(|text| escape(&text, FOOTER));
    let texts: Vec<String> = part.blocks.into_iter().chain(footers).collect();
    let plain = std::iter::once(subject.clone()).chain(texts.iter().map(|text| unescape(text)));
    let plain = plain.collect::<Vec<_>>().join("\n\n");
    let blocks = std::iter::once(header(&subject)).chain(texts.into_iter().map(section)).collect();
    let body = serde_json::to_string(&Payload { text: fallback.join("\n"), blocks })?;
    Ok(Post { subject, body, plain, keys: part.keys })
}

/// What Slack shows.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use common::record::{Finding, Outcome, OutcomeStatus, Severity};
    use common::settings::Settings;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    /// Checks a payload against Slack's limits, and that no markup got through but ours.
    fn check(body: &str) -> Value {
        let payload: Value = serde_json::from_str(body).unwrap();
        assert!(units(payload["text"].as_str().unwrap()) <= FALLBACK);
        let blocks = payload["blocks"].as_array().unwrap();
        assert!((2..=BLOCKS).contains(&blocks.len()), "{} blocks", blocks.len());
        let mut total = 0;
        for (index, block) in blocks.iter().enumerate() {
            let text = block["text"]["text"].as_str().unwrap();
            let max = if block["type"] == "header" { HEADER } else { SECTION };
            assert_eq!(block["type"] == "header", index == 0);
            assert_eq!(block["text"]["type"], if index == 0 { "plain_text" } else { "mrkdwn" });
            assert!((1..=max).contains(&units(text)), "{} units", units(text));
            total += units(text);
            assert!(!text.contains(['<', '>']), "{text}");
            let entities = ["&amp;", "&lt;", "&gt;"].map(|entity| text.matches(entity).count()).iter().sum::<usize>();
            assert_eq!(text.matches('&').count(), entities, "{text}");
            assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
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
        let groups = groups.finish(&Settings::default());
        let posts = posts(&groups[0]).unwrap();
        assert_eq!(posts.len(), 1);
        assert_eq!(
            check(&posts[0].body),
            json!({
                "text": "111122223333: 1 critical\n• bucket &lt;!channel&gt; &amp; co??",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "111122223333: 1 critical", "emoji": false}},
                    {"type": "section", "text": {"type": "mrkdwn", "text": "*Open: critical (1)*", "verbatim": true}},
                    {"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text":
                        "• bucket &lt;!channel&gt; &amp; co??\n`arn:aws:s3:::acme (s3_bucket, eu-west-1)`\n\
                        check: s3_bucket_public_acl (FSBP S3.2)\n\
                        fix: s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay."}},
                ]
            })
        );
        assert!(posts[0].plain.contains("• bucket <!channel> & co??\n"));
    }

    #[test]
    fn ten_thousand_findings_are_three_messages_and_a_count() {
        let group = samples::group(10_000);
        let posts = posts(&group).unwrap();
        assert_eq!(posts.len(), 3);
        let listed: usize = posts.iter().map(|post| check(&post.body).to_string().matches("• ").count() - TITLES).sum();
        let rest = crate::text::grouped(10_000 - listed);
        assert!(posts[2].body.contains(&format!("and {rest} more (")), "{rest}");
        assert!(!posts[0].body.contains(" more ("));
        assert_eq!(posts.iter().map(|post| post.keys.len()).sum::<usize>(), 10_000);
        assert_eq!(posts[1].subject, "111122223333: 2,500 critical, 2,500 high, 2,500 medium, 2,500 low [2 of 3]");
    }

    #[test]
    fn a_thousand_short_entries_stay_within_the_number_of_blocks() {
        let mut groups = Groups::default();
        for index in 0..1_000 {
            groups.outcome(
                serde_json::from_value(json!({
                    "key": format!("k{index}"), "status": "failed", "account": "111122223333", "region": "global",
                    "type": "x", "id": "y", "title": "z"
                }))
                .unwrap(),
            );
        }
        let groups = groups.finish(&Settings::default());
        let posts = posts(&groups[0]).unwrap();
        assert_eq!(posts.len(), Slack::MESSAGES);
        for post in posts {
            assert!(check(&post.body)["blocks"].as_array().unwrap().len() > BLOCKS - RESERVED_BLOCKS);
        }
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
            let groups = groups.finish(&Settings::default());
            for post in posts(&groups[0]).unwrap() {
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
            texts in proptest::collection::vec((hostile(), hostile(), 0_usize..4, 0_usize..9), 1..120),
            name in hostile(),
        ) {
            let statuses = [
                OutcomeStatus::Planned, OutcomeStatus::Applied, OutcomeStatus::Already, OutcomeStatus::Waiting,
                OutcomeStatus::Changed, OutcomeStatus::Excepted, OutcomeStatus::Refused, OutcomeStatus::Failed,
                OutcomeStatus::Interrupted,
            ];
            let mut settings = Settings::default();
            let account = common::settings::Account { name: Some(name), ..common::settings::Account::default() };
            settings.accounts.insert("111122223333".parse().unwrap(), account);
            let mut groups = Groups::default();
            for (one, other, severity, status) in &texts {
                let mut finding = samples::finding("b", Severity::ALL[*severity]);
                (finding.title, finding.id, finding.r#type) = (one.clone(), other.clone(), other.clone());
                finding.reason = Some(other.clone());
                finding.arn.resource.clone_from(other);
                groups.finding(finding);
                let mut outcome = samples::outcome("b", statuses[*status]);
                (outcome.title, outcome.reason, outcome.check) = (other.clone(), Some(one.clone()), Some(one.clone()));
                outcome.arn = None;
                groups.outcome(outcome);
                groups.scope(&serde_json::from_value(json!({
                    "account": "111122223333", "region": "eu-west-1", "type": one, "status": "failed",
                    "error": {"operation": other, "code": one, "message": other}
                })).unwrap());
            }
            let groups = groups.finish(&settings);
            let posts = posts(&groups[0]).unwrap();
            prop_assert!((1..=Slack::MESSAGES).contains(&posts.len()));
            for post in &posts {
                check(&post.body);
            }
            prop_assert_eq!(posts.iter().map(|post| post.keys.len()).sum::<usize>(), 3 * texts.len());
            let letters = crate::render::text::letters(&groups[0]);
            prop_assert_eq!(letters.len(), 1);
            prop_assert!(letters[0].body.len() <= crate::render::text::MESSAGE);
            prop_assert!(letters[0].subject.len() <= crate::render::text::SUBJECT);
            prop_assert!(letters[0].subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(!letters[0].body.chars().any(|character| character.is_control() && character != '\n'));
            prop_assert_eq!(letters[0].keys.len(), 3 * texts.len());
        }
    }
}
