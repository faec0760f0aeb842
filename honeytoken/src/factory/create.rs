//! One token is made: user, guard, key, and the secret in its place, in this order.
//!
//! Each step is written down before it is made. One that fails takes all before it back, as far as that can be done; what is
//! left of it the next run takes away ([`super::recover`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use common::arn::Arn;
use common::aws::AwsError;
use common::clock;
use common::id::Region;
use common::record::{KeyStatus, Token, TokenKind, TokenState};
use common::resource::ResourceType;

use super::delete::{self, Work};
use super::id::new_id;
use super::key::{NotHandedOut, hand_out, make_key};
use super::request::Request;
use super::spread::Spread;
use super::whose::{NotDone, user_of};
use crate::accounts::DecoyAccountInUse;
use crate::hand_out::Hand;
use crate::iam::make::{self, MadeUser};
use crate::iam::remove;
use crate::names::{NameError, Namer};
use crate::registry::{RegistryError, Step, Verb};

/// How many names are tried that turn out to be somebody's.
const NAMES: u32 = 5;

/// What makes tokens. To be shared between tasks by reference.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) work: Work<'a>,
    pub(crate) hand: &'a Hand,
    pub(crate) spread: &'a Spread,
    pub(crate) names: &'a Names,
}

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    /// Nothing more can be made: not this one, and none of the others.
    #[error("{0}")]
    Stop(String),
    /// No account has room for it.
    #[error("no account has room for another user")]
    NoRoom,
    /// This one was not, and what it takes is not allowed in that account.
    #[error(transparent)]
    Denied(AwsError),
    /// This one was not.
    #[error("{0}")]
    This(String),
}

impl From<RegistryError> for NotMade {
    fn from(error: RegistryError) -> Self {
        Self::Stop(error.to_string())
    }
}

impl From<AwsError> for NotMade {
    fn from(error: AwsError) -> Self {
        if error.is_denied() { Self::Denied(error) } else { Self::This(error.to_string()) }
    }
}

impl From<NotDone> for NotMade {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Aws(error) => error.into(),
            NotDone::Registry(error) => error.into(),
            other => Self::This(other.to_string()),
        }
    }
}

impl From<NotHandedOut> for NotMade {
    fn from(error: NotHandedOut) -> Self {
        match error {
            NotHandedOut::Taken(why) => Self::This(why),
            NotHandedOut::Broken(why) => Self::Stop(why),
            NotHandedOut::Registry(error) => error.into(),
        }
    }
}

impl From<NameError> for NotMade {
    fn from(error: NameError) -> Self {
        Self::Stop(error.to_string())
    }
}

/// What is left of a token that was not made.
enum Left {
    /// Nothing: no call that makes something was made, or IAM said no.
    Nothing(NotMade),
    /// Something, or nobody knows.
    Something(NotMade),
}

/// Names for the users of each account.
#[derive(Debug)]
pub(crate) struct Names {
    /// By the account's place among the accounts.
    namers: Vec<Namer>,
    taken: Mutex<BTreeSet<String>>,
}

impl Names {
    /// By the accounts' own templates; none that is taken.
    pub(crate) fn new<'a>(
        accounts: impl IntoIterator<Item = &'a DecoyAccountInUse>,
        words: &BTreeMap<String, Vec<String>>,
        taken: BTreeSet<String>,
    ) -> Result<Self, NameError> {
        let namers = accounts.into_iter().map(|account| Namer::new(&account.names, words)).collect::<Result<_, _>>()?;
        Ok(Self { namers, taken: Mutex::new(taken) })
    }

    /// A name that nobody was given before.
    pub(crate) fn next(&self, at: usize) -> Result<String, NotMade> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let namer = self.namers.get(at).ok_or(NotMade::NoRoom)?;
        let name = namer.next(|name| taken.contains(name))?;
        taken.insert(name.to_lowercase());
        Ok(name)
    }
}

