//! `--last-used`: the net. IAM tells when a key was last used, also by calls that CloudTrail does not log, but neither by whom
//! nor for which call. So it only counts where no event tells of that use.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::Client;
use common::aws::{AwsError, timestamp};
use common::client;
use common::clock;
use common::id::{AccountId, Region};
use common::operation::IAM_GET_ACCESS_KEY_LAST_USED;
use common::record::LastUsed;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Setup;
use super::limiter::{Limiter, Real};
use super::pass::{End, Pass, broken, settled};
use super::report;
use super::trouble::Troubles;
use crate::registry::{Unexplained, UsableKey};
use crate::watch::input::{Input, Inputs, Stop, Use};

/// Five calls a second: IAM has one budget for all that is done in an account.
const EVERY: Duration = Duration::from_millis(200);
/// How far the time of an event may be from that which IAM tells, which is a coarse one.
const GIVE: SignedDuration = SignedDuration::from_mins(20);
/// From how many keys in an account on it is the credential report that says about which of them to ask.
const MANY: usize = 500;
/// After how many calls in a row that failed for good an account is given up, for a while.
const IN_A_ROW: u32 = 3;

/// The last uses of all keys that can be used.
#[derive(Debug)]
pub(super) struct LastUses {
    setup: Setup,
    limiters: HashMap<AccountId, Arc<Limiter>>,
    troubles: Troubles,
}

/// What a look at a key comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// A use that nobody else tells of.
    fires: Option<LastUsed>,
    /// One that somebody may still tell of.
    unexplained: Option<Unexplained>,
}

impl LastUses {
    pub(super) fn new(setup: Setup) -> Self {
        Self { setup, limiters: HashMap::new(), troubles: Troubles::default() }
    }

    /// Looks at the keys of an account.
    async fn look(
        &self,
        account: &AccountId,
        keys: &[UsableKey],
        limiter: &Limiter,
        inputs: &Inputs,
        stop: &Stop,
    ) -> Result<(), End> {
        let Setup { sessions, say, .. } = &self.setup;
        let what = format!("the last uses of keys of account {account}");
        if !self.troubles.is_due(&what, Instant::now()) {
            return Ok(());
        }
        let client = match sessions.account(account).await {
            Ok(session) => client!(aws_sdk_iam, &session, &Region::global()),
            Err(error) => return self.failed(inputs, &what, &error).await,
        };
        let uses = if keys.len() > MANY { self.report(account, &client).await } else { report::LastUses::new() };
        let mut in_a_row = 0;
        for key in keys {
            if stop.is_told() {
                return Ok(());
            }
            if !is_worth_while(key, &uses) {
                // A line in the registry for each of thousands at each pass would be for nothing.
                if !key.is_settled() {
                    self.judged(key, None, inputs).await?;
                }
                continue;
            }
            let name = format!("the last use of the key {}", key.id);
            if !self.troubles.is_due(&name, Instant::now()) {
                continue;
            }
            limiter.turn().await;
            match last_used(&client, &key.id).await {
                Ok(used) => {
                    in_a_row = 0;
                    self.troubles.worked(&name);
                    self.judged(key, used, inputs).await?;
                }
                Err(error) => {
                    self.failed(inputs, &name, &error).await?;
                    in_a_row += u32::from(error.is_lasting());
                    if in_a_row == IN_A_ROW {
                        return self.failed(inputs, &what, &error).await;
                    }
                }
            }
        }
        if self.troubles.worked(&what) {
            say.note(format!("{what} can be read again"));
        }
        Ok(())
    }

    /// The report; where there is none IAM is asked about each key.
    async fn report(&self, account: &AccountId, client: &Client) -> report::LastUses {
        let what = format!("the credential report of account {account}");
        match report::report(client).await {
            Ok(uses) => {
                self.troubles.worked(&what);
                uses
            }
            Err(error) => {
                if self.troubles.failed(&what, &error, self.setup.pause, Instant::now()) {
                    self.setup.say.warn(format!("{what}: {error}; each key is asked about instead"));
                }
                report::LastUses::new()
            }
        }
    }

