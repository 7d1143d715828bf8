//! Roll-ups: fields that are calculated from related rows by an aggregate function of the database.

use std::marker::PhantomData;

use sea_orm::{
    ActiveValue, ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    Value,
    sea_query::{
        Alias, BinOper, Expr, ExprTrait, Func, IntoTableRef, Query, SelectStatement, TableRef,
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
        /// the database gives them the type of the column.
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
    note = "whole numbers are for columns of numbers, fractions for `f32` and `f64`, texts for \
            `String`, and `true` and `false` for `bool`; for another type, compare with a constant \
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
compared!(Fraction: f32, f64);
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

#[diagnostic::do_not_recommend]
impl<V: Into<Value>> Holds<V> for ActiveValue<V> {}

#[diagnostic::do_not_recommend]
impl<V> Holds<V> for ActiveValue<Option<V>> where Option<V>: Into<Value> {}

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
            rolled_up(column).binary(comparison.operator(), column.save_as(literal))
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
        let value = format!("{text} = {constant:?}");
        let holds = |column: E::Column| {
            rolled_up(column).binary(comparison.operator(), column.save_as(Expr::val(constant)))
        };
        let condition = condition::<E, _>(field, name, variant, holds);
        Condition { constants: vec![value], ..condition }
    }

    /// Returns whether a column is NULL.
    pub fn is_null<F: StoredField>(
        &self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
    ) -> Condition {
        condition::<E, _>(field, name, variant, |column| rolled_up(column).is_null())
    }
}

fn rolled_up(column: impl ColumnTrait) -> Expr {
    Expr::col((Alias::new(ROWS), Alias::new(column.as_str())))
}

fn condition<E: EntityTrait, F: StoredField>(
    field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
    name: &str,
    variant: &str,
    holds: impl FnOnce(E::Column) -> Expr,
) -> Condition {
    let column = stored_column::<E, F>(field, name, variant);
    let constants = Vec::new();
    match column {
        Ok(column) => {
            let columns = vec![column.as_str().to_owned()];
            Condition { holds: holds(column), columns, constants, flaw: None }
        }
        Err(flaw) => {
            let holds = Expr::Constant(true.into());
            Condition { holds, columns: Vec::new(), constants, flaw: Some(flaw) }
        }
    }
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

    /// Returns the text that tells it from other roll-ups of the same columns. It has the values of
    /// constants, too. It is one line.
    pub(crate) fn definition(&self) -> String {
        let constants = self.condition.iter().flat_map(|condition| &condition.constants);
        constants.fold(self.written.to_owned(), |text, constant| format!("{text}, {constant}"))
    }

    /// Returns the query of the field: for each row of `O` its key, and the value for this column.
    ///
    /// The value is a subquery in the select list. So the condition on the keys, which comes from
    /// outside, decides which rows are rolled up, and the planner has nothing to push down.
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
        match self.function {
            Function::Count => self.of_rows(Expr::cust("count(*)")),
            Function::Exists => Expr::exists(self.rows(Expr::cust("1"))),
            Function::Sum => {
                let sum = self.of_rows(Func::sum(column()).into());
                Func::coalesce([sum, Expr::cust("0")]).into()
            }
            Function::Min => self.of_rows(Func::min(column()).into()),
            Function::Max => self.of_rows(Func::max(column()).into()),
            // MySQL gives the mean of whole numbers four digits after the point.
            Function::Avg if is_float(kind) => {
                self.of_rows(Func::avg(column().mul(Expr::cust("1e0"))).into())
            }
            Function::Avg => self.of_rows(Func::avg(column()).into()),
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
        let function = self.written.split('(').next().unwrap_or_default();
        let wanted = match self.function {
            Function::Count if !is_whole(value) => "a whole number, such as `i64`",
            Function::Exists if *value != ColumnType::Boolean => "a `bool`",
            Function::Avg if is_whole(value) || !is_number(value) => {
                "an `Option` of `f64` or of a decimal"
            }
            _ => "",
        };
        if !wanted.is_empty() {
            return Some(format!("`{function}` is {wanted}"));
        }

        let column = self.column.as_ref()?;
        let kind = column.kind.as_ref()?;
        let name = &column.name;
        let fits = match self.function {
            Function::Sum | Function::Avg if !is_number(kind) => {
                return Some(format!("`{name}` is no number"));
            }
            Function::Sum if is_whole(value) => is_whole(kind),
            Function::Sum | Function::Avg => is_number(value),
            Function::Min | Function::Max if !is_ordered(kind) => {
                return Some(format!(
                    "the databases do not put the values of `{name}` in the same order"
                ));
            }
            Function::Min | Function::Max => is_alike(value, kind),
            Function::Count | Function::Exists => true,
        };
        let mistake = format!("the type of the field does not hold what `{name}` holds");
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
    use ColumnType as Type;
    matches!(
        kind,
        Type::TinyInteger
            | Type::SmallInteger
            | Type::Integer
            | Type::BigInteger
            | Type::TinyUnsigned
            | Type::SmallUnsigned
            | Type::Unsigned
            | Type::BigUnsigned
    )
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

/// Returns whether each value of one type is one of the other, as far as their kinds go.
fn is_alike(one: &ColumnType, other: &ColumnType) -> bool {
    let both = |is: fn(&ColumnType) -> bool| is(one) && is(other);
    let is_decimal = |kind: &ColumnType| matches!(kind, ColumnType::Decimal(_));
    one == other || both(is_whole) || both(is_float) || both(is_text) || both(is_decimal)
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
            (Max, Some(text()), Type::Text),
            (Max, Some(Type::Date), Type::Date),
        ];
        for (function, column, value) in holds {
            let case = format!("{function:?} of {column:?} in {value:?}");
            assert_eq!(mistake(function, column, &value), "", "{case}");
        }

        let type_of_the_field = "the type of the field does not hold what `weight` holds";
        let mistakes = [
            (Count, None, Type::Double, "`count` is a whole number, such as `i64`"),
            (Exists, None, Type::Integer, "`exists` is a `bool`"),
            (Sum, Some(text()), Type::BigInteger, "`weight` is no number"),
            (Sum, Some(Type::Double), Type::BigInteger, type_of_the_field),
            (Sum, Some(Type::Integer), Type::Text, type_of_the_field),
            (
                Avg,
                Some(Type::Integer),
                Type::BigInteger,
                "`avg` is an `Option` of `f64` or of a decimal",
            ),
            (Avg, Some(Type::Date), Type::Double, "`weight` is no number"),
            (Min, Some(Type::Double), Type::BigInteger, type_of_the_field),
            (Max, Some(Type::Date), Type::Time, type_of_the_field),
            (
                Max,
                Some(Type::Uuid),
                Type::Uuid,
                "the databases do not put the values of `weight` in the same order",
            ),
        ];
        for (function, column, value, expected) in mistakes {
            let case = format!("{function:?} of {column:?} in {value:?}");
            assert_eq!(mistake(function, column, &value), expected, "{case}");
        }
    }
}
