//! Whatever happens, in whichever order: nothing is said twice while it has not changed, and nothing changed is left unsaid.

use proptest::prelude::*;

use super::*;

/// How many keys there are.
const KEYS: usize = 3;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// A resource is found otherwise, or (with nothing) is in order.
    Change(usize, Option<&'static str>),
    /// A run looks, and claims what it is about to say.
    Look(usize),
    /// What a run had to say gets through, or does not.
    End(usize, bool),
    /// A run is killed: before it has said anything.
    Kill(usize),
    /// Time goes by: longer than any run may take.
    Wait,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0..KEYS, prop::sample::select(vec![None, Some("fail"), Some("unknown"), Some("excepted")]))
            .prop_map(|(key, state)| Event::Change(key, state)),
        4 => (0..2_usize).prop_map(Event::Look),
        3 => (0..2_usize, any::<bool>()).prop_map(|(run, delivered)| Event::End(run, delivered)),
        1 => (0..2_usize).prop_map(Event::Kill),
        1 => Just(Event::Wait),
    ];
    prop::collection::vec(event, 1..60)
}

#[derive(Default)]
struct Life {
    world: World,
    states: [Option<&'static str>; KEYS],
    runs: [Option<Run>; 2],
    /// What was heard of each key, in its order.
    heard: BTreeMap<String, Vec<String>>,
    at: i64,
}

impl Life {
    fn now(&mut self) -> Timestamp {
        self.at += 1;
        start() + SignedDuration::from_secs(self.at)
    }

    fn look(&mut self) -> Run {
        let found =
            self.states.iter().enumerate().filter_map(|(key, state)| Some(finding((*state)?, &format!("b{key}"))));
        let mut records: Vec<Value> = found.collect();
        records.push(scope("ok", records.len()));
        let now = self.now();
        self.world.claim(now, &[SLACK], &records)
    }

    fn end(&mut self, run: &Run, delivered: bool) {
        let now = self.now();
        self.world.settle(now, run, delivered);
        for (_, status, key) in run.says.iter().filter(|_| delivered) {
            self.heard.entry(key.clone()).or_default().push(status.clone());
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "an event happens once")]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Change(key, state) => self.states[key] = state,
            Event::Look(slot) if self.runs[slot].is_none() => self.runs[slot] = Some(self.look()),
            Event::Look(_) => {}
            Event::End(slot, delivered) => {
                if let Some(run) = self.runs[slot].take() {
                    self.end(&run, delivered);
                }
            }
            Event::Kill(slot) => self.runs[slot] = None,
            Event::Wait => {
                self.runs = [None, None];
                self.at += LEASE.as_secs() + 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn all_is_said_and_nothing_twice(events in events()) {
        let mut life = Life::default();
        for event in events {
            life.happen(event);
        }
        // Whatever went wrong, the next run after that makes it good.
        life.happen(Event::Wait);
        let run = life.look();
        life.end(&run, true);
        let silent = life.look();
        prop_assert!(silent.says.is_empty(), "{:?}", silent);

        for (key, state) in life.states.iter().enumerate() {
            let name = format!("{CHECK}:arn:aws:s3:::b{key}");
            let heard = life.heard.get(&name).map(Vec::as_slice).unwrap_or_default();
            let last = heard.last().map(String::as_str);
            match state {
                Some(state) => prop_assert_eq!(last, Some(*state), "{}: {:?}", name, heard),
                None => prop_assert!(last.is_none_or(|last| last == "resolved"), "{}: {:?}", name, heard),
            }
            prop_assert!(heard.windows(2).all(|two| two[0] != two[1]), "{}: {:?}", name, heard);
            prop_assert!(heard.first().is_none_or(|first| first != "resolved"), "{}: {:?}", name, heard);
        }
        // One object for each key that is not in order, and no claim is left.
        let notes = life.world.said();
        prop_assert_eq!(notes.len(), life.states.iter().flatten().count());
        let keys = counts(notes.iter().map(|note| note["key"].as_str().unwrap().to_owned()));
        prop_assert!(keys.values().all(|count| *count == 1));
        prop_assert!(notes.iter().all(|note| note.get("claims").is_none()), "{:?}", notes);
    }
}
