//! The engine: events come in, alerts come out. It calls nobody, and knows no time but the one that it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use common::cli::Failure;
use common::event::{Found, Record, What};
use common::operation::STS_GET_CALLER_IDENTITY;
use common::record::{Alert, AlertEvent};
use common::settings::{Honeytoken, Period};
use common::stream::{Item, without_place};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::alert::{self, Told};
use super::allow::AllowList;
use super::call::{Call, digest, short};
use super::incident;
use super::index::Index;
use super::input::Use;
use super::matching::{self, Hit};
use super::strangers::Strangers;
use super::trigger::Trigger;
use crate::registry::{DerivedKey, EVENTS_KEPT, Incident, Known, Registry, RegistryError, Seen, SeenEvent};

/// For how long before and after honeytoken was at work on a token its calls may have happened.
const AT_WORK: SignedDuration = SignedDuration::from_mins(5);

/// What is worth an alert.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// After how long without an event an incident is over.
    quiet: SignedDuration,
    /// Whether each event is told.
    every_event: bool,
    /// Who is allowed for.
    allow: AllowList,
}

impl Rules {
    /// As the settings have it, and the command line over them.
    ///
    /// # Errors
    ///
    /// A list of allowed callers that cannot be meant.
    pub(crate) fn new(settings: &Honeytoken, quiet: Option<Period>, every_event: bool) -> Result<Self, Failure> {
        let quiet = quiet.or(settings.quiet).map_or(SignedDuration::from_mins(30), Period::get);
        Ok(Self { quiet, every_event, allow: AllowList::new(&settings.allow)? })
    }
}

/// Why something that came in tells nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// It is none of what is understood. That costs only itself.
    #[error("{0}")]
    NoEvent(String),
    /// The registry's.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// The engine. What it saw is written when [`settle`](Self::settle) is called: after the alerts are out.
#[derive(Debug)]
pub(crate) struct Engine<'r> {
    /// Where what was seen is kept.
    registry: &'r Registry,
    /// Whose tokens are watched: the same one, unless what is seen is to be forgotten.
    watched: &'r Registry,
    rules: Rules,
    index: Index,
    /// The version that `index` is of, and how long it took to read.
    version: i64,
    loaded: Instant,
    took: Duration,
    /// Incidents that have changed since they were written, by their ids. Of all others the registry knows better.
    incidents: BTreeMap<String, Incident>,
    /// What the registry does not know yet.
    seen: Seen,
    strangers: Strangers,
    /// How much was about tokens so far, told or not.
    about_tokens: u64,
    /// The tokens of which something was written down since the registry was pruned last.
    busy: BTreeSet<String>,
}

/// What happened to a token, by one event.
struct Event<'a> {
    /// What it is known by.
    id: String,
    at: Timestamp,
    region: String,
    /// The call, where there was one.
    call: Option<&'a Call>,
    /// What else there is to say.
    about: String,
    /// The access key that the caller got.
    given: Option<String>,
    /// That one was seen in use before.
    in_use: bool,
}

impl<'r> Engine<'r> {
    /// An engine for the tokens of a registry, which keeps what it sees in the same one, or in another.
    pub(crate) fn new(registry: &'r Registry, watched: &'r Registry, rules: Rules) -> Result<Self, RegistryError> {
        let mut engine = Self {
            registry,
            watched,
            rules,
            index: Index::default(),
            version: watched.version()?,
            loaded: Instant::now(),
            took: Duration::ZERO,
            incidents: BTreeMap::new(),
            seen: Seen::default(),
            strangers: Strangers::default(),
            about_tokens: 0,
            busy: BTreeSet::new(),
        };
        engine.load()?;
        Ok(engine)
    }

    /// How many tokens are watched.
    pub(crate) fn tokens(&self) -> usize {
        self.index.len()
    }

    /// Looks whether somebody else has changed the registry, and learns what is new, where all is settled. A registry that changes
    /// all the time is read for a tenth of the time at most.
    pub(crate) fn refresh(&mut self) -> Result<(), RegistryError> {
        if !self.is_settled() || self.loaded.elapsed() < self.took * 10 {
            return Ok(());
        }
        let version = self.watched.version()?;
        if version != self.version {
            self.version = version;
            self.load()?;
        }
        Ok(())
    }

