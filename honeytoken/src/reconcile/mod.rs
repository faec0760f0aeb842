//! The registry beside IAM.
//!
//! An account is listed as a whole, or not judged: a list that failed is no empty one. What differs is a record
//! ([`Difference`]); with `--apply` it is mended, missing guards before anything else. Users who are not in the registry and have
//! no token's tag are none of ours: they are neither touched nor mentioned.
//!
//! - `difference`: the record. `compare`: what differs. `mend`: what is done about it.

mod compare;
mod difference;
mod mend;

use std::collections::{BTreeMap, HashMap, HashSet};

use common::aws::AwsError;
use common::exit::Exit;
use common::id::AccountId;
use common::record::Token;
use futures_util::{StreamExt, stream};

use self::compare::{Matched, Rules, differences, matched};
use self::difference::{Difference, Mend, What};
use self::mend::{is_there_after_all, keys_of};
use crate::accounts::DecoyAccountInUse;
use crate::commands::changes::{AT_ONCE, Records};
use crate::factory::delete::Work;
use crate::factory::whose::NotDone;
use crate::iam::list;

/// What came of a comparison.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many differences there were.
    pub(crate) found: usize,
    /// How many of them were mended.
    pub(crate) mended: usize,
    /// Whether all could be compared.
    pub(crate) complete: bool,
}

impl Outcome {
    /// How the tool ends: what could not be compared, or not be mended, is not "done".
    pub(crate) fn exit(&self, apply: bool) -> Exit {
        match (self.complete, self.found == self.mended) {
            (true, true) => Exit::Done,
            (true, false) if !apply => Exit::No,
            _ => Exit::Incomplete,
        }
    }
}

/// Compares all accounts, and writes what differs. `everything`: also the tokens in accounts that are not in use are meant.
pub(crate) async fn run(
    work: Work<'_>,
    apply: bool,
    everything: bool,
    records: &mut Records,
) -> Result<Outcome, NotDone> {
    let mut tokens: BTreeMap<AccountId, Vec<Token>> = BTreeMap::new();
    for token in work.registry.all_tokens()? {
        tokens.entry(token.account.clone()).or_default().push(token);
    }
    let mut outcome = Outcome { found: 0, mended: 0, complete: true };
    for (account, error) in work.accounts.closed() {
        work.say.error(format!("account {account} cannot be compared: {error}"));
        outcome.complete = false;
    }
    let known: HashSet<&AccountId> =
        work.accounts.all().iter().map(|it| &it.id).chain(work.accounts.closed().iter().map(|(id, _)| id)).collect();
    if everything {
        for (account, tokens) in &tokens {
            let live = tokens.iter().filter(|token| token.state.is_there()).count();
            if live > 0 && !known.contains(account) {
                let why = work.accounts.of(account).err().map(|error| error.message).unwrap_or_default();
                work.say.error(format!("the {live} tokens in account {account} cannot be compared: {why}"));
                outcome.complete = false;
            }
        }
    }
    for account in work.accounts.all() {
        let tokens = tokens.remove(&account.id).unwrap_or_default();
        match one(work, account, &tokens, apply).await {
            Ok(compared) => {
                outcome.complete &= compared.complete;
                outcome.found += compared.differences.len();
                for difference in &compared.differences {
                    outcome.mended += usize::from(difference.mended == Some(true));
                    records.write(difference);
                }
            }
            Err(error) => {
                work.say.error(format!("account {} cannot be compared: {error}", account.id));
                outcome.complete = false;
            }
        }
    }
    Ok(outcome)
}

/// What came of an account.
struct Compared {
    differences: Vec<Difference>,
    complete: bool,
}

async fn one(work: Work<'_>, account: &DecoyAccountInUse, tokens: &[Token], apply: bool) -> Result<Compared, NotDone> {
    let rules = Rules::of(account);
    let users = list::users(&account.iam).await?;
    let Matched { pairs, missing, strangers } = matched(tokens, &users, rules);
    let unfinished: HashMap<String, String> =
        work.registry.unfinished()?.into_iter().map(|it| (it.token, it.verb.name().to_owned())).collect();
    let mut compared = Compared { differences: Vec::new(), complete: true };
    let failed = |user: &str, error: &AwsError| {
        work.say.error(format!("the user {user} in account {} cannot be compared: {error}", account.id));
    };

    for (token, verb) in tokens.iter().filter_map(|token| Some((token, unfinished.get(&token.token)?))) {
        compared.differences.push(Difference::of(token, What::Unfinished, Mend::Finish).saying(Some(verb), None));
    }
    let mut looked = stream::iter(&pairs)
        .map(async |(token, user)| (*token, *user, keys_of(account, &user.name).await))
        .buffered(AT_ONCE);
    while let Some((token, user, keys)) = looked.next().await {
        match keys {
            Ok(Some(keys)) => {
                let busy = unfinished.contains_key(&token.token);
                compared.differences.extend(differences(token, user, &keys, rules, busy));
            }
            Ok(None) => {
                failed(&user.name, &AwsError::of("iam:ListAccessKeys", list::NO_SUCH, "it was deleted just now"));
                compared.complete = false;
            }
            Err(error) => {
                failed(&user.name, &error);
                compared.complete = false;
            }
        }
    }
    drop(looked);
    let missing = missing.into_iter().filter(|token| !unfinished.contains_key(&token.token));
    let mut asked =
        stream::iter(missing).map(async |token| (token, is_there_after_all(account, token).await)).buffered(AT_ONCE);
    while let Some((token, is_there)) = asked.next().await {
        match is_there {
            Ok(false) => {
                let difference = Difference::of(token, What::UserMissing, Mend::SetToken);
                compared.differences.push(difference.saying(Some(token.state.name()), None));
            }
            Ok(true) => {
                work.say.error(format!(
                    "the user {} in account {} cannot be compared: IAM's list of users does not have it yet",
                    token.id, account.id
                ));
                compared.complete = false;
            }
            Err(error) => {
                failed(&token.id, &error);
                compared.complete = false;
            }
        }
    }
    drop(asked);
    for (user, tag) in strangers {
        match keys_of(account, &user.name).await {
            Ok(Some(keys)) => {
                let apply = if rules.may_do_something(user) { Mend::None } else { Mend::Adopt };
                compared.differences.push(Difference::stranger(&account.id, user, tag, apply).seen(user, &keys));
            }
            Ok(None) => {}
            Err(error) => {
                failed(&user.name, &error);
                compared.complete = false;
            }
        }
    }
    if apply {
        mend_all(work, account, &mut compared.differences).await;
    }
    Ok(compared)
}

/// Mends what differs: one kind after the other, since what comes later relies on what came before.
async fn mend_all(work: Work<'_>, account: &DecoyAccountInUse, differences: &mut [Difference]) {
    differences.sort_by_key(|difference| difference.apply);
    for phase in differences.chunk_by_mut(|one, other| one.apply == other.apply) {
        let answers: Vec<_> = stream::iter(phase.iter())
            .map(|difference| mend::mend(work, account, difference))
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (difference, answer) in phase.iter_mut().zip(answers) {
            difference.mended = Some(answer.is_ok());
            if let Err(error) = answer {
                work.say
                    .error(format!("token {}: {}, and it is not mended: {error}", difference.token, difference.what));
                difference.error = Some(error.to_string());
            }
        }
    }
}
