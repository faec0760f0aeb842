//! Many tokens are made at once.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use common::aws::Signals;
use common::cli::Failure;
use common::exit::Exit;
use common::record::{KeyStatus, Token, TokenState};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

use super::create::{Maker, NotMade};
use super::request::Request;
use crate::registry::{Filter, Registry, RegistryError};

/// How many of those for which there was no room are named.
const NAMED: usize = 5;

/// Where one token is enough: its owner and its location.
type Place = (String, String);

/// Something that was read.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A token is asked for.
    For(Request),
    /// It cannot be told what is asked for.
    Broken(String),
    /// The input broke off.
    Lost(io::Error),
}

/// Where tokens are already, and where some are being made.
#[derive(Debug)]
pub(crate) struct Places(Mutex<BTreeMap<Place, Found>>);

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A token that works.
    Token(String),
    /// A token whose secret nobody may have.
    Unconfirmed(String),
    /// Another request of the same batch has claimed it.
    Claimed,
    /// Nothing.
    Nothing,
}

impl Places {
    /// What the registry knows.
    pub(crate) fn of(registry: &Registry, now: Timestamp) -> Result<Self, RegistryError> {
        let active = Filter { states: vec![TokenState::Active], ..Filter::default() };
        let mut places = BTreeMap::new();
        for token in registry.tokens(&active)?.into_iter().filter(|token| !token.has_expired(now)) {
            let has = |status| token.keys.iter().any(|key| key.status == status);
            let found = match (has(KeyStatus::Active), has(KeyStatus::Unconfirmed)) {
                (true, _) => Found::Token(token.token),
                (false, true) => Found::Unconfirmed(token.token),
                (false, false) => continue,
            };
            let place = places.entry((token.owner, token.location)).or_insert(Found::Nothing);
            if !matches!(place, Found::Token(_)) {
                *place = found;
            }
        }
        Ok(Self(Mutex::new(places)))
    }

    /// A token was made where it was asked for.
    fn made(&self, request: &Request, token: &Token) {
        if let Some(place) = request.place() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place, Found::Token(token.token.clone()));
        }
    }

    /// What is at the place that is asked for. Where there is nothing, whoever asks has claimed it.
    pub(crate) fn claim(&self, request: &Request) -> Found {
        let Some(place) = request.place() else { return Found::Nothing };
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match places.get(&place) {
            Some(token @ Found::Token(_)) => token.clone(),
            Some(Found::Claimed) => Found::Claimed,
            Some(other @ (Found::Unconfirmed(_) | Found::Nothing)) => {
                let other = other.clone();
                places.insert(place, Found::Claimed);
                other
            }
            None => {
                places.insert(place, Found::Claimed);
                Found::Nothing
            }
        }
    }
}

/// What became of a request.
enum Served {
    Made,
    /// There is one already.
    There(Box<Token>),
    /// Another request of this batch makes it.
    Again(Place),
}

/// Makes what is asked for, `at_once` at the same time, and says what is not. `total` is how many will be asked for, where that
/// is known.
///
/// After a signal, and when secrets cannot be handed out any more, nothing more is begun; a second signal ends it at once.
///
/// # Errors
///
/// stdout cannot be written, and no secret is lost by that.
pub(crate) async fn run(
    maker: &Maker<'_>,
    places: &Places,
    mut asked: Receiver<Asked>,
    total: Option<u64>,
    at_once: usize,
) -> Result<Exit, Failure> {
    let say = maker.work.say;
    let mut signals = Signals::new().map_err(|error| Failure::Start(format!("cannot listen to signals: {error}")))?;
    let mut under_way = FuturesUnordered::new();
    let mut tally = Tally { total, ..Tally::default() };
    let mut is_open = true;
    loop {
        let takes = is_open && !tally.is_stopped;
        if under_way.is_empty() && !takes {
            break;
        }
        tokio::select! {
            biased;
            () = signals.next() => {
                if tally.is_interrupted {
                    say.error("told to end a second time: what is under way is left to the next run");
                    return Ok(Exit::Incomplete);
                }
                (tally.is_stopped, tally.is_interrupted) = (true, true);
                say.note(format!("told to end: {} that are under way are brought to their end", under_way.len()));
            }
            Some((request, served)) = under_way.next(), if !under_way.is_empty() => {
                tally.count(maker, &request, served);
                tally.progress(maker, under_way.len());
            }
            next = asked.recv(), if takes && under_way.len() < at_once => match next {
                Some(Asked::For(request)) => {
                    tally.begun += 1;
                    under_way.push(async {
                        let served = serve(maker, places, &request).await;
                        (request, served)
                    });
                }
                Some(Asked::Broken(why)) => {
                    tally.begun += 1;
                    tally.failed += 1;
                    say.error(why);
                }
                Some(Asked::Lost(error)) => {
                    tally.failed += 1;
                    say.error(Failure::Input(error));
                }
                None => is_open = false,
            },
        }
    }
    say.end_progress();
    tally.tell_again(maker, places)?;
    let exit = tally.sum_up(maker);
    // Where a secret is lost by it, that was said.
    match maker.hand.finish() {
        Err(_) if exit != Exit::Done => Ok(exit),
        finished => finished.map(|()| exit),
    }
}

