//! How the library's types look in JSON, where that is not as they are written in Rust.

use std::time::Duration;

use sea_orm::Value;
use serde::{Serialize, Serializer, ser::SerializeSeq};

use crate::declaration::Key;

/// Writes a duration as its seconds.
pub(crate) fn seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.as_secs_f64().serialize(serializer)
}

/// Writes a duration as its seconds, or `null`.
pub(crate) fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

/// An array of its values.
impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_seq(Some(self.values().len()))?;
        for value in self.values() {
            match value {
                Value::Bool(value) => values.serialize_element(value)?,
                Value::TinyInt(value) => values.serialize_element(value)?,
                Value::SmallInt(value) => values.serialize_element(value)?,
                Value::Int(value) => values.serialize_element(value)?,
                Value::BigInt(value) => values.serialize_element(value)?,
                Value::TinyUnsigned(value) => values.serialize_element(value)?,
                Value::SmallUnsigned(value) => values.serialize_element(value)?,
                Value::Unsigned(value) => values.serialize_element(value)?,
                Value::BigUnsigned(value) => values.serialize_element(value)?,
                Value::String(value) => values.serialize_element(value)?,
                other => values.serialize_element(other.to_string().trim_matches('\''))?,
            }
        }
        values.end()
    }
}
