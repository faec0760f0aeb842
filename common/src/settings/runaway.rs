//! `[runaway]`: from what on an account is running away, and is halted.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::Settings;
use crate::decimal::Decimal;
use crate::id::AccountId;
use crate::resource::{Amount, Spend};

/// `[runaway]`: the limits of every account that has none of its own. No limit: nobody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runaway {
    /// How many instances may run, or be about to, in all regions together.
    pub max_running_instances: Option<u64>,
    /// How much may be spent, in how long.
    pub max_spend: Option<MaxSpend>,
}

impl Runaway {
    /// Whether there is any limit.
    pub fn is_limited(&self) -> bool {
        self.max_running_instances.is_some() || self.max_spend.is_some()
    }
}

impl Settings {
    /// The limits of an account: each its own, or else that of all.
    pub fn limits(&self, account: &AccountId) -> Runaway {
        let own = self.accounts.get(account);
        let all = &self.runaway;
        Runaway {
            max_running_instances: own.and_then(|own| own.max_running_instances).or(all.max_running_instances),
            max_spend: own.and_then(|own| own.max_spend.clone()).or_else(|| all.max_spend.clone()),
        }
    }
}

/// How much may be spent, in how long: `800 USD / 6h`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxSpend {
    /// How much.
    pub amount: Decimal,
    /// Of what: three capital letters, such as `USD`.
    pub currency: String,
    /// In how long.
    pub window: Window,
}

/// How far back spending is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many hours.
    Hours(u32),
    /// The last so many days.
    Days(u32),
    /// Since the month began, in UTC, as AWS bills it.
    Month,
}

impl Window {
    /// What was spent in it, up to the last word of whoever tells; `None` where nobody does.
    pub fn of(self, spend: &Spend) -> Option<Amount> {
        match self {
            Self::Hours(hours) => spend.within(SignedDuration::from_hours(hours.into())),
            Self::Days(days) => spend.within(SignedDuration::from_hours(i64::from(days) * 24)),
            Self::Month => spend.month_to_date(),
        }
    }
}

/// The longest window: `poll` asks for eight days, and in the first days of a month for no more.
const MOST_DAYS: u32 = 7;

/// Why a text is no [`MaxSpend`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaxSpendError {
    /// No amount, currency and window.
    #[error("`{0}` is no limit of spending: write an amount, a currency and a time, such as `800 USD / 6h`")]
    Shape(String),
    /// Not a number, or a negative one.
    #[error("`{0}` is no amount: a number such as 800 or 12.50 is expected before the currency")]
    Amount(String),
    /// Not a currency.
    #[error("`{0}` is no currency: three capital letters such as USD are expected")]
    Currency(String),
    /// Not a window.
    #[error(
        "`{0}` is no time to spend it in: hours such as 6h, days such as 1d (up to {MOST_DAYS}d), or `month` are expected"
    )]
    Window(String),
}

impl fmt::Display for MaxSpend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} / {}", self.amount, self.currency, self.window)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) => write!(out, "{hours}h"),
            Self::Days(days) => write!(out, "{days}d"),
            Self::Month => out.write_str("month"),
        }
    }
}

impl FromStr for MaxSpend {
    type Err = MaxSpendError;

    fn from_str(text: &str) -> Result<Self, MaxSpendError> {
        let shown = |text: &str| text.chars().take(40).collect::<String>();
        let shape = || MaxSpendError::Shape(shown(text));
        let (money, window) = text.split_once('/').ok_or_else(shape)?;
        let (amount, currency) = money.trim().split_once(char::is_whitespace).ok_or_else(shape)?;
        let (amount, currency) = (amount.trim(), currency.trim());
        // A sign or an exponent is a slip of the pen here.
        let digits = amount.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let amount = amount.parse().ok().filter(|_| digits).ok_or_else(|| MaxSpendError::Amount(shown(amount)))?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(MaxSpendError::Currency(shown(currency)));
        }
        Ok(Self { amount, currency: currency.to_owned(), window: window.trim().parse()? })
    }
}

impl FromStr for Window {
    type Err = MaxSpendError;

