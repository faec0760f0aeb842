//! Where orders go: to the lanes, or nowhere in a dry run.

use std::collections::BTreeMap;

use common::cli::Failure;
use common::exit::Exit;
use common::settings::Zone;
use futures_util::future::join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::memory::TargetName;
use crate::report::Report;
use crate::route::Target;
use crate::send::{self, Order, Policy, Told};

/// All who can be told.
pub(crate) struct Dispatch {
    known: Vec<Known>,
    places: BTreeMap<TargetName, usize>,
    to: To,
}

/// What is known of a target.
struct Known {
    name: TargetName,
    zone: Zone,
    lane: usize,
}

enum To {
    /// Nowhere: what would be sent is shown.
    Nowhere(Vec<Target>),
    /// The lanes.
    Lanes { orders: Vec<UnboundedSender<Order>>, work: Vec<JoinHandle<Option<bool>>> },
}

impl Dispatch {
    /// Starts the lanes, on threads of the runtime: a reader of stdout who takes his time holds up no message. In a dry
    /// run nothing is sent, and no channel is so much as opened.
    pub(crate) fn start(targets: Vec<Target>, policy: Policy, dry_run: bool) -> (Self, UnboundedReceiver<Told>) {
        let known = |target: &Target| Known { name: target.name(), zone: target.zone.clone(), lane: target.lane };
        let known: Vec<Known> = targets.iter().map(known).collect();
        let places = known.iter().enumerate().map(|(place, known)| (known.name.clone(), place)).collect();
        let (told, heard) = unbounded_channel();
        let to = if dry_run {
            To::Nowhere(targets)
        } else {
            let mut lanes: BTreeMap<usize, BTreeMap<usize, Target>> = BTreeMap::new();
            for (place, target) in targets.into_iter().enumerate() {
                lanes.entry(target.lane).or_default().insert(place, target);
            }
            // A lane's number is its place: they are counted from 0, and none is without a target.
            let (orders, work) = lanes
                .into_values()
                .map(|targets| {
                    let (sender, receiver) = unbounded_channel();
                    (sender, tokio::spawn(send::work(targets, receiver, policy, told.clone())))
                })
                .unzip();
            To::Lanes { orders, work }
        };
        (Self { known, places, to }, heard)
    }

    /// The name of a target.
    pub(crate) fn name(&self, place: usize) -> Option<&TargetName> {
        Some(&self.known.get(place)?.name)
    }

    /// The place of a target.
    pub(crate) fn place(&self, name: &TargetName) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The time zone of those who read what a target gets.
    pub(crate) fn zone(&self, place: usize) -> Zone {
        self.known.get(place).map(|known| known.zone.clone()).unwrap_or_default()
    }

    /// Gives an order to its target's lane; in a dry run shows what it comes to. The answer is whether there is anything
    /// to wait for.
    pub(crate) fn order(&self, order: Order, report: &mut Report<'_>) -> Result<bool, serde_json::Error> {
        match &self.to {
            To::Nowhere(targets) => {
                let Some(target) = targets.get(order.target) else { return Ok(false) };
                for message in order.what.messages(target)? {
                    let payload = target.channel.payload(&message)?;
                    let readable = message.readable().to_owned();
                    report.planned(&send::planned(target, message), &payload, &readable);
                }
                Ok(false)
            }
            To::Lanes { orders, .. } => {
                let lane = self.known.get(order.target).and_then(|known| orders.get(known.lane));
                Ok(lane.is_some_and(|lane| lane.send(order).is_ok()))
            }
        }
    }

    /// There are no more orders: the lanes end when they have worked off those that they have.
    pub(crate) fn close(&mut self) {
        if let To::Lanes { orders, .. } = &mut self.to {
            orders.clear();
        }
    }

    /// Waits for the lanes to end. Where no channel at all could be opened, the tool could not start.
    pub(crate) async fn end(mut self) -> Result<Exit, Failure> {
        self.close();
        let To::Lanes { work, .. } = self.to else { return Ok(Exit::Done) };
        let mut opened = Vec::new();
        for lane in join_all(work).await {
            opened.extend(lane.map_err(|error| Failure::Incomplete(format!("sending broke off: {error}")))?);
        }
        Ok(if opened.is_empty() || opened.contains(&true) { Exit::Done } else { Exit::CannotStart })
    }
}
