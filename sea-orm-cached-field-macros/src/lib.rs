//! The attribute macro of [`sea-orm-cached-field`](https://docs.rs/sea-orm-cached-field), which
//! re-exports it.
//!
//! A model is processed in this order. `attr` reads the attributes, and `ast` makes them one
//! picture of the model. `valid` checks it, and `expand` generates the code. If the model itself is
//! wrong, `fallback` keeps SeaORM going.

mod ast;
mod attr;
mod errors;
mod expand;
mod fallback;
mod rewrite;
mod valid;

use proc_macro::TokenStream;
use syn::{Item, parse_macro_input};

/// Turns the fields of a SeaORM model that carry `#[cached]` into cached fields.
///
/// It has to be above `#[sea_orm::model]`, `#[sea_orm::compact_model]` or
/// `#[derive(DeriveEntityModel)]`, because SeaORM must see the columns that it adds:
///
/// ```text
/// #[cached_fields]
/// #[sea_orm::model]
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #[sea_orm(table_name = "lamppost")]
/// pub struct Model {
///     #[sea_orm(primary_key)]
///     pub id: i32,
///     pub first_name: String,
///     #[sea_orm(has_many)]
///     pub pigeons: HasMany<super::pigeon::Entity>,
///
///     #[cached(depends_on(first_name, pigeons(weight)), temporal_triggers)]
///     pub slow_full_name: String,
/// }
///
/// impl Model {
///     async fn calculate_slow_full_name(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> { .. }
/// }
/// ```
///
/// # Options of `#[cached]`
///
/// | option | meaning |
/// |---|---|
/// | `depends_on(first_name, pigeons(weight))` | the inputs of the calculation: columns of the row, and of related rows. An added input makes all rows stale at the next `CachedFields::all().install(&db)`. `depends_on()` says that it reads nothing; without it and without an expiry the compiler warns |
/// | `count(..)`, `exists(..)`, `sum(..)`, `min(..)`, `max(..)`, `avg(..)` | a [roll-up](#roll-ups) of related rows is the calculation: `sum(pigeons.weight, where(alive))`. Its inputs follow from it |
/// | `batch` | many rows are calculated at a time, by a function; see below |
/// | `query` | many rows are calculated at a time, by one query of the database; see below |
/// | `recursive` | the calculation reads the same field of related rows |
/// | `temporal_triggers` | the value can expire: adds a column and the method `expire_<field>_after` |
/// | `expires_every = "30m"` | each value expires this long after its inputs were read; implies `temporal_triggers` |
/// | `calculation_method_name = ".."` | instead of `calculate_<field>`; with `query`, instead of `select_<field>` |
/// | `cached_field_name = ".."` | instead of `cached_<field>` |
/// | `recalculation_needed_field_name = ".."` | instead of `<field>_recalculation_needed` |
/// | `expiration_field_name = ".."` | instead of `<field>_expires_after` |
/// | `after_recalculation = ".."` | the user's method `async fn ..(&self, db) -> Result<(), E>`, called with the row after each recalculation that was stored |
/// | `flagging = ".."` | on PostgreSQL, what sets the flag after a change of a related row: the commit of the change (`"commit"`, the default), or the worker that collects the mark (`"collector"`) |
/// | `attributes(serde(skip))` | attributes of the flag and of the expiry; see below |
/// | `lazy` | no worker recalculates the field, only readers do: for values that are seldom read, or that change all the time |
/// | `debounce = "5s"` | a worker waits this long after the first change, and calculates once for all changes that follow; readers do not wait |
/// | `blocking` | the calculation keeps a thread busy, and gets one of its own, with `batch` one for each batch; in a transaction it runs where it is |
/// | `version = 2` | a number that is changed along with the calculation: the next `CachedFields::all().install(&db)` then flags all rows. So does a version that is new on a field that was installed before |
/// | `db_index_on_recalculation_needed_field` | an index on the flag; a worker needs none. The expiry always has one |
///
/// # After each recalculation
///
/// With `#[cached(after_recalculation = "tell_the_post", depends_on(..))]` the method
/// `tell_the_post` of the model is called once a value was stored. That is so even if the value is
/// the same as before. The worker that has calculated the value calls it, or the reader, which
/// waits for it. It gets the row as it is then.
///
/// It fails if it returns an error, panics, or takes longer than a worker's `calculation_timeout`.
/// A failure becomes the event `HookFailed` and a warning; the value stays. Inside a transaction
/// the method is called within it. If it fails there, its writes are undone. It is called at most
/// once for each recalculation, and not at all if the process ends before.
///
/// ```text
/// impl Model {
///     async fn tell_the_post(&self, db: &impl ConnectionTrait) -> Result<(), PostError> {
///         post::tell(self.id, self.cached_slow_full_name.as_deref()).await
///     }
/// }
/// ```
///
/// # Many rows at a time
///
/// A calculation that queries is cheaper for many rows at once. For that, add `batch`:
/// `#[cached(batch, depends_on(..))]`. Then write an associated function instead of the method,
/// with an `s` at the end of its name. It returns one value for each row, in their order:
///
/// ```text
/// impl Model {
///     async fn calculate_slow_full_names(models: &[Self], db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
///         let pigeons = models.load_many(super::pigeon::Entity, db).await?;
///         Ok(models.iter().zip(pigeons).map(|(lamppost, pigeons)| ..).collect())
///     }
/// }
/// ```
///
/// A worker calls it once for all rows that it has claimed (`Worker::batch_size`), as one of the
/// calculations that run at a time. A reader calls it with its one row, as does
/// `SlowFullName::preview`. If it fails for many rows, it is called for each of them, so that a bad
/// row fails alone. It fails by an error, a panic, its timeout, or if the number of values is not
/// that of the rows.
///
/// # By a query
///
/// A value that one query can select for many rows is cheapest. For that, add `query`:
/// `#[cached(query, depends_on(..))]`. Then write a query of any entity instead of the method. It
/// selects the key of the model, column by column, then the value:
///
/// ```text
/// impl Model {
///     fn select_load() -> Select<pigeon::Entity> {
///         let load = pigeon::Column::Weight.sum();
///         pigeon::Entity::find().select_only().column(pigeon::Column::LamppostId).expr(load).group_by(pigeon::Column::LamppostId)
///     }
/// }
/// ```
///
/// It is written for all rows, but used for some of them. Every planner applies that condition to
/// the rows below a `GROUP BY` by the key. The value is converted to the column's type, as a sum of
/// `integer` is. The query has one row for each key. If some keys have none, as here a lamppost
/// without pigeons, the field has to be an `Option`: its value is then NULL.
///
/// On PostgreSQL and SQLite a worker has the values calculated and stored by one statement. On
/// MySQL, and for rows with more than one field due, it fetches the values and stores them.
///
/// On PostgreSQL a query that takes longer than a second is run on its own, so that no transaction
/// waits for it. On SQLite it should be quick, because other connections cannot write meanwhile. A
/// row fails alone if it has no value, or several, or one that the database refuses.
/// `Load::preview` runs the query for one row.
///
/// # What it adds
///
/// The columns replace the field. The doc comment and the other attributes of the field go to the
/// first one:
///
/// | column | type |
/// |---|---|
/// | `cached_slow_full_name` | `Option<String>`; a field of type `Option<String>` stays that |
/// | `slow_full_name_recalculation_needed` | `bool`, by default true |
/// | `slow_full_name_expires_after` | `Option<DateTimeUtc>`, with `temporal_triggers` only |
///
/// `attributes(..)` are the attributes of the flag and of the expiry: `attributes(serde(skip),
/// schema(ignore))` keeps these columns out of the model's JSON and of its schema. Attributes of
/// the value are written on the field, as on any other: `#[serde(skip_deserializing)]`. A model
/// that derives `Deserialize` can be read from JSON without these columns. A row without a flag is
/// stale.
///
/// `Model`, and `ModelEx` where SeaORM makes one, get the methods `slow_full_name`,
/// `fresh_slow_full_name`, `recalculate_slow_full_name`, `flag_slow_full_name_as_stale` and
/// `set_slow_full_name`. With `temporal_triggers` they also get `expire_slow_full_name_after`.
/// `ActiveModel` gets the methods `flag_slow_full_name_as_stale` and `recalculate_slow_full_name`.
/// Those store nothing: the caller saves the active model with other changes.
///
/// Beside the model there is the type `SlowFullName`, which stands for the field in calls for many
/// rows. For instance, `SlowFullName::flag(condition, &db)` flags all rows that meet the condition,
/// by one statement. The methods and the type have the visibility of the field.
#[proc_macro_attribute]
pub fn cached_fields(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    rewrite::item(&arguments.into(), &item).into()
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::rewrite;

    /// Shows the code for a model that uses all of `depends_on` and a roll-up, for review.
    #[test]
    fn the_expansion() {
        let model = quote! {
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "employee")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub salary: i64,
                pub manager_id: Option<i32>,
                #[sea_orm(self_ref, relation_enum = "Manager", relation_reverse = "Reports", from = "manager_id", to = "id")]
                pub manager: BelongsTo<Option<Entity>>,
                #[sea_orm(self_ref, relation_enum = "Reports", relation_reverse = "Manager")]
                pub reports: HasMany<Entity>,
                #[sea_orm(has_many)]
                pub customers: HasMany<super::customer::Entity>,
                /// What the team costs.
                #[cached(
                    recursive,
                    temporal_triggers,
                    depends_on(
                        salary,
                        reports(cached_team_cost, customers()),
                        recursive manager(*),
                        customers(invoices(total, recursive super::invoice(corrected_by(total))))
                    )
                )]
                pub team_cost: i64,
                /// The reports who earn much.
                #[cached(count(reports, where(salary > 5_000 && !manager_id.is_null())))]
                pub well_paid: i64,
            }
        };

        let code = rewrite::item(&TokenStream::new(), &syn::parse2(model).unwrap());
        insta::assert_snapshot!(prettyplease::unparse(&syn::parse2(code).unwrap()));
    }
}
