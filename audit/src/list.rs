//! `--list-checks`.

use std::fmt::Write as _;
use std::io::Write as _;

use common::cli::{Failure, Io};
use common::exit::Exit;
use serde::Serialize;

use crate::args::Format;
use crate::checks::{self, About};
use crate::table::columns;

/// A check as a record.
#[derive(Serialize)]
struct Listed<'a> {
    kind: &'static str,
    #[serde(flatten)]
    about: &'a About,
}

/// Writes the checks: those that `only` names, or all.
pub(crate) fn write(only: Option<&[String]>, format: Format, io: Io<'_>) -> Result<Exit, Failure> {
    let chosen: Vec<&About> = checks::all()
        .filter(|about| only.is_none_or(|only| only.iter().any(|wanted| checks::is_named(wanted, about.id))))
        .collect();
    let text = match format {
        Format::Table => table(&chosen),
        Format::Markdown => markdown(&chosen),
        Format::Ndjson => ndjson(&chosen).map_err(|error| Failure::Output(error.into()))?,
    };
    let mut output = io.output;
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

fn ndjson(chosen: &[&About]) -> Result<String, serde_json::Error> {
    let lines: Vec<String> =
        chosen.iter().map(|about| serde_json::to_string(&Listed { kind: "check", about })).collect::<Result<_, _>>()?;
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn table(chosen: &[&About]) -> String {
    let mut table = columns(["check", "type", "severity", "controls", "fix", "what is wrong"], &[(3, 22), (5, 70)]);
    for about in chosen {
        table.add_row([
            about.id,
            about.kind.name(),
            about.severity.name(),
            &about.controls.join(", "),
            &fix(about, str::to_owned),
            about.meaning,
        ]);
    }
    table.trim_fmt() + "\n"
}

/// The README's table.
fn markdown(chosen: &[&About]) -> String {
    let mut text =
        "| check | type | severity | controls | fix | what is wrong |\n|---|---|---|---|---|---|\n".to_owned();
    for about in chosen {
        let fix = fix(about, |action| format!("`{action}`"));
        let About { id, kind, severity, meaning, page, .. } = about;
        let _ = writeln!(
            text,
            "| [`{id}`]({page}) | `{kind}` | {severity} | {} | {fix} | {meaning} |",
            about.controls.join(", ")
        );
    }
    text
}

/// The actions, written in a way, and whether the settings have to turn it on.
fn fix(about: &About, written: impl Fn(&str) -> String) -> String {
    if about.actions.is_empty() {
        return "-".to_owned();
    }
    let actions: Vec<String> = about.actions.iter().copied().map(written).collect();
    actions.join(" or ") + if about.fix { "" } else { " (off)" }
}
