//! How the values of a link stand in a mark, with commas between them. Each is a letter, which
//! tells how it is bound when it is read, and its bytes in hexadecimal. Written by triggers, read
//! by workers.

use sea_orm::Value;

/// What writes a value of a column of this type.
pub(super) fn encoded(kind: &str, value: &str) -> String {
    let (letter, bytes) = match kind.split(['(', ' ']).next().unwrap_or(kind) {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year"
            if kind.contains("unsigned") =>
        {
            ('u', format!("CAST({value} AS CHAR)"))
        }
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => {
            ('i', format!("CAST({value} AS CHAR)"))
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            ('b', value.to_owned())
        }
        _ => ('s', format!("CONVERT({value} USING utf8mb4)")),
    };

    format!("'{letter}', HEX({bytes})")
}

/// The values of a link of so many columns. What was not written so is no value of any row.
pub(super) fn decoded(link: &str, columns: usize) -> Vec<Option<Value>> {
    let mut parts = link.split(',');
    (0..columns).map(|_| parts.next().and_then(decoded_value)).collect()
}

fn decoded_value(part: &str) -> Option<Value> {
    let (letter, hex) = part.split_at_checked(1)?;
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());

    let pairs = hex.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect();
    let bytes = bytes?;

    let text = || std::str::from_utf8(&bytes).ok();
    Some(match letter {
        "i" => text()?.parse::<i64>().ok()?.into(),
        "u" => text()?.parse::<u64>().ok()?.into(),
        "b" => bytes.into(),
        "s" => text()?.into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_they_are_written() {
        let values = [
            Some((-31_i64).into()),
            Some(u64::MAX.into()),
            Some(vec![0_u8, 255].into()),
            Some("é,".into()),
        ];
        assert_eq!(
            decoded("i2D3331,u3138343436373434303733373039353531363135,b00FF,sC3A92C", 4),
            values
        );
    }

    #[test]
    fn what_was_not_written_so_is_no_value() {
        for part in ["", "i", "iXX", "i3", "i2B", "u2D31", "sFF", "x31", "é31"] {
            assert_eq!(decoded(part, 1), [None], "{part}");
        }
        assert_eq!(decoded("i31", 2), [Some(1_i64.into()), None], "too few");
        assert_eq!(decoded("i31,i32", 1), [Some(1_i64.into())], "too many");
    }
}
