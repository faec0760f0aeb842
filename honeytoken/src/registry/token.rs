//! Tokens and their keys.

use std::collections::BTreeMap;
use std::env;
use std::str::FromStr;

use common::arn::Arn;
use common::clock;
use common::id::{AccountId, Region};
use common::record::{Drill, Fired, KeyStatus, LastUsed, Planting, Token, TokenKey, TokenKind, TokenState};
use common::resource::ResourceType;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::{Registry, Result};
use crate::secret::Mark;

/// Which tokens are meant; all conditions that are given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) owner: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) account: Option<AccountId>,
    /// In one of these states; empty: all but `deleted`.
    pub(crate) states: Vec<TokenState>,
    /// Labels that it has, with these values.
    pub(crate) labels: BTreeMap<String, String>,
}

/// A key as the registry alone knows it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The access key id.
    pub(crate) id: String,
    /// The token that it is of.
    pub(crate) token: String,
    /// What has become of it.
    pub(crate) status: KeyStatus,
    /// What is kept of its secret.
    pub(crate) mark: Option<Vec<u8>>,
}

impl Registry {
    /// All tokens that match, the oldest first.
    pub(crate) fn tokens(&self, filter: &Filter) -> Result<Vec<Token>> {
        let now = |token: &Token| {
            let states = if filter.states.is_empty() {
                token.state != TokenState::Deleted
            } else {
                filter.states.contains(&token.state)
            };
            states
                && filter.owner.as_ref().is_none_or(|owner| token.owner == *owner)
                && filter.location.as_ref().is_none_or(|location| token.location == *location)
                && filter.account.as_ref().is_none_or(|account| token.account == *account)
                && filter.labels.iter().all(|(name, value)| token.labels.get(name) == Some(value))
        };
        let mut tokens = self.read(|connection| load(connection, None))?;
        tokens.retain(now);
        Ok(tokens)
    }

    /// All tokens, those that were deleted as well: events come late.
    pub(crate) fn all_tokens(&self) -> Result<Vec<Token>> {
        self.read(|connection| load(connection, None))
    }

    /// The token of this id.
    pub(crate) fn token(&self, id: &str) -> Result<Option<Token>> {
        self.read(|connection| Ok(load(connection, Some(id))?.pop()))
    }

    /// The token that a person means: by its id, its user's name or ARN or unique id, or one of its keys. One that is there
    /// comes before one that was deleted; user names of several accounts may mean several.
    pub(crate) fn find(&self, name: &str) -> Result<Vec<Token>> {
        let ids = self.read(|connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            let ids = statement.query_map([name], |row| row.get::<_, String>(0))?;
            ids.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let mut tokens = ids.iter().filter_map(|id| self.token(id).transpose()).collect::<Result<Vec<_>>>()?;
        if tokens.iter().any(|token| token.state.is_there()) {
            tokens.retain(|token| token.state.is_there());
        } else {
            // The last one of that name.
            tokens.truncate(1);
        }
        Ok(tokens)
    }

    /// Takes in a token that is new, with its keys and plantings; `mark` has what is kept of each key's secret.
    pub(crate) fn insert(&self, token: &Token, mark: impl Fn(&str) -> Option<Vec<u8>>) -> Result<()> {
        self.write(|transaction| insert_token(transaction, token, mark))
    }

    /// Takes down what IAM said of a user that was made.
    pub(crate) fn user_made(&self, token: &str, arn: &Arn, principal_id: &str) -> Result<()> {
        self.write(|transaction| {
            let values = params![token, arn.to_string(), principal_id];
            transaction.execute("UPDATE token SET arn = ?2, principal_id = ?3 WHERE id = ?1", values).map(drop)
        })
    }

    /// Gives a token another state. What that means for its times is taken down, too.
    pub(crate) fn set_state(&self, token: &str, state: TokenState) -> Result<()> {
        self.write(|transaction| set_state(transaction, token, state, clock::now()))
    }

    /// Takes in a key that was made, before anybody gets its secret.
    pub(crate) fn key_made(&self, token: &str, id: &str, mark: &Mark, now: Timestamp) -> Result<()> {
        let key = TokenKey {
            id: id.into(),
            status: KeyStatus::Unconfirmed,
            created_at: now,
            deleted_at: None,
            last_used: None,
        };
        self.write(|transaction| insert_key(transaction, token, &key, Some(mark)))
    }

    /// Takes down what has become of a key.
    pub(crate) fn set_key(&self, key: &str, status: KeyStatus) -> Result<()> {
        self.write(|transaction| set_key(transaction, key, status, clock::now()))
    }

    /// All keys, those that were deleted as well.
    pub(crate) fn keys(&self) -> Result<Vec<Key>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id, token, status, mark FROM key ORDER BY rowid")?;
            statement.query_map([], key)?.collect()
        })
    }

    /// The key of this id.
    pub(crate) fn key(&self, id: &str) -> Result<Option<Key>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id, token, status, mark FROM key WHERE id = ?1")?;
            statement.query_row([id], key).optional()
        })
    }

    /// Changes tokens that are there, all at once, and keeps what they were in their history. `change` is told the place of each
    /// among them; one that it refuses stays as it was, and costs the others nothing. Answers with each as it is afterwards. `verb`
    /// is the command that does.
    pub(crate) fn describe<E>(
        &self,
        tokens: &[&str],
        verb: &str,
        change: impl Fn(usize, &mut Token) -> std::result::Result<(), E>,
    ) -> Result<Vec<std::result::Result<Token, E>>> {
        self.write(|transaction| {
            let one = |(place, id): (usize, &&str)| {
                let before = load(transaction, Some(id))?.pop().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                let mut after = before.clone();
                if let Err(why) = change(place, &mut after) {
                    return Ok(Err(why));
                }
                describe(transaction, &before, &after, verb).map(|()| Ok(after))
            };
            tokens.iter().enumerate().map(one).collect()
        })
    }
}

