//! Links as triggers write them are read back unchanged. Any other text is no value, and does not
//! panic.

#![no_main]

#[path = "../../sea-orm-cached-field/src/backend/mysql/link.rs"]
#[allow(dead_code, reason = "the other half is SQL")]
mod link;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sea_orm::Value;

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Signed(i64),
    Unsigned(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
}

impl Part<'_> {
    /// Returns the text that the database writes for `link::encoded`.
    fn written(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        match self {
            Self::Signed(number) => format!("i{}", hex(number.to_string().as_bytes())),
            Self::Unsigned(number) => format!("u{}", hex(number.to_string().as_bytes())),
            Self::Bytes(bytes) => format!("b{}", hex(bytes)),
            Self::Text(text) => format!("s{}", hex(text.as_bytes())),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Signed(number) => (*number).into(),
            Self::Unsigned(number) => (*number).into(),
            Self::Bytes(bytes) => bytes.to_vec().into(),
            Self::Text(text) => (*text).into(),
        }
    }
}

fuzz_target!(|input: (Vec<Part<'_>>, &str, u8)| {
    let (parts, anything, columns) = input;
    let written: Vec<String> = parts.iter().map(Part::written).collect();
    let values: Vec<Option<Value>> = parts.iter().map(|part| Some(part.value())).collect();
    assert_eq!(link::decoded(&written.join(","), parts.len()), values);
    assert_eq!(link::decoded(anything, columns.into()).len(), usize::from(columns));
});
