//! All tokens, by what they can be known by. Those that were deleted, too: events come late, and a key that was deleted may have
//! been used before.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use common::record::{KeyStatus, Token, TokenKey};
use jiff::{SignedDuration, Timestamp};

use crate::registry::{Caller, Drilled, Registry, RegistryError};

/// For how long after it was deleted a user may still be meant by its name: clocks differ. Somebody else may have that name
/// afterwards.
const AFTERLIFE: SignedDuration = SignedDuration::from_mins(15);

/// How long a drill's calls take at most, from when it began on; and how far clocks may differ.
const DRILL: SignedDuration = SignedDuration::from_hours(1);
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// All tokens. A token is meant by its place among them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    tokens: Vec<Token>,
    ids: HashMap<String, usize>,
    /// Key ids, of the keys' own and of those derived from them.
    keys: HashMap<String, usize>,
    derived: HashMap<String, usize>,
    /// Unique ids.
    principals: HashMap<String, usize>,
    /// Names and ARNs are given again when a user is gone: each may mean several tokens.
    arns: HashMap<String, Vec<usize>>,
    names: HashMap<(String, String), Vec<usize>>,
    drills: HashMap<usize, Vec<Drilled>>,
    callers: HashSet<Caller>,
}

/// How something is known of which only a part is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hint<'a> {
    /// The unique id that stood beside it; empty where none did.
    pub(crate) principal: &'a str,
    /// When.
    pub(crate) at: Timestamp,
}

impl Index {
    /// What the registry knows.
    pub(crate) fn load(registry: &Registry) -> Result<Self, RegistryError> {
        let mut index = Self::new(registry.all_tokens()?);
        for (key, token) in registry.derived_keys()? {
            if let Some(&token) = index.ids.get(&token) {
                index.derived.insert(key, token);
            }
        }
        for drill in registry.drilled()? {
            if let Some(&token) = index.ids.get(&drill.token) {
                index.drills.entry(token).or_default().push(drill);
            }
        }
        index.callers = registry.callers()?.into_iter().collect();
        Ok(index)
    }

