//! The four tables as SeaORM knows them. The schema, which is made from the seed, decides which
//! fields there are, and what they depend on. So the code that `#[cached_fields]` would generate is
//! written out here.

use std::sync::OnceLock;

use sea_orm::{ColumnType, DatabaseConnection, DatabaseExecutor, DbErr, EntityTrait};
use sea_orm_cached_field::{
    __private::{
        Dependency, Flagging, Function, Hop as Step, IntoExecutor, Path, Read, RollUp, RolledUp,
        load_rows, read_fresh, recalculate,
    },
    CachedField, CachedFields, Error,
};

use crate::{
    schema::{CANARIES, DATA, Field, Hop, Reads, Schema, Term, field_name},
    sql::{key, link_columns},
};

static SCHEMA: OnceLock<Schema> = OnceLock::new();

/// Makes the schema of this process, once.
pub(crate) fn set_schema(seed: u64) -> &'static Schema {
    SCHEMA.get_or_init(|| Schema::random(seed))
}

pub(crate) fn schema() -> &'static Schema {
    SCHEMA.get().expect("the schema is made first")
}

/// Returns the field, if this schema has it.
fn field(table: usize, field: usize) -> Option<&'static Field> {
    schema().tables.get(table)?.fields.get(field)
}

fn dependencies(table: usize, field: &Field) -> Vec<Dependency> {
    field.terms.iter().map(|term| dependency(table, term)).collect()
}

fn dependency(table: usize, term: &Term) -> Dependency {
    let (hops, reads) = match term {
        Term::Path(hops, reads) => (steps(table, hops), *reads),
        Term::Tree(hop, reads) => (vec![Step { repeats: 1, ..step(table, *hop) }], *reads),
    };

    let read = match reads {
        Reads::Data(column) => Read::Column(DATA[column].to_owned()),
        Reads::Cached(field) => Read::Column(format!("cached_{}", field_name(field))),
        Reads::Existence => Read::Existence,
    };
    Dependency { hops, read, flaw: None }
}

fn steps(table: usize, hops: &[Hop]) -> Vec<Step> {
    let mut at = table;
    let steps = hops.iter().map(|hop| {
        let step = step(at, *hop);
        at = schema().end(at, *hop);
        step
    });
    steps.collect()
}

/// Returns a field of the style `RollUp`.
fn roll_up(table: usize, field: usize) -> RollUp {
    let [Term::Path(hops, reads)] = &schema().tables[table].fields[field].terms[..] else {
        unreachable!("a roll-up is one path");
    };
    // Every entity has the columns of all others.
    let path = Path::<alpha::Entity>::start().by_hops::<alpha::Entity>(steps(table, hops));
    let Reads::Data(column) = reads else {
        return path.roll_up(Function::Count, None, None, "count(..)");
    };
    let kind = Some(ColumnType::BigInteger);
    let column = RolledUp { name: DATA[*column].to_owned(), kind, flaw: None };
    path.roll_up(Function::Sum, Some(column), None, "sum(..)")
}

fn step(table: usize, hop: Hop) -> Step {
    let keys = |table| key(table).iter().map(|(column, _)| (*column).to_owned()).collect();
    let end = schema().end(table, hop);
    let (from, to) = match hop {
        Hop::Up { link } => (link_columns(schema(), table, link), keys(end)),
        Hop::Down { link, .. } => (keys(table), link_columns(schema(), end, link)),
    };
    Step {
        schema: None,
        table: schema().tables[end].name.to_owned(),
        from,
        to,
        conditional: false,
        repeats: 0,
    }
}

fn flagging(field: &Field) -> Flagging {
    if field.flagged_by_the_collector { Flagging::Collector } else { Flagging::Commit }
}

