//! `--list-events`: the table for people, for programs, and as patterns of EventBridge rules.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::place::{Change, Events};
use super::table::{ALL, DATED};
use crate::cli::ListFormat;

/// How many characters a pattern may have, unless AWS was asked for more:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>.
const LONGEST: usize = 2048;

/// An event and one type of what it changes.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    /// The event's source, such as `s3.amazonaws.com`.
    source: String,
    /// What was called. A `*` stands for the version that some services put behind it.
    name: String,
    /// The type of what is looked at.
    r#type: &'static str,
    /// Where the record has its id, or what AWS is asked.
    id: String,
    /// How many seconds to wait before the look.
    delay: u16,
}

impl Row {
    fn of(events: &Events, name: &str, change: &Change) -> Self {
        Self {
            kind: "event",
            source: source(events.service),
            name: if events.service == DATED { format!("{name}*") } else { name.to_owned() },
            r#type: change.kind.name(),
            id: change.place.words(),
            delay: events.delay,
        }
    }
}

/// Prints the table.
///
/// # Errors
///
/// The output's.
pub(crate) fn list(output: &mut dyn Write, format: ListFormat) -> io::Result<()> {
    let text = match format {
        ListFormat::Table => table(&rows()),
        ListFormat::Json => lines(&rows())?,
        ListFormat::Eventbridge => lines(&patterns()?)?,
    };
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// An event source by its service.
fn source(service: &str) -> String {
    format!("{service}.amazonaws.com")
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for events in ALL.iter().copied().flatten() {
        for name in events.names {
            rows.extend(events.changes.iter().map(|change| Row::of(events, name, change)));
        }
    }
    rows
}

fn lines(values: &[impl Serialize]) -> io::Result<String> {
    let lines: Vec<String> = values.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn table(rows: &[Row]) -> String {
    let header = ["event source", "event", "type", "delay", "where its id stands"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let delay = if row.delay == 0 { "-".to_owned() } else { format!("{}s", row.delay) };
        [row.source.clone(), row.name.clone(), row.r#type.to_owned(), delay, row.id.clone()]
    });
    let lines: Vec<[String; 5]> = std::iter::once(header).chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for [source, name, kind, delay, id] in &lines {
        let _ = writeln!(
            text,
            "{source:0$}  {name:1$}  {kind:2$}  {delay:3$}  {id}",
            widths[0], widths[1], widths[2], widths[3],
        );
    }
    text
}

/// A pattern of an EventBridge rule:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html>.
#[derive(Serialize)]
struct Pattern {
    #[serde(rename = "detail-type")]
    detail_type: [&'static str; 1],
    detail: Detail,
}

/// What the record in an event has to be like.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// Of a call that succeeded.
    error_code: [Exists; 1],
    #[serde(flatten)]
    calls: Calls,
}

#[derive(Serialize)]
struct Exists {
    exists: bool,
}

/// Of which calls it is.
#[derive(Serialize)]
#[serde(untagged)]
enum Calls {
    One(Branch),
    /// At least two: AWS takes `$or` of a single one for a field.
    Any {
        #[serde(rename = "$or")]
        branches: Vec<Branch>,
    },
}

/// The calls of one service.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Branch {
    event_source: [String; 1],
    event_name: Vec<Name>,
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Name {
    Exact(&'static str),
    Prefix { prefix: &'static str },
}

impl Pattern {
    fn of(mut branches: Vec<Branch>) -> Self {
        let only = if branches.len() == 1 { branches.pop() } else { None };
        let calls = only.map_or(Calls::Any { branches }, Calls::One);
        let detail = Detail { error_code: [Exists { exists: false }], calls };
        Self { detail_type: ["AWS API Call via CloudTrail"], detail }
    }
}

/// As few patterns as hold all events, none of them too long, always the same.
fn patterns() -> io::Result<Vec<Pattern>> {
    let mut patterns = Vec::new();
    let mut open: Vec<Branch> = Vec::new();
    for (service, names) in services() {
        for name in names {
            let name = if service == DATED { Name::Prefix { prefix: name } } else { Name::Exact(name) };
            let longer = with(open.clone(), service, name.clone());
            if serde_json::to_string(&Pattern::of(longer.clone()))?.len() <= LONGEST {
                open = longer;
            } else {
                patterns.push(Pattern::of(open));
                open = with(Vec::new(), service, name);
            }
        }
    }
    patterns.push(Pattern::of(open));
    Ok(patterns)
}

/// The services with the names of their calls, each in the order in which the table has them first.
fn services() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut services: Vec<(&str, Vec<&str>)> = Vec::new();
    for events in ALL.iter().copied().flatten() {
        match services.iter_mut().find(|(service, _)| *service == events.service) {
            Some((_, names)) => names.extend(events.names),
            None => services.push((events.service, events.names.to_vec())),
        }
    }
    services
}

fn with(mut branches: Vec<Branch>, service: &str, name: Name) -> Vec<Branch> {
    let source = source(service);
    match branches.last_mut().filter(|last| last.event_source[0] == source) {
        Some(last) => last.event_name.push(name),
        None => branches.push(Branch { event_source: [source], event_name: vec![name] }),
    }
    branches
}
