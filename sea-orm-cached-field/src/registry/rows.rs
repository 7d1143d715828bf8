//! Type-erased rows: how they are loaded, and how their fields are read and calculated.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait, ColumnType, Condition, ConnectionTrait, DatabaseExecutor, DbBackend, DbErr,
    EntityTrait, IdenStatic, Iterable, ModelTrait, PrimaryKeyToColumn, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Value,
    sea_query::{Expr, ExprTrait, IntoColumnRef, IntoCondition, Order, Query, ValueTuple},
};

use super::layout::is_enum;
use crate::{
    Error,
    backend::{self, Backend, order_of_enum},
    declaration::{CachedModel, Calculation, FieldEntry, Key},
};

/// A loader of the rows of a model.
pub(crate) trait Rows: Send + Sync {
    /// Returns whether a field is calculated for many rows at a time.
    fn is_batch(&self, field: usize) -> bool;

    /// Returns the name and the type of each key column.
    fn key_columns(&self) -> Vec<(String, ColumnType)>;

    /// Returns whether a field has a hook that runs after its recalculation.
    fn has_hook(&self, field: usize) -> bool;

    /// Loads the rows with these keys, as far as they exist, in any order. A row with an unreadable
    /// value is a failure of its own.
    fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<LoadedOrUnreadable<'a>, DbErr>>;
}

/// The rows that can be read, and the others.
pub(crate) type LoadedOrUnreadable<'a> = (Box<dyn Loaded + 'a>, Unreadable);

/// The rows that cannot be read, each with the reason.
pub(crate) type Unreadable = HashMap<Key, DbErr>;

/// Loaded rows, each known by its index.
pub(crate) trait Loaded: Send + Sync {
    fn len(&self) -> usize;

    fn key(&self, row: usize) -> Key;

    /// Returns the stored value of a field.
    fn stored(&self, row: usize, field: usize) -> Value;

    /// Starts the user's calculation of a field. Only `calculation/` may drive it.
    fn calculate<'a>(
        &'a self,
        row: usize,
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Value>;

    /// Starts the user's calculation of a field for several rows, whose indexes ascend. Only
    /// `calculation/` may drive it.
    fn calculate_batch<'a>(
        &'a self,
        rows: &[usize],
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Vec<Value>>;

    /// Starts the user's hook after a field of a row was recalculated. Only `calculation/` may
    /// drive it.
    fn after_recalculation<'a>(
        &'a self,
        row: usize,
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Option<Calculation<'a, ()>>;
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
    fn is_batch(&self, field: usize) -> bool {
        self.fields[field].spec.batch
    }

    fn key_columns(&self) -> Vec<(String, ColumnType)> {
        let columns = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
        columns
            .map(|column| (column.as_str().to_owned(), column.def().get_column_type().clone()))
            .collect()
    }

    fn has_hook(&self, field: usize) -> bool {
        self.fields[field].spec.after_recalculation
    }

    fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<LoadedOrUnreadable<'a>, DbErr>> {
        Box::pin(async move {
            let (models, unreadable) = load::<E>(db, keys).await?;
            let loaded: Box<dyn Loaded> = Box::new(TypedLoaded { fields: &self.fields, models });
            Ok((loaded, unreadable))
        })
    }
}

/// Loads rows together. If that fails, it loads them one by one.
async fn load<E: EntityTrait>(
    db: &DatabaseExecutor<'_>,
    keys: &[Key],
) -> Result<(Vec<E::Model>, Unreadable), DbErr> {
    let mut unreadable = Unreadable::new();
    match load_all::<E>(db, keys).await {
        Ok(models) => return Ok((models, unreadable)),
        Err(unreachable @ (DbErr::Conn(_) | DbErr::ConnectionAcquire(_))) => {
            return Err(unreachable);
        }
        Err(_) => {}
    }

    let mut models = Vec::new();
    for key in keys {
        match load_one::<E>(db, key).await {
            Ok(model) => models.extend(model),
            Err(unreachable @ (DbErr::Conn(_) | DbErr::ConnectionAcquire(_))) => {
                return Err(unreachable);
            }
            Err(error) => drop(unreadable.insert(key.clone(), error)),
        }
    }
    Ok((models, unreadable))
}

/// Loads the row with this key.
pub(crate) async fn load_one<E: EntityTrait>(
    db: &DatabaseExecutor<'_>,
    key: &Key,
) -> Result<Option<E::Model>, DbErr> {
    E::find().filter(has_key::<E>(db, std::slice::from_ref(key))).one(db).await
}

/// Sets the flag of all rows that meet a condition, and returns how many there are.
pub(crate) async fn flag_all<E: EntityTrait>(
    db: &DatabaseExecutor<'_>,
    flag: E::Column,
    condition: Condition,
) -> Result<u64, DbErr> {
    let update = E::update_many().col_expr(flag, Expr::value(true)).filter(condition);
    Ok(update.exec(db).await?.rows_affected)
}