macro_rules! entity {
    ($module:ident, $table:literal, $at:literal, $($key:ident: $type:ty),+) => {
        #[expect(unreachable_pub, reason = "the derive macros write it so")]
        pub(crate) mod $module {
            use sea_orm::{DatabaseExecutor, entity::prelude::*};
            use sea_orm_cached_field::{
                __private::{
                    Calculation, FieldEntry, FieldSpec, Generated, Query, Registration, Stored,
                    inventory,
                },
                CachedField, CachedModel, Key,
            };

            use crate::{calculation, schema::Style};

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $(#[sea_orm(primary_key, auto_increment = false)] pub $key: $type,)+
                pub a: Option<i64>,
                pub cached_f0: Option<i64>,
                #[sea_orm(default_value = true)]
                pub f0_recalculation_needed: bool,
                pub f0_expires_after: Option<DateTimeUtc>,
                pub cached_f1: Option<i64>,
                #[sea_orm(default_value = true)]
                pub f1_recalculation_needed: bool,
                pub cached_f2: Option<i64>,
                #[sea_orm(default_value = true)]
                pub f2_recalculation_needed: bool,
            }

            #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}

            pub(crate) fn number(model: &Model) -> i64 {
                crate::sql::number($at, &[$(model.$key.to_string()),+]).expect("a key of ours")
            }

            pub(crate) fn key(model: &Model) -> Key {
                Key::new([$(model.$key.clone().into()),+])
            }

            /// Cached field number `N` of the table.
            pub struct F<const N: usize>;

            impl<const N: usize> Generated for F<N> {}

            entity!(@field $at, 0, CachedF0, F0RecalculationNeeded, Some(Column::F0ExpiresAfter), |model| Stored {
                value: model.cached_f0.as_ref(),
                recalculation_needed: model.f0_recalculation_needed,
                expires_after: model.f0_expires_after,
            });
            entity!(@field $at, 1, CachedF1, F1RecalculationNeeded, None, |model| Stored {
                value: model.cached_f1.as_ref(),
                recalculation_needed: model.f1_recalculation_needed,
                expires_after: None,
            });
            entity!(@field $at, 2, CachedF2, F2RecalculationNeeded, None, |model| Stored {
                value: model.cached_f2.as_ref(),
                recalculation_needed: model.f2_recalculation_needed,
                expires_after: None,
            });

            impl CachedModel for Entity {
                const MODULE: &'static str = module_path!();

                fn cached_fields() -> Vec<FieldEntry<Self>> {
                    let all = [FieldEntry::of::<F<0>>, FieldEntry::of::<F<1>>, FieldEntry::of::<F<2>>];
                    let present = (0..all.len()).filter(|field| super::field($at, *field).is_some());
                    present.map(|field| all[field]()).collect()
                }
            }

            inventory::submit! { Registration::of::<Entity>() }
        }
    };

    (@field $at:literal, $n:literal, $cached:ident, $flag:ident, $expires:expr, |$model:ident| $stored:expr) => {
        impl CachedField for F<$n> {
            type Entity = Entity;
            type Value = i64;
            const NAME: &'static str = crate::schema::FIELD_NAMES[$n];

            fn spec() -> FieldSpec<Entity> {
                // A field that this schema does not have is in no list, and so nothing asks for it.
                let field = super::field($at, $n).expect("a field of this schema");
                let is_roll_up = field.style == Style::RollUp;
                let query = Query { select: || calculation::select($at, $n), optional: false };

                FieldSpec {
                    name: Self::NAME,
                    cached: Column::$cached,
                    recalculation_needed: Column::$flag,
                    expires_after: $expires,
                    expires_every: None,
                    expiration_time_zone: None,
                    flagging: super::flagging(field),
                    index_flag: false,
                    debounce: field.debounced.then_some(std::time::Duration::from_millis(40)),
                    version: 0,
                    lazy: field.lazy,
                    batch: field.style != Style::Row,
                    query: (field.style == Style::Query).then_some(query),
                    roll_up: is_roll_up.then(|| super::roll_up($at, $n)),
                    after_recalculation: false,
                    recursive: false,
                    depends_on: if is_roll_up {
                        Vec::new()
                    } else {
                        super::dependencies($at, field)
                    },
                }
            }

            fn stored($model: &Model) -> Stored<'_, i64> {
                $stored
            }

            fn calculate<'a>(model: &'a Model, db: &'a DatabaseExecutor<'a>) -> Calculation<'a, i64> {
                Box::pin(calculation::of_row($at, $n, number(model), model.a, db))
            }
        }
    };
}

