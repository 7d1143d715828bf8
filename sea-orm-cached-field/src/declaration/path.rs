use std::marker::PhantomData;

use sea_orm::{
    EntityTrait, IdenStatic, Iterable, Related, RelationDef, RelationTrait, sea_query::TableRef,
};

use super::column::{StoredField, column_of};

/// What a calculation reads: of the row itself, or of rows related to it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The relations that lead to the table; none for the row itself.
    pub hops: Vec<Hop>,
    /// What is read there.
    pub read: Read,
    /// Why no trigger can follow the path, if only running the program could tell: `install`
    /// refuses it.
    pub flaw: Option<PathError>,
}

/// What the compiler could not find wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// The table where the path goes wrong.
    pub table: String,
    /// What is wrong there, and the remedy.
    pub reason: String,
}

/// What a calculation reads at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A column, by its name in the database.
    Column(String),
    /// Whatever stands in the row: all columns that the entity declares, by their names in the
    /// database.
    AllColumns(Vec<String>),
    /// Only which rows there are, as for a count.
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

/// A relation on the way from the row to what its calculation reads.
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
    /// So many hops, this the last of them, are followed any number of times, but at least once; 0
    /// if this hop ends no such group.
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

/// A dependency path in the making, checked by the compiler: each hop's type says what can follow.
#[derive(Debug)]
pub struct Path<E> {
    hops: Vec<Hop>,
    flaw: Option<PathError>,
    end: PhantomData<E>,
}

impl<E: EntityTrait> Path<E> {
    /// The empty path, at the row itself.
    pub fn start() -> Self {
        Self { hops: Vec::new(), flaw: None, end: PhantomData }
    }

    /// A hop to the related entity `R`, through the junction table if the relation has one.
    pub fn to<R: EntityTrait>(self) -> Path<R>
    where
        E: Related<R>,
    {
        self.by_hops(related::<E, R>())
    }

    /// A hop over this relation, for models that have several relations to one entity.
    pub fn by_definition<R: EntityTrait>(self, definition: RelationDef) -> Path<R> {
        self.by_hops([definition.into()])
    }

    /// A hop to the rows of `R` whose relation leads here.
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

    /// Ends the path at a column: the closure has the compiler check the field, `name` is that
    /// field's name, `variant` the same as a variant of `Column`.
    pub fn column<F: StoredField>(
        mut self,
        field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
        name: &str,
        variant: &str,
    ) -> Dependency {
        let column = column_of::<E, F>(field, variant).map(|column| column.as_str().to_owned());
        let column = column.unwrap_or_else(|| {
            let table = E::default().table_name().to_owned();
            let reason = format!(
                "it is not clear which column of `{table}` its field `{name}` is; leave out \
                 `enum_name` there, or call it like the field, `enum_name = \"{variant}\"`"
            );
            self.flaw.get_or_insert(PathError { table, reason });
            name.to_owned()
        });
        self.end(Read::Column(column))
    }

    /// Ends the path at all columns that the entity declares.
    pub fn all_columns(self) -> Dependency {
        self.end(Read::AllColumns(
            E::Column::iter().map(|column| column.as_str().to_owned()).collect(),
        ))
    }

    /// Ends the path at the rows themselves: which there are, whatever stands in them.
    pub fn existence(self) -> Dependency {
        self.end(Read::Existence)
    }

    /// Relations that lead back to the entity, followed any number of times, but at least once.
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

    pub(super) fn by_hops<R: EntityTrait>(
        mut self,
        hops: impl IntoIterator<Item = Hop>,
    ) -> Path<R> {
        self.hops.extend(hops);
        Path { hops: self.hops, flaw: self.flaw, end: PhantomData }
    }

    /// A hop that cannot be followed, for this reason.
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

    fn end(self, read: Read) -> Dependency {
        Dependency { hops: self.hops, read, flaw: self.flaw }
    }
}

/// The one relation of `E` to `R`, over the junction if there is one.
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