async fn serve(maker: &Maker<'_>, places: &Places, request: &Request) -> Result<Served, NotMade> {
    match places.claim(request) {
        Found::Nothing => {
            places.made(request, &maker.make(request).await?);
            Ok(Served::Made)
        }
        Found::Unconfirmed(id) => {
            let token = maker.work.registry.token(&id)?;
            let token = token.ok_or_else(|| NotMade::This(format!("token {id} is not in the registry any more")))?;
            places.made(request, &maker.replace_key(token, request).await?);
            Ok(Served::Made)
        }
        Found::Token(id) => {
            let token = maker.work.registry.token(&id)?;
            let token = token.ok_or_else(|| NotMade::This(format!("token {id} is not in the registry any more")))?;
            Ok(Served::There(Box::new(token)))
        }
        Found::Claimed => Ok(Served::Again(request.place().unwrap_or_default())),
    }
}

/// Writes a token that was there already. What is wrong with stdout is told in the end: no secret is lost by it. `first`: one
/// that is also explained.
fn tell(maker: &Maker<'_>, token: &Token, first: bool) {
    if first {
        let Token { token, owner, location, .. } = token;
        maker.work.say.note(format!(
            "{owner} has a token at {location} already, {token}, whose secret was handed out when it was made: `honeytoken rotate \
             {token}` gives it another key, --new makes another token"
        ));
    }
    let _ = maker.hand.tell(token);
}

/// What came of it so far.
#[derive(Debug, Default)]
struct Tally {
    total: Option<u64>,
    begun: u64,
    made: u64,
    there: u64,
    failed: u64,
    no_room: Vec<String>,
    again: Vec<Place>,
    is_stopped: bool,
    is_interrupted: bool,
}

impl Tally {
    fn count(&mut self, maker: &Maker<'_>, request: &Request, served: Result<Served, NotMade>) {
        match served {
            Ok(Served::Made) => self.made += 1,
            Ok(Served::There(token)) => {
                tell(maker, &token, self.there == 0);
                self.there += 1;
            }
            Ok(Served::Again(place)) => self.again.push(place),
            Err(NotMade::NoRoom) => self.no_room.push(request.to_string()),
            Err(why) => {
                self.failed += 1;
                self.is_stopped |= matches!(why, NotMade::Stop(_));
                maker.work.say.error(format!("{request}: {why}"));
            }
        }
    }

    fn progress(&self, maker: &Maker<'_>, under_way: usize) {
        let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let failed = self.failed + len(&self.no_room);
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        maker.work.say.progress(format!("{} made{of}, {under_way} under way{failed}", self.made));
    }

    /// Tells those of which the batch had several the token that the first of them made.
    fn tell_again(&mut self, maker: &Maker<'_>, places: &Places) -> Result<(), RegistryError> {
        for (owner, location) in std::mem::take(&mut self.again) {
            let name = format!("a token of {owner} at {location}");
            let made = match places.claim(&Request { owner, location, ..Request::default() }) {
                Found::Token(id) => maker.work.registry.token(&id)?,
                Found::Unconfirmed(_) | Found::Claimed | Found::Nothing => None,
            };
            if let Some(token) = made {
                tell(maker, &token, false);
                self.there += 1;
            } else {
                self.failed += 1;
                maker.work.say.error(format!("{name}, asked for a second time: the first one was not made"));
            }
        }
        Ok(())
    }

