//! Roll-ups: fields that are calculated from related rows by an aggregate function of the database.

use std::marker::PhantomData;

use sea_orm::{
    ActiveValue, ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    Value,
    sea_query::{
        Alias, BinOper, Expr, ExprTrait, Func, IntoTableRef, Nullable, PostgresQueryBuilder, Query,
        SelectStatement, TableRef,
    },
};

use super::{
    column::StoredField,
    path::{Dependency, Hop, Path, PathError, Read, stored_column},
};

/// The name of the owner's table in the query.
const OWNER: &str = "owner";

/// The name of the last table in the query.
const ROWS: &str = "rolled_up";

/// A roll-up of related rows.
#[derive(Clone, Debug)]
pub struct RollUp {
    function: Function,
    hops: Vec<Hop>,
    flaw: Option<PathError>,
    /// The column that is rolled up; `None` if the rows alone are.
    column: Option<RolledUp>,
    condition: Option<Condition>,
    /// The text of the roll-up, as its user wrote it.
    written: &'static str,
}

/// A function of a roll-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The number of rows.
    Count,
    /// Whether there are rows.
    Exists,
    /// The sum of a column; 0 without rows.
    Sum,
    /// The least value of a column.
    Min,
    /// The greatest value of a column.
    Max,
    /// The mean value of a column.
    Avg,
}

/// A column that is rolled up.
#[derive(Clone, Debug)]
pub struct RolledUp {
    /// Its name in the database.
    pub name: String,
    /// Its type; `None` if it is not clear which column it is.
    pub kind: Option<ColumnType>,
    /// The reason why that is not clear.
    pub flaw: Option<PathError>,
}

/// A condition on the rows that are rolled up.
#[derive(Clone, Debug)]
pub struct Condition {
    holds: Expr,
    /// The columns that it is about.
    columns: Vec<String>,
    /// The constants of the program in it, each with its value.
    constants: Vec<String>,
    flaw: Option<PathError>,
}

/// An operator between a column and an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The literals that a column may be compared with.
pub mod literal {
    use sea_orm::{Value, sea_query::Expr};

    /// A literal in SQL.
    pub trait Literal {
        /// Returns the literal. Numbers and truth values are a part of the query's text, so that
        /// the database compares them with columns of any type of numbers.
        fn expression(self) -> Expr;
    }

