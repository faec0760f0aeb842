//! Until when an exception, or a caller of `[[honeytoken.allow]]`, is excused: a date, to its end in UTC, or a time with its offset.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserializer;
use serde::de::{self, Deserialize as _, MapAccess, Visitor};

/// `2026-12-31`, as long as it is written so: jiff would also take a date out of a time without an offset.
const DATE: usize = 10;

/// Reads it as a text, or as TOML's own date or time.
pub(in crate::settings) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    struct TextOrToml;

    impl<'de> Visitor<'de> for TextOrToml {
        type Value = Option<Timestamp>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a date such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            last_second(text).map(Some).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
            let time = toml::value::Datetime::deserialize(de::value::MapAccessDeserializer::new(map))?;
            self.visit_str(&time.to_string())
        }
    }

    deserializer.deserialize_any(TextOrToml)
}

/// The last second of what is meant.
fn last_second(text: &str) -> Option<Timestamp> {
    if text.len() == DATE {
        let end = text.parse::<Date>().ok()?.at(23, 59, 59, 0);
        return Some(end.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    Timestamp::from_second(text.parse::<Timestamp>().ok()?.as_second()).ok()
}