    /// Takes down what IAM said of a key, and tells of a use that nothing explains.
    async fn judged(&self, key: &UsableKey, used: Option<LastUsed>, inputs: &Inputs) -> Result<(), End> {
        let Setup { registry, grace, .. } = &self.setup;
        let now = clock::now();
        let explained = |at| registry.is_explained(&key.token, at, GIVE);
        let Verdict { fires, unexplained } = judge(key, used.as_ref(), now, *grace, explained)?;
        if let Some(used) = fires {
            let used = Use { token: key.token.clone(), key: key.id.clone(), used };
            inputs.send(vec![Input::Used(used)]).await?;
            if settled(inputs).await?.is_none() {
                return Ok(());
            }
        }
        Ok(registry.looked_at(&key.id, used.as_ref(), unexplained.as_ref(), now)?)
    }

    async fn failed(&self, inputs: &Inputs, what: &str, error: &AwsError) -> Result<(), End> {
        if self.troubles.failed(what, error, self.setup.pause, Instant::now()) {
            broken(inputs, format!("{what}: {error}")).await?;
        }
        Ok(())
    }
}

impl UsableKey {
    /// Whether there is nothing to take down of it where nothing is new: it was looked at, and no use of it waits.
    fn is_settled(&self) -> bool {
        self.looked_at.is_some() && self.unexplained.is_none()
    }
}

/// Whether IAM is asked about a key: unless the report says that there is nothing new.
fn is_worth_while(key: &UsableKey, uses: &report::LastUses) -> bool {
    match uses.get(&key.user) {
        None => true,
        Some(None) => false,
        Some(Some(at)) => key.looked_at.is_none() || key.last_used.as_ref().is_none_or(|known| known.at < *at),
    }
}

/// What to make of what IAM says of a key's last use (nothing, where it was not asked). The first look only notes. A use that
/// is new and that nothing explains waits for its time of grace: it is the first of them that does, whatever comes behind it.
fn judge<E>(
    key: &UsableKey,
    used: Option<&LastUsed>,
    now: Timestamp,
    grace: SignedDuration,
    is_explained: impl Fn(Timestamp) -> Result<bool, E>,
) -> Result<Verdict, E> {
    let mut verdict = Verdict::default();
    if key.looked_at.is_none() {
        return Ok(verdict);
    }
    let known = key.last_used.as_ref();
    let mut new = used.filter(|used| known.is_none_or(|known| known.at < used.at));
    let newest = new.or(known);
    if let Some(waiting) = &key.unexplained {
        // What came long after it is a use of its own.
        new = newest.filter(|newest| newest.at.duration_since(waiting.used.at) > GIVE);
        if !is_explained(waiting.used.at)? {
            verdict.unexplained = Some(waiting.clone());
        }
    }
    let next = match new {
        Some(new) if !is_explained(new.at)? => Some(Unexplained { used: new.clone(), seen_at: now }),
        _ => None,
    };
    verdict.unexplained = verdict.unexplained.or_else(|| next.clone());
    if let Some(waiting) = verdict.unexplained.take_if(|waiting| now.duration_since(waiting.seen_at) >= grace) {
        verdict.unexplained = next.filter(|next| next.used != waiting.used);
        verdict.fires = Some(waiting.used);
    }
    Ok(verdict)
}

/// When IAM says that a key was last used; `None`: never.
async fn last_used(client: &Client, key: &str) -> Result<Option<LastUsed>, AwsError> {
    let call = client.get_access_key_last_used().access_key_id(key).send().await;
    let answer = call.map_err(|error| AwsError::new(IAM_GET_ACCESS_KEY_LAST_USED, error))?;
    Ok(answer.access_key_last_used.and_then(|used| {
        Some(LastUsed { at: timestamp(&used.last_used_date?), service: used.service_name, region: used.region })
    }))
}

