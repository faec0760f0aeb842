//! A file to which messages are appended: one JSON object a line, of the same shape as a webhook's.
//!
//! A line is there as a whole or not at all: it is written in one piece, while nobody else writes, and it is on the disk
//! before it counts as delivered.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

use super::{Message, SendError};

/// How long to wait for somebody else who writes, before another look.
const WAIT: Duration = Duration::from_millis(10);

/// A file.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    shown: String,
}

impl Lines {
    /// A channel that appends to a file, which need not exist.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), shown: path.display().to_string() }
    }

    pub(super) fn target(&self) -> &str {
        &self.shown
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let mut file = open(&self.path).map_err(|error| self.failed(&error))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // The attempt's own time limit ends this.
                Err(TryLockError::WouldBlock) => sleep(WAIT).await,
                // A file system without locks: what is appended in one piece stays in one piece there, too, as a rule.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
            }
        }
        append(&mut file, &message.body).map_err(|error| self.failed(&error))?;
        Ok(None)
    }

    /// A disk may be full for a while; what is no file, or not ours to write, stays so.
    fn failed(&self, error: &io::Error) -> SendError {
        let why = format!("cannot append to {}: {error}", self.shown);
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::TimedOut => SendError::Again { why, after: None },
            _ => SendError::Refused(why),
        }
    }
}

/// Opens a file for appending, and makes it where it is not there: for its owner alone, since it holds names and keys.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // With reading, for its last byte; and so a pipe without a reader keeps nobody waiting.
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let new = !path.exists();
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if new {
        sync_directory(path)?;
    }
    Ok(file)
}

/// A new file is not lost with the machine once its directory is on the disk.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Appends a line, and ends first what a crash left without its end. What could not be written as a whole is taken back.
fn append(file: &mut File, line: &str) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
    }
    let end = if last == [b'\n'] { "" } else { "\n" };
    let text = format!("{end}{line}\n");
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        // Where not even this can be done, whoever writes next ends the line.
        let _ = file.set_len(length);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        let text = body.to_owned();
        Message { subject: text.clone(), body: text, plain: None, keys: Vec::new(), about: String::new() }
    }

    fn send(path: &Path, body: &str) -> Result<Option<String>, SendError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(Lines::new(path).send(&message(body)))
    }

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("notify-file-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn lines_are_appended_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let path = directory("append").join("said.ndjson");
        for body in [r#"{"n":1}"#, r#"{"n":2}"#] {
            assert_eq!(send(&path, body), Ok(None));
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // The owner may have said otherwise, and it is his file.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(send(&path, "{}"), Ok(None));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn half_a_line_is_ended_first() {
        let path = directory("half").join("said.ndjson");
        std::fs::write(&path, "{\"n\":1}\n{\"n\":").unwrap();
        assert_eq!(send(&path, r#"{"n":2}"#), Ok(None));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":\n{\"n\":2}\n");
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let directory = directory("bad");
        for (path, expected) in [
            (directory.clone(), "directory"),
            (directory.join("none/said.ndjson"), "No such file"),
            (PathBuf::from("/dev/null"), "no regular file"),
        ] {
            let error = send(&path, "{}").unwrap_err();
            let SendError::Refused(why) = &error else { panic!("{error:?}") };
            assert!(why.contains(expected) && why.contains(&path.display().to_string()), "{why}");
        }
    }

    #[test]
    fn a_full_disk_may_be_empty_again() {
        for (kind, again) in [(io::ErrorKind::StorageFull, true), (io::ErrorKind::PermissionDenied, false)] {
            let error = Lines::new(Path::new("said")).failed(&kind.into());
            assert_eq!(matches!(error, SendError::Again { .. }), again, "{error:?}");
        }
    }

    #[test]
    fn lines_of_many_writers_do_not_mix() {
        let path = directory("many").join("said.ndjson");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for line in 0..20 {
                        let text =
                            format!("{{\"writer\":{writer},\"line\":{line},\"text\":\"{}\"}}", "x".repeat(20_000));
                        assert_eq!(send(path, &text), Ok(None));
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 160);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["text"].as_str().unwrap().len(), 20_000);
        }
    }

    #[test]
    fn it_waits_for_whoever_writes() {
        let path = directory("wait").join("said.ndjson");
        let other = open(&path).unwrap();
        other.lock().unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || send(&path, "{}")
        });
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        drop(other);
        assert_eq!(writer.join().unwrap(), Ok(None));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
    }
}
