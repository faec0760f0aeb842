//! `--s3`: the files of a trail, in its bucket.
//!
//! Each folder of an account and a region has a cursor: from which time on its files, by their names, are looked at. That lies
//! [`OVERLAP`] behind the last one that was read, since files come late; those of that time that were read are noted. Neither
//! is changed before what was read has settled, so that a file may be read twice, and none is left out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::aws::{AwsError, Bucket, Session};
use common::clock;
use common::event::{self, Found, S3File, What};
use common::stream::ReadError;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::pass::{End, Pass, broken, settled};
use super::trail::{Folder, Place, TrailUrl, place};
use super::trouble::Troubles;
use super::{Setup, earlier};
use crate::registry::TrailFile;
use crate::watch::input::{Input, Inputs, Stop};

/// How long after others that have a later time in their names files may come.
const OVERLAP: SignedDuration = SignedDuration::from_hours(3);
/// After how many files it is taken down that they were read.
const CHUNK: usize = 64;
/// How many files are fetched at once, and how many folders are listed.
const FILES: usize = 4;
const LISTINGS: usize = 8;
/// How often a file is tried before it is given up, and how long that rests at most until then: 20 hours in all.
const TRIES: u32 = 12;
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(6);

/// The files of a trail.
#[derive(Debug)]
pub(super) struct Trail {
    setup: Setup,
    url: TrailUrl,
    troubles: Troubles,
    fetching: Semaphore,
    listing: Semaphore,
    is_said_empty: bool,
}

/// What became of a file.
enum Fetched {
    Read,
    /// It is no whole file of events; that was said.
    Damaged,
    Failed(AwsError),
}

impl Trail {
    pub(super) fn new(setup: Setup, url: TrailUrl) -> Self {
        let (fetching, listing) = (Semaphore::new(FILES), Semaphore::new(LISTINGS));
        Self { setup, url, troubles: Troubles::default(), fetching, listing, is_said_empty: false }
    }

    /// All folders with files. A part of the tree that cannot be listed is named, and says whether there is one.
    async fn folders(&self, bucket: &Bucket<'_>, inputs: &Inputs) -> Result<(Vec<Folder>, bool), End> {
        let (mut files, mut left, mut complete) = (Vec::new(), vec![self.url.root()], true);
        while !left.is_empty() {
            let mut inner = Vec::new();
            for place in left.drain(..) {
                match place {
                    Place::Files(folder) => files.push(folder),
                    Place::Inner { path, holds } => inner.push((path, holds)),
                    Place::None => {}
                }
            }
            let listed = join_all(inner.iter().map(|(path, _)| self.listed(bucket, path))).await;
            for ((path, holds), listed) in inner.iter().zip(listed) {
                match listed {
                    Some(Ok(folders)) => {
                        self.worked(path);
                        left.extend(folders.iter().filter(|folder| holds.has(folder)).map(|folder| place(folder)));
                    }
                    Some(Err(error)) => {
                        complete = false;
                        self.failed(inputs, path, &error).await?;
                    }
                    None => complete = false,
                }
            }
        }
        Ok((files, complete))
    }

    async fn listed(&self, bucket: &Bucket<'_>, path: &str) -> Option<Result<Vec<String>, AwsError>> {
        if !self.troubles.is_due(path, Instant::now()) {
            return None;
        }
        let _turn = self.listing.acquire().await.ok()?;
        Some(bucket.folders(path).await)
    }

