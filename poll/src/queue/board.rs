//! Which messages wait for which looks: a resource that many messages are about is looked at once for all of them.
//!
//! Only a look that begins after a message was received tells what the message is about. Whoever comes while a look is under
//! way gets the next one. What is worth a look at once and what is worth one later are two looks: the first would be too early
//! for the second, and its message would be gone.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use common::aws::queue::Message;

use super::letter::Course;
use crate::lookup::{Key, Wanted};

/// A message that was begun.
pub(super) type Task = u64;

/// What one look is at, and after which delay.
type Slot = (Key, Duration);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Board {
    tasks: HashMap<Task, Begun>,
    looks: HashMap<Slot, Wait>,
    /// Looks that have not begun, in their order.
    ready: VecDeque<Slot>,
    begun: Task,
}

#[derive(Debug)]
struct Begun {
    message: Message,
    course: Course,
    /// How many looks are still to come.
    open: usize,
    /// Whether the message stays on the queue.
    stays: bool,
}

#[derive(Debug)]
struct Wait {
    wanted: Wanted,
    under_way: bool,
    /// Those whom this look is for.
    tasks: Vec<Task>,
    /// Those who came too late for it.
    next: Vec<Task>,
}

/// A message of which nothing is left to do.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) message: Message,
    /// Whether it stays on the queue, to come again.
    pub(super) stays: bool,
}

impl Board {
    /// How many messages are under way.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Begins a message that is about these resources. `stays`: some of it is not understood. It comes back at once where
    /// it is about none.
    pub(super) fn begin(&mut self, message: Message, wanted: Vec<Wanted>, stays: bool) -> Option<Ended> {
        if wanted.is_empty() {
            return Some(Ended { message, stays });
        }
        self.begun += 1;
        let task = self.begun;
        let course = Course::of(&message);
        self.tasks.insert(task, Begun { message, course, open: wanted.len(), stays });
        for wanted in wanted {
            let slot = slot(&wanted);
            match self.looks.get_mut(&slot) {
                Some(wait) if wait.under_way => wait.next.push(task),
                Some(wait) => wait.tasks.push(task),
                None => {
                    let wait = Wait { wanted, under_way: false, tasks: vec![task], next: Vec::new() };
                    self.looks.insert(slot.clone(), wait);
                    self.ready.push_back(slot);
                }
            }
        }
        None
    }

    /// The next look to be made, and how far the messages have come that it is for.
    pub(super) fn next_look(&mut self) -> Option<(Wanted, Course)> {
        let slot = self.ready.pop_front()?;
        let wait = self.looks.get_mut(&slot)?;
        wait.under_way = true;
        let courses = wait.tasks.iter().filter_map(|task| Some(self.tasks.get(task)?.course));
        Some((wait.wanted.clone(), Course::together(courses)))
    }

    /// A look has been made; the messages of which nothing is left to do. `stay`: it told nothing, and is to be made again
    /// when the messages come again.
    pub(super) fn looked(&mut self, wanted: &Wanted, stay: bool) -> Vec<Ended> {
        let slot = slot(wanted);
        let Some(mut wait) = self.looks.remove(&slot) else { return Vec::new() };
        let tasks = std::mem::take(&mut wait.tasks);
        if !wait.next.is_empty() {
            let wait = Wait { tasks: std::mem::take(&mut wait.next), under_way: false, ..wait };
            self.looks.insert(slot.clone(), wait);
            self.ready.push_back(slot);
        }
        tasks.into_iter().filter_map(|task| self.one_less(task, stay)).collect()
    }

    fn one_less(&mut self, task: Task, stay: bool) -> Option<Ended> {
        let begun = self.tasks.get_mut(&task)?;
        begun.stays |= stay;
        begun.open -= 1;
        if begun.open > 0 {
            return None;
        }
        self.tasks.remove(&task).map(|begun| Ended { message: begun.message, stays: begun.stays })
    }

