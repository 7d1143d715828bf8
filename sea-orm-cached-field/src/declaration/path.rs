use std::marker::PhantomData;

use sea_orm::{
    EntityTrait, IdenStatic, Iterable, Related, RelationDef, RelationTrait, sea_query::TableRef,
};

use super::column::{StoredField, column_of};

/// An input of a calculation: in the row itself, or in rows related to it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The relations that lead to the table; none for the row itself.
    pub hops: Vec<Hop>,
    /// The part of the table that is read.
    pub read: Read,
    /// The reason why no trigger can follow the path, if only running the program could tell.
    /// `install` refuses such a path.
    pub flaw: Option<PathError>,
}

/// A mistake in a path that the compiler could not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// The table where the path goes wrong.
    pub table: String,
    /// The mistake, and the remedy.
    pub reason: String,
}

/// The part of a table that a calculation reads at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A column, by its name in the database.
    Column(String),
    /// All columns that the entity declares, by their names in the database.
    AllColumns(Vec<String>),
    /// Only the existence of rows, as for a count.
    Existence,
}

impl Read {
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::Column(column) => std::slice::from_ref(column),
            Self::AllColumns(columns) => columns,
            Self::Existence => &[],
        }
    }
}

/// A relation on the path from the row to an input of its calculation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The schema of the related table, if the entity names one.
    pub schema: Option<String>,
    /// The related table.
    pub table: String,
    /// The columns at the near end.
    pub from: Vec<String>,
    /// The columns at the far end, of which each equals the one of `from` at its place.
    pub to: Vec<String>,
    /// Whether the relation has a condition of its own, which no trigger can express.
    pub conditional: bool,
    /// The number of hops, this one the last of them, that are followed any number of times, but at
    /// least once. It is 0 if no such group ends with this hop.
    pub repeats: usize,
}

/// The same entity once more.
#[diagnostic::on_unimplemented(
    message = "a `recursive` relation must lead back to the model that it starts from",
    label = "this relation leads to `{Self}`, not back to `{E}`",
    note = "`recursive` follows a relation of a model to itself any number of times: `recursive \
            reports(salary)`"
)]
pub trait LeadsBackTo<E> {}

impl<E> LeadsBackTo<E> for E {}

/// A dependency path that is being built, checked by the compiler: each hop's type says what can
/// follow.
#[derive(Debug)]
pub struct Path<E> {
    hops: Vec<Hop>,
    flaw: Option<PathError>,
    end: PhantomData<E>,
}

impl<E: EntityTrait> Path<E> {
    /// Returns the empty path, at the row itself.
    pub fn start() -> Self {
        Self { hops: Vec::new(), flaw: None, end: PhantomData }
    }

    /// Adds a hop to the related entity `R`, through the junction table if the relation has one.
    pub fn to<R: EntityTrait>(self) -> Path<R>
    where
        E: Related<R>,
    {
        self.by_hops(related::<E, R>())
    }

    /// Adds a hop over this relation, for models that have several relations to one entity.
    pub fn by_definition<R: EntityTrait>(self, definition: RelationDef) -> Path<R> {
        self.by_hops([definition.into()])
    }

    /// Adds a hop to the rows of `R` whose relation leads here.
    pub fn back<R: EntityTrait>(self, relation: R::Relation) -> Path<R> {
        let definition = relation.def();
        if definition.to_tbl == E::default().table_ref() {
            return self.by_definition(definition.rev());
        }
        let relation = relation.name();
        let there = table_name(&definition.to_tbl).1;
        let here = E::default().table_name();
        self.astray(format!(
            "the relation `{relation}` leads to `{there}`, not to `{here}`; name one that leads \
             there"
        ))
    }

