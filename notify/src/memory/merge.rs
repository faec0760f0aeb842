//! What becomes of the memory, without any clock, file or network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::id::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::looked::Looked;
use super::note::{Claim, Note, What};
use super::notes::{Known, Notes};
use super::{Fate, TargetName};
use crate::entry::{Before, Entry};

/// How long what was in no input is remembered.
pub(crate) const FORGET: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What an attempt at a change comes to.
pub(crate) type Done<T> = Result<T, serde_json::Error>;

/// What a run asks of the memory.
#[derive(Debug)]
pub(crate) struct Ask {
    /// What is to be said, and to whom.
    pub(crate) wanted: Vec<(Entry, Vec<TargetName>)>,
    /// What was looked at.
    pub(crate) looked: Arc<Looked>,
    /// To whom this run can say anything.
    pub(crate) targets: BTreeSet<TargetName>,
    /// Which run it is.
    pub(crate) run: String,
    /// After how long what has not changed is said again.
    pub(crate) repeat: Option<SignedDuration>,
    /// How long its claims hold.
    pub(crate) lease: SignedDuration,
    pub(crate) now: Timestamp,
    /// Whether nothing is said, and so nothing claimed.
    pub(crate) dry_run: bool,
}

/// What the memory answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// For each of what is to be said, to whom.
    pub(crate) say: Vec<Vec<TargetName>>,
    /// What is no longer so, and who had been told that it was.
    pub(crate) resolved: Vec<(Before, TargetName)>,
    /// The accounts and keys of which nobody hears.
    pub(crate) unchanged: Vec<(AccountId, String)>,
    /// How many were forgotten.
    pub(crate) forgotten: usize,
}

/// Claims what is new, has changed, is no longer so, or is to be said again.
pub(crate) fn claim(notes: &mut Notes, ask: &Ask) -> Done<Answer> {
    let mut answer = Answer::default();
    for (entry, targets) in &ask.wanted {
        let told = targets.iter().filter(|target| notes.ask(entry, target, ask));
        let told: Vec<TargetName> = told.cloned().collect();
        if told.is_empty() && !targets.is_empty() {
            let account = &entry.about.account;
            answer.unchanged.extend(entry.keys.iter().map(|key| (account.clone(), key.clone())));
        }
        answer.say.push(told);
    }
    for known in notes.all.values_mut() {
        known.bury(ask.now);
        if let Some(before) = known.over(ask) {
            answer.resolved.push((before, known.note.target.clone()));
        } else if known.note.seen.is_none() || ask.looked.has(&known.note.key) {
            known.seen(ask.now);
        }
    }
    // What only a run that is dead was about to say is as if it had never been.
    notes.retain(|note| note.last_said.is_some() || note.live(ask.now).next().is_some());
    answer.forgotten = notes.retain(|note| {
        let recently = |seen: Timestamp| ask.now.duration_since(seen) <= FORGET;
        note.live(ask.now).next().is_some() || note.seen.is_none_or(recently)
    });
    if !ask.dry_run {
        notes.write()?;
    }
    Ok(answer)
}

impl Notes {
    /// Whether a target is to hear of an entry: of one of its keys it has not. Then this run claims to say it.
    fn ask(&mut self, entry: &Entry, target: &TargetName, ask: &Ask) -> bool {
        let what = What::of(entry);
        let keys = || entry.keys.iter().map(|key| (key.clone(), target.clone()));
        let is_news =
            |at: &(String, TargetName)| self.all.get(at).is_none_or(|known| is_news(&known.note, entry, &what, ask));
        let say = keys().any(|at| is_news(&at));
        for at in keys() {
            let known = self
                .all
                .entry(at)
                .or_insert_with_key(|(key, target)| Known::new(Note::new(key, target, entry, ask.now)));
            known.change(|note| note.locate(entry));
            known.seen(ask.now);
            if say && !known.note.is_being_said(&what, ask.now) {
                known.claim(what.clone(), ask);
            }
        }
        say
    }
}

/// Whether an entry says anything of a key that was not said.
fn is_news(note: &Note, entry: &Entry, what: &What, ask: &Ask) -> bool {
    if note.is_being_said(what, ask.now) {
        return false;
    }
    let last = note.last_said.filter(|_| !what.is_end() && note.has_said(what) && note.account == entry.about.account);
    let Some(last) = last else { return true };
    // An alert is an event: it was so, and will not be again.
    let again = ask.repeat.filter(|_| note.kind != "alert");
    again.is_some_and(|repeat| ask.now.duration_since(last) >= repeat)
}

impl Known {
    /// Takes out the claims of runs that are dead.
    fn bury(&mut self, now: Timestamp) {
        self.change(|note| {
            let before = note.claims.len();
            note.claims.retain(|claim| claim.until > now);
            note.claims.len() < before
        });
    }

    fn claim(&mut self, what: What, ask: &Ask) {
        let until = ask.now.checked_add(ask.lease).unwrap_or(Timestamp::MAX);
        self.change(|note| {
            note.claims.push(Claim { run: ask.run.clone(), until, what });
            true
        });
    }

    /// What was said, where that is no longer so, and this run is to say it.
    fn over(&mut self, ask: &Ask) -> Option<Before> {
        let note = &self.note;
        let free = ask.targets.contains(&note.target) && note.live(ask.now).next().is_none();
        let before = note.before().filter(|_| free && ask.looked.is_over(note))?;
        self.claim(What::resolved(), ask);
        Some(before)
    }
}

/// Notes down what was delivered, and gives back what was not.
pub(crate) fn settle(notes: &mut Notes, fates: &[Fate], run: &str, now: Timestamp) -> Done<()> {
    let mut all: BTreeMap<(String, TargetName), bool> = BTreeMap::new();
    for Fate { key, target, delivered } in fates {
        // Of what stands in several messages all have to be heard.
        *all.entry((key.clone(), target.clone())).or_insert(true) &= delivered;
    }
    for (at, delivered) in all {
        if let Some(known) = notes.all.get_mut(&at) {
            known.change(|note| settle_one(note, delivered, run, now));
        }
    }
    notes.retain(|note| note.last_said.is_some() || !note.claims.is_empty());
    notes.write()
}

/// The same for one note; the answer is whether it had a claim of this run.
fn settle_one(note: &mut Note, delivered: bool, run: &str, now: Timestamp) -> bool {
    // What was claimed first is said first.
    let Some(first) = note.claims.iter().filter(|claim| claim.run == run).map(|claim| claim.until).min() else {
        return false;
    };
    let ours = |claim: &Claim| claim.run == run && claim.until == first;
    let said = note.claims.iter().rfind(|claim| ours(claim)).map(|claim| claim.what.clone());
    note.claims.retain(|claim| !ours(claim));
    match said.filter(|_| delivered) {
        Some(what) if what.is_end() => (note.first_said, note.last_said) = (None, None),
        Some(what) => {
            note.say(&what);
            note.first_said.get_or_insert(now);
            note.last_said = Some(now);
        }
        None => {}
    }
    true
}
