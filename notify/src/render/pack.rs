//! Which entries go into which message: as many as fit, the worst before the others, in a few messages; the rest is
//! counted.
//!
//! A message is a sequence of [`Piece`]s: the heading of an account, that of a check, entries. What several entries share
//! is said once above them. Pieces are joined to blocks, whose number and size a format may limit.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use common::settings::Zone;

use crate::digest::{Digest, severities};
use crate::entry::{Entry, Fact, Heading};
use crate::text::grouped;

/// A format with its limits.
pub(crate) trait Sink {
    /// How many messages one digest may take: nobody reads the fourth.
    const MESSAGES: usize;
    /// How many blocks a message may have for its pieces.
    const BLOCKS: usize;
    /// How long a block may be, in the units of [`Sink::size`].
    const BLOCK: usize;
    /// How long the blocks of a message may be together.
    const SIZE: usize;

    /// A piece, escaped, at most as long as a block and far smaller than [`Sink::SIZE`] whatever it says.
    fn piece(piece: &Piece<'_>, zone: &Zone) -> String;
    /// How much of a limit a text takes.
    fn size(text: &str) -> usize;

    /// What stands before a piece that is not the first of its block.
    fn gap(piece: &Piece<'_>) -> &'static str {
        match piece {
            Piece::Under { .. } => "\n",
            _ => "\n\n",
        }
    }
}

/// A piece of a message. What is `continued` began in the message before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    /// What follows is about this account. Only where there are several.
    Account {
        /// Its id, name and counts.
        headline: &'a str,
        continued: bool,
    },
    /// What follows is about this check, and as bad as this.
    Check {
        /// `Critical: s3_bucket_public_acl (FSBP S3.2): 12`.
        title: &'a str,
        continued: bool,
    },
    /// What the entries that follow share.
    Shared { bunch: &'a Bunch<'a>, continued: bool },
    /// One of those.
    Under { entry: &'a Entry, bunch: &'a Bunch<'a> },
    /// An entry that shares nothing with another.
    Alone(&'a Entry),
}

/// Entries of one check to which the same happened, and which say the same, save for their resource.
#[derive(Clone, Debug)]
pub(crate) struct Bunch<'a> {
    /// What happened to them.
    pub(crate) heading: Heading,
    /// The title that they share, with an ellipsis for the resource.
    pub(crate) title: &'a str,
    /// How many there are.
    pub(crate) count: usize,
    /// The facts that they share.
    facts: Vec<&'a Fact>,
}

impl Piece<'_> {
    /// The labelled lines, at most [`Piece::FACTS`]: what is shared stands in [`Piece::Shared`] alone.
    pub(crate) fn facts(&self, zone: &Zone) -> Vec<(&'static str, String)> {
        let all = |entry: &Entry, bunch: Option<&Bunch<'_>>| {
            let due = entry.due.as_ref().map(|due| ("due", due.sentence(zone)));
            let own = entry.facts.iter().filter(|fact| bunch.is_none_or(|bunch| !bunch.facts.contains(fact)));
            due.into_iter().chain(own.map(|fact| line(fact, zone))).take(Self::FACTS).collect()
        };
        match self {
            Self::Account { .. } | Self::Check { .. } => Vec::new(),
            Self::Shared { bunch, .. } => bunch.facts.iter().map(|fact| line(fact, zone)).take(Self::FACTS).collect(),
            Self::Under { entry, bunch } => all(entry, Some(bunch)),
            Self::Alone(entry) => all(entry, None),
        }
    }

    /// The most lines of a piece.
    pub(crate) const FACTS: usize = 5;
}

fn line(fact: &Fact, zone: &Zone) -> (&'static str, String) {
    (fact.label, fact.text(zone).into_owned())
}

/// `, continued`.
pub(crate) fn continued(continued: bool) -> &'static str {
    if continued { ", continued" } else { "" }
}

