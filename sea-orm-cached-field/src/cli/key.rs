//! Keys, as arguments have them: the values of several key columns are separated by commas. A comma
//! or a backslash in a value has a backslash before it.

use serde_json::Value;

use crate::{CachedFields, Error, Key};

/// Reads a key. The text of a key of one column is taken as it is.
pub(super) fn key(fields: &CachedFields, field: &str, text: &str) -> Result<Key, Error> {
    match fields.parse_key(field, &[text]) {
        Err(Error::WrongKey { .. }) => {
            let values = split(text);
            fields.parse_key(field, &values.iter().map(String::as_str).collect::<Vec<_>>())
        }
        key => key,
    }
}

fn split(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ',' => values.push(String::new()),
            char => {
                let char = if char == '\\' { chars.next().unwrap_or(char) } else { char };
                values.last_mut().expect("one value at least").push(char);
            }
        }
    }
    values
}

/// Writes a key as [`key`] reads it.
pub(super) fn text(key: &Key) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    match serde_json::to_value(key) {
        Ok(Value::Array(values)) => match values.as_slice() {
            [value] => text(value),
            values => {
                let escaped = |value| text(value).replace('\\', r"\\").replace(',', r"\,");
                values.iter().map(escaped).collect::<Vec<_>>().join(",")
            }
        },
        _ => key.to_string(),
    }
}

/// Writes a text as a word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        for values in [["a,b", "1"], [" x", "y "], [r"back\slash\", ","], ["", ""]] {
            let key = Key::new(values.map(sea_orm::Value::from));
            assert_eq!(split(&text(&key)), values);
        }
        assert_eq!(text(&Key::new([7.into(), "a,b".into()])), r"7,a\,b");
        assert_eq!(text(&Key::new(["a,b".into()])), "a,b");
        assert_eq!(quoted("O'Brien"), r"'O'\''Brien'");
    }
}
