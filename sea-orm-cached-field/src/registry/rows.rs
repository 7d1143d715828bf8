//! Rows whose type is forgotten: how they are loaded, and what can be asked of them.

use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseExecutor, DbErr, EntityTrait, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryFilter, QueryResult, Value,
    sea_query::{Expr, ExprTrait, IntoColumnRef, IntoCondition, Query, ValueTuple},
};

use crate::{
    dialect,
    field::{CachedModel, Calculation, FieldEntry, Key},
};

/// Loads the rows of a model.
pub(crate) trait Rows: Send + Sync {
    fn read_key(&self, row: &QueryResult) -> Result<Key, DbErr>;

    /// The rows with these keys, as far as there are any, in any order.
    fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: Vec<Key>,
    ) -> BoxFuture<'a, Result<Vec<Box<dyn Row + 'a>>, DbErr>>;
}

/// A loaded row.
pub(crate) trait Row: Send + Sync {
    fn key(&self) -> Key;

    /// The stored value of a field.
    fn stored(&self, field: usize) -> Value;

    /// Starts the user's calculation of a field. Only `calculation/` may drive it.
    fn calculate<'a>(&'a self, field: usize, db: &'a DatabaseExecutor<'a>) -> Calculation<'a, Value>;
}

pub(super) struct TypedRows<E: CachedModel> {
    fields: Vec<FieldEntry<E>>,
}

impl<E: CachedModel> TypedRows<E> {
    pub(super) fn new(fields: Vec<FieldEntry<E>>) -> Self {
        Self { fields }
    }
}

impl<E: CachedModel> Rows for TypedRows<E> {
    fn read_key(&self, row: &QueryResult) -> Result<Key, DbErr> {
        Key::read::<E>(row)
    }

    fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: Vec<Key>,
    ) -> BoxFuture<'a, Result<Vec<Box<dyn Row + 'a>>, DbErr>> {
        Box::pin(async move {
            let models = E::find().filter(has_key::<E>(db, &keys)).all(db).await?;
            let rows =
                models.into_iter().map(|model| Box::new(TypedRow { fields: &self.fields, model }) as Box<dyn Row>);
            Ok(rows.collect())
        })
    }
}

/// The row with this key.
pub(crate) async fn load_one<E: EntityTrait>(db: &DatabaseExecutor<'_>, key: &Key) -> Result<Option<E::Model>, DbErr> {
    E::find().filter(has_key::<E>(db, std::slice::from_ref(key))).one(db).await
}

/// Whether the row has one of these keys.
fn has_key<E: EntityTrait>(db: &DatabaseExecutor<'_>, keys: &[Key]) -> Condition {
    let columns: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    if let [column] = columns.as_slice() {
        return column.is_in(keys.iter().flat_map(|key| key.values().iter().cloned())).into_condition();
    }
    if dialect::of(db.get_database_backend()).is_ok_and(|dialect| dialect.has_tables_of_values()) {
        let tuple = Expr::tuple(columns.iter().map(|column| Expr::col((E::default(), *column).into_column_ref())));
        let rows = keys.iter().map(|key| ValueTuple::Many(key.values().to_vec()));
        return tuple
            .in_subquery(Query::select().expr(Expr::cust("*")).from_values(rows, "keys").take())
            .into_condition();
    }
    let is = |key: &Key| {
        columns
            .iter()
            .zip(key.values())
            .fold(Condition::all(), |all, (column, value)| all.add(column.eq(value.clone())))
    };
    keys.iter().map(is).fold(Condition::any(), Condition::add)
}

struct TypedRow<'m, E: CachedModel> {
    fields: &'m [FieldEntry<E>],
    model: E::Model,
}

impl<E: CachedModel> Row for TypedRow<'_, E> {
    fn key(&self) -> Key {
        Key::of::<E>(&self.model)
    }

    fn stored(&self, field: usize) -> Value {
        self.model.get(self.fields[field].spec.cached)
    }

    fn calculate<'a>(&'a self, field: usize, db: &'a DatabaseExecutor<'a>) -> Calculation<'a, Value> {
        (self.fields[field].calculate)(&self.model, db)
    }
}