    fn from_str(text: &str) -> Result<Self, MaxSpendError> {
        if text == "month" {
            return Ok(Self::Month);
        }
        let number = |unit| text.strip_suffix(unit).and_then(|number| number.trim().parse::<u32>().ok());
        match (number('h'), number('d')) {
            (Some(hours @ 1..), _) if hours <= MOST_DAYS * 24 => Ok(Self::Hours(hours)),
            (_, Some(days @ 1..=MOST_DAYS)) => Ok(Self::Days(days)),
            _ => Err(MaxSpendError::Window(text.chars().take(40).collect())),
        }
    }
}

impl<'de> Deserialize<'de> for MaxSpend {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_spending_is_an_amount_a_currency_and_a_time() {
        for (text, amount, window) in [
            ("800 USD / 6h", "800", Window::Hours(6)),
            ("12.50 USD/1d", "12.5", Window::Days(1)),
            ("  0   USD  /  month ", "0", Window::Month),
            ("1 USD / 168 h", "1", Window::Hours(168)),
            ("1 USD / 7d", "1", Window::Days(7)),
        ] {
            let limit: MaxSpend = text.parse().unwrap();
            let amount = amount.parse().unwrap();
            assert_eq!(limit, MaxSpend { amount, currency: "USD".to_owned(), window }, "{text}");
            assert_eq!(limit.to_string().parse(), Ok(limit), "{text}");
        }
        assert_eq!("800 USD / 6h".parse::<MaxSpend>().unwrap().to_string(), "800 USD / 6h");
    }

    #[test]
    fn what_is_no_limit_says_what_one_looks_like() {
        for (text, expected) in [
            ("", "such as `800 USD / 6h`"),
            ("800", "such as `800 USD / 6h`"),
            ("800 USD", "such as `800 USD / 6h`"),
            ("800/6h", "such as `800 USD / 6h`"),
            ("800USD / 6h", "such as `800 USD / 6h`"),
            ("USD 800 / 6h", "`USD` is no amount"),
            ("-1 USD / 6h", "`-1` is no amount"),
            ("1e9 USD / 6h", "`1e9` is no amount"),
            ("inf USD / 6h", "`inf` is no amount"),
            ("1,000 USD / 6h", "`1,000` is no amount"),
            ("1.2.3 USD / 6h", "`1.2.3` is no amount"),
            ("800 $ / 6h", "`$` is no currency"),
            ("800 usd / 6h", "`usd` is no currency"),
            ("800 US dollars / 6h", "`US dollars` is no currency"),
            ("800 USD / 0h", "`0h` is no time"),
            ("800 USD / 6", "`6` is no time"),
            ("800 USD / 6 weeks", "`6 weeks` is no time"),
            ("800 USD / 169h", "`169h` is no time"),
            ("800 USD / 8d", "up to 7d"),
            ("800 USD / -1d", "`-1d` is no time"),
            ("800 USD / 6h / 2", "`6h / 2` is no time"),
        ] {
            let error = text.parse::<MaxSpend>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn an_account_has_its_own_limits_or_those_of_all() {
        let settings: Settings = toml::from_str(
            r#"
            [runaway]
            max_running_instances = 20
            max_spend = "800 USD / 6h"
            [accounts."111122223333"]
            max_running_instances = 0
            [accounts."444455556666"]
            max_spend = "1 USD / month"
            "#,
        )
        .unwrap();
        for (account, instances, spend) in [
            ("111122223333", 0, "800 USD / 6h"),
            ("444455556666", 20, "1 USD / month"),
            ("777788889999", 20, "800 USD / 6h"),
        ] {
            let limits = settings.limits(&account.parse().unwrap());
            assert_eq!(limits.max_running_instances, Some(instances), "{account}");
            assert_eq!(limits.max_spend.unwrap().to_string(), spend, "{account}");
        }
        assert!(!Settings::default().limits(&"111122223333".parse().unwrap()).is_limited());
        for text in [
            "[runaway]\nmax_running_instances = -1",
            "[runaway]\nmax_running_instances = \"20\"",
            "[runaway]\nmax_instances = 20",
            "[runaway]\nmax_spend = 800",
            "[accounts.\"111122223333\"]\nmax_spend = \"800 USD\"",
        ] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
    }
}
