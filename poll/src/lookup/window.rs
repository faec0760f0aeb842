//! Many events on one resource are one look: whoever makes a bucket calls S3 five times in a second.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep_until};

use super::Key;
use super::entry::{Entry, Wanted};

/// How many are held at most: where there are more, the oldest are looked at before their time.
const MOST: usize = 10_000;

/// What is held back for a while, so that what comes meanwhile about the same resource is dropped.
struct Window {
    length: Duration,
    held: VecDeque<(Instant, Entry)>,
    /// With the longest delay of the events that are about it: a look before that would be too early for one of them.
    keys: HashMap<Key, Duration>,
}

impl Window {
    /// Holds what an event asks for; anything else comes back.
    fn hold(&mut self, entry: Entry, now: Instant) -> Option<Entry> {
        let (key, delay) = match &entry {
            Entry::Changed(wanted) => (wanted.key(), wanted.delay),
            Entry::Ask(asked) => (Key::Question(asked.clone()), Duration::ZERO),
            _ => return Some(entry),
        };
        match self.keys.entry(key) {
            Slot::Occupied(mut held) => {
                let longest = delay.max(*held.get());
                held.insert(longest);
            }
            Slot::Vacant(free) => {
                free.insert(delay);
                self.held.push_back((now + self.length, entry));
            }
        }
        None
    }

    /// What has been held for long enough; with `ended`, whatever there is.
    fn due(&mut self, now: Instant, ended: bool) -> Option<Entry> {
        let (until, _) = self.held.front()?;
        if !ended && *until > now && self.held.len() < MOST {
            return None;
        }
        let (_, entry) = self.held.pop_front()?;
        Some(match entry {
            Entry::Changed(wanted) => {
                let delay = self.keys.remove(&wanted.key()).unwrap_or(wanted.delay);
                Entry::Changed(Wanted { delay, ..wanted })
            }
            Entry::Ask(asked) => {
                self.keys.remove(&Key::Question(asked.clone()));
                Entry::Ask(asked)
            }
            other => other,
        })
    }

    fn next(&self) -> Option<Instant> {
        self.held.front().map(|(until, _)| *until)
    }
}

/// The same entries; what events ask for is held for the length of the window, and comes once. What comes after that is
/// new: the resource may have changed since it was looked at.
pub(super) fn gathered(
    entries: impl Stream<Item = Entry> + Send,
    length: Duration,
) -> impl Stream<Item = Entry> + Send {
    let window = Window { length, held: VecDeque::new(), keys: HashMap::new() };
    stream::unfold((Box::pin(entries), window, false), |(mut entries, mut window, mut ended)| async move {
        let next = next(&mut entries, &mut window, &mut ended).await;
        next.map(|entry| (entry, (entries, window, ended)))
    })
}

async fn next<S: Stream<Item = Entry>>(
    entries: &mut Pin<Box<S>>,
    window: &mut Window,
    ended: &mut bool,
) -> Option<Entry> {
    loop {
        if let Some(entry) = window.due(Instant::now(), *ended) {
            return Some(entry);
        }
        if *ended {
            return None;
        }
        let until = window.next();
        tokio::select! {
            entry = entries.next() => match entry {
                Some(entry) => {
                    if let Some(entry) = window.hold(entry, Instant::now()) {
                        return Some(entry);
                    }
                }
                None => *ended = true,
            },
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use common::reference::Reference;

    use super::*;
    use crate::lookup::entry::wanted;

    fn changed(id: &str) -> Entry {
        let text = format!(r#"{{"account":"111122223333","region":"eu-west-1","type":"ec2","id":"{id}"}}"#);
        Entry::Changed(wanted(Reference::from_json(&text).unwrap()).unwrap())
    }

    fn shown(entry: &Entry) -> String {
        match entry {
            Entry::Changed(wanted) => wanted.reference.id.clone(),
            other => format!("{other:?}"),
        }
    }

    fn window() -> Window {
        Window { length: Duration::from_secs(5), held: VecDeque::new(), keys: HashMap::new() }
    }

    #[test]
    fn what_comes_again_within_the_window_comes_once_and_after_it_once_more() {
        let (mut window, start) = (window(), Instant::now());
        let mut came = Vec::new();
        let mut arrivals = VecDeque::from([(0, "a"), (1, "b"), (2, "a"), (4, "a"), (6, "a"), (20, "b"), (21, "b")]);
        for second in 0..=21 {
            let now = start + Duration::from_secs(second);
            while let Some(entry) = window.due(now, false) {
                came.push((shown(&entry), second));
            }
            while let Some((_, id)) = arrivals.pop_front_if(|(at, _)| *at == second) {
                assert!(window.hold(changed(id), now).is_none());
            }
        }
        assert_eq!(window.next(), Some(start + Duration::from_secs(25)));
        // The last is out as soon as the input ends.
        came.extend(window.due(start + Duration::from_secs(21), true).map(|entry| (shown(&entry), 21)));
        let expected = [("a", 5), ("b", 6), ("a", 11), ("b", 21)];
        assert_eq!(came, expected.map(|(id, at)| (id.to_owned(), at)));
        assert!(window.due(start, true).is_none() && window.next().is_none());
    }

    #[test]
    fn the_longest_delay_counts() {
        let after = |seconds| match changed("db") {
            Entry::Changed(wanted) => Entry::Changed(Wanted { delay: Duration::from_secs(seconds), ..wanted }),
            other => other,
        };
        let (mut window, now) = (window(), Instant::now());
        for seconds in [0, 900, 120] {
            assert!(window.hold(after(seconds), now).is_none());
        }
        let Some(Entry::Changed(wanted)) = window.due(now, true) else { panic!("it is held") };
        assert_eq!(wanted.delay.as_secs(), 900);
        assert!(window.due(now, true).is_none());
    }

    #[test]
    fn what_people_name_is_not_held_back_and_no_more_is_held_than_fits() {
        let (mut window, now) = (window(), Instant::now());
        assert!(matches!(window.hold(Entry::Broken("line 7".to_owned()), now), Some(Entry::Broken(_))));
        for id in 0..MOST {
            assert!(window.due(now, false).is_none());
            window.hold(changed(&id.to_string()), now);
        }
        assert_eq!(window.due(now, false).map(|entry| shown(&entry)).as_deref(), Some("0"));
        assert!(window.due(now, false).is_none());
    }

    #[tokio::test]
    async fn all_comes_out_when_the_input_ends() {
        let entries = stream::iter(["a", "b", "a"].map(changed)).chain(stream::iter([Entry::Idle(1)]));
        let came: Vec<String> = gathered(entries, Duration::from_hours(1)).map(|entry| shown(&entry)).collect().await;
        assert_eq!(came, ["Idle(1)", "a", "b"]);
    }
}