/// What one message tells.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The digest's headline, with this message's number where there are several.
    pub(crate) headline: String,
    /// Headings and entries, escaped.
    pub(crate) blocks: Vec<String>,
    /// The titles of the first entries, for where there is no room for more.
    pub(crate) titles: Vec<String>,
    /// The words under it, in the last part alone.
    pub(crate) footers: Vec<Footer>,
    /// The keys of all records that it tells of, be it by a number.
    pub(crate) keys: Vec<String>,
}

/// Words under a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// A sentence.
    pub(crate) text: String,
    /// What there is to copy, lines of our own: nothing that a stranger wrote.
    pub(crate) code: Option<&'static str>,
}

/// What is counted because it did not fit.
struct Rest {
    /// How many records.
    records: usize,
    severities: String,
}

impl fmt::Display for Rest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "and {} more", grouped(self.records))?;
        if !self.severities.is_empty() {
            write!(out, " ({})", self.severities)?;
        }
        out.write_str(": the delivery record has all keys.")
    }
}

/// Divides a digest among messages.
pub(crate) fn pack<S: Sink>(digest: &Digest) -> Vec<Part> {
    let plan = Plan::new(digest);
    let (messages, told) = plan.fill::<S>();
    let of = messages.len();
    let left = || plan.listed.iter().enumerate().filter(|(index, _)| !told.contains(index)).map(|(_, it)| it.entry);
    let part = |(index, open): (usize, Open)| {
        let last = index + 1 == of;
        let entries = || open.entries.iter().filter_map(|index| plan.listed.get(*index)).map(|it| it.entry);
        let mut keys: Vec<String> = entries().flat_map(|entry| &entry.keys).cloned().collect();
        let mut footers = Vec::new();
        if last {
            keys.extend(left().flat_map(|entry| &entry.keys).chain(&digest.counted.keys).cloned());
            let rest = Rest { records: left().map(|entry| entry.keys.len()).sum(), severities: severities(left()) };
            let rest = (rest.records > 0).then(|| Footer { text: rest.to_string(), code: None });
            let also = digest.counted.also().map(|text| Footer { text, code: None });
            footers = rest.into_iter().chain(also).chain(super::how_to(digest)).collect();
        }
        let number = if of > 1 { format!(" [{} of {of}]", index + 1) } else { String::new() };
        let titles = entries().take(TITLES).map(|entry| entry.title.clone()).collect();
        Part { headline: plan.headline.clone() + &number, blocks: open.blocks, titles, footers, keys }
    };
    messages.into_iter().enumerate().map(part).collect()
}

/// How many titles a part gives.
pub(crate) const TITLES: usize = 5;

/// An entry, and what it stands under, by index.
#[derive(Clone, Copy)]
struct Listed<'a> {
    entry: &'a Entry,
    account: usize,
    check: usize,
    bunch: usize,
}

/// A digest in the order of its messages.
struct Plan<'a> {
    zone: &'a Zone,
    headline: String,
    listed: Vec<Listed<'a>>,
    accounts: Vec<String>,
    checks: Vec<String>,
    bunches: Vec<Bunch<'a>>,
}

/// One message in the making.
#[derive(Default)]
struct Open {
    blocks: Vec<String>,
    /// How long the last block is, and all together.
    last: usize,
    size: usize,
    entries: Vec<usize>,
}

impl<'a> Plan<'a> {
    fn new(digest: &'a Digest) -> Self {
        let mut plan = Self {
            zone: &digest.zone,
            headline: digest.headline(),
            listed: Vec::new(),
            accounts: Vec::new(),
            checks: Vec::new(),
            bunches: Vec::new(),
        };
        for group in &digest.groups {
            plan.accounts.push(group.headline());
            for check in group.entries.chunk_by(|one, other| section(one) == section(other)) {
                plan.checks.push(title(check.iter().map(AsRef::as_ref)));
                for bunch in check.chunk_by(|one, other| (one.heading, &one.shape) == (other.heading, &other.shape)) {
                    let Some((first, others)) = bunch.split_first() else { continue };
                    let shared = |fact: &&Fact| others.iter().all(|other| other.facts.contains(fact));
                    plan.bunches.push(Bunch {
                        heading: first.heading,
                        title: &first.shape,
                        count: bunch.len(),
                        facts: first.facts.iter().filter(shared).collect(),
                    });
                    let (account, check, bunch_at) =
                        (plan.accounts.len() - 1, plan.checks.len() - 1, plan.bunches.len() - 1);
                    let listed = |entry: &'a std::sync::Arc<Entry>| Listed { entry, account, check, bunch: bunch_at };
                    plan.listed.extend(bunch.iter().map(listed));
                }
            }
        }
        plan
    }

