//! `honeytoken create`.

use std::collections::BTreeSet;
use std::io::Read;

use common::aws::{AwsArgs, block_on};
use common::cli::{Failure, Io, Say};
use common::clock;
use common::exit::Exit;
use common::record::Guard;
use common::settings::Honeytoken;
use common::stream::{ReadError, Reader};
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{About, HandOut, guards};
use crate::accounts::{Accounts, DecoyAccountInUse};
use crate::context::Context;
use crate::factory::batch::{self, Asked, Found, Places};
use crate::factory::create::{Maker, Names, NotMade};
use crate::factory::delete::Work;
use crate::factory::recover::recover;
use crate::factory::request::Request;
use crate::factory::spread::Spread;
use crate::hand_out::Hand;
use crate::iam::make;
use crate::names::{known_decoy_account, lint};
use crate::registry::{Filter, Registry, RegistryError};

/// How many tokens are made at once, at most ...
const AT_ONCE: usize = 64;
/// ... and for each account. How fast IAM is called its pace says.
const IN_AN_ACCOUNT: usize = 16;
/// How many requests are read ahead: more than there is room for in accounts.
const READ_AHEAD: usize = 100_000;
/// How many names a dry run shows.
const EXAMPLES: usize = 3;

/// `honeytoken create`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// `-`: make one token for each JSON value on stdin, with `owner`, `location`, `notes`, `expires_at` and `labels`; what it
    /// does not say is as the flags have it
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with = "count")]
    pub(crate) stdin: Option<String>,
    /// How many to make
    // Said in words: clap takes a literal `{n}` for a new line.
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        help = "How many to make; an n in braces in --location and --notes is the number of each. Without it these are all new ones"
    )]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) about: About,
    /// Make new ones also where the owner has a token at that location
    #[arg(long)]
    pub(crate) new: bool,
    /// What keeps the users from doing anything [default: inline]
    #[arg(long, value_name = "GUARD", value_parser = guards())]
    pub(crate) guard: Option<Guard>,
    /// A template of the users' names, such as `svc-{service}-{env}`; one of several is taken for each [default: built-in ones]
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Vec<String>,
    /// The users' path [default: /]
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) hand_out: HandOut,
    /// Say what would be made, and where, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Make tokens: users that may do nothing, with access keys.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let now = clock::now();
    // Without a number in it all that are asked for are the same, and so none of them is meant to be found.
    let base = Request::of(&args.about, args.new, now).map_err(Failure::Usage)?;
    let is_new = args.new || (args.count > 1 && !base.has_number());
    let base = Request { is_new, ..base };
    let settings = args.over(&context.settings.honeytoken);
    if args.dry_run {
        return dry_run(&args, &settings, &base, context);
    }
    let Context { settings: all, registry, io: Io { input, output, terminal, say } } = context;
    // Whether secrets can be handed out is to be known before there are any.
    let hand = Hand::new(&args.hand_out, output)?;
    let io = Io { input: Box::new(std::io::empty()), output: Box::new(std::io::sink()), terminal, say };
    let context = Context { settings: all, registry, io };
    let total = args.stdin.is_none().then_some(u64::from(args.count));
    let aws = args.aws.clone();
    let (send, asked) = mpsc::channel(READ_AHEAD);
    let (begin, begun) = std::sync::mpsc::channel();
    // A thread of its own: stdin may take its time, and what is under way must not wait for it.
    std::thread::spawn(move || {
        for asked in asked_for(&args, &base, input, now) {
            // That nobody waits for it any more is no news.
            let _ = begin.send(());
            if send.blocking_send(asked).is_err() {
                break;
            }
        }
    });
    // Who writes to stdin may be another that changes tokens, as in `expire --delete | jq ... | create -`: its turn comes first,
    // and it ends only when all that it writes is read.
    let _ = begun.recv();
    let (registry, _held) = context.open_to_change()?;
    block_on(async {
        let sessions = context.sessions(&aws).await?;
        let accounts = Accounts::open(&sessions, &settings, &registry).await?;
        let entered = entered(&accounts, say)?;
        warn(&accounts, say);
        let recovered = recover(&registry, &accounts, say).await?;
        let spread = Spread::new(rooms(&registry, &accounts, say).await?);
        let names = names(&accounts, &settings, &registry)?;
        let places = Places::of(&registry, now)?;
        let maker = Maker {
            work: Work { registry: &registry, accounts: &accounts, say },
            hand: &hand,
            spread: &spread,
            names: &names,
        };
        let at_once = AT_ONCE.min(IN_AN_ACCOUNT * accounts.all().len());
        let exit = batch::run(&maker, &places, asked, total, at_once).await?;
        Ok(exit.and(entered).and(recovered))
    })
}

impl Args {
    /// The settings with what the flags say: it counts for all accounts.
    fn over(&self, settings: &Honeytoken) -> Honeytoken {
        let mut settings = settings.clone();
        let Honeytoken { guard, path, names, accounts, .. } = &mut settings;
        if self.guard.is_some() {
            *guard = self.guard;
            for account in accounts.values_mut() {
                account.guard = None;
            }
        }
        if self.path.is_some() {
            path.clone_from(&self.path);
            for account in accounts.values_mut() {
                account.path = None;
            }
        }
        if !self.name.is_empty() {
            names.clone_from(&self.name);
            for account in accounts.values_mut() {
                account.names.clear();
            }
        }
        settings
    }
}