    fn load(&mut self) -> Result<(), RegistryError> {
        let start = Instant::now();
        self.index = Index::load(self.watched)?;
        (self.loaded, self.took) = (Instant::now(), start.elapsed());
        Ok(())
    }

    /// Takes something in: the alerts that come of it.
    ///
    /// # Errors
    ///
    /// It is nothing that is understood, or the registry cannot be used.
    pub(crate) fn take(&mut self, found: &Found, now: Timestamp) -> Result<Vec<Alert>, TakeError> {
        match &found.what {
            What::Record(item) => self.record(item, now),
            What::Health(item) => self.health(item, now),
            What::Nothing(_) => Ok(Vec::new()),
            What::File(file) => Err(TakeError::NoEvent(format!(
                "a notice of the file s3://{}/{}, which is not fetched: --s3 reads the bucket, --sqs the queue of its notices",
                short(&file.bucket, 100),
                short(&file.key, 300)
            ))),
            What::Other(_) => Err(TakeError::NoEvent("no CloudTrail record, nor anything that brings some".into())),
        }
    }

    fn record(&mut self, item: &Item, now: Timestamp) -> Result<Vec<Alert>, TakeError> {
        let record = Record::parse(&item.text).map_err(|error| TakeError::NoEvent(without_place(&error)))?;
        let at = record.event_time.parse().unwrap_or(now);
        let hits = matching::hits(&record, at, &self.index);
        if hits.is_empty() {
            let key = &record.user_identity.access_key_id;
            if key.starts_with("ASIA") {
                self.strangers.note(key);
            }
            return Ok(Vec::new());
        }
        self.about_tokens += 1;
        let call = Call::new(&record, &item.text, now);
        let mut alerts = Vec::new();
        for hit in hits {
            if !hit.trigger.is_use() && self.is_own(&record, hit, at)? {
                continue;
            }
            let given = if hit.trigger.is_use() { matching::given_key(&record) } else { None };
            let in_use = given.as_ref().is_some_and(|key| self.strangers.has(key));
            let event = Event {
                id: call.event.id.clone(),
                at,
                region: record.aws_region.to_string(),
                call: Some(&call),
                about: String::new(),
                given,
                in_use,
            };
            alerts.extend(self.see(hit, &event, now)?);
        }
        Ok(alerts)
    }

    /// Whether a call about a token is honeytoken's own. What it says of itself is not enough: it must have called as one that
    /// honeytoken calls as, or honeytoken must have been at work on that token at the time.
    fn is_own(&self, record: &Record<'_>, hit: Hit, at: Timestamp) -> Result<bool, RegistryError> {
        if !record.user_agent.contains("app/sluice-") {
            return Ok(false);
        }
        if matching::called_as(record).is_some_and(|caller| self.index.is_own_caller(&caller)) {
            return Ok(true);
        }
        let Some(token) = self.index.token(hit.place) else { return Ok(false) };
        Ok(record.user_agent.contains("app/sluice-honeytoken")
            && self.registry.was_at_work(&token.token, at, AT_WORK)?)
    }

    /// An event of AWS Health.
    fn health(&mut self, item: &Item, now: Timestamp) -> Result<Vec<Alert>, TakeError> {
        let event: Value = item.parse().map_err(|broken| TakeError::NoEvent(broken.to_string()))?;
        let detail = &event["detail"];
        let text = |value: &Value| value.as_str().map(|text| short(text, 256)).unwrap_or_default();
        let code = text(&detail["eventTypeCode"]);
        if !code.starts_with("AWS_RISK_") {
            return Ok(Vec::new());
        }
        let at = text(&event["time"]).parse().unwrap_or(now);
        let mut id = text(&detail["eventArn"]);
        if id.is_empty() {
            id = format!("sha256:{}", digest(&[&item.text]));
        }
        let mut alerts = Vec::new();
        for place in matching::exposed(detail, &text(&event["account"]), at, &self.index) {
            let hit = Hit { place, trigger: Trigger::Exposed };
            let region = text(&event["region"]);
            let (id, about) = (id.clone(), code.clone());
            let event = Event { id, at, region, call: None, about, given: None, in_use: false };
            self.about_tokens += 1;
            alerts.extend(self.see(hit, &event, now)?);
        }
        Ok(alerts)
    }