    /// The receipts of all that is under way.
    pub(super) fn handles(&self) -> Vec<String> {
        self.tasks.values().map(|begun| begun.message.handle.clone()).collect()
    }
}

fn slot(wanted: &Wanted) -> Slot {
    (wanted.key(), wanted.delay)
}

#[cfg(test)]
mod tests {
    use common::reference::Reference;
    use common::resource::ResourceType;

    use super::*;

    fn message(id: &str) -> Message {
        Message { id: id.into(), handle: id.into(), body: String::new(), receives: 1, sent: None }
    }

    fn wanted(ids: &[&str]) -> Vec<Wanted> {
        let wanted = |id: &&str| Wanted {
            reference: Reference {
                account: "111122223333".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                kind: "ec2".into(),
                id: (*id).to_owned(),
            },
            kind: ResourceType::Ec2,
            delay: Duration::ZERO,
        };
        ids.iter().map(wanted).collect()
    }

    fn next(board: &mut Board) -> Option<String> {
        board.next_look().map(|(wanted, _)| wanted.reference.id)
    }

    fn looked(board: &mut Board, id: &str, stay: bool) -> Vec<(String, bool)> {
        let ended = board.looked(&wanted(&[id])[0], stay);
        ended.into_iter().map(|ended| (ended.message.id, ended.stays)).collect()
    }

    #[test]
    fn one_look_is_for_all_who_were_there_when_it_began() {
        let mut board = Board::default();
        for id in ["m1", "m2"] {
            assert!(board.begin(message(id), wanted(&["i-1"]), false).is_none());
        }
        assert_eq!((next(&mut board).as_deref(), next(&mut board)), (Some("i-1"), None));
        assert!(board.begin(message("m3"), wanted(&["i-1"]), false).is_none());
        assert_eq!(next(&mut board), None, "one look at a time");
        assert_eq!(looked(&mut board, "i-1", false), [("m1".to_owned(), false), ("m2".to_owned(), false)]);
        assert_eq!(next(&mut board).as_deref(), Some("i-1"), "it may have changed since");
        assert_eq!(looked(&mut board, "i-1", false), [("m3".to_owned(), false)]);
        assert_eq!((board.len(), next(&mut board)), (0, None));
    }

    #[test]
    fn a_message_ends_with_its_last_look_and_stays_if_one_told_nothing() {
        let mut board = Board::default();
        assert!(board.begin(message("m1"), wanted(&["i-1", "i-2"]), false).is_none());
        assert!(board.begin(message("m2"), wanted(&["i-2"]), true).is_none());
        while next(&mut board).is_some() {}
        assert_eq!(looked(&mut board, "i-1", true), []);
        assert_eq!(looked(&mut board, "i-2", false), [("m1".to_owned(), true), ("m2".to_owned(), true)]);
        let ended = board.begin(message("m3"), Vec::new(), true).unwrap();
        assert!(ended.stays);
    }

    #[test]
    fn a_look_at_once_does_not_stand_for_one_that_is_worth_while_later() {
        let later = || vec![Wanted { delay: Duration::from_mins(2), ..wanted(&["db"]).remove(0) }];
        let mut board = Board::default();
        assert!(board.begin(message("tags"), wanted(&["db"]), false).is_none());
        assert!(board.begin(message("modified"), later(), false).is_none());
        let delays = [(); 2].map(|()| board.next_look().map(|(wanted, _)| wanted.delay.as_secs()));
        assert_eq!((delays, next(&mut board)), ([Some(0), Some(120)], None));
        // While both are under way there are more of each.
        assert!(board.begin(message("modified again"), later(), false).is_none());
        assert_eq!(looked(&mut board, "db", false), [("tags".to_owned(), false)]);
        assert_eq!(next(&mut board), None);
        let ended: Vec<String> = board.looked(&later()[0], false).into_iter().map(|ended| ended.message.id).collect();
        assert_eq!(ended, ["modified"]);
        assert_eq!(board.next_look().map(|(wanted, _)| wanted.delay.as_secs()), Some(120));
    }
}