impl Maker<'_> {
    /// Makes a token.
    pub(crate) async fn make(&self, request: &Request) -> Result<Token, NotMade> {
        let mut at = self.spread.take().ok_or(NotMade::NoRoom)?;
        let mut token = match self.plan(at, request) {
            Ok(token) => token,
            Err(error) => {
                self.spread.give_back(at);
                return Err(error);
            }
        };
        let registry = self.work.registry;
        registry.insert(&token, |_| None)?;
        let number = registry.begin(&token.token, Verb::Create, Step::User, "")?;
        let made = match self.user(&mut token, &mut at).await {
            Ok(account) => {
                let made = self.guarded_key(account, &mut token, number).await;
                // Where a user is let be made and no guard or key, the next one would only have to be taken back as well.
                made.inspect_err(|left| self.close(left, at))
            }
            Err(left) => Err(left),
        };
        match made {
            Ok(()) => Ok(token),
            Err(left) => {
                self.spread.give_back(at);
                Err(self.take_back(&token, number, left).await)
            }
        }
    }

    /// Gives a token whose secret nobody may have another key, instead of those that it has. Where its user is gone another token
    /// is made.
    pub(crate) async fn replace_key(&self, mut token: Token, request: &Request) -> Result<Token, NotMade> {
        let Work { registry, accounts, .. } = self.work;
        let account = accounts.of(&token.account)?;
        if user_of(registry, account, &token).await?.is_none() {
            delete::token(self.work, &token).await?;
            return self.make(request).await;
        }
        // From here on whatever goes wrong takes the whole token away: nobody waits for it.
        let number = registry.begin(&token.token, Verb::Create, Step::Key, "")?;
        registry.set_state(&token.token, TokenState::Creating)?;
        match self.another_key(account, &mut token, number).await {
            Ok(()) => Ok(token),
            Err(left) => Err(self.take_back(&token, number, left).await),
        }
    }

    async fn another_key(&self, account: &DecoyAccountInUse, token: &mut Token, number: i64) -> Result<(), Left> {
        for key in token.keys.iter_mut().filter(|key| key.status == KeyStatus::Unconfirmed) {
            remove::key(&account.iam, &token.id, &key.id).await.map_err(|error| Left::Something(error.into()))?;
            key.status = KeyStatus::Deleted;
            key.deleted_at = Some(clock::now());
            self.work.registry.set_key(&key.id, KeyStatus::Deleted).map_err(|error| Left::Something(error.into()))?;
        }
        self.guarded_key(account, token, number).await
    }

    /// A token with a name of its own, of which nobody knows yet.
    fn plan(&self, at: usize, request: &Request) -> Result<Token, NotMade> {
        let id = new_id().map_err(|error| NotMade::Stop(format!("no random numbers: {error}")))?;
        let account = self.account(at)?;
        let name = self.names.next(at)?;
        let request = request.clone();
        Ok(Token {
            kind: TokenKind::Kind,
            token: id,
            state: TokenState::Creating,
            account: account.id.clone(),
            region: Region::global(),
            r#type: ResourceType::IamUser.name().to_owned(),
            arn: account.arn_of(&name),
            id: name,
            principal_id: None,
            guard: account.guard,
            owner: request.owner,
            location: request.location,
            notes: request.notes,
            labels: request.labels,
            keys: Vec::new(),
            created_at: clock::now(),
            expires_at: request.expires_at,
            expired_at: None,
            blind_since: None,
            deleted_at: None,
            planted: Vec::new(),
            drill: None,
            fired: None,
        })
    }

    fn account(&self, at: usize) -> Result<&DecoyAccountInUse, NotMade> {
        self.work.accounts.all().get(at).ok_or(NotMade::NoRoom)
    }

    /// Makes the user: under another name where somebody has it, in another account where there is no room or no right.
    async fn user(&self, token: &mut Token, at: &mut usize) -> Result<&DecoyAccountInUse, Left> {
        let registry = self.work.registry;
        let mut taken = 0;
        loop {
            let account = self.account(*at).map_err(Left::Nothing)?;
            match make::user(account, &token.token, &token.id).await {
                Ok(MadeUser::There { arn, principal_id }) => {
                    let written = registry.user_made(&token.token, &arn, &principal_id);
                    written.map_err(|error| Left::Something(error.into()))?;
                    (token.arn, token.principal_id) = (arn, Some(principal_id));
                    return Ok(account);
                }
                Ok(MadeUser::Taken) if taken < NAMES => taken += 1,
                Ok(MadeUser::Taken) => {
                    let name = &token.id;
                    let why =
                        format!("{name} and {NAMES} names before it are somebody else's in account {}", account.id);
                    return Err(Left::Nothing(NotMade::This(why)));
                }
                Ok(MadeUser::Full) => {
                    if self.spread.full(*at) {
                        self.work
                            .say
                            .warn(format!("account {} is full: IAM has no room there for another user", account.id));
                    }
                    *at = self.spread.take().ok_or(Left::Nothing(NotMade::NoRoom))?;
                }
                Err(error) if error.is_denied() => {
                    if self.spread.full(*at) {
                        self.work.say.error(format!("no users can be made in account {}: {error}", account.id));
                    }
                    *at = self.spread.take().ok_or_else(|| Left::Nothing(error.into()))?;
                }
                Err(error) if error.outcome_unknown() => return Err(Left::Something(error.into())),
                Err(error) => return Err(Left::Nothing(error.into())),
            }
            let name = self.names.next(*at).map_err(Left::Nothing)?;
            let account = self.account(*at).map_err(Left::Nothing)?;
            token.account = account.id.clone();
            token.arn = account.arn_of(&name);
            token.guard = account.guard;
            token.id = name;
            registry.replan(token).map_err(|error| Left::Nothing(error.into()))?;
        }
    }

    /// Puts the guard before the user, makes the key, and hands it out.
    async fn guarded_key(&self, account: &DecoyAccountInUse, token: &mut Token, number: i64) -> Result<(), Left> {
        let made = make_key(self.work, account, token, number).await;
        let made = made.map_err(|error| Left::Something(error.into()))?;
        let given = hand_out(self.work, account, self.hand, token, (number, Verb::Create), &made).await;
        given.map_err(|error| Left::Something(error.into()))
    }

    /// Takes back what there is of a token. Answers why it was not made.
    async fn take_back(&self, token: &Token, number: i64, left: Left) -> NotMade {
        let registry = self.work.registry;
        match left {
            Left::Nothing(why) => match registry.end(number, &token.token, Verb::Create, TokenState::Deleted, &[]) {
                Ok(()) => why,
                Err(error) => error.into(),
            },
            Left::Something(why) => {
                let deleted = match self.work.token(&token.token) {
                    Ok(token) => delete::token(self.work, &token).await.map(drop),
                    Err(error) => Err(error),
                };
                if let Err(error) = deleted {
                    self.work.say.error(format!(
                        "what there is of token {} (the user {} in account {}) could not be taken back, the next run tries again: \
                         {error}",
                        token.token, token.id, token.account
                    ));
                }
                why
            }
        }
    }

    /// Makes no more users in an account that lets nobody give them a guard or a key.
    fn close(&self, left: &Left, at: usize) {
        if let (Left::Something(NotMade::Denied(error)), Ok(account)) = (left, self.account(at))
            && self.spread.full(at)
        {
            self.work.say.error(format!("no tokens can be made in account {}: {error}", account.id));
        }
    }
}

impl DecoyAccountInUse {
    /// The ARN of a user of that name.
    pub(crate) fn arn_of(&self, name: &str) -> Arn {
        let resource = format!("user{}{name}", self.path);
        Arn::new(self.session.partition(), "iam", "", self.id.as_str(), resource)
    }
}