/// What people say of a token takes the place of what they said before. Nothing is noted where that is the same.
pub(super) fn describe(
    transaction: &Transaction<'_>,
    before: &Token,
    token: &Token,
    verb: &str,
) -> rusqlite::Result<()> {
    let shown = |token: &Token| {
        json!({"owner": token.owner, "location": token.location, "notes": token.notes, "labels": token.labels,
            "expires_at": token.expires_at})
    };
    let (old, new) = (shown(before), shown(token));
    if old == new && before.expired_at == token.expired_at {
        return Ok(());
    }
    let labels = json!(token.labels).to_string();
    transaction.execute(
        "UPDATE token SET owner = ?2, location = ?3, notes = ?4, labels = ?5, expires_at = ?6, expired_at = ?7
         WHERE id = ?1",
        params![
            token.token,
            token.owner,
            token.location,
            token.notes,
            labels,
            token.expires_at.map(stamp),
            token.expired_at.map(stamp),
        ],
    )?;
    let detail = json!({"before": old, "after": new}).to_string();
    note(transaction, Some(&token.token), verb, &detail, clock::now())
}

/// A key, of `id, token, status, mark`.
fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok(Key { id: row.get(0)?, token: row.get(1)?, status: word(row, 2)?, mark: row.get(3)? })
}

/// Takes down who did what: a line of the history.
pub(super) fn note(
    transaction: &Transaction<'_>,
    token: Option<&str>,
    verb: &str,
    detail: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let who =
        ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| env::var(name).ok().filter(|who| !who.is_empty()));
    let values = params![stamp(now), token, verb, detail, who.unwrap_or_default()];
    transaction
        .execute("INSERT INTO history (at, token, verb, detail, who) VALUES (?1, ?2, ?3, ?4, ?5)", values)
        .map(drop)
}

pub(super) fn insert_token(
    transaction: &Transaction<'_>,
    token: &Token,
    mark: impl Fn(&str) -> Option<Vec<u8>>,
) -> rusqlite::Result<()> {
    let labels = json!(token.labels).to_string();
    transaction.execute(
        "INSERT INTO token (id, state, account, user_name, arn, principal_id, guard, owner, location, notes, labels,
            created_at, expires_at, expired_at, blind_since, deleted_at, drilled_at, drill_latency)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            token.token,
            token.state.name(),
            token.account.as_str(),
            token.id,
            token.arn.to_string(),
            token.principal_id,
            token.guard.name(),
            token.owner,
            token.location,
            token.notes,
            labels,
            stamp(token.created_at),
            token.expires_at.map(stamp),
            token.expired_at.map(stamp),
            token.blind_since.map(stamp),
            token.deleted_at.map(stamp),
            token.drill.as_ref().map(|drill| stamp(drill.at)),
            token.drill.as_ref().and_then(|drill| drill.latency_seconds),
        ],
    )?;
    for key in &token.keys {
        insert_key(transaction, &token.token, key, mark(&key.id).as_deref())?;
    }
    for planting in &token.planted {
        insert_planting(transaction, &token.token, planting)?;
    }
    Ok(())
}

