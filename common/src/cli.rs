//! How every tool starts, speaks and ends.
//!
//! `main.rs` is one call of [`main`]. The tool's `run` gets its arguments, its settings, an input, an output and a voice
//! ([`Say`]), so that a test can call it with a byte slice and a `Vec<u8>`. stdout is for records only; stderr is for
//! people. A closed stdout is a quiet end.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser};

use crate::exit::Exit;
use crate::resource::ResourceType;
use crate::settings::Settings;
use crate::stream::is_broken_pipe;

/// Where `--help` shows what every command has: behind what the command has of its own.
pub const LAST: usize = 900;

/// What every tool's command line has.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The settings file (TOML)
    #[arg(long, value_name = "FILE", env = "SLUICE_CONFIG", global = true, display_order = LAST)]
    pub config: Option<PathBuf>,
    /// Say more on stderr
    #[arg(short, long, global = true, display_order = LAST, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true, display_order = LAST)]
    pub quiet: bool,
}

/// A parser of resource types that knows them all, so that `--help` and a mistake list them.
pub fn resource_types() -> impl TypedValueParser<Value = ResourceType> {
    PossibleValuesParser::new(ResourceType::ALL.iter().map(|kind| kind.name()))
        .try_map(|name| name.parse::<ResourceType>())
}

/// A tool's command line.
pub trait Tool: Parser {
    /// The tool's name, as it stands before each line on stderr.
    const NAME: &'static str;

    /// The part that every tool has.
    fn common(&self) -> &Common;
}

/// Where a tool reads, writes and speaks.
pub struct Io<'a> {
    /// Records in.
    pub input: Box<dyn Read + Send + 'a>,
    /// Records out. Buffered: flush where a reader must not wait.
    pub output: Box<dyn Write + Send + 'a>,
    /// Whether the output is a person's terminal.
    pub terminal: bool,
    /// Words for people.
    pub say: &'a Say,
}

impl std::fmt::Debug for Io<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Io").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

/// Why a tool could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments contradict each other in a way that clap cannot see.
    #[error("{0}")]
    Usage(String),
    /// Credentials, settings, files.
    #[error("{0}")]
    Start(String),
    /// The input broke off.
    #[error("cannot read the input: {0}")]
    Input(io::Error),
    /// The output cannot be written. A closed pipe is a quiet end.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// A part of the work was lost, and no record says so.
    #[error("{0}")]
    Incomplete(String),
}

impl Failure {
    /// The code that the tool ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Start(_) => Exit::CannotStart,
            Self::Output(error) if is_broken_pipe(error) => Exit::Done,
            Self::Input(_) | Self::Output(_) | Self::Incomplete(_) => Exit::Incomplete,
        }
    }
}

impl From<crate::settings::SettingsError> for Failure {
    fn from(error: crate::settings::SettingsError) -> Self {
        Self::Start(error.to_string())
    }
}

impl From<crate::settings::ExceptionsError> for Failure {
    fn from(error: crate::settings::ExceptionsError) -> Self {
        Self::Start(error.to_string())
    }
}

/// Runs a tool with the process's own arguments, stdin, stdout and stderr.
pub fn main<T: Tool>(run: impl FnOnce(T, &Settings, Io<'static>) -> Result<Exit, Failure>) -> ExitCode {
    let arguments = T::parse();
    let common = arguments.common();
    // For as long as the process lives: a thread that waits for input outlives a run that is told to end.
    let say: &'static Say = Box::leak(Box::new(Say::stderr(T::NAME, common)));
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let io = Io { input: Box::new(io::stdin()), output: Box::new(BufWriter::new(stdout)), terminal, say };
    let result = Settings::load(common.config.as_deref())
        .map_err(Failure::from)
        .and_then(|settings| run(arguments, &settings, io));
    say.end_progress();
    finish(say, result).into()
}

/// Says why a tool could not go on, and with which code it ends.
fn finish(say: &Say, result: Result<Exit, Failure>) -> Exit {
    result.unwrap_or_else(|failure| {
        let exit = failure.exit();
        if exit != Exit::Done {
            say.error(&failure);
        }
        exit
    })
}

/// A tool's voice on stderr: `tool: what happened`, one line each.
///
/// Control characters are taken out, whatever the text holds: names, tags and user agents come from strangers, and an
/// escape sequence can rewrite a terminal.
pub struct Say {
    tool: &'static str,
    level: Level,
    progress: bool,
    state: Mutex<State>,
}

/// How many columns a progress line may take: one that wraps cannot be taken away.
const PROGRESS: usize = 79;

/// How many characters of a line are shown: an error may quote a name of a megabyte.
const LONGEST: usize = 2000;

struct State {
    out: Box<dyn Write + Send>,
    /// How many columns of a progress line stand on the terminal.
    shown: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Quiet,
    Normal,
    Verbose,
}

impl std::fmt::Debug for Say {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Say").field("tool", &self.tool).field("level", &self.level).finish_non_exhaustive()
    }
}

