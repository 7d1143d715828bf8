use std::{marker::PhantomData, str::FromStr};

use sea_orm::{
    EntityTrait, IdenStatic, Related, RelationDef,
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

/// A column that a calculation reads: of the row itself, or of rows related to it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The relations that lead to the table; none for a column of the row itself.
    pub hops: Vec<Hop>,
    /// The column's name in the database.
    pub column: String,
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
        Dependency { hops: self.hops, column: column.as_str().to_owned() }
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