    /// The messages, and which entries stand in them: as many as fit, those of most weight first.
    fn fill<S: Sink>(&self) -> (Vec<Open>, BTreeSet<usize>) {
        let mut order: Vec<usize> = (0..self.listed.len()).collect();
        let weight = |index: &usize| self.listed.get(*index).map(|listed| std::cmp::Reverse(listed.entry.weight()));
        order.sort_by_key(weight);
        // No more can fit than without any heading.
        let mut room = S::MESSAGES.saturating_mul(S::SIZE);
        let fits = |index: &&usize| {
            let size = self.listed.get(**index).map_or(0, |listed| S::size(&S::piece(&self.piece(*listed), self.zone)));
            room.checked_sub(size).map(|left| room = left).is_some()
        };
        let most = order.iter().take_while(fits).count();
        let attempt = |count: usize| {
            let chosen: BTreeSet<usize> = order.iter().take(count).copied().collect();
            self.lay::<S>(&chosen).map(|messages| (messages, chosen))
        };
        // Usually all fits. Else the greatest number that does is searched for.
        let (mut least, mut most) = match attempt(most) {
            Some(filled) => return filled,
            None => (0, most),
        };
        let mut best = (vec![Open::default()], BTreeSet::new());
        while most - least > 1 {
            let middle = usize::midpoint(least, most);
            match attempt(middle) {
                Some(filled) => (least, best) = (middle, filled),
                None => most = middle,
            }
        }
        best
    }

    /// The messages with these entries; `None` where that takes too many.
    fn lay<S: Sink>(&self, chosen: &BTreeSet<usize>) -> Option<Vec<Open>> {
        let (mut done, mut open) = (Vec::new(), Open::default());
        // The entry before, and that before it in the same message.
        let (mut told, mut here): (Option<Listed<'_>>, Option<Listed<'_>>) = (None, None);
        for index in chosen {
            let listed = *self.listed.get(*index)?;
            if !open.take::<S>(*index, &self.pieces(listed, here, told), self.zone) {
                if done.len() + 1 >= S::MESSAGES || open.entries.is_empty() {
                    return None;
                }
                done.push(std::mem::take(&mut open));
                if !open.take::<S>(*index, &self.pieces(listed, None, told), self.zone) {
                    return None;
                }
            }
            (told, here) = (Some(listed), Some(listed));
        }
        done.push(open);
        Some(done)
    }