    /// Reads what is new in a folder.
    async fn read(
        &self,
        session: &Session,
        bucket: &Bucket<'_>,
        folder: &Folder,
        start: Timestamp,
        inputs: &Inputs,
        stop: &Stop,
    ) -> Result<(), End> {
        let Setup { registry, .. } = &self.setup;
        if !self.troubles.is_due(&folder.prefix, Instant::now()) {
            return Ok(());
        }
        let Ok(_turn) = self.listing.acquire().await else { return Ok(()) };
        let source = format!("s3://{}/{}", self.url.bucket, folder.prefix);
        let from = if let Some(from) = registry.cursor(&source)? {
            from
        } else {
            // Also where nothing can be read today: it is read from here on some time.
            registry.set_cursor(&source, start, clock::now())?;
            start
        };
        let known: HashMap<String, TrailFile> =
            registry.trail_files(&source)?.into_iter().map(|file| (file.key.clone(), file)).collect();
        let mut progress = Progress { source: &source, folder, from };
        let after = folder.before(from);
        let mut listing = bucket.list(&folder.prefix, Some(&after));
        while let Some(page) = listing.next().await {
            let keys = match page {
                Ok(keys) => keys,
                Err(error) => return self.failed(inputs, &folder.prefix, &error).await,
            };
            let is_new = |key: &String| !known.contains_key(key) && folder.time(key).is_some_and(|time| time >= from);
            let new: Vec<TrailFile> = keys.into_iter().filter(is_new).map(TrailFile::new).collect();
            for chunk in new.chunks(CHUNK) {
                if stop.is_told() || !self.chunk(session, &mut progress, chunk, inputs).await? {
                    return Ok(());
                }
            }
        }
        let now = clock::now();
        let is_due = |file: &TrailFile| file.failures > 0 && (self.setup.once || file.is_due(now));
        let again: Vec<TrailFile> = known.into_values().filter(is_due).collect();
        if !again.is_empty() && !stop.is_told() && !self.chunk(session, &mut progress, &again, inputs).await? {
            return Ok(());
        }
        self.worked(&folder.prefix);
        Ok(())
    }

    /// Reads some files and, when what they hold has settled, takes that down. Says whether to go on with the folder.
    async fn chunk(
        &self,
        session: &Session,
        progress: &mut Progress<'_>,
        files: &[TrailFile],
        inputs: &Inputs,
    ) -> Result<bool, End> {
        let fetched = join_all(files.iter().map(|file| self.fetched(session, &file.key, inputs))).await;
        let denied = |fetched: &Fetched| matches!(fetched, Fetched::Failed(error) if error.is_denied());
        if let Some(Fetched::Failed(error)) = fetched.first()
            && fetched.iter().all(denied)
        {
            // It is no matter of single files: none of them is given up for that.
            self.failed(inputs, &progress.folder.prefix, error).await?;
            return Ok(false);
        }
        let now = clock::now();
        let mut noted = Vec::with_capacity(files.len());
        for (file, fetched) in files.iter().zip(fetched) {
            let failures = match fetched {
                Fetched::Read => 0,
                Fetched::Damaged => self.again(inputs, file, None).await?,
                Fetched::Failed(error) => self.again(inputs, file, Some(error)).await?,
            };
            noted.push(TrailFile { failures, at: now, key: file.key.clone() });
        }
        if settled(inputs).await?.is_none() {
            return Ok(false);
        }
        let newest = files.iter().filter_map(|file| progress.folder.time(&file.key)).max();
        progress.from = newest.map_or(progress.from, |newest| earlier(newest, OVERLAP).max(progress.from));
        let oldest = progress.folder.before(progress.from);
        self.setup.registry.files_read(progress.source, &noted, progress.from, &oldest)?;
        Ok(true)
    }

    /// Says that a file could not be read, and how often that has been so: 0 where it is given up.
    async fn again(&self, inputs: &Inputs, file: &TrailFile, error: Option<AwsError>) -> Result<u32, End> {
        let failures = file.failures.saturating_add(1);
        // The trail's own lifecycle was faster.
        let is_gone = error.as_ref().is_some_and(|error| error.code() == "NoSuchKey");
        let given_up = is_gone || failures >= TRIES;
        if file.failures == 0 || self.setup.once || given_up {
            let file = S3File { bucket: self.url.bucket.clone(), key: file.key.clone() };
            let why = error.map_or_else(|| format!("{file}: it is no whole file of events"), |error| error.to_string());
            let next = if given_up { "it is given up" } else { "it is tried again" };
            broken(inputs, format!("{why}; {next}")).await?;
        }
        Ok(if given_up { 0 } else { failures })
    }

    async fn fetched(&self, session: &Session, key: &str, inputs: &Inputs) -> Fetched {
        let Ok(_turn) = self.fetching.acquire().await else { return Fetched::Damaged };
        let file = S3File { bucket: self.url.bucket.clone(), key: key.to_owned() };
        let (whole, found) = found_in_file(&file, "s3");
        match event::fetch(session, &file, inputs, found).await {
            Err(error) => Fetched::Failed(error),
            Ok(()) if whole.load(Ordering::Relaxed) => Fetched::Read,
            Ok(()) => Fetched::Damaged,
        }
    }