    /// A use that IAM tells of, and no event.
    pub(crate) fn take_use(&mut self, used: &Use, now: Timestamp) -> Result<Option<Alert>, RegistryError> {
        let place = self.index.by_id(&used.token).or_else(|| self.index.by_key(&used.key));
        let Some(place) = place else { return Ok(None) };
        let last = &used.used;
        let event = Event {
            id: format!("last-used:{}:{}", used.key, last.at),
            at: last.at,
            region: last.region.clone(),
            call: None,
            about: format!("key {}, for {} in {}, at {}", used.key, last.service, last.region, last.at),
            given: None,
            in_use: false,
        };
        self.about_tokens += 1;
        self.see(Hit { place, trigger: Trigger::UsedUnlogged }, &event, now)
    }

    /// An event of a token: the alert that comes of it.
    fn see(&mut self, hit: Hit, event: &Event<'_>, now: Timestamp) -> Result<Option<Alert>, RegistryError> {
        let Hit { place, trigger } = hit;
        let Some(token) = self.index.token(place).cloned() else { return Ok(None) };
        let agent = event.call.map(|call| call.event.user_agent.as_str()).unwrap_or_default();
        // A drill makes no other call: whoever got to know its word may at most do the same.
        let is_of_drill = event.call.is_some_and(|call| call.event.operation == STS_GET_CALLER_IDENTITY.name());
        let drill = self.index.drill(place, agent, event.at).filter(|_| is_of_drill).map(|drill| drill.nonce.clone());
        let is_drill = drill.is_some();
        let suppressed = !is_drill && self.rules.allow.allows(&token, trigger, event.call, event.at);
        let mut seen = SeenEvent {
            id: event.id.clone(),
            token: token.token.clone(),
            incident: None,
            trigger: trigger.name(),
            occurred_at: event.at,
            seen_at: now,
            suppressed,
            drill: is_drill,
        };
        if self.seen.events.iter().any(|known| known.covers(&seen)) || self.registry.has_event(&seen)? {
            return Ok(None);
        }
        self.seen.drills.extend(drill);
        if let Some(key) = &event.given {
            self.index.derive(key, place);
            let (id, event) = (key.clone(), event.id.clone());
            self.seen.derived.push(DerivedKey { id, token: token.token.clone(), event });
        }
        let incident = self.incident(&token.token, is_drill, event.at)?;
        seen.incident.clone_from(&incident);
        if suppressed {
            if let Some(incident) = incident.and_then(|id| self.incidents.get_mut(&id)) {
                incident.suppressed += 1;
            }
            self.seen.events.push(seen);
            return Ok(None);
        }
        let id = incident.unwrap_or_else(|| incident::id(&token.token, &event.id, is_drill));
        seen.incident = Some(id.clone());
        self.seen.events.push(seen);
        let used = event.call.and_then(|call| call.event.access_key.as_deref());
        let active_key = trigger.tells_of_the_secret().then(|| self.index.key_to_stop(place, used, event.at)).flatten();
        let incident = self.incidents.entry(id.clone()).or_insert_with(|| Incident {
            id,
            token: token.token.clone(),
            opened_at: now,
            first_event_at: event.at,
            last_event_at: event.at,
            last_seen_at: now,
            closed_at: None,
            count: 0,
            suppressed: 0,
            alerts: 0,
            drill: is_drill,
            known: Known { trigger: trigger.name().to_owned(), region: event.region.clone(), ..Known::default() },
        });
        Ok(told(incident, &token, trigger, event, &self.rules, active_key.as_deref(), now))
    }

    /// The incident that an event of a token belongs to, where there is one. It is among those that change from then on.
    fn incident(&mut self, token: &str, drill: bool, at: Timestamp) -> Result<Option<String>, RegistryError> {
        let mut written = self.registry.incidents_near(token, drill, at, self.rules.quiet)?;
        written.retain(|incident| !self.incidents.contains_key(&incident.id));
        let own = self.incidents.values().filter(|incident| incident.token == token && incident.drill == drill);
        let id = incident::nearest(own.chain(&written), at, self.rules.quiet);
        let found = written.into_iter().find(|incident| Some(&incident.id) == id.as_ref());
        self.incidents.extend(found.map(|incident| (incident.id.clone(), incident)));
        Ok(id)
    }