/// What is asked for, by the flags or on stdin.
fn asked_for(args: &Args, base: &Request, input: impl Read, now: Timestamp) -> impl Iterator<Item = Asked> {
    let numbers = args.stdin.is_none().then_some(1..=args.count).into_iter().flatten();
    let lines = args.stdin.is_some().then(|| Reader::new(input)).into_iter().flatten();
    let numbered = numbers.map(|number| Asked::For(base.numbered(number)));
    numbered.chain(lines.map(move |item| {
        match item {
            Ok(item) => {
                match item.parse().map_err(|broken| broken.to_string()).and_then(|line| {
                    base.with(line, item.line, now).map_err(|why| format!("line {}: {why}", item.line))
                }) {
                    Ok(request) => Asked::For(request),
                    Err(why) => Asked::Broken(why),
                }
            }
            Err(ReadError::Broken(broken)) => Asked::Broken(broken.to_string()),
            Err(ReadError::Io { source, .. }) => Asked::Lost(source),
        }
    }))
}

/// Says which accounts cannot be entered. Where none can, nothing can be made.
fn entered(accounts: &Accounts, say: &Say) -> Result<Exit, Failure> {
    for (account, error) in accounts.closed() {
        say.error(format!("account {account} cannot be entered, and gets no tokens: {error}"));
    }
    match (accounts.all().is_empty(), accounts.closed().is_empty()) {
        (true, _) => Err(Failure::Start("there is no account to make tokens in".to_owned())),
        (false, true) => Ok(Exit::Done),
        (false, false) => Ok(Exit::Incomplete),
    }
}

/// Says by what a thief would know tokens before they are tried: an account on a public list, a name that says it all.
fn warn(accounts: &Accounts, say: &Say) {
    let mut said = BTreeSet::new();
    for account in accounts.all() {
        if let Some(whose) = known_decoy_account(&account.id) {
            let id = &account.id;
            say.warn(format!(
                "account {id} is on the public list of accounts that are known for decoys ({whose}): the account id can be read off \
                 each key, and thieves' tools do"
            ));
        }
        let templates = account.names.iter().map(String::as_str);
        for (name, path) in templates.map(|name| (name, "/")).chain([("", account.path.as_str())]) {
            for why in lint(name, path) {
                if said.insert(why.clone()) {
                    say.warn(format!("thieves' tools will know such users: {why}"));
                }
            }
        }
    }
}

fn names(accounts: &Accounts, settings: &Honeytoken, registry: &Registry) -> Result<Names, Failure> {
    Names::new(accounts.all(), &settings.words, registry.names()?).map_err(|error| Failure::Start(error.to_string()))
}

/// How many users each account has room for.
async fn rooms(registry: &Registry, accounts: &Accounts, say: &Say) -> Result<Vec<u64>, Failure> {
    let known = registry.tokens(&Filter::default())?;
    let rooms = accounts.all().iter().map(async |account| {
        let (users, quota) = make::users_and_quota(account).await.unwrap_or_else(|error| {
            let ours = known.iter().filter(|token| token.account == account.id).count();
            say.warn(format!(
                "how many users account {} has cannot be told, so that only the {ours} of the registry are counted: {error}",
                account.id
            ));
            (u64::try_from(ours).unwrap_or(u64::MAX), make::QUOTA)
        });
        account.max_users.unwrap_or(quota).min(quota).saturating_sub(users)
    });
    Ok(join_all(rooms).await)
}

/// Says how many would be made in which account, and how they would be called.
fn dry_run(args: &Args, settings: &Honeytoken, base: &Request, context: Context<'_>) -> Result<Exit, Failure> {
    let now = clock::now();
    let registry = match Registry::open(&context.registry_path()?) {
        // It would be made.
        Err(RegistryError::Missing(_)) => Registry::in_memory()?,
        opened => opened?,
    };
    block_on(async {
        let sessions = context.sessions(&args.aws).await?;
        let accounts = Accounts::open(&sessions, settings, &registry).await?;
        let Io { input, say, .. } = context.io;
        let mut exit = entered(&accounts, say)?;
        warn(&accounts, say);
        let spread = Spread::new(rooms(&registry, &accounts, say).await?);
        let (names, places) = (names(&accounts, settings, &registry)?, Places::of(&registry, now)?);
        let mut planned: Vec<Vec<String>> = vec![Vec::new(); accounts.all().len()];
        let (mut there, mut no_room) = (0_u64, 0_u64);
        for asked in asked_for(args, base, input, now) {
            match asked {
                Asked::For(request) => match (places.claim(&request), spread.take()) {
                    (Found::Token(_) | Found::Claimed | Found::Unconfirmed(_), at) => {
                        there += 1;
                        if let Some(at) = at {
                            spread.give_back(at);
                        }
                    }
                    (Found::Nothing, None) => no_room += 1,
                    (Found::Nothing, Some(at)) => {
                        let name = names.next(at).map_err(|error| Failure::Start(error.to_string()))?;
                        if let Some(planned) = planned.get_mut(at) {
                            planned.push(name);
                        }
                    }
                },
                Asked::Broken(why) => {
                    say.error(why);
                    exit = Exit::Incomplete;
                }
                Asked::Lost(error) => return Err(Failure::Input(error)),
            }
        }
        for (account, names) in accounts.all().iter().zip(&planned).filter(|(_, names)| !names.is_empty()) {
            let examples: Vec<&str> = names.iter().take(EXAMPLES).map(String::as_str).collect();
            let DecoyAccountInUse { id, guard, path, .. } = account;
            say.note(format!(
                "would make {} in account {id} (guard {guard}, path {path}), called such as {}",
                names.len(),
                examples.join(", ")
            ));
        }
        if there > 0 {
            say.note(format!("there already, or asked for twice: {there}"));
        }
        if no_room > 0 {
            say.error(format!("{no_room} would not be made: {}", NotMade::NoRoom));
            exit = Exit::Incomplete;
        }
        Ok(exit)
    })
}
