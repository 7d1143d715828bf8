use std::{marker::PhantomData, str::FromStr};

use sea_orm::{
    EntityTrait, IdenStatic, Iterable, Related, RelationDef,
    entity::compound::{BelongsTo, BelongsToCardinality, HasMany, HasOne},
    sea_query::TableRef,
};

/// A relation field of a `ModelEx`; it names the entity at its other end.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relation field",
    label = "expected a field of type `HasMany`, `HasOne` or `BelongsTo`",
    note = "in `depends_on`, a column is written as its name, a relation as `name(columns of the related model)`"
)]
pub trait RelationField {
    /// The entity at the other end.
    type Entity: EntityTrait;
}

impl<E: EntityTrait> RelationField for HasMany<E> {
    type Entity = E;
}

impl<E: EntityTrait> RelationField for HasOne<E> {
    type Entity = E;
}

impl<T: BelongsToCardinality> RelationField for BelongsTo<T> {
    type Entity = T::Entity;
}

/// What a calculation reads: of the row itself, or of rows related to it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The relations that lead to the table; none for the row itself.
    pub hops: Vec<Hop>,
    /// What is read there.
    pub read: Read,
}

/// What a calculation reads at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A column, by its name in the database.
    Column(String),
    /// Whatever stands in the row: all columns that the entity declares, by their names in the database.
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
#[derive(Clone, Debug)]
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
    /// So many hops, this the last of them, are followed any number of times, but at least once; 0 if this hop ends no
    /// such group.
    pub repeats: usize,
}

/// A dependency path in the making, checked by the compiler: each hop's type says what can follow.
#[derive(Debug)]
pub struct Path<E> {
    hops: Vec<Hop>,
    end: PhantomData<E>,
}

impl<E: EntityTrait> Path<E> {
    /// The empty path, at the row itself.
    pub fn start() -> Self {
        Self { hops: Vec::new(), end: PhantomData }
    }

    /// A hop to the related entity `R`, through the junction table if the relation has one.
    pub fn to<R: EntityTrait>(mut self) -> Path<R>
    where
        E: Related<R>,
    {
        self.hops.extend(<E as Related<R>>::via().map(Hop::from));
        self.by_definition(<E as Related<R>>::to())
    }

    /// A hop over a relation field of the model.
    pub fn relation<F: RelationField>(self, _: impl FnOnce(&E::ModelEx) -> &F) -> Path<F::Entity>
    where
        E: Related<F::Entity>,
    {
        self.to::<F::Entity>()
    }

    /// A hop over this relation, for models that have several relations to one entity.
    pub fn by_definition<R: EntityTrait>(mut self, definition: RelationDef) -> Path<R> {
        self.hops.push(definition.into());
        Path { hops: self.hops, end: PhantomData }
    }

    /// Ends the path at a column: the closure has the compiler check the field, `name` is that field's name.
    ///
    /// # Panics
    /// If the entity's `Column` does not know the field, which the closure rules out.
    pub fn column<T>(self, _: impl FnOnce(&E::Model) -> &T, name: &str) -> Dependency {
        let Ok(column) = E::Column::from_str(name) else {
            panic!("`{}` has no column for the field `{name}`", E::default().table_name())
        };
        Dependency { hops: self.hops, read: Read::Column(column.as_str().to_owned()) }
    }

    /// Ends the path at all columns that the entity declares.
    pub fn all_columns(self) -> Dependency {
        let columns = E::Column::iter().map(|column| column.as_str().to_owned()).collect();
        Dependency { hops: self.hops, read: Read::AllColumns(columns) }
    }

    /// Ends the path at the rows themselves: which there are, whatever stands in them.
    pub fn existence(self) -> Dependency {
        Dependency { hops: self.hops, read: Read::Existence }
    }

    /// Relations that lead back to the entity, followed any number of times, but at least once.
    pub fn repeated(mut self, step: impl FnOnce(Self) -> Self) -> Self {
        let mut group = step(Self::start()).hops;
        let length = group.len();
        if let Some(last) = group.last_mut() {
            last.repeats = length;
        }
        self.hops.extend(group);
        self
    }
}

impl From<RelationDef> for Hop {
    fn from(definition: RelationDef) -> Self {
        let names = |identity: &sea_orm::Identity| identity.iter().map(|column| column.to_string()).collect();
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
