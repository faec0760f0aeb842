//! Which entries go into which message: as many as fit, in order, in a few messages; the rest is counted.

use std::fmt;

use crate::entry::Entry;
use crate::group::{Group, severities};
use crate::text::grouped;

/// A format with its limits.
pub(crate) trait Sink {
    /// How many messages one group may take: nobody reads the fourth.
    const MESSAGES: usize;
    /// How many blocks a message may have for headings and entries.
    const BLOCKS: usize;
    /// How long the blocks of a message may be together, in the units of [`Sink::size`].
    const SIZE: usize;

    /// A heading, escaped.
    fn heading(text: &str) -> String;
    /// An entry, escaped, and far smaller than [`Sink::SIZE`] whatever it says.
    fn entry(entry: &Entry) -> String;
    /// How much of [`Sink::SIZE`] a block takes.
    fn size(block: &str) -> usize;
}

/// What one message tells.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    /// Which of the group's messages it is, from 1.
    pub(crate) number: usize,
    /// How many the group has.
    pub(crate) of: usize,
    /// Headings and entries, escaped.
    pub(crate) blocks: Vec<String>,
    /// The entries among them.
    pub(crate) entries: Vec<&'a Entry>,
    /// What did not fit: in the last part alone.
    pub(crate) rest: Rest,
    /// What is only counted: in the last part alone.
    pub(crate) also: Option<String>,
    /// The keys of all records that it tells of, be it by a number.
    pub(crate) keys: Vec<String>,
}

/// What is counted because it did not fit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest {
    /// How many records.
    pub(crate) records: usize,
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

#[derive(Default)]
struct Open<'a> {
    blocks: Vec<String>,
    entries: Vec<&'a Entry>,
    size: usize,
}

/// Divides a group among messages.
pub(crate) fn pack<S: Sink>(group: &Group) -> Vec<Part<'_>> {
    let mut done: Vec<Open<'_>> = Vec::new();
    let mut open = Open::default();
    let mut told = 0;
    let sections = group.entries.chunk_by(|one, other| (one.heading, one.severity) == (other.heading, other.severity));
    'sections: for section in sections {
        // A message that begins in the middle of a section says so.
        let mut heading = Some(title(section, false));
        for entry in section {
            let block = S::entry(entry);
            let over = heading.as_deref().map(S::heading);
            let needed = S::size(&block) + over.as_deref().map_or(0, S::size);
            let blocks = open.blocks.len() + 1 + usize::from(over.is_some());
            let mut over = over;
            if blocks > S::BLOCKS || open.size + needed > S::SIZE {
                if done.len() + 1 == S::MESSAGES {
                    break 'sections;
                }
                done.push(std::mem::take(&mut open));
                heading = heading.or_else(|| Some(title(section, true)));
                over = heading.as_deref().map(S::heading);
            }
            for block in over.into_iter().chain([block]) {
                open.size += S::size(&block);
                open.blocks.push(block);
            }
            open.entries.push(entry);
            heading = None;
            told += 1;
        }
    }
    done.push(open);
    parts(group, done, told)
}

/// `Open: critical (12)`.
fn title(section: &[Entry], continued: bool) -> String {
    let Some(first) = section.first() else { return String::new() };
    let severity = first.severity.map(|severity| format!(": {severity}")).unwrap_or_default();
    let count = grouped(section.iter().map(|entry| entry.keys.len()).sum());
    let suffix = if continued { ", continued" } else { "" };
    format!("{}{severity} ({count}{suffix})", first.heading.title())
}

fn parts<'a>(group: &'a Group, done: Vec<Open<'a>>, told: usize) -> Vec<Part<'a>> {
    let of = done.len();
    let left = group.entries.get(told..).unwrap_or_default();
    let last_keys = || left.iter().flat_map(|entry| &entry.keys).chain(&group.counted_keys);
    let part = |(index, open): (usize, Open<'a>)| {
        let last = index + 1 == of;
        let keys = open.entries.iter().flat_map(|entry| &entry.keys);
        let keys = keys.chain(last.then(last_keys).into_iter().flatten()).cloned().collect();
        let records = if last { left.iter().map(|entry| entry.keys.len()).sum() } else { 0 };
        let rest = Rest { records, severities: severities(if last { left } else { &[] }) };
        let also = if last { group.also() } else { None };
        Part { number: index + 1, of, blocks: open.blocks, entries: open.entries, rest, also, keys }
    };
    done.into_iter().enumerate().map(part).collect()
}

impl Part<'_> {
    /// The group's headline, with this message's number where there are several.
    pub(crate) fn headline(&self, group: &Group) -> String {
        let headline = group.headline();
        if self.of > 1 { format!("{headline} [{} of {}]", self.number, self.of) } else { headline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    /// Three messages of four blocks or a hundred bytes.
    struct Small;

    impl Sink for Small {
        const MESSAGES: usize = 3;
        const BLOCKS: usize = 4;
        const SIZE: usize = 200;

        fn heading(text: &str) -> String {
            text.to_owned()
        }

        fn entry(entry: &Entry) -> String {
            entry.place.clone()
        }

        fn size(block: &str) -> usize {
            block.len()
        }
    }

    #[test]
    fn what_fits_stays_together() {
        let group = samples::group(1);
        let parts = pack::<Small>(&group);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].blocks, ["Open: low (1)", "arn:aws:s3:::bucket-00000 (s3_bucket, eu-west-1)"]);
        assert_eq!(parts[0].headline(&group), "111122223333: 1 low");
        assert_eq!(parts[0].rest.records, 0);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_its_keys_are_kept() {
        let group = samples::group(40);
        let parts = pack::<Small>(&group);
        assert_eq!(parts.len(), 3);
        for part in &parts {
            assert!(part.blocks.len() <= Small::BLOCKS);
            assert!(part.blocks.iter().map(|block| Small::size(block)).sum::<usize>() <= Small::SIZE);
        }
        assert_eq!(parts[0].headline(&group), "111122223333: 10 critical, 10 high, 10 medium, 10 low [1 of 3]");
        assert_eq!(parts[0].blocks[0], "Open: critical (10)");
        assert_eq!(parts[1].blocks[0], "Open: critical (10, continued)");
        let listed: usize = parts.iter().map(|part| part.entries.len()).sum();
        assert_eq!(parts[2].rest.records, 40 - listed);
        assert_eq!(
            parts[2].rest.to_string(),
            format!(
                "and {} more (1 critical, 10 high, 10 medium, 10 low): the delivery record has all keys.",
                40 - listed
            )
        );
        let mut keys: Vec<&String> = parts.iter().flat_map(|part| &part.keys).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 40);
    }

    #[test]
    fn a_new_section_needs_room_for_its_heading_and_an_entry() {
        let group = samples::group(4);
        let parts = pack::<Small>(&group);
        for part in &parts {
            assert!(part.blocks.last().is_some_and(|block| block.starts_with("arn:")), "{:?}", part.blocks);
            assert!(part.blocks[0].starts_with("Open: "));
        }
    }
}