    /// An entry with the headings that are not above it yet.
    fn pieces(&self, it: Listed<'a>, here: Option<Listed<'_>>, told: Option<Listed<'_>>) -> Vec<Piece<'_>> {
        let mut pieces = Vec::with_capacity(4);
        let continued = |is: fn(&Listed<'_>) -> usize| told.is_some_and(|told| is(&told) == is(&it));
        let new = |is: fn(&Listed<'_>) -> usize| here.is_none_or(|here| is(&here) != is(&it));
        if self.accounts.len() > 1 && new(|it| it.account) {
            let headline = self.accounts.get(it.account).map_or("", String::as_str);
            pieces.push(Piece::Account { headline, continued: continued(|it| it.account) });
        }
        if new(|it| it.check) {
            let title = self.checks.get(it.check).map_or("", String::as_str);
            pieces.push(Piece::Check { title, continued: continued(|it| it.check) });
        }
        let piece = self.piece(it);
        if let Piece::Under { bunch, .. } = piece
            && new(|it| it.bunch)
        {
            pieces.push(Piece::Shared { bunch, continued: continued(|it| it.bunch) });
        }
        pieces.push(piece);
        pieces
    }

    fn piece(&self, it: Listed<'a>) -> Piece<'_> {
        match self.bunches.get(it.bunch) {
            Some(bunch) if bunch.count > 1 => Piece::Under { entry: it.entry, bunch },
            _ => Piece::Alone(it.entry),
        }
    }
}

impl Open {
    /// Takes an entry in with its headings, where all of it fits.
    fn take<S: Sink>(&mut self, entry: usize, pieces: &[Piece<'_>], zone: &Zone) -> bool {
        let pieces: Vec<(&Piece<'_>, String)> = pieces.iter().map(|piece| (piece, S::piece(piece, zone))).collect();
        let (mut blocks, mut last, mut size) = (self.blocks.len(), self.last, self.size);
        let mut joined = Vec::with_capacity(pieces.len());
        for (piece, text) in &pieces {
            let (gap, length) = (S::size(S::gap(piece)), S::size(text));
            let joins = blocks > 0 && !matches!(piece, Piece::Account { .. }) && last + gap + length <= S::BLOCK;
            blocks += usize::from(!joins);
            last = if joins { last + gap + length } else { length };
            // A new block takes no gap, but some formats put something between blocks, too.
            size += gap + length;
            joined.push(joins);
        }
        if blocks > S::BLOCKS || size > S::SIZE {
            return false;
        }
        for ((piece, text), joins) in pieces.into_iter().zip(joined) {
            match self.blocks.last_mut().filter(|_| joins) {
                Some(block) => {
                    block.push_str(S::gap(piece));
                    block.push_str(&text);
                }
                None => self.blocks.push(text),
            }
        }
        (self.last, self.size) = (last, size);
        self.entries.push(entry);
        true
    }
}

/// What stands under one heading of a check.
fn section(entry: &Entry) -> impl Eq + '_ {
    (entry.severity, &entry.check, entry.heading == Heading::NotLooked)
}

/// `Critical: s3_bucket_public_acl (FSBP S3.2): 12`.
fn title<'a>(mut entries: impl ExactSizeIterator<Item = &'a Entry>) -> String {
    let Some(first) = entries.next() else { return String::new() };
    let count = 1 + entries.len();
    let what = match first.heading {
        Heading::NotLooked => Cow::Borrowed("Not looked at: what is there is not known"),
        _ if first.check.is_empty() => Cow::Borrowed("Tasks"),
        _ => Cow::Borrowed(first.check.as_str()),
    };
    let controls = std::iter::once(first).chain(entries).map(|entry| &entry.controls).find(|text| !text.is_empty());
    let controls = controls.map(|controls| format!(" ({controls})")).unwrap_or_default();
    let severity = first.severity.map(|severity| format!("{}: ", capital(severity.name()))).unwrap_or_default();
    let count = if count > 1 { format!(": {}", grouped(count)) } else { String::new() };
    format!("{severity}{what}{controls}{count}")
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use common::record::{Finding, Severity};
    use common::settings::Settings;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    /// Three messages of four blocks of 100 bytes, or 300 bytes.
    struct Small;

    impl Sink for Small {
        const MESSAGES: usize = 3;
        const BLOCKS: usize = 4;
        const BLOCK: usize = 100;
        const SIZE: usize = 300;

        fn piece(piece: &Piece<'_>, _zone: &Zone) -> String {
            match piece {
                Piece::Account { headline, continued: more } => format!("{headline}{}", continued(*more)),
                Piece::Check { title, continued: more } => format!("{title}{}", continued(*more)),
                Piece::Shared { bunch, continued: more } => {
                    format!("{}: {}{}", bunch.heading.title(), bunch.count, continued(*more))
                }
                Piece::Under { entry, .. } => entry.about.id.clone(),
                Piece::Alone(entry) => format!("{}: {}", entry.heading.title(), entry.about.id),
            }
        }

        fn size(text: &str) -> usize {
            text.len()
        }
    }

    fn in_account(account: &str, id: &str, severity: Severity) -> Finding {
        Finding { account: account.parse().unwrap(), ..samples::finding(id, severity) }
    }

    #[test]
    fn what_fits_stays_together() {
        let parts = pack::<Small>(&samples::many(1));
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].blocks, ["Low: s3_bucket_public_acl (FSBP S3.2)\n\nOpen: bucket-00000"]);
        assert_eq!(parts[0].headline, "111122223333: 1 low");
        assert_eq!(parts[0].footers.len(), 1, "how to except it");
    }

    #[test]
    fn what_is_shared_is_said_once_and_again_where_a_message_begins() {
        let mut groups = Groups::default();
        (0..60).for_each(|index| groups.finding(samples::finding(&format!("bucket-{index:02}"), Severity::High)));
        let parts = pack::<Small>(&samples::digest(groups, &Settings::default()));
        assert_eq!(parts.len(), 3);
        let begins = |part: &Part, text: &str| assert!(part.blocks[0].starts_with(text), "{:?}", part.blocks);
        begins(&parts[0], "High: s3_bucket_public_acl (FSBP S3.2): 60\n\nOpen: 60\nbucket-00\nbucket-01\n");
        begins(&parts[1], "High: s3_bucket_public_acl (FSBP S3.2): 60, continued\n\nOpen: 60, continued\nbucket-");
        assert!(parts[0].blocks[1].starts_with("bucket-"), "a new block needs no heading: {:?}", parts[0].blocks);
    }

    #[test]
    fn accounts_begin_blocks_of_their_own() {
        let mut groups = Groups::default();
        for (account, severity) in [("111122223333", Severity::Low), ("444455556666", Severity::High)] {
            groups.finding(in_account(account, "b", severity));
        }
        let parts = pack::<Small>(&samples::digest(groups, &Settings::default()));
        assert_eq!(
            parts[0].blocks,
            [
                "444455556666: 1 high\n\nHigh: s3_bucket_public_acl (FSBP S3.2)\n\nOpen: b",
                "111122223333: 1 low\n\nLow: s3_bucket_public_acl (FSBP S3.2)\n\nOpen: b",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_its_keys_are_kept() {
        let digest = samples::many(400);
        let parts = pack::<Small>(&digest);
        assert_eq!(parts.len(), 3);
        for part in &parts {
            assert!(part.blocks.len() <= Small::BLOCKS);
            assert!(part.blocks.iter().all(|block| block.len() <= Small::BLOCK));
            assert!(part.blocks.iter().map(String::len).sum::<usize>() <= Small::SIZE);
        }
        assert_eq!(parts[0].headline, "111122223333: 100 critical, 100 high, 100 medium, 100 low [1 of 3]");
        let listed: usize = parts.iter().map(|part| part.blocks.concat().matches("bucket-").count()).sum();
        assert_eq!(
            parts[2].footers[0].text,
            format!(
                "and {} more ({} critical, 100 high, 100 medium, 100 low): the delivery record has all keys.",
                400 - listed,
                100 - listed
            )
        );
        assert_eq!((parts[0].footers.len(), parts[2].footers.len()), (0, 2));
        let mut keys: Vec<&String> = parts.iter().flat_map(|part| &part.keys).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 400);
    }

    /// Many findings of no weight in one account keep no critical one of another out.
    #[test]
    fn the_worst_of_all_accounts_comes_before_the_rest_of_any() {
        let mut groups = Groups::default();
        groups.finding(in_account("000000000001", "worst", Severity::Critical));
        (0..200).for_each(|index| groups.finding(in_account("000000000001", &format!("low-{index}"), Severity::Low)));
        for account in 2..7 {
            groups.finding(in_account(&format!("{account:012}"), "bad", Severity::High));
        }
        let parts = pack::<Small>(&samples::digest(groups, &Settings::default()));
        let told = parts.iter().flat_map(|part| part.blocks.clone()).collect::<String>();
        assert_eq!(told.matches(": bad").count(), 5, "{told}");
        assert!(told.contains("worst") && parts[parts.len() - 1].footers[0].text.contains(" low)"), "{parts:?}");
    }
}
