//! The accounts that tokens are made in.

use common::aws::{AwsError, Session, Sessions};
use common::cli::Failure;
use common::id::AccountId;
use common::record::Guard;
use common::settings::{DecoyAccount, Honeytoken};
use tokio::sync::OnceCell;

use crate::iam::Iam;
use crate::registry::Registry;

/// The group that is the guard where nobody names one: what its members are, and not what for.
const GROUP: &str = "suspended-users";

/// The accounts that are in use, and those that cannot be entered.
#[derive(Debug)]
pub(crate) struct Accounts {
    entered: Vec<DecoyAccountInUse>,
    closed: Vec<(AccountId, AwsError)>,
}

/// An account that was entered, with what the settings say of it.
#[derive(Debug)]
pub(crate) struct DecoyAccountInUse {
    pub(crate) id: AccountId,
    /// For calls of other services.
    pub(crate) session: Session,
    pub(crate) iam: Iam,
    pub(crate) guard: Guard,
    /// The group, where that is the guard.
    pub(crate) group: String,
    /// The ARN of the permissions boundary, where that is the guard.
    pub(crate) boundary: Option<String>,
    /// The users' path.
    pub(crate) path: String,
    /// Templates of the users' names; empty: the built-in ones.
    pub(crate) names: Vec<String>,
    /// How many users there may be, those that are no decoys included.
    pub(crate) max_users: Option<u64>,
    /// The tag's key by which a user is known again, where there is a tag.
    pub(crate) tag: Option<String>,
    /// Whether the group that is the guard was found good.
    pub(crate) group_is_there: OnceCell<()>,
}

impl Accounts {
    /// Enters the accounts of `[honeytoken.accounts]`, or those that the command line names, and takes down as whom: what
    /// honeytoken itself does to tokens is no alert.
    ///
    /// # Errors
    ///
    /// It cannot be told which accounts there are, the settings make no sense, or the registry cannot be written. An account that cannot be entered is none:
    /// see [`Accounts::closed`].
    pub(crate) async fn open(sessions: &Sessions, settings: &Honeytoken, registry: &Registry) -> Result<Self, Failure> {
        let ids = sessions.accounts().await.map_err(|error| Failure::Start(error.to_string()))?;
        let sessions = futures_util::future::join_all(ids.into_iter().map(async |id| {
            let session = sessions.account(&id).await;
            (id, session)
        }))
        .await;
        let (mut entered, mut closed) = (Vec::new(), Vec::new());
        for (id, session) in sessions {
            match session {
                Ok(session) => {
                    registry.note_caller(&id, session.works_as())?;
                    entered.push(in_use(id, session, settings)?);
                }
                Err(error) => closed.push((id, error)),
            }
        }
        Ok(Self { entered, closed })
    }

    /// All that were entered.
    pub(crate) fn all(&self) -> &[DecoyAccountInUse] {
        &self.entered
    }

    /// Those that cannot be entered, and why.
    pub(crate) fn closed(&self) -> &[(AccountId, AwsError)] {
        &self.closed
    }

    /// The account of this id.
    ///
    /// # Errors
    ///
    /// It cannot be entered, or was not named.
    pub(crate) fn of(&self, id: &AccountId) -> Result<&DecoyAccountInUse, AwsError> {
        if let Some(account) = self.entered.iter().find(|account| account.id == *id) {
            return Ok(account);
        }
        Err(self.closed.iter().find(|(closed, _)| closed == id).map_or_else(
            || {
                let message = format!(
                    "account {id} is not among those in use: name it in [honeytoken.accounts], or with --accounts"
                );
                AwsError::of("sts:AssumeRole", "NoRole", message)
            },
            |(_, error)| error.clone(),
        ))
    }
}

fn in_use(id: AccountId, session: Session, settings: &Honeytoken) -> Result<DecoyAccountInUse, Failure> {
    let none = DecoyAccount::default();
    let own = settings.accounts.get(&id).unwrap_or(&none);
    let guard = own.guard.or(settings.guard).unwrap_or(Guard::Inline);
    let boundary = settings.boundary.as_ref().map(|arn| arn.replace("{account}", id.as_str()));
    if guard == Guard::Boundary && boundary.is_none() {
        let message = "the guard is a permissions boundary, and nobody says which: set `boundary` in [honeytoken] to the ARN of a policy \
                       that allows nothing";
        return Err(Failure::Start(message.to_owned()));
    }
    let path = own.path.as_ref().or(settings.path.as_ref()).cloned().unwrap_or_else(|| "/".to_owned());
    check_path(&path)?;
    let tag = settings.tag.clone().unwrap_or_else(|| "cost-center".to_owned());
    check_tag(&tag)?;
    Ok(DecoyAccountInUse {
        iam: Iam::new(&session),
        session,
        guard,
        group: settings.group.clone().unwrap_or_else(|| GROUP.to_owned()),
        boundary,
        path,
        names: if own.names.is_empty() { settings.names.clone() } else { own.names.clone() },
        max_users: own.max_users,
        tag: Some(tag).filter(|tag| !tag.is_empty()),
        group_is_there: OnceCell::new(),
        id,
    })
}

/// A path begins and ends with `/`: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>.
fn check_path(path: &str) -> Result<(), Failure> {
    let fits = path.starts_with('/')
        && path.ends_with('/')
        && path != "//"
        && path.len() <= 512
        && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if fits {
        return Ok(());
    }
    let path = path.chars().take(80).collect::<String>();
    Err(Failure::Usage(format!("`{}` is not a path of IAM's, which begins and ends with `/`", path.escape_default())))
}

/// The characters of tags: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>.
fn check_tag(tag: &str) -> Result<(), Failure> {
    let odd = tag.chars().find(|it| !(it.is_alphanumeric() || *it == ' ' || "_.:/=+-@".contains(*it)));
    let why = match odd {
        Some(odd) => format!("`{}` cannot stand in it", odd.escape_default()),
        None if tag.chars().count() > 128 => "it is longer than 128 characters".to_owned(),
        None if tag.to_ascii_lowercase().starts_with("aws:") => "`aws:` is AWS's own".to_owned(),
        None => return Ok(()),
    };
    let tag = tag.chars().take(80).collect::<String>();
    Err(Failure::Start(format!("`{}` is not the key of a tag ([honeytoken] tag): {why}", tag.escape_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_iams() {
        for (path, fits) in [
            ("/", true),
            ("/ops/ci/", true),
            ("", false),
            ("ops", false),
            ("/ops", false),
            ("//", false),
            ("/o ps/", false),
            ("/\u{e4}/", false),
        ] {
            assert_eq!(check_path(path).is_ok(), fits, "{path}");
        }
    }

    #[test]
    fn tags_are_iams() {
        for (tag, says) in [
            ("", None),
            ("cost-center", None),
            ("Kosten Stelle/\u{e4}", None),
            ("a,b", Some("`,` cannot stand in it")),
            ("aws:x", Some("AWS's own")),
        ] {
            let error = check_tag(tag).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), says.is_some(), "{tag}: {error:?}");
            assert!(error.is_none_or(|error| error.contains(says.unwrap())), "{tag}");
        }
        assert!(check_tag(&"x".repeat(129)).is_err());
    }
}