entity!(alpha, "alpha", 0, id: i32);
entity!(beta, "beta", 1, id: i32, part: i32);
entity!(gamma, "gamma", 2, id: String);
entity!(delta, "delta", 3, id: i64);

/// Returns the models of this schema.
pub(crate) fn models() -> CachedFields {
    let models = CachedFields::of::<alpha::Entity>();
    let count = schema().tables.len();
    let models = if count > 1 { models.and::<beta::Entity>() } else { models };
    let models = if count > 2 { models.and::<gamma::Entity>() } else { models };
    if count > 3 { models.and::<delta::Entity>() } else { models }
}

/// The way in which a field is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Fresh,
    /// With all other rows of its table, after they were loaded.
    Loaded,
    Recalculated,
}

/// Reads some row's field, as an application would. It reads no canary, because recalculating a row
/// writes to its place in the queue.
pub(crate) async fn read_some_row(
    db: &DatabaseConnection,
    (table, field): Place,
    reading: Reading,
) -> Result<(), Error> {
    macro_rules! numbers {
        ($module:ident) => {
            $module::Entity::find().all(db).await?.iter().map($module::number).collect::<Vec<i64>>()
        };
    }
    let mut numbers = match table {
        0 => numbers!(alpha),
        1 => numbers!(beta),
        2 => numbers!(gamma),
        _ => numbers!(delta),
    };
    numbers.retain(|n| !CANARIES.contains(n));
    let Some(n) = fastrand::choice(&numbers) else { return Ok(()) };
    read(&DatabaseExecutor::Connection(db), (table, field), *n, reading).await.map(drop)
}

/// A table and a field of it.
type Place = (usize, usize);

/// Reads a field of the row with this number.
pub(crate) async fn read(
    db: &DatabaseExecutor<'_>,
    (table, field): Place,
    n: i64,
    reading: Reading,
) -> Result<i64, Error> {
    macro_rules! of {
        ($module:ident, $n:literal) => {{
            type Field = $module::F<$n>;
            let mut rows = $module::Entity::find().all(db).await?;
            rows.retain(|row| !CANARIES.contains(&$module::number(row)));
            let is_gone = || Error::Database(DbErr::RecordNotFound(format!("{n}")));
            let at = rows.iter().position(|row| $module::number(row) == n).ok_or_else(is_gone)?;
            let key = $module::key(&rows[at]);
            match reading {
                Reading::Fresh => read_fresh::<Field>(key, db.into_executor()).await,
                Reading::Recalculated => recalculate::<Field>(key, db.into_executor()).await,
                Reading::Loaded => {
                    load_rows::<Field>(db.into_executor(), &mut rows).await?;
                    Ok(Field::stored(&rows[at]).fresh().copied().unwrap_or(i64::MIN))
                }
            }
        }};
    }

    match (table, field) {
        (0, 0) => of!(alpha, 0),
        (0, 1) => of!(alpha, 1),
        (0, _) => of!(alpha, 2),
        (1, 0) => of!(beta, 0),
        (1, 1) => of!(beta, 1),
        (1, _) => of!(beta, 2),
        (2, 0) => of!(gamma, 0),
        (2, 1) => of!(gamma, 1),
        (2, _) => of!(gamma, 2),
        (_, 0) => of!(delta, 0),
        (_, 1) => of!(delta, 1),
        (_, _) => of!(delta, 2),
    }
}