/// Returns keys of rows that meet a condition, in their order: those after `after`, at most
/// `limit`.
pub(crate) async fn keys_of<E: EntityTrait>(
    db: &DatabaseExecutor<'_>,
    condition: &Condition,
    after: Option<&Key>,
    limit: u64,
) -> Result<Vec<Key>, DbErr> {
    let columns: Vec<E::Column> =
        E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let backend = db.get_database_backend();
    let mut select = E::find().filter(condition.clone()).select_only().limit(limit);
    if let Some(after) = after {
        select = select.filter(is_after(backend, &columns, after.values()));
    }
    for (at, column) in columns.iter().enumerate() {
        let order = in_order(backend, column);
        select = select.column_as(*column, format!("key_{}", at + 1)).order_by(order, Order::Asc);
    }
    db.query_all(select.as_query()).await?.iter().map(|row| Key::read::<E>(row, "")).collect()
}

/// Returns the condition that the columns are greater than these values. The first column counts
/// most.
fn is_after<C: ColumnTrait>(backend: DbBackend, columns: &[C], values: &[Value]) -> Condition {
    let (Some((column, columns)), Some((value, values))) =
        (columns.split_first(), values.split_first())
    else {
        return Condition::any().add(Expr::value(false));
    };
    let same =
        Condition::all().add(column.eq(value.clone())).add(is_after(backend, columns, values));
    let is_greater = in_order(backend, column).gt(column.save_as(Expr::val(value.clone())));
    Condition::any().add(is_greater).add(same)
}

fn in_order<C: ColumnTrait>(backend: DbBackend, column: &C) -> Expr {
    let expression = Expr::col(column.as_column_ref());
    if is_enum(*column) { order_of_enum(backend, expression) } else { expression }
}

/// Loads the rows with these keys, as far as they exist.
pub(crate) async fn load_all<E: EntityTrait>(
    db: &DatabaseExecutor<'_>,
    keys: &[Key],
) -> Result<Vec<E::Model>, DbErr> {
    E::find().filter(has_key::<E>(db, keys)).all(db).await
}

/// Returns the condition that the row has one of these keys.
fn has_key<E: EntityTrait>(db: &DatabaseExecutor<'_>, keys: &[Key]) -> Condition {
    let keys = backend::repeated(keys);
    let columns: Vec<E::Column> =
        E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();

    if let [column] = columns.as_slice() {
        return column
            .is_in(keys.iter().flat_map(|key| key.values().iter().cloned()))
            .into_condition();
    }

    if Backend::of(db).is_ok_and(Backend::supports_values_lists) {
        let tuple = Expr::tuple(
            columns.iter().map(|column| Expr::col((E::default(), *column).into_column_ref())),
        );
        let rows = keys.iter().map(|key| ValueTuple::Many(key.values().to_vec()));
        // The cast stands outside of the list of values, where PostgreSQL would take all values for
        // text.
        let value = |(at, column): (usize, &E::Column)| {
            column.save_as(Expr::col(("keys", format!("column{}", at + 1))))
        };
        let values = Query::select()
            .exprs(columns.iter().enumerate().map(value))
            .from_values(rows, "keys")
            .take();
        return tuple.in_subquery(values).into_condition();
    }

    let is = |key: &&Key| {
        columns
            .iter()
            .zip(key.values())
            .fold(Condition::all(), |all, (column, value)| all.add(column.eq(value.clone())))
    };
    keys.iter().map(is).fold(Condition::any(), Condition::add)
}

struct TypedLoaded<'m, E: CachedModel> {
    fields: &'m [FieldEntry<E>],
    models: Vec<E::Model>,
}

impl<E: CachedModel> Loaded for TypedLoaded<'_, E> {
    fn len(&self) -> usize {
        self.models.len()
    }

    fn key(&self, row: usize) -> Key {
        Key::of::<E>(&self.models[row])
    }

    fn stored(&self, row: usize, field: usize) -> Value {
        self.models[row].get(self.fields[field].spec.cached)
    }

    fn calculate<'a>(
        &'a self,
        row: usize,
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Value> {
        (self.fields[field].calculate)(&self.models[row], db)
    }

    fn calculate_batch<'a>(
        &'a self,
        rows: &[usize],
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Vec<Value>> {
        let entry = &self.fields[field];
        let expected = rows.len();
        let some = (expected < self.models.len())
            .then(|| rows.iter().map(|row| self.models[*row].clone()).collect::<Vec<_>>());
        Box::pin(async move {
            let models = some.as_ref().unwrap_or(&self.models);
            let values = (entry.calculate_batch)(models, db).await?;
            let found = values.len();
            if found == expected {
                return Ok(values);
            }
            let table = E::default().table_name().to_owned();
            Err(Error::WrongLength { table, field: entry.spec.name, expected, found }.into())
        })
    }

    fn after_recalculation<'a>(
        &'a self,
        row: usize,
        field: usize,
        db: &'a DatabaseExecutor<'a>,
    ) -> Option<Calculation<'a, ()>> {
        (self.fields[field].after_recalculation)(&self.models[row], db)
    }
}
