//! Which tokens are meant.

use common::record::{Drill, Fired, KeyStatus, Token};
use jiff::{SignedDuration, Timestamp};

use crate::commands::Which;
use crate::registry::{Filter, Registry, Result};

impl Which {
    /// Those of the registry, the oldest first.
    pub(crate) fn tokens(&self, registry: &Registry, now: Timestamp) -> Result<Vec<Token>> {
        let filter = Filter {
            owner: self.owner.clone(),
            location: self.location.clone(),
            account: self.account.clone(),
            states: self.state.clone(),
            labels: self.label.iter().cloned().collect(),
        };
        let mut tokens = registry.tokens(&filter)?;
        tokens.retain(|token| self.includes(token, now));
        Ok(tokens)
    }

    /// What the registry's own filter does not look at.
    fn includes(&self, token: &Token, now: Timestamp) -> bool {
        let expires = |within: SignedDuration| token.expires_at.is_some_and(|at| at <= later(now, within));
        self.expiring_in.is_none_or(|period| expires(period.get()))
            && (!self.unplanted || !lies_somewhere(token))
            && (!self.fired || was_touched(token))
            && (!self.undrilled || !has_shown(token))
    }
}

/// So much later, or the end of time.
pub(crate) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Whether somebody touched it who is not allowed for.
pub(crate) fn was_touched(token: &Token) -> bool {
    token.fired.as_ref().is_some_and(|Fired { events, suppressed, .. }| events > suppressed)
}

/// Whether one of its keys lies somewhere, as far as is known: one that was deleted is no bait, wherever it lies.
pub(crate) fn lies_somewhere(token: &Token) -> bool {
    let is_deleted = |id: &str| token.keys.iter().any(|key| key.id == id && key.status == KeyStatus::Deleted);
    token.planted.iter().any(|planting| !is_deleted(&planting.key))
}

/// Whether a drill has shown that it works.
pub(crate) fn has_shown(token: &Token) -> bool {
    matches!(token.drill, Some(Drill { latency_seconds: Some(_), .. }))
}

#[cfg(test)]
mod tests {
    use common::record::{Drill, Planting, TokenKey, TokenState};

    use super::*;
    use crate::registry::tests::token;

    #[test]
    fn each_condition_leaves_those_that_are_meant() {
        let registry = Registry::in_memory().unwrap();
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let drill = |latency_seconds| Some(Drill { at: now, latency_seconds });
        let key = "AKIAIOSFODNN7EXAMPLE".to_owned();
        let planting = Planting { key, host: "h".into(), path: "p".into(), profile: "d".into(), at: now };
        let mut all = Vec::new();
        for (id, change) in [
            ("plain", &(|_: &mut Token| {}) as &dyn Fn(&mut Token)),
            ("soon", &|token| token.expires_at = Some("2026-12-01T00:00:00Z".parse().unwrap())),
            ("over", &|token| token.expires_at = Some("2026-11-01T00:00:00Z".parse().unwrap())),
            ("planted", &|token| token.planted = vec![planting.clone()]),
            ("dead", &|token| {
                let key = "AKIADEAD".to_owned();
                token.planted = vec![Planting { key: key.clone(), ..planting.clone() }];
                let (status, created_at) = (KeyStatus::Deleted, now);
                token.keys = vec![TokenKey { id: key, status, created_at, deleted_at: Some(now), last_used: None }];
            }),
            ("drilled", &|token| token.drill = drill(Some(3.5))),
            ("deaf", &|token| token.drill = drill(None)),
            ("gone", &|token| token.state = TokenState::Deleted),
            ("web", &|token| token.labels = [("env".to_owned(), "corp".to_owned())].into()),
        ] {
            let mut token = token(id, &format!("svc-{id}"));
            token.state = TokenState::Active;
            token.owner = id.into();
            change(&mut token);
            registry.insert(&token, |_| None).unwrap();
            all.push(id);
        }
        registry
            .write(|transaction| {
                for (id, token, suppressed, drill) in
                    [("e1", "plain", 0, 0), ("e2", "soon", 1, 0), ("e3", "over", 0, 1)]
                {
                    transaction.execute(
                        "INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
                         VALUES (?1, ?2, 'used', '2026-11-20T00:00:00Z', '2026-11-20T00:00:00Z', ?3, ?4)",
                        rusqlite::params![id, token, suppressed, drill],
                    )?;
                }
                Ok(())
            })
            .unwrap();
        let there: Vec<&str> = all.iter().copied().filter(|id| *id != "gone").collect();
        let without = |ids: &[&str]| there.iter().copied().filter(|id| !ids.contains(id)).collect::<Vec<_>>();
        let (none, month) = (Which::default(), Some("30d".parse().unwrap()));
        let label = vec![("env".to_owned(), "corp".to_owned())];
        for (which, expected) in [
            (none.clone(), there.clone()),
            (Which { owner: Some("web".into()), ..none.clone() }, vec!["web"]),
            (Which { location: Some("laptop-web".into()), ..none.clone() }, vec!["web"]),
            (Which { account: Some("999999999999".parse().unwrap()), ..none.clone() }, vec![]),
            (Which { state: vec![TokenState::Deleted], ..none.clone() }, vec!["gone"]),
            (Which { label, ..none.clone() }, vec!["web"]),
            (Which { expiring_in: month, ..none.clone() }, vec!["soon", "over"]),
            (Which { unplanted: true, ..none.clone() }, without(&["planted"])),
            (Which { fired: true, ..none.clone() }, vec!["plain"]),
            (Which { undrilled: true, ..none.clone() }, without(&["drilled"])),
            (Which { fired: true, unplanted: true, expiring_in: month, ..none }, vec![]),
        ] {
            let found = which.tokens(&registry, now).unwrap();
            let found: Vec<&str> = found.iter().map(|token| token.token.as_str()).collect();
            assert_eq!(found, expected, "{which:?}");
        }
    }
}
