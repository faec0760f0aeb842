//! Lists on their way out: as records, as a table for people, as CSV for spreadsheets.

mod sheet;
pub(crate) mod which;

use std::io::Write;

use common::cli::{Failure, Io};
use common::clock;
use common::exit::Exit;
use common::record::{KeyStatus, Token, TokenKey};
use common::stream::Writer;
use jiff::Timestamp;

use crate::commands::{Output, Which};
use crate::registry::Registry;

pub(crate) use sheet::Sheet;

/// Writes the tokens that are meant, the oldest first.
pub(crate) fn write(registry: &Registry, which: &Which, output: Output, io: Io<'_>) -> Result<Exit, Failure> {
    let tokens = which.tokens(registry, clock::now())?;
    match output {
        Output::Json => records(&tokens, io.output)?,
        Output::Table => {
            let mut text = table(&tokens);
            text.push_str(&counted(tokens.len(), "token", "tokens"));
            text.push('\n');
            put(io.output, text.as_bytes())?;
        }
        Output::Csv => put(io.output, &csv(&tokens).map_err(Failure::Output)?)?,
    }
    Ok(Exit::Done)
}

/// Writes records, one a line.
pub(crate) fn records<T: serde::Serialize>(records: &[T], output: impl Write) -> Result<(), Failure> {
    let mut writer = Writer::new(output);
    records.iter().try_for_each(|record| writer.write(record)).map_err(Failure::Output)?;
    flush(writer)
}

/// Sends off what was written, through all buffers.
pub(crate) fn flush<W: Write>(writer: Writer<W>) -> Result<(), Failure> {
    writer.into_inner().and_then(|mut out| out.flush()).map_err(Failure::Output)
}

/// Writes a text that is whole.
pub(crate) fn put(mut output: impl Write, text: &[u8]) -> Result<(), Failure> {
    output.write_all(text).and_then(|()| output.flush()).map_err(Failure::Output)
}

/// A number with its noun.
pub(crate) fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// What people want to see at once.
fn table(tokens: &[Token]) -> String {
    let mut sheet =
        Sheet::new(["state", "owner", "location", "account", "user", "keys", "planted", "expires", "fired"]);
    for token in tokens {
        // Those that rotation left behind are nobody's any more, unless the token itself is gone.
        let is_shown = |key: &&TokenKey| key.status != KeyStatus::Deleted || !token.state.is_there();
        let keys = token.keys.iter().filter(is_shown).map(|key| match key.status {
            KeyStatus::Active | KeyStatus::Deleted => key.id.clone(),
            other => format!("{} ({other})", key.id),
        });
        let planted = token.planted.iter().map(place);
        sheet.add([
            token.state.to_string(),
            token.owner.clone(),
            token.location.clone(),
            token.account.as_str().to_owned(),
            token.id.clone(),
            keys.collect::<Vec<_>>().join(" "),
            planted.collect::<Vec<_>>().join(", "),
            token.expires_at.map(day).unwrap_or_default(),
            token.fired.as_ref().map(|fired| format!("{} ({})", fired.events, minute(fired.last))).unwrap_or_default(),
        ]);
    }
    sheet.table(&[(1, 20), (2, 30), (4, 32), (6, 40)])
}

/// All of it, but for what has no place in a spreadsheet.
fn csv(tokens: &[Token]) -> std::io::Result<Vec<u8>> {
    let mut sheet = Sheet::new([
        "token",
        "state",
        "account",
        "user",
        "arn",
        "principal_id",
        "guard",
        "owner",
        "location",
        "notes",
        "labels",
        "keys",
        "created_at",
        "expires_at",
        "expired_at",
        "blind_since",
        "deleted_at",
        "planted",
        "drilled_at",
        "drill_latency_seconds",
        "events",
        "suppressed",
        "first_event_at",
        "last_event_at",
    ]);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    for token in tokens {
        let labels = token.labels.iter().map(|(name, value)| format!("{name}={value}"));
        let keys = token.keys.iter().map(|key| format!("{} {}", key.id, key.status));
        let (fired, drill) = (token.fired.as_ref(), token.drill.as_ref());
        sheet.add([
            token.token.clone(),
            token.state.to_string(),
            token.account.as_str().to_owned(),
            token.id.clone(),
            token.arn.to_string(),
            token.principal_id.clone().unwrap_or_default(),
            token.guard.to_string(),
            token.owner.clone(),
            token.location.clone(),
            token.notes.clone(),
            labels.collect::<Vec<_>>().join("; "),
            keys.collect::<Vec<_>>().join("; "),
            token.created_at.to_string(),
            time(token.expires_at),
            time(token.expired_at),
            time(token.blind_since),
            time(token.deleted_at),
            token.planted.iter().map(place).collect::<Vec<_>>().join("; "),
            time(drill.map(|drill| drill.at)),
            drill.and_then(|drill| drill.latency_seconds).map(|latency| latency.to_string()).unwrap_or_default(),
            fired.map(|fired| fired.events.to_string()).unwrap_or_default(),
            fired.map(|fired| fired.suppressed.to_string()).unwrap_or_default(),
            time(fired.map(|fired| fired.first)),
            time(fired.map(|fired| fired.last)),
        ]);
    }
    sheet.csv()
}

/// Where a key lies, as people write it: `host:path`.
fn place(planting: &common::record::Planting) -> String {
    if planting.host.is_empty() { planting.path.clone() } else { format!("{}:{}", planting.host, planting.path) }
}

/// The day, in UTC.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// The minute, in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

#[cfg(test)]
mod tests {
    use common::record::TokenState;

    use super::*;
    use crate::registry::tests::token;

    #[test]
    fn keys_that_are_gone_stand_with_tokens_that_are_gone_alone() {
        let key = |id: &str, status| TokenKey {
            id: id.into(),
            status,
            created_at: "2026-11-21T00:00:00Z".parse().unwrap(),
            deleted_at: None,
            last_used: None,
        };
        let mut rotated = token("t1", "svc");
        rotated.state = TokenState::Active;
        rotated.keys = vec![
            key("AKIAOLD", KeyStatus::Deleted),
            key("AKIANEW", KeyStatus::Active),
            key("AKIAOFF", KeyStatus::Inactive),
        ];
        let shown = table(std::slice::from_ref(&rotated));
        assert!(!shown.contains("AKIAOLD") && shown.contains("AKIANEW AKIAOFF (inactive)"), "{shown}");
        rotated.state = TokenState::Deleted;
        assert!(table(&[rotated]).contains("AKIAOLD"));
    }

    #[test]
    fn what_strangers_wrote_breaks_neither_table_nor_csv() {
        let mut hostile = token("t1", "svc");
        hostile.owner = "=cmd|' /C calc'!A0".into();
        hostile.location = "a\u{1b}[2J\r\nb\",x".into();
        hostile.notes = "\t@SUM(1)".into();
        let table = table(std::slice::from_ref(&hostile));
        assert_eq!(table.lines().count(), 2, "{table:?}");
        assert!(!table.contains('\u{1b}'), "{table:?}");
        let text = String::from_utf8(csv(&[hostile]).unwrap()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.get(7), Some("'=cmd|' /C calc'!A0"));
        assert_eq!(row.get(8), Some("a?[2J  b\",x"));
        assert_eq!(row.get(9), Some("' @SUM(1)"));
    }
}
