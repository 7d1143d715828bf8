//! Roll-ups: fields that are calculated from related rows by an aggregate function of the database.

mod condition;
mod kind;

use sea_orm::{ColumnType, EntityTrait};

use super::path::{Dependency, Hop, Path, PathError, Read};
pub(crate) use condition::ROWS;
pub use condition::{Comparison, Condition, Rows, literal};
pub(crate) use kind::is_float;

/// A roll-up of related rows.
#[derive(Clone, Debug)]
pub struct RollUp {
    pub(crate) function: Function,
    /// The relations that lead to the rows.
    pub(crate) hops: Vec<Hop>,
    /// The reason why they cannot be followed.
    pub(crate) flaw: Option<PathError>,
    /// The column that is rolled up; `None` if the rows alone are.
    pub(crate) column: Option<RolledUp>,
    pub(crate) condition: Option<Condition>,
    /// Its text, which is the same however it is formatted in the program.
    pub(crate) written: &'static str,
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

impl<E: EntityTrait> Path<E> {
    /// Returns the rows that it leads to.
    pub fn rows(&self) -> Rows<E> {
        Rows::new()
    }

    /// Rolls up the rows that it leads to. `written` is the text of the roll-up: the same however
    /// it is formatted in the program.
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

impl Function {
    /// Returns whether the value is NULL where there are no rows.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::Min | Self::Max | Self::Avg)
    }
}

impl RollUp {
    /// Returns all columns that the value follows from, and the existence of the rows.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let mut reads: Vec<Read> = Vec::new();
        for column in self.columns() {
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

    /// Returns the columns of the rows that it reads, in its order. A column may stand there twice.
    fn columns(&self) -> impl Iterator<Item = &String> {
        let of_condition = self.condition.iter().flat_map(|condition| &condition.columns);
        self.column.iter().map(|column| &column.name).chain(of_condition)
    }

    fn flaw(&self) -> Option<&PathError> {
        let of_column = self.column.as_ref().and_then(|column| column.flaw.as_ref());
        let of_condition = self.condition.as_ref().and_then(|condition| condition.flaw.as_ref());
        self.flaw.as_ref().or(of_column).or(of_condition)
    }

    /// Returns the line that tells it from other roll-ups of the same columns. It has the columns
    /// in the order of the roll-up, and the values of constants.
    pub(crate) fn definition(&self) -> String {
        let constants = self.condition.iter().flat_map(|condition| &condition.constants);
        self.columns()
            .chain(constants)
            .fold(self.written.to_owned(), |line, part| format!("{line}, {part:?}"))
    }
}