    /// These tokens.
    fn new(tokens: Vec<Token>) -> Self {
        let mut index = Self::default();
        for (place, token) in tokens.iter().enumerate() {
            let account = token.account.to_string();
            index.ids.insert(token.token.clone(), place);
            for key in &token.keys {
                index.keys.insert(key.id.clone(), place);
            }
            if let Some(principal) = &token.principal_id {
                index.principals.insert(principal.clone(), place);
            }
            add(&mut index.arns, token.arn.to_string(), place);
            add(&mut index.names, (account, token.id.to_ascii_lowercase()), place);
        }
        index.tokens = tokens;
        index
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token at a place.
    pub(crate) fn token(&self, place: usize) -> Option<&Token> {
        self.tokens.get(place)
    }

    /// The token of this id in the registry.
    pub(crate) fn by_id(&self, token: &str) -> Option<usize> {
        self.ids.get(token).copied()
    }

    /// Whose key that is.
    pub(crate) fn by_key(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }

    /// From whose key that one was derived.
    pub(crate) fn by_derived_key(&self, key: &str) -> Option<usize> {
        self.derived.get(key).copied()
    }

    /// Whose unique id that is; `AIDA...`, or what begins with it. An account that is not told is no reason against it.
    pub(crate) fn by_principal(&self, account: &str, principal: &str) -> Option<usize> {
        let place = *self.principals.get(principal.split(':').next()?)?;
        let token = self.tokens.get(place)?;
        (account.is_empty() || token.account.as_str() == account).then_some(place)
    }

    /// Whose ARN that is.
    pub(crate) fn by_arn(&self, arn: &str, hint: Hint<'_>) -> Option<usize> {
        self.one_of(self.arns.get(arn)?, hint)
    }

    /// Whose user's name that is; IAM knows no two that differ in case.
    pub(crate) fn by_name(&self, account: &str, name: &str, hint: Hint<'_>) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        self.one_of(self.names.get(&(account.to_owned(), name.to_ascii_lowercase()))?, hint)
    }

    /// The key that would have to be deactivated, where one of a token's was used: that one, if it is active. A session, a federated
    /// user and a notice do not tell by which key they came to be: there it is the only one that is active, where that was there
    /// at the time.
    pub(crate) fn key_to_stop(&self, place: usize, used: Option<&str>, at: Timestamp) -> Option<String> {
        let is_active = |key: &&TokenKey| matches!(key.status, KeyStatus::Active | KeyStatus::Unconfirmed);
        let active: Vec<&TokenKey> = self.token(place)?.keys.iter().filter(is_active).collect();
        let known = active.iter().find(|key| Some(key.id.as_str()) == used);
        let is_own = used.is_some_and(|used| used.starts_with("AKIA"));
        let was_there = |key: &&&TokenKey| at.duration_since(key.created_at) >= -SKEW;
        let only = if let ([only], false) = (&active[..], is_own) { Some(only).filter(was_there) } else { None };
        known.or(only).map(|key| key.id.clone())
    }

    /// A key was derived from a token's.
    pub(crate) fn derive(&mut self, key: &str, place: usize) {
        self.derived.insert(key.to_owned(), place);
    }

    /// The drill that a call belongs to, by what stands in its user agent. Only for as long as a drill lasts: what stood in
    /// CloudTrail once is no secret.
    pub(crate) fn drill(&self, place: usize, user_agent: &str, at: Timestamp) -> Option<&Drilled> {
        self.drills.get(&place)?.iter().find(|drill| {
            let since = at.duration_since(drill.started_at);
            !drill.nonce.is_empty() && user_agent.contains(&drill.nonce) && since >= -SKEW && since <= DRILL
        })
    }

    /// Whether honeytoken itself calls AWS as this one.
    pub(crate) fn is_own_caller(&self, caller: &Caller) -> bool {
        self.callers.contains(caller)
    }

    /// Of tokens that had the same name, one after the other: the one that was there at that time. One whose user has another
    /// unique id than the one meant is not it.
    fn one_of(&self, places: &[usize], hint: Hint<'_>) -> Option<usize> {
        let Hint { principal, at } = hint;
        let is_user = principal.starts_with("AIDA");
        let mut found = None;
        for &place in places {
            let Some(token) = self.tokens.get(place) else { continue };
            let is_other = is_user && token.principal_id.as_deref().is_some_and(|known| known != principal);
            let was_gone = token.deleted_at.is_some_and(|gone| at.duration_since(gone) > AFTERLIFE);
            if !is_other && !was_gone && (found.is_none() || at.duration_since(token.created_at) >= -SKEW) {
                found = Some(place);
            }
        }
        found
    }
}

fn add<K: Hash + Eq>(map: &mut HashMap<K, Vec<usize>>, key: K, place: usize) {
    map.entry(key).or_default().push(place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::token;

    #[test]
    fn of_users_of_one_name_the_one_of_that_time_is_meant() {
        let mut old = token("old", "svc");
        old.created_at = "2026-01-01T00:00:00Z".parse().unwrap();
        old.deleted_at = Some("2026-02-01T00:00:00Z".parse().unwrap());
        old.principal_id = Some("AIDAOLD".into());
        let mut new = token("new", "svc");
        new.created_at = "2026-03-01T00:00:00Z".parse().unwrap();
        new.principal_id = Some("AIDANEW".into());
        let mut index = Index::new(vec![old.clone(), new.clone()]);
        let arn = old.arn.to_string();
        for (at, principal, expected) in [
            ("2026-01-15T00:00:00Z", "", Some(0)),
            ("2026-02-15T00:00:00Z", "", Some(1)),
            ("2026-03-15T00:00:00Z", "", Some(1)),
            ("2026-03-15T00:00:00Z", "AIDANEW", Some(1)),
            ("2026-03-15T00:00:00Z", "AIDAELSE", None),
            ("2026-03-15T00:00:00Z", "AROAROLE", Some(1)),
        ] {
            let hint = Hint { principal, at: at.parse().unwrap() };
            assert_eq!(index.by_name("111122223333", "SVC", hint), expected, "{at} {principal}");
            assert_eq!(index.by_arn(&arn, hint), expected, "{at} {principal}");
            assert_eq!(index.by_name("444455556666", "svc", hint), None);
        }
        // The name of a token that is gone is anybody's.
        index = Index::new(vec![old]);
        let hint = Hint { principal: "", at: "2026-03-15T00:00:00Z".parse().unwrap() };
        assert_eq!(index.by_name("111122223333", "svc", hint), None);
        // Its unique id is not.
        assert_eq!(index.by_principal("111122223333", "AIDAOLD:x"), Some(0));
        assert_eq!(index.by_principal("444455556666", "AIDAOLD"), None);
    }
}
