use std::{future::Future, pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseExecutor, EntityTrait, Value, sea_query::SelectStatement};

use super::{Dependency, RollUp};

/// Any error of a user's calculation.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A calculation under way.
pub type Calculation<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A marker for the types that `#[cached_fields]` generates. So no other code implements
/// [`CachedField`].
pub trait Generated {}

/// A cached field of an entity. `#[cached_fields]` alone implements it, on a type that it names
/// after the field: for `slow_full_name` in the module `lamppost`, that is
/// `lamppost::SlowFullName`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no cached field",
    note = "put `#[cached_fields]` above the model and `#[cached]` on one of its fields; the type \
            is named after the field"
)]
pub trait CachedField: Generated + Send + Sync + 'static {
    /// The entity that the field belongs to.
    type Entity: CachedModel;
    /// The type of the field, as declared.
    type Value: Clone + Into<Value> + Send + Sync + 'static;
    /// The name of the field, as declared.
    const NAME: &'static str;

    /// Returns the columns, options and dependencies of the field.
    #[doc(hidden)]
    fn spec() -> FieldSpec<Self::Entity>;

    /// Returns the state of the field in a loaded row.
    #[doc(hidden)]
    fn stored(model: &<Self::Entity as EntityTrait>::Model) -> Stored<'_, Self::Value>;

    /// Runs the user's calculation on a loaded row. Nothing is stored.
    #[doc(hidden)]
    fn calculate<'a>(
        model: &'a <Self::Entity as EntityTrait>::Model,
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Self::Value>;

    /// Runs the user's calculation on several loaded rows: one value for each, in their order. A
    /// calculation of single rows is run for one row after the other.
    #[doc(hidden)]
    fn calculate_batch<'a>(
        models: &'a [<Self::Entity as EntityTrait>::Model],
        db: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Vec<Self::Value>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(models.len());
            for model in models {
                values.push(Self::calculate(model, db).await?);
            }
            Ok(values)
        })
    }

    /// Runs the user's hook after a value was stored, on the row with that value. `None` if there
    /// is no hook.
    #[doc(hidden)]
    fn after_recalculation<'a>(
        _model: &'a <Self::Entity as EntityTrait>::Model,
        _db: &'a DatabaseExecutor<'a>,
    ) -> Option<Calculation<'a, ()>> {
        None
    }
}

/// An entity with cached fields. `#[cached_fields]` implements it.
#[diagnostic::on_unimplemented(
    message = "the entity `{Self}` has no cached fields",
    note = "put `#[cached_fields]` above its model, and `#[cached(..)]` on a field"
)]
pub trait CachedModel: EntityTrait<Model: Send + Sync> {
    /// The module that declares it, with its crate.
    const MODULE: &'static str;

    /// Returns its cached fields, in the order of their declaration.
    fn cached_fields() -> Vec<FieldEntry<Self>>;
}

/// The columns, options and dependencies of a cached field.
#[derive(Debug)]
pub struct FieldSpec<E: EntityTrait> {
    /// The name of the field.
    pub name: &'static str,
    /// The column of the stored value.
    pub cached: E::Column,
    /// The column of the flag: true means that the stored value is stale.
    pub recalculation_needed: E::Column,
    /// The column of the moment from which on the row counts as stale.
    pub expires_after: Option<E::Column>,
    /// The time from the reading of the inputs until a value counts as stale, if it expires by
    /// itself.
    pub expires_every: Option<Duration>,
    /// The time zone of the expiry, by its name in the IANA database, if the column has none.
    pub expiration_time_zone: Option<&'static str>,
    /// The moment at which the owner's flag is set after a change of a related row.
    pub flagging: Flagging,
    /// Whether the flag's column is indexed.
    pub index_flag: bool,
    /// The time that a worker waits after the first change, for more of them.
    pub debounce: Option<Duration>,
    /// The version of the calculation; 0 is none.
    pub version: u32,
    /// Whether only readers recalculate.
    pub lazy: bool,
    /// Whether the calculation is one of many rows at a time.
    pub batch: bool,
    /// The user's query that calculates the field, if there is one. The calculation is then one of
    /// many rows at a time.
    pub query: Option<Query>,
    /// The roll-up that is the calculation, if it is one.
    pub roll_up: Option<RollUp>,
    /// Whether the user has a hook that runs after each recalculation.
    pub after_recalculation: bool,
    /// Whether the field is calculated from the same field of other rows, over a relation of the
    /// model to itself.
    pub recursive: bool,
    /// All columns that the calculation reads. Those of a roll-up follow from it.
    pub depends_on: Vec<Dependency>,
}

/// A calculation by one query.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The query. Of each row it selects the key, in the order of its columns, then the value.
    pub select: fn() -> SelectStatement,
    /// Whether a row may have no value.
    pub optional: bool,
}

/// The moment at which the owner's flag is set after a change of a related row. Only PostgreSQL has
/// both ways. On SQLite the flag is always set at once, in the statement of the change. On MySQL
/// the worker always sets it.
///
/// Either way nothing is lost: the mark is made in the transaction of the change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flagging {
    /// At COMMIT of the transaction of the change, skipping rows that another transaction holds
    /// locked.
    #[default]
    Commit,
    /// By the worker, when it collects the mark. This costs about half as much, for models that are
    /// written often.
    Collector,
}

/// The state of a cached field in a loaded row.
#[derive(Debug)]
pub struct Stored<'a, T> {
    /// The stored value; `None` if none was ever stored.
    pub value: Option<&'a T>,
    /// The flag.
    pub recalculation_needed: bool,
    /// The moment from which on the row counts as stale.
    pub expires_after: Option<DateTime<Utc>>,
}

/// Returns the flag of a model that is deserialized without it.
pub fn stale() -> bool {
    true
}

impl<'a, T> Stored<'a, T> {
    /// Returns the stored value, if the row says that it is fresh: not flagged, and not expired by
    /// the clock of this process.
    pub fn fresh(&self) -> Option<&'a T> {
        let expired = self.expires_after.is_some_and(|moment| moment <= Utc::now());
        self.value.filter(|_| !self.recalculation_needed && !expired)
    }
}

/// A calculation from a row or rows.
type Calculate<R, V> = for<'a> fn(&'a R, &'a DatabaseExecutor<'a>) -> Calculation<'a, V>;

/// The user's hook after a recalculation, if there is one.
type AfterRecalculation<R> =
    for<'a> fn(&'a R, &'a DatabaseExecutor<'a>) -> Option<Calculation<'a, ()>>;

/// A type-erased cached field, as the registry keeps it.
#[derive(Debug)]
pub struct FieldEntry<E: EntityTrait> {
    pub(crate) spec: FieldSpec<E>,
    pub(crate) calculate: Calculate<E::Model, Value>,
    pub(crate) calculate_batch: Calculate<[E::Model], Vec<Value>>,
    pub(crate) after_recalculation: AfterRecalculation<E::Model>,
}

impl<E: CachedModel> FieldEntry<E> {
    /// Returns the entry of the field `F`.
    pub fn of<F: CachedField<Entity = E>>() -> Self {
        Self {
            spec: F::spec(),
            calculate: |model, db| {
                Box::pin(async move { F::calculate(model, db).await.map(Into::into) })
            },
            calculate_batch: |models, db| {
                Box::pin(async move {
                    let values = F::calculate_batch(models, db).await?;
                    Ok(values.into_iter().map(Into::into).collect())
                })
            },
            after_recalculation: F::after_recalculation,
        }
    }
}