    /// Time has passed: the alerts of incidents that are over. To be called now and then.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Result<Vec<Alert>, RegistryError> {
        self.close(now, |incident| incident.last_seen_at)
    }

    /// All has been read: the alerts of incidents that are over by their events' own time. Those that are not stay open, and go
    /// on in the next run.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Result<Vec<Alert>, RegistryError> {
        self.close(now, |incident| incident.last_event_at)
    }

    fn close(&mut self, now: Timestamp, last: impl Fn(&Incident) -> Timestamp) -> Result<Vec<Alert>, RegistryError> {
        let quiet = self.rules.quiet;
        let is_over = |incident: &Incident| incident.closed_at.is_none() && now.duration_since(last(incident)) >= quiet;
        // As they are by now: another watch may have counted on, or have said that they are over.
        for incident in self.registry.open_incidents()?.into_iter().filter(is_over) {
            self.incidents.entry(incident.id.clone()).or_insert(incident);
        }
        let mut over: Vec<&mut Incident> = self.incidents.values_mut().filter(|incident| is_over(incident)).collect();
        over.sort_unstable_by(|one, other| (one.first_event_at, &one.id).cmp(&(other.first_event_at, &other.id)));
        let mut alerts = Vec::with_capacity(over.len());
        for incident in over {
            incident.closed_at = Some(now);
            let token = self.index.by_id(&incident.token).and_then(|place| self.index.token(place));
            alerts.extend(token.map(|token| alert::close(token, incident, quiet, now)));
        }
        Ok(alerts)
    }

    /// Whether there is anything to settle.
    pub(crate) fn is_settled(&self) -> bool {
        self.seen.is_empty() && self.incidents.is_empty()
    }

    /// How much was about tokens so far.
    pub(crate) fn about_tokens(&self) -> u64 {
        self.about_tokens
    }

    /// How many events are not written down yet.
    pub(crate) fn pending(&self) -> usize {
        self.seen.events.len()
    }

    /// Writes down what was seen. To be called when the alerts of it are out: whoever is killed between the two tells it once
    /// more, with the same keys. What cannot be written stays to be, and counts as seen.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Result<(), RegistryError> {
        if self.is_settled() {
            return Ok(());
        }
        self.seen.incidents = self.incidents.values().cloned().collect();
        self.registry.note_seen(&self.seen, now)?;
        self.busy.extend(std::mem::take(&mut self.seen).events.into_iter().map(|event| event.token));
        self.incidents.clear();
        Ok(())
    }

    /// Has the registry forget some of what need not be known any more, and says whether there is more of it.
    pub(crate) fn prune(&mut self, now: Timestamp) -> Result<bool, RegistryError> {
        let pruned = self.registry.prune(now, &self.busy)?;
        if pruned.keys {
            self.load()?;
        }
        if !pruned.more {
            self.busy.clear();
        }
        Ok(pruned.more)
    }
}

/// Adds an event to its incident: the alert, where it tells something.
fn told(
    incident: &mut Incident,
    token: &common::record::Token,
    trigger: Trigger,
    event: &Event<'_>,
    rules: &Rules,
    active_key: Option<&str>,
    now: Timestamp,
) -> Option<Alert> {
    let call: Option<&AlertEvent> = event.call.map(|call| &call.event);
    incident.count += 1;
    let news =
        incident::news(&incident.known, incident::told(trigger, call, active_key, event.given.is_some(), event.in_use));
    // Of what was over so long ago it is not known any more which events there were: only what is new was not told.
    let is_forgotten = incident.closed_at.is_some_and(|closed| now.duration_since(closed) >= EVENTS_KEPT);
    let is_told = rules.every_event && !is_forgotten || incident::is_worth_it(&news, incident.alerts);
    if !is_told && incident.closed_at.is_some() {
        // A straggler does not open again what is over. Nor does it prolong that, or the next one would be a straggler, too.
        return None;
    }
    incident.first_event_at = incident.first_event_at.min(event.at);
    incident.last_event_at = incident.last_event_at.max(event.at);
    if !is_told {
        incident.last_seen_at = now;
        return None;
    }
    incident.closed_at = None;
    incident.last_seen_at = now;
    incident.alerts += 1;
    incident::remember(&mut incident.known, &news);
    let severity = if incident.drill { common::record::Severity::Low } else { trigger.severity() };
    incident.known.severity = incident.known.severity.max(Some(severity));
    let told = Told {
        trigger,
        event: call,
        about: &event.about,
        region: &event.region,
        time: event.at,
        news: &news,
        active_key,
        key: alert::key(rules.every_event, &event.id, &news),
    };
    Some(alert::open(token, incident, &told, now))
}
