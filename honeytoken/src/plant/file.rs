//! A credentials file on the disk: replaced as a whole, with the owner and the permissions that it had.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::Builder;
use zeroize::Zeroizing;

/// How long a credentials file may be: what is longer is something else.
const LONGEST: u64 = 1 << 20;

/// A file, as it was read.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it is: what links lead to.
    pub(crate) path: PathBuf,
    read: Option<Metadata>,
}

/// What is in a file. Wiped when it is dropped.
pub(crate) type Content = Zeroizing<Vec<u8>>;

impl Target {
    /// Reads a file; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// It is no file, or too long for one of credentials, or cannot be read.
    pub(crate) fn read(path: &Path) -> io::Result<(Self, Content)> {
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(io::Error::new(io::ErrorKind::NotFound, "it is a link that leads nowhere"));
                }
                return Ok((Self { path: std::path::absolute(path)?, read: None }, Zeroizing::default()));
            }
            Err(error) => return Err(error),
        };
        let read = fs::metadata(&path)?;
        if !read.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        if read.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for a credentials file"));
        }
        // Room for all of it at once: a vector that grows leaves copies of itself behind.
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(read.len()).unwrap_or_default() + 1));
        File::open(&path)?.take(LONGEST).read_to_end(&mut content)?;
        Ok((Self { path, read: Some(read) }, content))
    }

    /// Sees to it that the file can be written, before there is a secret to write: its directory is made where it is missing
    /// (0700), and takes a file.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let directory = self.directory();
        make_directory(directory)?;
        Builder::new().prefix(".").tempfile_in(directory).map(drop)
    }

    /// Replaces the file; a new one is 0600 and belongs to whom its directory belongs to.
    ///
    /// # Errors
    ///
    /// It cannot be written, or somebody else wrote to it in the meantime. It is as it was then.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<()> {
        let directory = self.directory();
        make_directory(directory)?;
        let mut file = Builder::new().prefix(".").tempfile_in(directory)?;
        file.write_all(content)?;
        let own = file.as_file().metadata()?;
        match &self.read {
            Some(like) => {
                take_after(file.path(), &own, like)?;
                file.as_file().set_permissions(like.permissions())?;
            }
            // Whoever plants is root, perhaps: the file is for whoever lives there, and else would look odd. Anybody else may
            // not give files away.
            None => drop(take_after(file.path(), &own, &fs::metadata(directory)?)),
        }
        file.as_file().sync_all()?;
        let changed = io::Error::new(io::ErrorKind::AlreadyExists, "somebody else wrote to it just now: try again");
        match &self.read {
            None => {
                file.persist_noclobber(&self.path).map_err(|error| {
                    if error.error.kind() == io::ErrorKind::AlreadyExists { changed } else { error.error }
                })?;
            }
            Some(read) if is_same(read, &fs::metadata(&self.path)?) => {
                file.persist(&self.path).map_err(|error| error.error)?;
            }
            Some(_) => return Err(changed),
        }
        File::open(directory)?.sync_all()
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Makes a directory where there is none, as `aws configure` would: the user's alone, and of whoever has the one above.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(above) = directory.parent() {
        make_directory(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    if let Some(above) = directory.parent() {
        drop(take_after(directory, &fs::metadata(directory)?, &fs::metadata(above)?));
    }
    Ok(())
}

/// Gives what is at a path to the owner of something else.
#[cfg(unix)]
fn take_after(path: &Path, own: &Metadata, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    let why = |error: io::Error| {
        io::Error::new(error.kind(), format!("it would belong to somebody else afterwards: {error}"))
    };
    chown(path, Some(like.uid()), Some(like.gid())).map_err(why)
}

#[cfg(not(unix))]
fn take_after(_path: &Path, _own: &Metadata, _like: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Whether nobody has written to the file since.
fn is_same(before: &Metadata, now: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (before.dev(), before.ino()) != (now.dev(), now.ino()) {
            return false;
        }
    }
    before.len() == now.len() && before.modified().ok() == now.modified().ok()
}