pub(super) fn set_state(
    transaction: &Transaction<'_>,
    token: &str,
    state: TokenState,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let now = stamp(now);
    transaction.execute("UPDATE token SET state = ?2 WHERE id = ?1", params![token, state.name()])?;
    let more = match state {
        TokenState::Creating => return Ok(()),
        TokenState::Active => "UPDATE token SET blind_since = NULL, deleted_at = NULL WHERE id = ?1 AND ?2 <> ''",
        TokenState::Disabled | TokenState::Deleting => {
            "UPDATE token SET blind_since = coalesce(blind_since, ?2) WHERE id = ?1"
        }
        TokenState::Deleted => {
            "UPDATE token SET blind_since = coalesce(blind_since, ?2), deleted_at = coalesce(deleted_at, ?2) WHERE id = ?1"
        }
    };
    transaction.execute(more, params![token, now]).map(drop)
}

pub(super) fn set_key(
    transaction: &Transaction<'_>,
    key: &str,
    status: KeyStatus,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let deleted_at = (status == KeyStatus::Deleted).then(|| stamp(now));
    let values = params![key, status.name(), deleted_at];
    transaction.execute("UPDATE key SET status = ?2, deleted_at = ?3 WHERE id = ?1", values).map(drop)
}

pub(super) fn insert_key(
    transaction: &Transaction<'_>,
    token: &str,
    key: &TokenKey,
    mark: Option<&[u8]>,
) -> rusqlite::Result<()> {
    let used = key.last_used.as_ref();
    let values = params![
        key.id,
        token,
        key.status.name(),
        mark,
        stamp(key.created_at),
        key.deleted_at.map(stamp),
        used.map(|used| stamp(used.at)),
        used.map(|used| &used.service),
        used.map(|used| &used.region),
    ];
    transaction
        .execute(
            "INSERT INTO key (id, token, status, mark, created_at, deleted_at, last_used_at, last_used_service,
                last_used_region)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values,
        )
        .map(drop)
}

pub(super) fn insert_planting(transaction: &Transaction<'_>, token: &str, planting: &Planting) -> rusqlite::Result<()> {
    let Planting { key, host, path, profile, at } = planting;
    let values = params![token, key, host, path, profile, stamp(*at)];
    let insert = "INSERT INTO planting (token, key, host, path, profile, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    transaction.execute(insert, values).map(drop)
}

/// A query for what belongs to one token, or to all: by an index, or row by row.
fn of_one_or_all(query: &str, column: &str, id: Option<&str>) -> String {
    let only = if id.is_some() { format!("{column} = ?1") } else { "?1 IS NULL".to_owned() };
    query.replace("{only}", &only)
}

/// One token, or all of them, the oldest first.
pub(super) fn load(connection: &Connection, id: Option<&str>) -> rusqlite::Result<Vec<Token>> {
    let mut keys = group(connection, KEYS, id, |row| {
        let used = row.get::<_, Option<String>>(5)?;
        let last_used = match used {
            Some(_) => Some(LastUsed { at: word(row, 5)?, service: row.get(6)?, region: row.get(7)? }),
            None => None,
        };
        Ok(TokenKey {
            id: row.get(1)?,
            status: word(row, 2)?,
            created_at: word(row, 3)?,
            deleted_at: maybe(row, 4)?,
            last_used,
        })
    })?;
    let mut planted = group(connection, PLANTED, id, |row| {
        Ok(Planting { key: row.get(1)?, host: row.get(2)?, path: row.get(3)?, profile: row.get(4)?, at: word(row, 5)? })
    })?;
    let mut fired = group(connection, FIRED, id, |row| {
        Ok(Fired { events: count(row, 1)?, suppressed: count(row, 2)?, first: word(row, 3)?, last: word(row, 4)? })
    })?;
    let mut statement = connection.prepare_cached(&of_one_or_all(TOKENS, "id", id))?;
    let tokens = statement.query_map([id], |row| {
        let token: String = row.get(0)?;
        let labels: String = row.get(10)?;
        let latency_seconds = row.get(17)?;
        let drill = maybe(row, 16)?.map(|at| Drill { at, latency_seconds });
        Ok(Token {
            kind: TokenKind::Kind,
            state: word(row, 1)?,
            account: word(row, 2)?,
            region: Region::global(),
            r#type: ResourceType::IamUser.name().to_owned(),
            id: row.get(3)?,
            arn: word(row, 4)?,
            principal_id: row.get(5)?,
            guard: word(row, 6)?,
            owner: row.get(7)?,
            location: row.get(8)?,
            notes: row.get(9)?,
            labels: serde_json::from_str(&labels).map_err(|error| unreadable(10, error))?,
            created_at: word(row, 11)?,
            expires_at: maybe(row, 12)?,
            expired_at: maybe(row, 13)?,
            blind_since: maybe(row, 14)?,
            deleted_at: maybe(row, 15)?,
            drill,
            keys: keys.remove(&token).unwrap_or_default(),
            planted: planted.remove(&token).unwrap_or_default(),
            fired: fired.remove(&token).unwrap_or_default().pop(),
            token,
        })
    })?;
    tokens.collect()
}

