//! The registry beside IAM: which user is whose, and what differs. Nothing here asks or changes anything.

use std::collections::{HashMap, HashSet};

use common::record::{Guard, KeyStatus, Token, TokenState};

use super::difference::{Difference, Mend, What};
use crate::accounts::DecoyAccountInUse;
use crate::factory::id::is_id;
use crate::iam::group::is_deny_all;
use crate::iam::list::{Listed, ListedKey, state};

/// What a token's guard is in its account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The key of the tag.
    pub(crate) tag: Option<&'a str>,
    /// The group that is a guard.
    pub(crate) group: &'a str,
    /// The ARN of the boundary that is one.
    pub(crate) boundary: Option<&'a str>,
}

impl<'a> Rules<'a> {
    pub(crate) fn of(account: &'a DecoyAccountInUse) -> Self {
        let DecoyAccountInUse { tag, group, boundary, .. } = account;
        Self { tag: tag.as_deref(), group, boundary: boundary.as_deref() }
    }

    /// What keeps the user from doing anything, where something does.
    pub(crate) fn guard_of(&self, user: &Listed) -> Option<Guard> {
        if user.inline.values().any(|policy| is_deny_all(policy)) {
            Some(Guard::Inline)
        } else if user.groups.iter().any(|group| group == self.group) {
            Some(Guard::Group)
        } else if user.boundary.is_some() && user.boundary.as_deref() == self.boundary {
            Some(Guard::Boundary)
        } else {
            None
        }
    }

    /// Whether there is something that may allow the user anything: decoys have no such thing.
    pub(crate) fn may_do_something(&self, user: &Listed) -> bool {
        user.inline.values().any(|policy| !is_deny_all(policy))
            || user.groups.iter().any(|group| group != self.group)
            || user.attached.iter().any(|arn| !arn.contains("/AWSCompromisedKeyQuarantine"))
    }

    fn tag_of<'u>(&self, user: &'u Listed) -> Option<&'u str> {
        user.tags.get(self.tag?).map(String::as_str)
    }
}

/// Whose each user is.
#[derive(Debug, Default)]
pub(crate) struct Matched<'a> {
    /// Tokens with their users.
    pub(crate) pairs: Vec<(&'a Token, &'a Listed)>,
    /// Tokens that should have a user, and have none.
    pub(crate) missing: Vec<&'a Token>,
    /// Users with a tag of a token's, and that tag.
    pub(crate) strangers: Vec<(&'a Listed, &'a str)>,
}

/// Matches an account's tokens, those that were deleted as well, and its users. Users who are nobody's and have no token's tag
/// are left out: they are none of ours.
pub(crate) fn matched<'a>(tokens: &'a [Token], users: &'a [Listed], rules: Rules<'_>) -> Matched<'a> {
    let by_id: HashMap<&str, &Listed> = users.iter().map(|user| (user.principal_id.as_str(), user)).collect();
    // IAM knows no two names that differ in case alone.
    let by_name: HashMap<String, &Listed> = users.iter().map(|user| (user.name.to_lowercase(), user)).collect();
    let known: HashSet<&str> = tokens.iter().map(|token| token.token.as_str()).collect();
    let mut taken: HashSet<&str> = HashSet::new();
    let mut matched = Matched::default();
    for token in tokens {
        let is_there = token.state.is_there();
        let user = match &token.principal_id {
            Some(id) => by_id.get(id.as_str()).copied(),
            None if is_there => by_name.get(&token.id.to_lowercase()).copied(),
            None => None,
        };
        match user {
            Some(user) => {
                taken.insert(&user.principal_id);
                matched.pairs.push((token, user));
            }
            None if is_there => matched.missing.push(token),
            None => {}
        }
    }
    let free = users.iter().filter(|user| !taken.contains(user.principal_id.as_str()));
    let tagged = free.filter_map(|user| {
        let tag = users_tag(user, rules.tag)?;
        (is_id(tag) || known.contains(tag)).then_some((user, tag))
    });
    matched.strangers = tagged.collect();
    matched
}

fn users_tag<'a>(user: &'a Listed, tag: Option<&str>) -> Option<&'a str> {
    user.tags.get(tag?).map(String::as_str)
}

/// What differs between a token and its user. `busy`: something was begun with it that did not come to its end, so that only
/// its guard can be judged.
pub(crate) fn differences(
    token: &Token,
    user: &Listed,
    keys: &[ListedKey],
    rules: Rules<'_>,
    busy: bool,
) -> Vec<Difference> {
    let mut all = Vec::new();
    let of = |what, apply| Difference::of(token, what, apply).seen(user, keys);
    let is_proved = token.principal_id.is_some()
        || rules.tag_of(user) == Some(token.token.as_str())
        || keys.iter().any(|key| token.keys.iter().any(|own| own.id == key.id));
    if !is_proved {
        // Somebody else's, of the same name.
        let missing = Difference::of(token, What::UserMissing, Mend::SetToken);
        return vec![missing.saying(Some(token.state.name()), Some(&user.principal_id))];
    }
    let guarded = rules.guard_of(user).is_some() || token.guard == Guard::None;
    if !guarded {
        all.push(of(What::GuardMissing, Mend::RestoreGuard).saying(Some(token.guard.name()), None));
    }
    if busy {
        return all;
    }
    if token.principal_id.is_none() {
        all.push(of(What::IdUnknown, Mend::LearnUser).saying(None, Some(&user.principal_id)));
    }
    if token.id != user.name {
        all.push(of(What::UserRenamed, Mend::LearnUser).saying(Some(&token.id), Some(&user.name)));
    }
    match token.state {
        TokenState::Active | TokenState::Disabled => {}
        // Whatever keys it has, somebody may have been given: it may be a copy of the registry that was brought back.
        TokenState::Deleted => {
            all.push(of(What::UserUndeleted, Mend::SetToken).saying(Some("deleted"), Some(state(keys).name())));
            return all;
        }
        TokenState::Creating => {
            all.push(of(What::Stuck, Mend::SetToken).saying(Some("creating"), Some(state(keys).name())));
            return all;
        }
        TokenState::Deleting => {
            all.push(of(What::Stuck, Mend::Delete).saying(Some("deleting"), None));
            return all;
        }
    }
    for own in token.keys.iter().filter(|own| own.status != KeyStatus::Deleted) {
        if keys.iter().all(|key| key.id != own.id) {
            let missing = of(What::KeyMissing, Mend::SetKey).key(&own.id);
            all.push(missing.saying(Some(own.status.name()), Some("deleted")));
        }
    }
    for key in keys {
        let Some(own) = token.keys.iter().find(|own| own.id == key.id) else {
            all.push(of(What::KeyUnknown, Mend::LearnKey).key(&key.id).saying(None, Some(key.status().name())));
            continue;
        };
        // Whether anybody has its secret IAM does not know.
        let agrees = own.status == key.status() || (own.status == KeyStatus::Unconfirmed && key.is_active);
        if !agrees {
            let differs = of(What::KeyStatus, Mend::SetKey).key(&key.id);
            all.push(differs.saying(Some(own.status.name()), Some(key.status().name())));
        }
    }
    if token.state != state(keys) {
        all.push(of(What::State, Mend::SetToken).saying(Some(token.state.name()), Some(state(keys).name())));
    }
    all
}
