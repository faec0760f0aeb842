//! Amounts of money, exactly: what AWS writes as `"0.0000032500"` adds up to the last digit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many digits there are behind the point. AWS gives twelve at most, in Cost and Usage Reports.
const DIGITS: u32 = 15;
/// One.
const ONE: i128 = 10_i128.pow(DIGITS);
/// Amounts are below this, so that adding up even billions of them stays far from the end of the numbers.
const MAXIMUM: i128 = 10_i128.pow(15) * ONE;

/// A decimal number with up to 15 digits behind the point; what has more is rounded.
///
/// Written as a text, as AWS's own amounts are (`"12.5"`). Read from a text or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// A text that is no decimal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount such as 12.50")]
pub struct DecimalError(String);

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// AWS's `Maximum` of a metric, by the shortest decimal number that is this one in binary. `None` for what is none.
    pub fn from_f64(number: f64) -> Option<Self> {
        number.to_string().parse().ok()
    }

    /// The nearest number in binary.
    pub fn to_f64(self) -> f64 {
        // What stands for a decimal is one for `f64`, too.
        self.to_string().parse().unwrap_or_default()
    }

    /// As many equal parts as asked for, the first of them bigger or smaller by what does not go into the others.
    pub fn split(self, parts: u32) -> impl Iterator<Item = Self> {
        let each = self.0 / i128::from(parts.max(1));
        let first = self.0 - each * i128::from(parts.saturating_sub(1));
        (0..parts).map(move |part| Self(if part == 0 { first } else { each }))
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Also with an exponent (`3.2E-7`), as Cost Explorer writes what is small.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        parse(text).map(Self).ok_or_else(|| DecimalError(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0_i128;
    // The power of ten that the next digit counts.
    let mut power = i32::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(DIGITS.cast_signed())?;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i128::from(digit - b'0');
        power = power.checked_sub(1)?;
        match u32::try_from(power) {
            Ok(_) if digit == 0 => {}
            Ok(power) => value = value.checked_add(digit.checked_mul(10_i128.checked_pow(power)?)?)?,
            // The first digit that is too many rounds; those behind it say nothing more.
            Err(_) if power == -1 && digit >= 5 => value = value.checked_add(1)?,
            Err(_) => {}
        }
    }
    (value < MAXIMUM).then_some(if negative { -value } else { value })
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absolute = self.0.unsigned_abs();
        let (whole, fraction) = (absolute / ONE.unsigned_abs(), absolute % ONE.unsigned_abs());
        let mut text = whole.to_string();
        if fraction > 0 {
            let fraction = format!("{fraction:0width$}", width = DIGITS as usize);
            text = format!("{text}.{}", fraction.trim_end_matches('0'));
        }
        out.pad_integral(self.0 >= 0, "", &text)
    }
}

impl Add for Decimal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Decimal {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Decimal {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an amount such as \"12.50\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Text)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"})
    }
}

/// As a number, where AWS writes one: `#[serde(with = "crate::decimal::number")]`.
pub mod number {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Decimal;

    /// Writes a number.
    pub fn serialize<S: Serializer>(decimal: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(decimal.to_f64())
    }

    /// Reads a number, or a text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        Decimal::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_written_in_its_shortest_form() {
        for (given, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("12.50", "12.5"),
            ("+7", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.0000032500", "-0.00000325"),
            ("3.2E-7", "0.00000032"),
            ("1.25e3", "1250"),
            ("0E-10", "0"),
            ("1e-400", "0"),
            ("0e400", "0"),
            ("000000000000000000000000000000000000000000000000000001", "1"),
            ("999999999999999.999999999999999", "999999999999999.999999999999999"),
            ("0.0000000000000005", "0.000000000000001"),
            ("0.0000000000000004999", "0"),
            ("-1.9999999999999996", "-2"),
        ] {
            assert_eq!(given.parse::<Decimal>().unwrap().to_string(), expected, "{given}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in
            ["", ".", "-", "USD", "1,5", "1.2.3", "1e", "--1", "1e15", "1e40", "1e400", "1e2147483647", "NaN", "é"]
        {
            let error = text.parse::<Decimal>().unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is not an amount such as 12.50"));
        }
        assert_eq!(Decimal::from_f64(f64::NAN), None);
        assert_eq!(Decimal::from_f64(f64::INFINITY), None);
    }

    #[test]
    fn texts_and_numbers_are_read() {
        for text in ["\"12.5\"", "12.5", "1.25e1"] {
            assert_eq!(serde_json::from_str::<Decimal>(text).unwrap().to_string(), "12.5");
        }
        for (text, expected) in [("-3", "-3"), ("18446744073709", "18446744073709")] {
            assert_eq!(serde_json::from_str::<Decimal>(text).unwrap().to_string(), expected);
        }
        for text in ["null", "[]", "\"much\"", "1e300"] {
            assert!(serde_json::from_str::<Decimal>(text).is_err(), "{text}");
        }
        let [tenth, fifth]: [Decimal; 2] = ["0.1", "0.2"].map(|text| text.parse().unwrap());
        assert_eq!(serde_json::to_string(&(tenth + fifth)).unwrap(), "\"0.3\"");
        assert_eq!(Decimal::from_f64(1234.56).unwrap().to_string(), "1234.56");
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number in -MAXIMUM + 1..MAXIMUM) {
            let decimal = Decimal(number);
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
            let back = Decimal::from_f64(decimal.to_f64()).unwrap();
            prop_assert!((back.0 - number).abs() <= number.abs() / (1 << 50) + 1);
        }

        #[test]
        fn the_parts_are_the_whole(number in -MAXIMUM + 1..MAXIMUM, parts in 1_u32..100) {
            let all: Vec<Decimal> = Decimal(number).split(parts).collect();
            prop_assert_eq!(all.len(), parts as usize);
            prop_assert_eq!(all.iter().copied().sum::<Decimal>(), Decimal(number));
        }

        #[test]
        fn any_text_is_a_number_or_none(text in ".{0,20}|[-+0-9.eE]{0,20}") {
            if let Ok(decimal) = text.parse::<Decimal>() {
                prop_assert!((decimal.to_f64() - text.parse::<f64>().unwrap()).abs() < 1e-3 + decimal.to_f64().abs() * 1e-9);
            }
        }
    }
}