const FIND: &str = "SELECT id FROM token \
    WHERE id = ?1 OR arn = ?1 OR principal_id = ?1 OR lower(user_name) = lower(?1) \
        OR id IN (SELECT token FROM key WHERE id = ?1) \
    ORDER BY state = 'deleted', created_at DESC";
const TOKENS: &str = "SELECT id, state, account, user_name, arn, principal_id, guard, owner, location, notes, labels, \
    created_at, expires_at, expired_at, blind_since, deleted_at, drilled_at, drill_latency \
    FROM token WHERE {only} ORDER BY created_at, rowid";
const KEYS: &str = "SELECT token, id, status, created_at, deleted_at, last_used_at, last_used_service, last_used_region \
    FROM key WHERE {only} ORDER BY rowid";
const PLANTED: &str = "SELECT token, key, host, path, profile, at FROM planting \
    WHERE removed_at IS NULL AND {only} ORDER BY number";
const FIRED: &str = "SELECT token, sum(events), sum(suppressed), min(first_at), max(last_at) FROM ( \
    SELECT token, count(*) AS events, sum(suppressed) AS suppressed, min(occurred_at) AS first_at, \
        max(occurred_at) AS last_at FROM event WHERE NOT drill AND {only} GROUP BY token \
    UNION ALL SELECT token, events, suppressed, first_at, last_at FROM forgotten WHERE {only} \
    ) GROUP BY token";

/// What belongs to each token, by the token's id in the first column.
fn group<T>(
    connection: &Connection,
    query: &str,
    id: Option<&str>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<BTreeMap<String, Vec<T>>> {
    let mut statement = connection.prepare_cached(&of_one_or_all(query, "token", id))?;
    let mut rows = statement.query([id])?;
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        groups.entry(row.get(0)?).or_default().push(read(row)?);
    }
    Ok(groups)
}

/// A column that is written as one word: a time, a state, an ARN.
pub(super) fn word<T: FromStr<Err: std::fmt::Display>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| unreadable(column, error))
}

/// The same where it may be absent.
pub(super) fn maybe<T: FromStr<Err: std::fmt::Display>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error: T::Err| unreadable(column, error))).transpose()
}

fn unreadable(column: usize, error: impl std::fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.to_string().into())
}

/// A number of things.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.try_into().unwrap_or_default())
}

/// A time, so written that the texts have the times' order.
pub(super) fn stamp(at: Timestamp) -> String {
    format!("{at:.9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_tokens_is_found_without_a_look_at_the_others() {
        let registry = Registry::in_memory().unwrap();
        let one = |query, column| of_one_or_all(query, column, Some("t1"));
        let queries =
            [one(TOKENS, "id"), one(KEYS, "token"), one(PLANTED, "token"), one(FIRED, "token"), FIND.to_owned()];
        for query in queries {
            let plan = registry.read(|connection| {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
                statement.query_map(["t1"], |row| row.get::<_, String>(3))?.collect::<rusqlite::Result<Vec<_>>>()
            });
            let plan = plan.unwrap();
            let scans = |step: &String| step.starts_with("SCAN") && !step.starts_with("SCAN (subquery");
            assert!(!plan.iter().any(scans), "{query}: {plan:?}");
        }
    }
}