impl Pass for LastUses {
    async fn pass(&mut self, inputs: &Inputs, stop: &Stop) -> Result<(), End> {
        let mut accounts: BTreeMap<AccountId, Vec<UsableKey>> = BTreeMap::new();
        for key in self.setup.registry.usable_keys()? {
            accounts.entry(key.account.clone()).or_default().push(key);
        }
        for account in accounts.keys() {
            let new = || Arc::new(Limiter::new(Real, EVERY));
            self.limiters.entry(account.clone()).or_insert_with(new);
        }
        let this = &*self;
        let looks = accounts
            .iter()
            .filter_map(|(account, keys)| Some(this.look(account, keys, this.limiters.get(account)?, inputs, stop)));
        join_all(looks).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn used(minute: i64) -> LastUsed {
        LastUsed { at: at(minute), service: "sts".into(), region: "us-east-1".into() }
    }

    fn key(last_used: Option<i64>) -> UsableKey {
        UsableKey {
            id: "AKIAEXAMPLE".into(),
            token: "t1".into(),
            account: "111122223333".parse().unwrap(),
            user: "arn:aws:iam::111122223333:user/svc".into(),
            looked_at: Some(at(-60)),
            last_used: last_used.map(used),
            unexplained: None,
        }
    }

    /// A watch that looks each five minutes: what IAM says at each minute, which events there are from when on, and what fires
    /// when, for a use of which minute.
    fn watch(mut key: UsableKey, says: impl Fn(i64) -> Option<i64>, events: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let mut fired = Vec::new();
        for minute in (0..200).step_by(5) {
            let explained = |time: Timestamp| {
                let about = |event: i64| time.duration_since(at(event)).abs() <= GIVE;
                Ok::<_, ()>(events.iter().any(|(event, known)| *known <= minute && about(*event)))
            };
            let said = says(minute).map(used);
            let grace = SignedDuration::from_mins(30);
            let verdict = judge(&key, said.as_ref(), at(minute), grace, explained).unwrap();
            fired.extend(verdict.fires.map(|used| (minute, used.at.duration_since(at(0)).as_mins())));
            key.unexplained = verdict.unexplained;
            key.last_used = key.last_used.max_by_time(said);
            key.looked_at = Some(at(minute));
        }
        fired
    }

    trait MaxByTime {
        fn max_by_time(self, other: Self) -> Self;
    }

    impl MaxByTime for Option<LastUsed> {
        fn max_by_time(self, other: Self) -> Self {
            [self, other].into_iter().flatten().max_by_key(|used| used.at)
        }
    }

    #[test]
    fn only_a_new_use_that_no_event_explains_in_time_fires_and_once() {
        let from = |minute: i64, use_at: i64| move |now: i64| (now >= minute).then_some(use_at);
        // Never used, and used as before.
        assert_eq!(watch(key(None), |_| None, &[]), []);
        assert_eq!(watch(key(Some(-30)), |_| Some(-30), &[]), []);
        // Used now; IAM tells of it late, and fires half an hour behind that.
        assert_eq!(watch(key(None), from(10, 7), &[]), [(40, 7)]);
        assert_eq!(watch(key(Some(-30)), from(10, 7), &[]), [(40, 7)]);
        // An event tells of it: at once, or later than IAM but in time, or too late.
        assert_eq!(watch(key(None), from(10, 7), &[(7, 10)]), []);
        assert_eq!(watch(key(None), from(10, 7), &[(-12, 35)]), []);
        assert_eq!(watch(key(None), from(10, 7), &[(7, 45)]), [(40, 7)]);
        // An event of another time is no explanation.
        assert_eq!(watch(key(None), from(10, 7), &[(-14, 0)]), [(40, 7)]);
        // The first look of all notes only.
        let fresh = UsableKey { looked_at: None, ..key(None) };
        assert_eq!(watch(fresh, |_| Some(-300), &[]), []);
    }

    #[test]
    fn a_key_that_is_in_use_all_the_time_does_not_put_its_alert_off() {
        let fired = watch(key(None), |now| (now >= 10).then_some(now), &[]);
        assert_eq!(fired.first(), Some(&(40, 10)), "{fired:?}");
        assert!(fired.len() > 2 && fired.len() < 7, "one after the other: {fired:?}");
        // A second burst of which no event tells, behind one that is explained.
        let says = |now: i64| (now >= 10).then_some(if now >= 60 { 60 } else { 10 });
        assert_eq!(watch(key(None), says, &[(10, 15)]), [(90, 60)]);
    }

    #[test]
    fn what_waits_is_judged_though_iam_has_nothing_new() {
        let waits = Some(Unexplained { used: used(0), seen_at: at(0) });
        for (key, expected) in [
            (key(Some(0)), true),
            (UsableKey { looked_at: None, ..key(None) }, false),
            (UsableKey { unexplained: waits, ..key(Some(0)) }, false),
        ] {
            assert_eq!(key.is_settled(), expected, "{key:?}");
        }
    }

    #[test]
    fn the_report_says_whom_to_ask_about() {
        let report = |said: Option<Option<i64>>| -> report::LastUses {
            said.into_iter().map(|used| (key(None).user, used.map(at))).collect()
        };
        for (last_used, said, expected) in [
            (None, None, true),
            (None, Some(None), false),
            (None, Some(Some(0)), true),
            (Some(0), Some(Some(0)), false),
            (Some(-5), Some(Some(0)), true),
        ] {
            assert_eq!(is_worth_while(&key(last_used), &report(said)), expected, "{last_used:?} {said:?}");
        }
    }
}
