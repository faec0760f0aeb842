//! What people see: the findings, the worst first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};
use common::cli::printable;
use common::record::{Finding, FindingStatus, Severity};
use common::resource::ResourceType;
use common::settings::Settings;

use crate::filter::Tally;

/// Whether severities are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Yes,
    No,
}

impl Colour {
    /// On a terminal, unless the environment says no (`NO_COLOR`, `TERM=dumb`).
    pub(crate) fn of(terminal: bool) -> Self {
        let wanted = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        if terminal && wanted { Self::Yes } else { Self::No }
    }
}

/// The findings, kept until all are known.
pub(crate) struct Table<'a> {
    settings: &'a Settings,
    colour: Colour,
    rows: Vec<Row>,
}

/// A finding's line. The order of the fields is the order of the lines.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    rank: Rank,
    account: String,
    kind: String,
    id: String,
    title: String,
    region: String,
    fix: String,
}

/// Where a finding stands: what fails, the worst first; then what is unknown, excepted, and passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Fail(std::cmp::Reverse<Severity>),
    Other(FindingStatus),
}

impl Rank {
    fn of(finding: &Finding) -> Self {
        match finding.status {
            FindingStatus::Fail => Self::Fail(std::cmp::Reverse(finding.severity)),
            other => Self::Other(other),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fail(std::cmp::Reverse(severity)) => severity.name(),
            Self::Other(status) => status.name(),
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Fail(std::cmp::Reverse(Severity::Critical)) => AnsiColor::BrightRed.on_default().bold(),
            Self::Fail(std::cmp::Reverse(Severity::High)) => AnsiColor::Red.on_default(),
            Self::Fail(std::cmp::Reverse(Severity::Medium)) => AnsiColor::Yellow.on_default(),
            Self::Fail(std::cmp::Reverse(Severity::Low)) => AnsiColor::Cyan.on_default(),
            Self::Other(FindingStatus::Unknown) => AnsiColor::Magenta.on_default(),
            Self::Other(_) => AnsiColor::Green.on_default(),
        }
    }
}

impl<'a> Table<'a> {
    pub(crate) fn new(settings: &'a Settings, colour: Colour) -> Self {
        Self { settings, colour, rows: Vec::new() }
    }

    /// Takes what the table shows of a finding. Names and tags come from strangers: no control character gets through.
    pub(crate) fn add(&mut self, finding: &Finding) {
        let account = match self.settings.account_name(&finding.account) {
            Some(name) => format!("{} ({name})", finding.account),
            None => finding.account.to_string(),
        };
        let fix = finding.action.as_ref().and_then(common::action::Action::name).unwrap_or("-");
        self.rows.push(Row {
            rank: Rank::of(finding),
            account: printable(&account),
            kind: printable(&finding.r#type),
            id: printable(short_id(finding)),
            title: printable(&what(finding)),
            region: printable(finding.region.as_str()),
            fix: fix.to_owned(),
        });
    }

    /// The table, and below it what it comes to.
    pub(crate) fn render(mut self, tally: &Tally) -> String {
        self.rows.sort();
        let mut text = String::new();
        if !self.rows.is_empty() {
            let header = ["severity", "account", "region", "resource", "what is wrong", "fix"];
            let mut table = columns(header, &[(3, 40), (4, 60)]);
            for row in &self.rows {
                table.add_row([
                    row.rank.name(),
                    &row.account,
                    &row.region,
                    &format!("{} {}", row.kind, row.id),
                    &row.title,
                    &row.fix,
                ]);
            }
            for line in table.trim_fmt().lines() {
                self.line(&mut text, line);
            }
            text.push('\n');
        }
        text.push_str(&self.summary(tally));
        text
    }

    /// A line of the table. Only the first one of a row begins with the word that is coloured.
    fn line(&self, text: &mut String, line: &str) {
        let first = line.split(' ').next().unwrap_or_default();
        let rank = self.rows.iter().map(|row| row.rank).find(|rank| rank.name() == first);
        let _ = match rank {
            Some(rank) if self.colour == Colour::Yes => {
                let style = rank.style();
                writeln!(text, "{style}{first}{style:#}{}", &line[first.len()..])
            }
            _ => writeln!(text, "{line}"),
        };
    }

    fn summary(&self, tally: &Tally) -> String {
        let mut counts: BTreeMap<Rank, u64> = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.rank).or_default() += 1;
        }
        let resources = counted(tally.judged, "resource", "resources");
        let scopes = counted(tally.scopes_ok, "scope", "scopes");
        let mut text = if counts.is_empty() {
            format!("no findings in {resources} ({scopes} ok)\n")
        } else {
            let counts: Vec<String> = counts.iter().map(|(rank, count)| format!("{count} {}", rank.name())).collect();
            format!("{} in {resources} ({scopes} ok)\n", counts.join(", "))
        };
        if let Some(sentence) = tally.not_looked_at() {
            let sentence = printable(&format!("warning: {sentence}"));
            let style = AnsiColor::Yellow.on_default();
            let _ = match self.colour {
                Colour::Yes => writeln!(text, "{style}{sentence}{style:#}"),
                Colour::No => writeln!(text, "{sentence}"),
            };
        }
        text
    }
}

/// As much of the resource's id as tells anything.
fn short_id(finding: &Finding) -> &str {
    finding.r#type.parse().map_or(&finding.id, |kind: ResourceType| kind.short_id(&finding.id))
}

/// The title without the resource, which has a column of its own; and why it is excepted, if it is.
fn what(finding: &Finding) -> Cow<'_, str> {
    let kind = finding.r#type.parse().map(ResourceType::singular).unwrap_or_default();
    let rest = finding.title.strip_prefix(kind).and_then(|rest| rest.trim_start().strip_prefix(short_id(finding)));
    let what = rest.map_or(finding.title.as_str(), str::trim_start);
    match (finding.status, &finding.reason, finding.until) {
        (FindingStatus::Excepted, Some(reason), Some(until)) => format!("{what} (until {until}: {reason})").into(),
        (FindingStatus::Excepted, Some(reason), None) => format!("{what} ({reason})").into(),
        _ => what.into(),
    }
}

/// A number with its noun.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A table without lines, whose widest columns wrap.
pub(crate) fn columns<const N: usize>(header: [&str; N], widest: &[(usize, u16)]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if let Some((_, width)) = widest.iter().find(|(wide, _)| *wide == index) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(*width)));
        }
    }
    table
}