    fn sum_up(&self, maker: &Maker<'_>) -> Exit {
        let say = maker.work.say;
        if !self.no_room.is_empty() {
            let named: Vec<&str> = self.no_room.iter().take(NAMED).map(String::as_str).collect();
            let rest = self.no_room.len().saturating_sub(NAMED);
            let rest = if rest > 0 { format!(" and {rest} others") } else { String::new() };
            say.error(format!("{}{rest}: {}", named.join("; "), NotMade::NoRoom));
        }
        if self.is_stopped {
            match self.total.map(|total| total.saturating_sub(self.begun)) {
                Some(0) => {}
                Some(left) => say.error(format!("{left} of {} tokens were not begun", self.total.unwrap_or_default())),
                None => say.error("what else stdin asks for was not begun"),
            }
        }
        let not_made = self.failed + len(&self.no_room);
        if self.made + self.there + not_made > 1 {
            let there = if self.there > 0 { format!(", {} there already", self.there) } else { String::new() };
            let not_made = if not_made > 0 { format!(", {not_made} not made") } else { String::new() };
            say.note(format!("{} tokens made{there}{not_made}", self.made));
        }
        if self.is_stopped || not_made > 0 { Exit::Incomplete } else { Exit::Done }
    }
}

fn len(names: &[String]) -> u64 {
    u64::try_from(names.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::token;

    fn at(owner: &str, location: &str) -> Request {
        Request { owner: owner.into(), location: location.into(), ..Request::default() }
    }

    #[test]
    fn one_token_is_made_for_a_place() {
        let registry = Registry::in_memory().unwrap();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (id, state, keys, expires_at) in [
            ("works", TokenState::Active, &[KeyStatus::Active][..], None),
            ("rotated", TokenState::Active, &[KeyStatus::Unconfirmed, KeyStatus::Active], None),
            ("unconfirmed", TokenState::Active, &[KeyStatus::Deleted, KeyStatus::Unconfirmed], None),
            ("expired", TokenState::Active, &[KeyStatus::Active], Some(now)),
            ("disabled", TokenState::Disabled, &[KeyStatus::Inactive], None),
            ("deleted", TokenState::Deleted, &[KeyStatus::Deleted], None),
        ] {
            let mut token = token(id, &format!("user-{id}"));
            (token.state, token.location, token.expires_at) = (state, id.to_owned(), expires_at);
            registry.insert(&token, |_| None).unwrap();
            for (number, status) in keys.iter().enumerate() {
                let key = format!("AKIA{id}{number}");
                registry.key_made(id, &key, &registry.mark("secret"), now).unwrap();
                registry.set_key(&key, *status).unwrap();
            }
        }
        let places = Places::of(&registry, now).unwrap();
        for (location, expected) in [
            ("works", Found::Token("works".into())),
            ("rotated", Found::Token("rotated".into())),
            ("unconfirmed", Found::Unconfirmed("unconfirmed".into())),
            ("expired", Found::Nothing),
            ("disabled", Found::Nothing),
            ("deleted", Found::Nothing),
            ("elsewhere", Found::Nothing),
        ] {
            assert_eq!(places.claim(&at("web", location)), expected, "{location}");
            let again = if matches!(expected, Found::Token(_)) { expected } else { Found::Claimed };
            assert_eq!(places.claim(&at("web", location)), again, "{location}");
            assert_eq!(places.claim(&Request { is_new: true, ..at("web", location) }), Found::Nothing, "{location}");
        }
        // Once it is made it is told to those that ask for it, too.
        places.made(&at("web", "elsewhere"), &token("new", "user-new"));
        assert_eq!(places.claim(&at("web", "elsewhere")), Found::Token("new".into()));
        for (owner, location) in [("other", "works"), ("", "works"), ("web", ""), ("", ""), ("", "")] {
            assert_eq!(places.claim(&at(owner, location)), Found::Nothing, "{owner} {location}");
        }
    }
}