    /// A whole number.
    #[derive(Debug)]
    pub struct Whole(pub &'static str);

    /// A number with a fraction.
    #[derive(Debug)]
    pub struct Fraction(pub &'static str);

    /// A text.
    #[derive(Debug)]
    pub struct Text(pub &'static str);

    /// `true` or `false`.
    #[derive(Debug)]
    pub struct Truth(pub bool);

    impl Literal for Whole {
        fn expression(self) -> Expr {
            Expr::cust(self.0)
        }
    }

    impl Literal for Fraction {
        fn expression(self) -> Expr {
            Expr::cust(self.0)
        }
    }

    impl Literal for Text {
        fn expression(self) -> Expr {
            Expr::val(self.0)
        }
    }

    impl Literal for Truth {
        fn expression(self) -> Expr {
            Expr::Constant(Value::from(self.0))
        }
    }
}

/// A type whose columns may be compared with a literal.
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` is not compared with this literal",
    label = "the type of this column is `{Self}`",
    note = "whole numbers are for columns of numbers, fractions for `f64`, texts for `String`, and \
            `true` and `false` for `bool`; for another type, compare with a constant \
            of that type, as in `price > LEAST_PRICE`, or with a variant of an enum"
)]
pub trait ComparedWith<L> {}

macro_rules! compared {
    ($literal:ident: $($type:ty),+) => {
        $(#[diagnostic::do_not_recommend]
        impl ComparedWith<literal::$literal> for $type {})+
    };
}

compared!(Whole: i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
// The databases compare a fraction with more digits than an `f32` has: 0.1 would equal none.
compared!(Fraction: f64);
compared!(Text: String);
compared!(Truth: bool);

#[diagnostic::do_not_recommend]
impl<T: ComparedWith<L>, L> ComparedWith<L> for Option<T> {}

/// A field of an active model whose column has values of this type.
#[diagnostic::on_unimplemented(
    message = "the column and the constant that it is compared with have different types",
    label = "the constant is of type `{V}`",
    note = "compare the column with a constant of its own type"
)]
pub trait Holds<V> {}

// `Nullable` is no `Option`, with which a comparison would never hold.
#[diagnostic::do_not_recommend]
impl<V: Into<Value> + Nullable> Holds<V> for ActiveValue<V> {}

#[diagnostic::do_not_recommend]
impl<V: Nullable> Holds<V> for ActiveValue<Option<V>> where Option<V>: Into<Value> {}

#[diagnostic::do_not_recommend]
impl Holds<&'static str> for ActiveValue<String> {}

#[diagnostic::do_not_recommend]
impl Holds<&'static str> for ActiveValue<Option<String>> {}

/// The rows at the end of a path.
#[derive(Debug)]
pub struct Rows<E>(PhantomData<E>);

impl<E: EntityTrait> Path<E> {
    /// Returns the rows that it leads to.
    pub fn rows(&self) -> Rows<E> {
        Rows(PhantomData)
    }

    /// Rolls up the rows that it leads to. `written` is the text of the roll-up.
    pub fn roll_up(
        self,
        function: Function,
        column: Option<RolledUp>,
        condition: Option<Condition>,
        written: &'static str,
    ) -> RollUp {
        let (hops, flaw) = self.into_parts();
        RollUp { function, hops, flaw, column, condition, written }
    }
}

impl<E: EntityTrait> Rows<E> {
    /// Returns a column of them. The closure makes the compiler check the field. `name` is the name
    /// of that field, `variant` the same name as a variant of `Column`.
    pub fn column<F: StoredField>(
        &self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
    ) -> RolledUp {
        match stored_column::<E, F>(field, name, variant) {
            Ok(column) => RolledUp {
                name: column.as_str().to_owned(),
                kind: Some(column.def().get_column_type().clone()),
                flaw: None,
            },
            Err(flaw) => RolledUp { name: name.to_owned(), kind: None, flaw: Some(flaw) },
        }
    }

    /// Compares a column, given as for [`Rows::column`], with a literal.
    pub fn compare<T: ComparedWith<L> + Into<Value>, L: literal::Literal>(
        &self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut ActiveValue<T>,
        name: &str,
        variant: &str,
        comparison: Comparison,
        literal: L,
    ) -> Condition {
        let literal = literal.expression();
        let holds = |column: E::Column| {
            Ok(rolled_up(column).binary(comparison.operator(), column.save_as(literal)))
        };
        condition::<E, _>(field, name, variant, holds)
    }

    /// Compares a column with a constant of the program. `text` is the text of the constant.
    pub fn compare_with_constant<F: StoredField + Holds<V>, V: Into<Value>>(
        &self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
        comparison: Comparison,
        constant: V,
        text: &str,
    ) -> Condition {
        let constant = constant.into();
        // The text has to be the same in all releases. So the value is written as SQL.
        let value = Query::select().expr(constant.clone()).to_string(PostgresQueryBuilder);
        let holds = |column: E::Column| {
            if comparison.is_of_order() && !is_ordered(column.def().get_column_type()) {
                return Err(without_order(column.as_str()));
            }
            if matches!(constant, Value::BigUnsigned(Some(n)) if i64::try_from(n).is_err()) {
                return Err(format!("not every database holds numbers as large as `{text}`"));
            }
            let constant = column.save_as(Expr::val(constant));
            Ok(rolled_up(column).binary(comparison.operator(), constant))
        };
        let condition = condition::<E, _>(field, name, variant, holds);
        Condition { constants: vec![format!("{text}: {value}")], ..condition }
    }

    /// Returns whether a column is NULL.
    pub fn is_null<F: StoredField>(
        &self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
    ) -> Condition {
        condition::<E, _>(field, name, variant, |column| Ok(rolled_up(column).is_null()))
    }
}

fn rolled_up(column: impl ColumnTrait) -> Expr {
    Expr::col((Alias::new(ROWS), Alias::new(column.as_str())))
}

fn condition<E: EntityTrait, F: StoredField>(
    field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
    name: &str,
    variant: &str,
    holds: impl FnOnce(E::Column) -> Result<Expr, String>,
) -> Condition {
    let constants = Vec::new();
    let flawed = |flaw| Condition {
        holds: Expr::Constant(true.into()),
        columns: Vec::new(),
        constants: Vec::new(),
        flaw: Some(flaw),
    };
    let column = match stored_column::<E, F>(field, name, variant) {
        Ok(column) => column,
        Err(flaw) => return flawed(flaw),
    };
    let columns = vec![column.as_str().to_owned()];
    match holds(column) {
        Ok(holds) => Condition { holds, columns, constants, flaw: None },
        Err(reason) => flawed(PathError { table: E::default().table_name().to_owned(), reason }),
    }
}

fn without_order(column: &str) -> String {
    format!("the databases do not put the values of `{column}` in the same order")
}

impl Condition {
    /// Returns whether it does not hold. As in SQL, neither a comparison with NULL nor its negation
    /// holds.
    pub fn not(self) -> Self {
        Self { holds: self.holds.not(), ..self }
    }

    /// Returns whether both hold.
    pub fn and(self, other: Self) -> Self {
        self.joined(other, Expr::and)
    }

    /// Returns whether one of them holds.
    pub fn or(self, other: Self) -> Self {
        self.joined(other, Expr::or)
    }

    fn joined(mut self, other: Self, join: impl FnOnce(Expr, Expr) -> Expr) -> Self {
        self.columns.extend(other.columns);
        self.constants.extend(other.constants);
        Self { holds: join(self.holds, other.holds), flaw: self.flaw.or(other.flaw), ..self }
    }
}

impl Comparison {
    fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    fn operator(self) -> BinOper {
        match self {
            Self::Equal => BinOper::Equal,
            Self::NotEqual => BinOper::NotEqual,
            Self::Less => BinOper::SmallerThan,
            Self::LessOrEqual => BinOper::SmallerThanOrEqual,
            Self::Greater => BinOper::GreaterThan,
            Self::GreaterOrEqual => BinOper::GreaterThanOrEqual,
        }
    }
}

impl RollUp {
    /// Returns all columns that the value follows from, and the existence of the rows.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let of_column = self.column.iter().map(|column| &column.name);
        let of_condition = self.condition.iter().flat_map(|condition| &condition.columns);
        let mut reads: Vec<Read> = Vec::new();
        for column in of_column.chain(of_condition) {
            let read = Read::Column(column.clone());
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
        if reads.is_empty() {
            reads.push(Read::Existence);
        }

        let dependency =
            |read| Dependency { hops: self.hops.clone(), read, flaw: self.flaw().cloned() };
        reads.into_iter().map(dependency).collect()
    }

    fn flaw(&self) -> Option<&PathError> {
        let of_column = self.column.as_ref().and_then(|column| column.flaw.as_ref());
        let of_condition = self.condition.as_ref().and_then(|condition| condition.flaw.as_ref());
        self.flaw.as_ref().or(of_column).or(of_condition)
    }

    /// Returns the text of the roll-up, as its user wrote it.
    pub(crate) fn written(&self) -> &'static str {
        self.written
    }

    /// Returns the line that tells it from other roll-ups of the same columns. It has the columns
    /// in the order of the roll-up, and the values of constants.
    pub(crate) fn definition(&self) -> String {
        let of_column = self.column.iter().map(|column| &column.name);
        let of_condition = self.condition.iter().flat_map(|condition| &condition.columns);
        let constants = self.condition.iter().flat_map(|condition| &condition.constants);
        let parts = of_column.chain(of_condition).chain(constants);
        parts.fold(self.written.to_owned(), |line, part| format!("{line}, {part:?}"))
    }

    /// Returns the query of the field: for each row of `O` its key, and the value for this column.
    ///
    /// The value is a subquery in the select list, and the key is a plain column. So planners take
    /// the condition on the keys, which comes from outside, into the query. No GROUP BY is in the
    /// way.
    pub fn select<O: EntityTrait>(&self, value: O::Column) -> SelectStatement {
        let key = O::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
        let key = key.map(|column| (Alias::new(OWNER), Alias::new(column.as_str())));
        let kind = value.def();
        Query::select()
            .columns(key)
            .expr(self.value(kind.get_column_type()))
            .from_as(O::default().table_ref(), Alias::new(OWNER))
            .take()
    }

    fn value(&self, kind: &ColumnType) -> Expr {
        let column = || {
            let name = self.column.as_ref().map_or("", |column| &column.name);
            Expr::col((Alias::new(ROWS), Alias::new(name)))
        };
        // Sums and means have more digits if they are ones of numbers with more digits.
        let widened = || match self.factor(kind) {
            Some(one) => column().mul(Expr::cust(one)),
            None => column(),
        };
        match self.function {
            Function::Count => self.of_rows(Expr::cust("count(*)")),
            Function::Exists => Expr::exists(self.rows(Expr::cust("1"))),
            Function::Sum => {
                let sum = self.of_rows(Func::sum(widened()).into());
                Func::coalesce([sum, Expr::cust("0")]).into()
            }
            Function::Min => self.of_rows(Func::min(column()).into()),
            Function::Max => self.of_rows(Func::max(column()).into()),
            Function::Avg => self.of_rows(Func::avg(widened()).into()),
        }
    }

    /// Returns a 1 with the digits that sums and means need. PostgreSQL sums up `real` as such, and
    /// MySQL gives the mean of whole numbers four digits after the point.
    fn factor(&self, value: &ColumnType) -> Option<String> {
        let column = self.column.as_ref()?.kind.as_ref()?;
        match (self.function, value) {
            (Function::Avg, ColumnType::Decimal(Some((_, scale)))) if *scale > 0 => {
                Some(format!("1.{}", "0".repeat(*scale as usize)))
            }
            (Function::Avg, ColumnType::Decimal(_)) => None,
            (Function::Avg, _) => Some("1e0".to_owned()),
            (Function::Sum, _) if is_float(column) => Some("1e0".to_owned()),
            _ => None,
        }
    }

    fn of_rows(&self, aggregate: Expr) -> Expr {
        Expr::SubQuery(None, Box::new(self.rows(aggregate).into()))
    }

    /// Returns the rows that belong to a row of the owner.
    fn rows(&self, selected: Expr) -> SelectStatement {
        let mut rows = Query::select();
        rows.expr(selected);
        let mut before = OWNER.to_owned();
        for (at, hop) in self.hops.iter().enumerate() {
            let is_last = at + 1 == self.hops.len();
            let name = if is_last { ROWS.to_owned() } else { format!("way_{}", at + 1) };
            let is_linked = linked(hop, &before, &name);
            if at == 0 {
                rows.from_as(table(hop), Alias::new(&name)).and_where(is_linked);
            } else {
                rows.join_as(
                    sea_orm::JoinType::InnerJoin,
                    table(hop),
                    Alias::new(&name),
                    is_linked,
                );
            }
            before = name;
        }
        rows.and_where_option(self.condition.as_ref().map(|condition| condition.holds.clone()));
        rows
    }

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

fn linked(hop: &Hop, near: &str, far: &str) -> Expr {
    let column = |table: &str, column: &str| Expr::col((Alias::new(table), Alias::new(column)));
    let links = hop.from.iter().zip(&hop.to);
    let equal = links.map(|(from, to)| column(far, to).eq(column(near, from)));
    equal.reduce(Expr::and).unwrap_or_else(|| Expr::Constant(false.into()))
}

fn table(hop: &Hop) -> TableRef {
    let name = Alias::new(&hop.table);
    match &hop.schema {
        Some(schema) => (Alias::new(schema), name).into_table_ref(),
        None => name.into_table_ref(),
    }
}

fn is_whole(kind: &ColumnType) -> bool {
    bits(kind).is_some()
}

fn is_float(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Float | ColumnType::Double)
}

fn is_number(kind: &ColumnType) -> bool {
    is_whole(kind) || is_float(kind) || matches!(kind, ColumnType::Decimal(_))
}

fn is_text(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text)
}

fn is_ordered(kind: &ColumnType) -> bool {
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