    /// Says that a folder cannot be read. S3's errors name it.
    async fn failed(&self, inputs: &Inputs, what: &str, error: &AwsError) -> Result<(), End> {
        if self.troubles.failed(what, error, self.setup.pause, Instant::now()) {
            broken(inputs, error.to_string()).await?;
        }
        Ok(())
    }

    fn worked(&self, what: &str) {
        if self.troubles.worked(what) {
            self.setup.say.note(format!("s3://{}/{what} can be read again", self.url.bucket));
        }
    }
}

/// How far a folder was read.
struct Progress<'a> {
    source: &'a str,
    folder: &'a Folder,
    from: Timestamp,
}

impl TrailFile {
    /// One that nobody has read.
    fn new(key: String) -> Self {
        Self { key, failures: 0, at: Timestamp::UNIX_EPOCH }
    }

    /// Whether it is time to try it again: after a minute, and then after twice as long each time.
    fn is_due(&self, now: Timestamp) -> bool {
        let minutes = 1_i64 << self.failures.saturating_sub(1).min(16);
        now.duration_since(self.at) >= SignedDuration::from_mins(minutes).min(LONGEST_REST)
    }
}

/// One thing that was read in a file.
type Read = Result<Found, ReadError>;

/// What is made of the things in a file that was fetched, and whether that was whole, as far as it was read.
pub(super) fn found_in_file(
    file: &S3File,
    source: &'static str,
) -> (Arc<AtomicBool>, impl FnMut(Read, &mut Vec<Input>) + Send + use<>) {
    let whole = Arc::new(AtomicBool::new(true));
    let (mark, origin) = (Arc::clone(&whole), file.to_string());
    let found = move |found: Read, inputs: &mut Vec<Input>| {
        inputs.push(match found {
            // Whoever may write one such file could name another in it for ever.
            Ok(Found { line, what: What::File(named), .. }) => {
                Input::Broken(format!("{origin}: line {line}: {named} is not read: it is named in a file"))
            }
            Ok(found) => Input::Found { found, source, origin: origin.clone() },
            Err(error) => {
                mark.fetch_and(matches!(error, ReadError::Broken(_)), Ordering::Relaxed);
                Input::Broken(format!("{origin}: {error}"))
            }
        });
    };
    (whole, found)
}

impl Pass for Trail {
    async fn pass(&mut self, inputs: &Inputs, stop: &Stop) -> Result<(), End> {
        let Setup { registry, sessions, since, .. } = &self.setup.clone();
        let began = clock::now();
        let session = match sessions.account(sessions.caller()).await {
            Ok(session) => session,
            Err(error) => return self.failed(inputs, "", &error).await,
        };
        let bucket = Bucket::find(&session, &self.url.bucket);
        let (folders, complete) = self.folders(&bucket, inputs).await?;
        let source = self.url.shown();
        if folders.is_empty() && complete && !self.is_said_empty {
            // Whoever watches nothing has to know.
            broken(inputs, format!("{source}: there are no files of a trail's here")).await?;
        }
        self.is_said_empty = folders.is_empty();
        // What a folder holds that was not there at the last pass is new, however long ago that was.
        let start = match registry.cursor(&source)? {
            Some(before) => earlier(before, OVERLAP),
            None => earlier(began, *since),
        };
        let read = folders.iter().map(|folder| self.read(&session, &bucket, folder, start, inputs, stop));
        join_all(read).await.into_iter().collect::<Result<(), End>>()?;
        if complete && !stop.is_told() {
            registry.set_cursor(&source, began, began)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_rests_longer_each_time_and_most_of_a_day_in_all() {
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut sum = SignedDuration::ZERO;
        for failures in 1..TRIES {
            let file = TrailFile { failures, at, key: String::new() };
            let mut rest = SignedDuration::ZERO;
            while !file.is_due(at + rest) {
                rest += SignedDuration::from_mins(1);
            }
            sum += rest;
        }
        assert_eq!(sum, SignedDuration::from_mins(511 + 2 * 360), "{sum}");
    }
}
