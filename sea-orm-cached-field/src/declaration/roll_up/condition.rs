//! Conditions on the rows that are rolled up.

use std::marker::PhantomData;

use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IdenStatic, Value,
    sea_query::{Alias, BinOper, Expr, ExprTrait, Nullable, PostgresQueryBuilder, Query},
};

use super::{
    RolledUp,
    kind::{is_ordered, without_order},
};
use crate::declaration::{
    column::StoredField,
    path::{PathError, stored_column},
};

/// The name of the table of these rows in a condition.
pub(crate) const ROWS: &str = "rolled_up";

/// A condition on the rows that are rolled up.
#[derive(Clone, Debug)]
pub struct Condition {
    pub(crate) holds: Expr,
    /// The columns that it is about.
    pub(super) columns: Vec<String>,
    /// The constants of the program in it, each with its value.
    pub(super) constants: Vec<String>,
    /// The reason why a database could not tell whether it holds.
    pub(super) flaw: Option<PathError>,
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

impl<E> Rows<E> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
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
    let column = stored_column::<E, F>(field, name, variant);
    let holds = column.and_then(|column| {
        let table = E::default().table_name().to_owned();
        let holds = holds(column).map_err(|reason| PathError { table, reason })?;
        Ok((column.as_str().to_owned(), holds))
    });
    match holds {
        Ok((column, holds)) => {
            Condition { holds, columns: vec![column], constants: Vec::new(), flaw: None }
        }
        Err(flaw) => Condition {
            holds: Expr::Constant(true.into()),
            columns: Vec::new(),
            constants: Vec::new(),
            flaw: Some(flaw),
        },
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