    /// Ends the path at a column. The closure makes the compiler check the field. `name` is the
    /// name of that field, `variant` the same name as a variant of `Column`.
    pub fn column<F: StoredField>(
        mut self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
    ) -> Dependency {
        let column = match stored_column::<E, F>(field, name, variant) {
            Ok(column) => column.as_str().to_owned(),
            Err(flaw) => {
                self.flaw.get_or_insert(flaw);
                name.to_owned()
            }
        };
        self.end(Read::Column(column))
    }

    /// Ends the path at all columns that the entity declares.
    pub fn all_columns(self) -> Dependency {
        self.end(Read::AllColumns(
            E::Column::iter().map(|column| column.as_str().to_owned()).collect(),
        ))
    }

    /// Ends the path at the rows themselves, whatever their columns hold.
    pub fn existence(self) -> Dependency {
        self.end(Read::Existence)
    }

    /// Adds relations that lead back to the entity, followed any number of times, but at least
    /// once.
    pub fn repeated<R: EntityTrait + LeadsBackTo<E>>(
        self,
        step: impl FnOnce(Self) -> Path<R>,
    ) -> Path<R> {
        let mut group = step(Self::start());
        let length = group.hops.len();
        if let Some(last) = group.hops.last_mut() {
            last.repeats = length;
        }
        let mut path = self.by_hops(group.hops);
        path.flaw = path.flaw.or(group.flaw);
        path
    }

    /// Adds hops that lead to the entity `R`.
    pub fn by_hops<R: EntityTrait>(mut self, hops: impl IntoIterator<Item = Hop>) -> Path<R> {
        self.hops.extend(hops);
        Path { hops: self.hops, flaw: self.flaw, end: PhantomData }
    }

    /// Adds a hop that cannot be followed, for this reason.
    pub(super) fn astray<R: EntityTrait>(mut self, reason: String) -> Path<R> {
        let (schema, table) = table_name(&R::default().table_ref());
        self.flaw.get_or_insert(PathError { table: table.clone(), reason });
        self.by_hops([Hop {
            schema,
            table,
            from: Vec::new(),
            to: Vec::new(),
            conditional: false,
            repeats: 0,
        }])
    }

    /// Returns the relations, and what is wrong with the path.
    pub(super) fn into_parts(self) -> (Vec<Hop>, Option<PathError>) {
        (self.hops, self.flaw)
    }

    fn end(self, read: Read) -> Dependency {
        Dependency { hops: self.hops, read, flaw: self.flaw }
    }
}

/// Returns the column of a field, given as for [`Path::column`].
pub(super) fn stored_column<E: EntityTrait, F: StoredField>(
    field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
    name: &str,
    variant: &str,
) -> Result<E::Column, PathError> {
    column_of::<E, F>(field, variant).ok_or_else(|| {
        let table = E::default().table_name().to_owned();
        let reason = format!(
            "it is not clear which column of `{table}` its field `{name}` is; leave out \
             `enum_name` there, or call it like the field, `enum_name = \"{variant}\"`"
        );
        PathError { table, reason }
    })
}

/// Returns the one relation of `E` to `R`, over the junction if there is one.
pub(super) fn related<E: Related<R>, R: EntityTrait>() -> Vec<Hop> {
    E::via().into_iter().chain([E::to()]).map(Hop::from).collect()
}

impl From<RelationDef> for Hop {
    fn from(definition: RelationDef) -> Self {
        let names = |identity: &sea_orm::Identity| {
            identity.iter().map(|column| column.to_string()).collect()
        };
        let (schema, table) = table_name(&definition.to_tbl);
        Self {
            schema,
            table,
            from: names(&definition.from_col),
            to: names(&definition.to_col),
            conditional: definition.on_condition.is_some(),
            repeats: 0,
        }
    }
}

fn table_name(table: &TableRef) -> (Option<String>, String) {
    let schema = match table {
        TableRef::Table(name, _) => name.0.as_ref().map(|schema| schema.1.to_string()),
        _ => None,
    };
    (schema, table.sea_orm_table().to_string())
}
