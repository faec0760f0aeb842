//! Events from stdin and from files: no credentials needed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use common::cli::Failure;
use common::event::{Events, Found, What};
use common::stream::ReadError;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::input::{Input, Inputs, Stop};
use super::sources::Source;

/// How many events are handed on at once, and how many bytes of them.
const MOST: usize = 256;
const MOST_BYTES: usize = 1 << 20;

/// For how long a reader that is told to stop may hand on what it had read.
const LAST: Duration = Duration::from_millis(200);

/// Stdin, and files, one after the other.
pub(crate) struct Local {
    stdin: Option<Box<dyn Read + Send>>,
    files: Vec<PathBuf>,
}

impl Local {
    /// These files, of which `-` is stdin; stdin, where there is none.
    pub(crate) fn new(files: Vec<PathBuf>, stdin: Box<dyn Read + Send>) -> Self {
        let files = if files.is_empty() { vec![PathBuf::from("-")] } else { files };
        Self { stdin: Some(stdin), files }
    }

    /// Reads all of it. A file that cannot be read costs only itself.
    fn read(mut self, out: &mpsc::Sender<Vec<Input>>) {
        for path in std::mem::take(&mut self.files) {
            let origin = path.display().to_string();
            let read = if path.as_os_str() == "-" {
                let Some(stdin) = self.stdin.take() else { continue };
                pass_on(stdin, "stdin", "", out)
            } else {
                match File::open(&path) {
                    Ok(file) => pass_on(file, "file", &origin, out),
                    Err(error) => out.blocking_send(vec![Input::Lost { origin, error }]).is_ok(),
                }
            };
            if !read {
                return;
            }
        }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Local").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Hands on what an input holds: whether anybody still listens.
fn pass_on(input: impl Read, source: &'static str, origin: &str, out: &mpsc::Sender<Vec<Input>>) -> bool {
    let mut events = Events::new(input);
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(next) = events.next() {
        bytes += next.as_ref().map_or(0, size);
        batch.push(match next {
            Ok(found) => Input::Found { found, source, origin: origin.to_owned() },
            Err(ReadError::Broken(broken)) => Input::Broken(place(origin, &broken.to_string())),
            Err(ReadError::Io { source: error, line }) => {
                let error = io::Error::new(error.kind(), format!("beyond line {line}: {error}"));
                Input::Lost { origin: origin.to_owned(), error }
            }
        });
        // What is at hand is handed on before anything is waited for.
        if batch.len() >= MOST || bytes >= MOST_BYTES || !events.ready() {
            bytes = 0;
            if out.blocking_send(std::mem::take(&mut batch)).is_err() {
                return false;
            }
        }
    }
    batch.is_empty() || out.blocking_send(batch).is_ok()
}

/// How many bytes of memory something takes, about.
fn size(found: &Found) -> usize {
    match &found.what {
        What::Record(item) | What::Health(item) | What::Other(item) => item.text.len(),
        What::File(_) | What::Nothing(_) => 0,
    }
}

/// Something with the place where it stood.
pub(super) fn place(origin: &str, what: &str) -> String {
    if origin.is_empty() { what.to_owned() } else { format!("{origin}: {what}") }
}

impl Source for Local {
    fn run(self: Box<Self>, inputs: Inputs, mut stop: Stop) -> BoxFuture<'static, Result<(), Failure>> {
        Box::pin(async move {
            let (sender, mut batches) = mpsc::channel(2);
            // Nobody can call a read of stdin off: the thread is left behind when the run is told to end.
            std::thread::Builder::new()
                .name("input".to_owned())
                .spawn(move || self.read(&sender))
                .map_err(|error| Failure::Start(format!("cannot start the thread that reads: {error}")))?;
            loop {
                tokio::select! {
                    biased;
                    () = stop.told() => break,
                    batch = batches.recv() => match batch {
                        Some(batch) => if inputs.send(batch).await.is_err() { return Ok(()) },
                        None => return Ok(()),
                    },
                }
            }
            let last = Instant::now() + LAST;
            while let Ok(Some(batch)) = timeout_at(last, batches.recv()).await {
                if inputs.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        })
    }
}
