//! Objects of which a part is read, and that nothing but broken JSON costs: not a field of another type, not a key that comes
//! twice (the last one counts, as it does for `jq`), not a lone surrogate.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An object that takes those of its members that it knows.
pub(super) trait Object<'a>: Default {
    fn take(&mut self, key: &[u8], value: &'a RawValue);
}

/// What one member is read as; whatever it is.
pub(super) trait Member<'a> {
    fn of(value: &'a RawValue) -> Self;
}

/// Which key fills which field.
macro_rules! object {
    ($name:ident { $($key:literal => $field:ident,)+ }) => {
        impl<'a> $crate::event::lenient::Object<'a> for $name<'a> {
            fn take(&mut self, key: &[u8], value: &'a serde_json::value::RawValue) {
                match key {
                    $($key => self.$field = $crate::event::lenient::Member::of(value),)+
                    _ => {}
                }
            }
        }

        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::event::lenient::read(deserializer)
            }
        }
    };
}
pub(super) use object;

/// Reads an object.
pub(super) fn read<'de, T: Object<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Members(PhantomData))
}

/// A member that should be an object: the empty one where it is none.
pub(super) fn part<'a, T: Default + Deserialize<'a>>(value: &'a RawValue) -> T {
    serde_json::from_str(value.get()).unwrap_or_default()
}

impl<'a> Member<'a> for Option<&'a RawValue> {
    fn of(value: &'a RawValue) -> Self {
        Some(value).filter(|value| value.get() != "null")
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Object<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some((Bytes(key), value)) = members.next_entry()? {
            object.take(&key, value);
        }
        Ok(object)
    }
}

/// A JSON string as bytes: a lone surrogate in it, which is no character, is no error.
pub(super) struct Bytes<'a>(pub(super) Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Raw).map(Self)
    }
}

struct Raw;

impl<'de> Visitor<'de> for Raw {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(bytes))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(bytes.to_owned()))
    }
}
