//! The types of the columns that a roll-up reads, and of the field that it fills.

use sea_orm::ColumnType;

use super::{Function, RollUp, RolledUp};

impl RollUp {
    /// Returns the reason why the database cannot roll this up into a column of this type.
    pub(crate) fn mistake(&self, value: &ColumnType) -> Option<String> {
        let wanted = match self.function {
            Function::Count if !is_whole(value) => "a whole number, such as `i64`",
            Function::Exists if *value != ColumnType::Boolean => "a `bool`",
            Function::Avg if is_whole(value) || !is_number(value) => {
                "an `Option` of `f64` or of a decimal"
            }
            _ => "",
        };
        if !wanted.is_empty() {
            return Some(format!("the field has to be {wanted}"));
        }

        let RolledUp { name, kind: Some(kind), .. } = self.column.as_ref()? else { return None };
        let fits = match self.function {
            Function::Count | Function::Exists => true,
            Function::Sum | Function::Avg if !is_number(kind) => {
                return Some(format!("`{name}` is no number"));
            }
            Function::Min | Function::Max if !is_ordered(kind) => {
                return Some(without_order(name));
            }
            Function::Sum if is_whole(value) => {
                is_whole(kind) && (is_signed(value) || !is_signed(kind))
            }
            Function::Sum | Function::Avg => is_number(value),
            Function::Min | Function::Max => holds(value, kind),
        };
        let mistake = format!("its type, `{value:?}`, does not hold what `{name}` has, `{kind:?}`");
        (!fits).then_some(mistake)
    }
}

fn is_whole(kind: &ColumnType) -> bool {
    bits(kind).is_some()
}

pub(crate) fn is_float(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Float | ColumnType::Double)
}

fn is_number(kind: &ColumnType) -> bool {
    is_whole(kind) || is_float(kind) || matches!(kind, ColumnType::Decimal(_))
}

fn is_text(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text)
}

pub(super) fn is_ordered(kind: &ColumnType) -> bool {
    use ColumnType as Type;
    let is_moment = matches!(
        kind,
        Type::Date | Type::Time | Type::DateTime | Type::Timestamp | Type::TimestampWithTimeZone
    );
    is_number(kind) || is_text(kind) || is_moment
}

/// The number of bits of a whole number.
fn bits(kind: &ColumnType) -> Option<u32> {
    use ColumnType as Type;
    match kind {
        Type::TinyInteger | Type::TinyUnsigned => Some(8),
        Type::SmallInteger | Type::SmallUnsigned => Some(16),
        Type::Integer | Type::Unsigned => Some(32),
        Type::BigInteger | Type::BigUnsigned => Some(64),
        _ => None,
    }
}

fn is_signed(kind: &ColumnType) -> bool {
    use ColumnType as Type;
    matches!(kind, Type::TinyInteger | Type::SmallInteger | Type::Integer | Type::BigInteger)
}

/// Returns whether a column of the type `value` holds each value of the type `kind`, but for the
/// digits of decimals and the length of texts.
fn holds(value: &ColumnType, kind: &ColumnType) -> bool {
    if let (Some(value_bits), Some(bits)) = (bits(value), bits(kind)) {
        return match (is_signed(value), is_signed(kind)) {
            (true, false) => value_bits > bits,
            (false, true) => false,
            _ => value_bits >= bits,
        };
    }
    let both = |is: fn(&ColumnType) -> bool| is(value) && is(kind);
    let is_decimal = |kind: &ColumnType| matches!(kind, ColumnType::Decimal(_));
    let is_wider = (value, kind) == (&ColumnType::Double, &ColumnType::Float);
    value == kind || is_wider || both(is_text) || both(is_decimal)
}

pub(super) fn without_order(column: &str) -> String {
    format!("the databases do not put the values of `{column}` in the same order")
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::StringLen;

    use super::*;

    fn mistake(function: Function, column: Option<ColumnType>, value: &ColumnType) -> String {
        let column =
            column.map(|kind| RolledUp { name: "weight".to_owned(), kind: Some(kind), flaw: None });
        let written = match function {
            Function::Count => "count(pigeons)",
            Function::Exists => "exists(pigeons)",
            Function::Sum => "sum(pigeons.weight)",
            Function::Min => "min(pigeons.weight)",
            Function::Max => "max(pigeons.weight)",
            Function::Avg => "avg(pigeons.weight)",
        };
        let roll_up =
            RollUp { function, hops: Vec::new(), flaw: None, column, condition: None, written };
        roll_up.mistake(value).unwrap_or_default()
    }

    #[test]
    fn the_field_holds_what_is_rolled_up() {
        use ColumnType as Type;
        use Function::*;

        let decimal = || Type::Decimal(Some((10, 2)));
        let text = || Type::String(StringLen::None);
        let holds = [
            (Count, None, Type::SmallInteger),
            (Exists, None, Type::Boolean),
            (Sum, Some(Type::Integer), Type::BigInteger),
            (Sum, Some(Type::Integer), Type::Double),
            (Sum, Some(decimal()), Type::Decimal(None)),
            (Avg, Some(Type::Integer), Type::Double),
            (Avg, Some(decimal()), decimal()),
            (Min, Some(Type::SmallInteger), Type::BigInteger),
            (Min, Some(Type::Unsigned), Type::BigInteger),
            (Max, Some(Type::Float), Type::Double),
            (Max, Some(text()), Type::Text),
            (Max, Some(Type::Date), Type::Date),
        ];
        for (function, column, value) in holds {
            let case = format!("{function:?} of {column:?} in {value:?}");
            assert_eq!(mistake(function, column, &value), "", "{case}");
        }

        let no_order = "the databases do not put the values of `weight` in the same order";
        let mean = "the field has to be an `Option` of `f64` or of a decimal";
        let count = "the field has to be a whole number, such as `i64`";
        let mistakes = [
            (Count, None, Type::Double, count),
            (Exists, None, Type::Integer, "the field has to be a `bool`"),
            (Sum, Some(text()), Type::BigInteger, "`weight` is no number"),
            (Avg, Some(Type::Integer), Type::BigInteger, mean),
            (Avg, Some(Type::Date), Type::Double, "`weight` is no number"),
            (Max, Some(Type::Uuid), Type::Uuid, no_order),
        ];
        for (function, column, value, expected) in mistakes {
            let case = format!("{function:?} of {column:?} in {value:?}");
            assert_eq!(mistake(function, column, &value), expected, "{case}");
        }

        let too_small = [
            (Sum, Type::Double, Type::BigInteger),
            (Sum, Type::Integer, Type::BigUnsigned),
            (Sum, Type::Integer, Type::Text),
            (Min, Type::Double, Type::BigInteger),
            (Min, Type::Double, Type::Float),
            (Min, Type::BigInteger, Type::SmallInteger),
            (Max, Type::Integer, Type::BigUnsigned),
            (Max, Type::BigUnsigned, Type::BigInteger),
            (Max, Type::Date, Type::Time),
        ];
        for (function, column, value) in too_small {
            let expected =
                format!("its type, `{value:?}`, does not hold what `weight` has, `{column:?}`");
            assert_eq!(mistake(function, Some(column), &value), expected, "{function:?}");
        }
    }
}
