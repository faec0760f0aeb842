//! How texts are written in the languages of the formats: each character as it goes, so that no copy of a secret is left
//! behind.

use std::fmt::{self, Display, Write};

/// A language's way to write a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// As it is.
    Plain,
    /// `'it'\''s'`.
    Shell,
    /// `'it''s'`.
    Powershell,
    /// `"50%%"`, without the quotation marks: they stand around the whole assignment.
    Cmd,
    /// Nothing where nothing is special; `'...'`, in which nothing is; `"..."` where there is a `'`.
    Dotenv,
    /// A string of JSON, which is one of YAML, too.
    Json,
    /// A string of YAML in which GitLab takes no `$` for a variable.
    Gitlab,
    /// A string of Terraform's.
    Hcl,
    /// A field of RFC 4180.
    Csv,
}

/// A text, to be written in a language.
pub(super) struct Quoted<'a>(pub(super) &'a str, pub(super) Quote);

impl Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, quote) = *self;
        match quote {
            Quote::Shell => around(out, '\'', text, |out, character| match character {
                '\'' => out.write_str(r"'\''"),
                other => out.write_char(other),
            }),
            Quote::Powershell => around(out, '\'', text, |out, character| match character {
                // Curly ones end a string of PowerShell's as well.
                '\'' | '\u{2018}'..='\u{201b}' => write!(out, "{character}{character}"),
                other => out.write_char(other),
            }),
            Quote::Cmd => text.chars().try_for_each(|character| match character {
                '%' => out.write_str("%%"),
                other => out.write_char(other),
            }),
            Quote::Dotenv if text.chars().all(is_harmless) => out.write_str(text),
            Quote::Dotenv if !text.contains(['\'', '\n', '\r']) => write!(out, "'{text}'"),
            Quote::Dotenv => around(out, '"', text, |out, character| match character {
                '"' | '\\' | '$' | '`' => write!(out, "\\{character}"),
                '\n' => out.write_str("\\n"),
                '\r' => out.write_str("\\r"),
                other => out.write_char(other),
            }),
            Quote::Json => around(out, '"', text, json),
            Quote::Gitlab => around(out, '"', text, |out, character| match character {
                '$' => out.write_str("$$"),
                other => json(out, other),
            }),
            Quote::Hcl => {
                let mut rest = text.chars().peekable();
                out.write_char('"')?;
                while let Some(character) = rest.next() {
                    match character {
                        '$' | '%' if rest.peek() == Some(&'{') => write!(out, "{character}{character}")?,
                        other => json(out, other)?,
                    }
                }
                out.write_char('"')
            }
            Quote::Csv if text.contains(['"', ',', '\n', '\r']) => {
                around(out, '"', text, |out, character| match character {
                    '"' => out.write_str("\"\""),
                    other => out.write_char(other),
                })
            }
            Quote::Plain | Quote::Csv => out.write_str(text),
        }
    }
}

fn around(
    out: &mut fmt::Formatter<'_>,
    mark: char,
    text: &str,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, char) -> fmt::Result,
) -> fmt::Result {
    out.write_char(mark)?;
    text.chars().try_for_each(|character| write(out, character))?;
    out.write_char(mark)
}

fn json(out: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '"' | '\\' => write!(out, "\\{character}"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        control if u32::from(control) < 0x20 || control == '\u{7f}' => write!(out, "\\u{:04x}", u32::from(control)),
        other => out.write_char(other),
    }
}

/// What no dialect of `.env` files takes for anything but itself.
fn is_harmless(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/+=_-.:@,".contains(character)
}
