//! Where secrets go: stdout, or a file each.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use common::cli::Failure;
use common::id::Region;
use common::record::Token;
use common::stream::is_broken_pipe;
use tempfile::Builder;

use super::{Format, Handout, record};
use crate::commands::HandOut;

/// Where secrets go. To be shared between tasks by reference.
pub(crate) struct Hand {
    format: Format,
    directory: Option<PathBuf>,
    profile: String,
    region: Option<Region>,
    out: Mutex<Out>,
}

/// stdout.
struct Out {
    output: Box<dyn Write + Send>,
    /// How many were handed out on it.
    given: u64,
    /// Why it is of no use any more. What a buffer holds back after a failure could still come out with the next one: a
    /// secret that was taken back by then.
    broken: Option<(io::ErrorKind, String)>,
}

impl Hand {
    /// Sees to it that secrets can go where they shall, before there are any: to `output`, or into a directory, which is
    /// made where it is missing.
    ///
    /// # Errors
    ///
    /// The format or the profile is none, or nothing can be written into the directory, or anybody could.
    pub(crate) fn new(args: &HandOut, output: Box<dyn Write + Send>) -> Result<Self, Failure> {
        let format = match &args.format {
            Some(name) => name.parse().map_err(Failure::Usage)?,
            None if args.out.is_some() => Format::Credentials,
            None => Format::Json,
        };
        check_profile(&args.as_profile).map_err(Failure::Usage)?;
        let directory = args.out.as_deref().map(prepare).transpose()?;
        let out = Mutex::new(Out { output, given: 0, broken: None });
        Ok(Self { format, directory, profile: args.as_profile.clone(), region: args.as_region.clone(), out })
    }

    /// The profile that was asked for.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// The region that was asked for.
    pub(crate) fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The file in which a key will be; `None` where it goes to stdout. It has the user's name, and a part of the key's id
    /// where the user has had another key: the file of that one may still be there.
    pub(crate) fn place(&self, token: &Token, key: &str) -> Option<PathBuf> {
        let directory = self.directory.as_ref()?;
        let other = token.keys.iter().any(|other| other.id != key);
        let end = key.get(key.len().saturating_sub(4)..).unwrap_or(key);
        let name = if other { format!("{}-{}", token.id, end.to_lowercase()) } else { token.id.clone() };
        Some(directory.join(format!("{name}{}", self.format.ending())))
    }

    /// Hands a key out, and answers with the file that it is in, if there is one. Now the secret is where it shall be, whatever
    /// happens to this process or computer: in a file that was not there before (0600), or written to stdout as a whole.
    ///
    /// With a directory the token's record goes to stdout as well, and whether that can be written is for
    /// [`finish`](Self::finish) to say: the secret is safe.
    ///
    /// # Errors
    ///
    /// The secret is not where it shall be.
    pub(crate) fn give(&self, handout: &Handout<'_>) -> io::Result<Option<PathBuf>> {
        let secret = handout.secret.reveal();
        if secret.is_empty() || !secret.bytes().chain(handout.key.bytes()).all(|byte| byte.is_ascii_graphic()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "this is not what AWS gives for a key and a secret",
            ));
        }
        let Some(path) = self.place(handout.token, handout.key) else {
            self.print(handout)?;
            return Ok(None);
        };
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        save(&path, self.format.render(handout).as_bytes()).map_err(named)?;
        // What is wrong with stdout is remembered there.
        let _ = self.say(&record(handout.token, Some((handout.key, &path))));
        Ok(Some(path))
    }

    /// Says that a token was there already: its record, without a secret, unless what goes to stdout is a file of another
    /// format. A line of JSON would spoil that one.
    ///
    /// # Errors
    ///
    /// stdout cannot be written.
    pub(crate) fn tell(&self, token: &Token) -> io::Result<()> {
        if self.directory.is_none() && self.format != Format::Json {
            return Ok(());
        }
        self.say(&record(token, None))
    }

    /// What was wrong with stdout, if anything: to be asked when all is done. That nobody reads it any more is no failure
    /// where the secrets are in files.
    ///
    /// # Errors
    ///
    /// The first one.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        match out.attempt(|output| output.flush()) {
            Err(error) if !(self.directory.is_some() && is_broken_pipe(&error)) => Err(Failure::Output(error)),
            _ => Ok(()),
        }
    }

    /// Writes a handout to stdout, all of it.
    fn print(&self, handout: &Handout<'_>) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let first = out.given == 0;
        // In one file there is one section of a name: the second one would hide the first.
        let profile = if first { handout.profile } else { handout.token.id.as_str() };
        let text = self.format.text(&Handout { profile, ..*handout }, first);
        out.given += 1;
        out.attempt(|output| {
            output.write_all(text.as_bytes())?;
            output.flush()
        })
    }

    /// Writes a record to stdout.
    fn say(&self, record: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.attempt(|output| {
            output.write_all(format!("{record}\n").as_bytes())?;
            output.flush()
        })
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hand")
            .field("format", &self.format)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Out {
    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if let Some((kind, what)) = &self.broken {
            return Err(io::Error::new(*kind, what.clone()));
        }
        let result = write(self.output.as_mut());
        if let Err(error) = &result {
            self.broken = Some((error.kind(), error.to_string()));
        }
        result
    }
}

/// Whether a text can be a profile's name in all the files that have profiles.
pub(crate) fn check_profile(name: &str) -> Result<(), String> {
    let fits = |character: char| character.is_alphanumeric() || "_+=,.@:/-".contains(character);
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fits) {
        let shown: String = name.chars().take(64).flat_map(char::escape_default).collect();
        return Err(format!("`{shown}` is not a profile's name: up to 64 letters, digits and _+=,.@:/- are expected"));
    }
    Ok(())
}

/// A directory in which files can be made, and nobody else's.
fn prepare(directory: &Path) -> Result<PathBuf, Failure> {
    let failed =
        |error: io::Error| Failure::Start(format!("cannot write secrets into {}: {error}", directory.display()));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(failed)?;
    // The journal names files for whoever comes later, from wherever.
    let directory = fs::canonicalize(directory).map_err(failed)?;
    if directory.to_str().is_none() {
        let why = "its name is not UTF-8, so that it could not be written down where the secrets are: name another";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidFilename, why)));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&directory).map_err(failed)?.permissions().mode();
        // With the sticky bit (/tmp) they may not touch what is not theirs.
        if mode & 0o1002 == 0o002 {
            let why = "anybody can write into it: chmod o-w it, or name another";
            return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, why)));
        }
    }
    // What cannot be written is better known before there are secrets.
    Builder::new().prefix(".").tempfile_in(&directory).map_err(failed)?;
    Ok(directory)
}

/// Where a file is written before it gets its name, so that a run after one that was killed knows it.
pub(super) fn unfinished(path: &Path) -> Option<PathBuf> {
    Some(path.with_file_name(format!(".{}.part", path.file_name()?.to_str()?)))
}

/// Makes a file with this in it; it must not be there yet. It is there as a whole or not at all, and when this answers it
/// survives a power cut.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let part = unfinished(path).ok_or(io::ErrorKind::InvalidFilename)?;
    // These are 0600, and new.
    let name = part.file_name().unwrap_or_default();
    let mut file = Builder::new().prefix(name).rand_bytes(0).tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => {
            io::Error::new(io::ErrorKind::AlreadyExists, "it is there already, and stays as it is")
        }
        _ => error.error,
    })?;
    File::open(directory)?.sync_all()
}
