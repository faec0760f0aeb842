//! A key is made for a token's user, and its secret handed out: for a token that is new, and for one that is rotated.

use std::io;
use std::path::Path;

use common::clock;
use common::record::{KeyStatus, Token, TokenKey, TokenState};

use super::delete::Work;
use super::whose::NotDone;
use crate::accounts::DecoyAccountInUse;
use crate::hand_out::{Hand, Handout, arrived};
use crate::iam::make::{self, MadeKey};
use crate::iam::remove;
use crate::registry::{Registry, RegistryError, Step, Verb};

/// What became of a secret that was on its way when an earlier run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnItsWay<'a> {
    /// The secret of this key went where nobody can look: to stdout, or into a directory that is not there now, as of a disk
    /// that is not mounted.
    Unknown {
        /// The key's id.
        key: &'a str,
        /// Where to, in words.
        to: &'a str,
    },
    /// The secret of this key is where it was to be.
    Arrived(&'a str),
    /// It is not.
    Lost,
}

/// What became of the secret that [`hand_out`] was at work on, by what the step says.
///
/// # Errors
///
/// The file that it was to be in cannot be read.
pub(crate) fn on_its_way<'a>(registry: &Registry, detail: &'a str) -> Result<OnItsWay<'a>, NotDone> {
    let Some((key, path)) = detail.split_once('\n') else { return Ok(OnItsWay::Lost) };
    if path.is_empty() {
        return Ok(OnItsWay::Unknown { key, to: "stdout" });
    }
    // That a file is not there says something only where it would be.
    if Path::new(path).parent().is_some_and(|directory| matches!(directory.try_exists(), Ok(false))) {
        return Ok(OnItsWay::Unknown { key, to: path });
    }
    let Some(mark) = registry.key(key)?.and_then(|known| known.mark) else { return Ok(OnItsWay::Lost) };
    let found = arrived(Path::new(path), key, |secret| registry.is_marked(&mark, secret))
        .map_err(|error| NotDone::Not(format!("whether {path} has the secret of {key} cannot be told: {error}")))?;
    Ok(if found { OnItsWay::Arrived(key) } else { OnItsWay::Lost })
}

/// Why a secret was not handed out. Its key is deleted, as far as that could be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotHandedOut {
    /// There is something where it was to be; others may have room.
    #[error("{0}")]
    Taken(String),
    /// Nothing can be handed out, neither this one nor another.
    #[error("{0}")]
    Broken(String),
    /// It was, and that could not be taken down.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Sees to it that the guard is there, and makes a key. The step says which keys there were before: a key that is none of these
/// is one whose secret nobody has.
pub(crate) async fn make_key(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    token: &mut Token,
    number: i64,
) -> Result<MadeKey, NotDone> {
    let known = token.keys.iter().filter(|key| key.status != KeyStatus::Deleted);
    let known: Vec<&str> = known.map(|key| key.id.as_str()).collect();
    let detail = known.join("\n");
    work.registry.step(number, Step::Guard, &detail)?;
    make::guard(account, &token.id, token.guard).await?;
    work.registry.step(number, Step::Key, &detail)?;
    let made = make::key(account, &token.id, &known).await?;
    let now = clock::now();
    work.registry.key_made(&token.token, &made.id, &work.registry.mark(made.secret.reveal()), now)?;
    let id = made.id.clone();
    token.keys.push(TokenKey { id, status: KeyStatus::Active, created_at: now, deleted_at: None, last_used: None });
    Ok(made)
}

/// Hands the secret of a key out, and ends what was begun.
pub(crate) async fn hand_out(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    hand: &Hand,
    token: &mut Token,
    (number, verb): (i64, Verb),
    made: &MadeKey,
) -> Result<(), NotHandedOut> {
    let MadeKey { id: key, secret } = made;
    token.state = TokenState::Active;
    token.blind_since = None;
    let place = hand.place(token, key).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    work.registry.step(number, Step::HandOut, &format!("{key}\n{place}"))?;
    let (profile, region) = (hand.profile(), hand.region());
    if let Err(error) = hand.give(&Handout { token, key, secret, profile, region }) {
        // First of all: what comes next needs the registry, which may be on the same full disk.
        let deleted = remove::key(&account.iam, &token.id, key).await;
        let taken_back = match deleted {
            Ok(()) => "; it was deleted again".to_owned(),
            Err(error) => format!("; nor could the key be deleted, the next run tries again: {error}"),
        };
        let why = format!("the secret of {key} could not be handed out: {error}{taken_back}");
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        return Err(if is_there { NotHandedOut::Taken(why) } else { NotHandedOut::Broken(why) });
    }
    let keys = [(key.as_str(), KeyStatus::Active)];
    Ok(work.registry.end(number, &token.token, verb, TokenState::Active, &keys)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::token;

    #[test]
    fn a_file_that_is_not_there_says_something_where_it_would_be() {
        let registry = Registry::in_memory().unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
        let (key, secret) = ("AKIARTX3GSDSQAAAAAAA", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        registry.key_made("t1", key, &registry.mark(secret), clock::now()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("there"), format!("{key} = {secret}")).unwrap();
        std::fs::write(path("other"), format!("{key} = {}", secret.to_lowercase())).unwrap();
        let elsewhere = path("unmounted/there");
        for (to, expected) in [
            (path("there"), OnItsWay::Arrived(key)),
            (path("other"), OnItsWay::Lost),
            (path("none"), OnItsWay::Lost),
            (elsewhere.clone(), OnItsWay::Unknown { key, to: &elsewhere }),
            (String::new(), OnItsWay::Unknown { key, to: "stdout" }),
        ] {
            assert_eq!(on_its_way(&registry, &format!("{key}\n{to}")).unwrap(), expected, "{to}");
        }
    }
}