impl Say {
    /// A voice on the process's stderr, with a progress line where that is a terminal.
    pub fn stderr(tool: &'static str, common: &Common) -> Self {
        let level = match (common.quiet, common.verbose) {
            (true, _) => Level::Quiet,
            (_, true) => Level::Verbose,
            _ => Level::Normal,
        };
        let progress = level != Level::Quiet && io::stderr().is_terminal();
        Self { tool, level, progress, state: Mutex::new(State { out: Box::new(io::stderr()), shown: 0 }) }
    }

    /// A voice that speaks into `out`, for tests.
    pub fn to(tool: &'static str, out: impl Write + Send + 'static) -> Self {
        Self { tool, level: Level::Verbose, progress: false, state: Mutex::new(State { out: Box::new(out), shown: 0 }) }
    }

    /// Something went wrong.
    pub fn error(&self, what: impl Display) {
        self.line(Level::Quiet, "error: ", &what);
    }

    /// Something should be known, though the work goes on.
    pub fn warn(&self, what: impl Display) {
        self.line(Level::Quiet, "warning: ", &what);
    }

    /// What a person is glad to know.
    pub fn note(&self, what: impl Display) {
        self.line(Level::Normal, "", &what);
    }

    /// What a person wants to know with `-v`.
    pub fn detail(&self, what: impl Display) {
        self.line(Level::Verbose, "", &what);
    }

    /// A line of data for another program (`--stats`), as it is, whatever the level.
    pub fn data(&self, line: &str) {
        self.with(|state| writeln!(state.out, "{line}"));
    }

    /// How far the work is: a line that the next one replaces. Only on a terminal.
    pub fn progress(&self, what: impl Display) {
        if !self.progress {
            return;
        }
        let text: String = printable(&format!("{}: {what}", self.tool)).chars().take(PROGRESS).collect();
        self.with(|state| {
            let width = text.chars().count();
            let blank = state.shown.saturating_sub(width);
            state.shown = width;
            write!(state.out, "\r{text}{:blank$}", "")?;
            state.out.flush()
        });
    }

    /// Takes the progress line away.
    pub fn end_progress(&self) {
        self.with(|_| Ok(()));
    }

    fn line(&self, level: Level, prefix: &str, what: &dyn Display) {
        if level <= self.level {
            let mut what = what.to_string();
            if let Some((end, _)) = what.char_indices().nth(LONGEST) {
                what.truncate(end);
                what.push_str(" ...");
            }
            let text = printable(&what);
            self.with(|state| writeln!(state.out, "{}: {prefix}{text}", self.tool));
        }
    }

    fn with(&self, write: impl FnOnce(&mut State) -> io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.shown > 0 {
            let blank = state.shown;
            state.shown = 0;
            let _ = write!(state.out, "\r{:blank$}\r", "");
        }
        // There is nobody left to tell when stderr itself is closed.
        let _ = write(&mut state);
        let _ = state.out.flush();
    }
}

/// An output that can be read back: what a test gives to a tool.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// What was written; bytes that are no UTF-8 as `U+FFFD`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text that can be shown on a terminal or in a message, on one line. See [`visible`].
pub fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// What is shown for a character from a stranger. Control characters (escape sequences among them), those that change the
/// direction of writing, and those without any width, in which instructions for machines that read messages are hidden,
/// become `?`; line breaks of all kinds become spaces. The joiners U+200C and U+200D stay: Persian and Hindi are spelt
/// with them.
pub fn visible(character: char) -> char {
    match character {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '?',
        other if other.is_control() => '?',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_strangers_cannot_rewrite_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\r\nd"), "a?[2Jb?c  d");
        let out = Captured::default();
        Say::to("poll", out.clone()).warn("bucket \u{1b}]0;x\u{7}");
        assert_eq!(out.text(), "poll: warning: bucket ?]0;x?\n");
    }

    #[test]
    fn a_closed_pipe_is_a_quiet_end() {
        let out = Captured::default();
        let say = Say::to("poll", out.clone());
        let closed = Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(finish(&say, Err(closed)), Exit::Done);
        assert_eq!(out.text(), "");
        assert_eq!(finish(&say, Err(Failure::Start("no credentials".into()))), Exit::CannotStart);
        assert_eq!(finish(&say, Err(Failure::Output(io::Error::from(io::ErrorKind::StorageFull)))), Exit::Incomplete);
    }
}
