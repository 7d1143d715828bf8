//! The flights that left New York City in 2013, and the fields of airlines, airports and planes.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;
use flate2::read::GzDecoder;
use sea_orm::{ConnectionTrait, EntityTrait, Schema};
use sea_orm_cached_field::CachedFields;
use serde::Deserialize;

use crate::place::Place;

/// An owner of flights, with each of its fields in terms of SeaORM.
macro_rules! owner {
    ($module:ident, $table:literal, $($field:ident $select:ident, depends_on($($input:tt)*), $value:expr;)+) => {
        #[allow(dead_code, reason = "the benchmark uses part of what SeaORM generates")]
        pub(crate) mod $module {
            use sea_orm::{ExprTrait, QuerySelect, entity::prelude::*};
            use sea_orm_cached_field::cached_fields;

            use super::flight;

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(8))")]
                pub code: String,
                #[sea_orm(has_many)]
                pub flights: HasMany<super::flight::Entity>,
                $(
                    #[cached(query, depends_on($($input)*))]
                    pub $field: i64,
                )+
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                $(
                    fn $select() -> Select<Entity> {
                        let owners = Entity::find().select_only().column(Column::Code);
                        owners.expr($value).left_join(flight::Entity).group_by(Column::Code)
                    }
                )+
            }
        }
    };
}

owner! {
    airline, "airline",
    departures select_departures, depends_on(flights()), flight::Column::Id.count();
    miles select_miles, depends_on(flights(distance)), flight::Column::Distance.sum().if_null(0);
    delay select_delay, depends_on(flights(arr_delay)), flight::Column::ArrDelay.sum().if_null(0);
}

owner! {
    airport, "airport",
    departures select_departures, depends_on(flights()), flight::Column::Id.count();
    delay select_delay, depends_on(flights(dep_delay)), flight::Column::DepDelay.sum().if_null(0);
    worst select_worst, depends_on(flights(dep_delay)), flight::Column::DepDelay.max().if_null(0);
}

owner! {
    plane, "plane",
    departures select_departures, depends_on(flights()), flight::Column::Id.count();
    miles select_miles, depends_on(flights(distance)), flight::Column::Distance.sum().if_null(0);
}

/// The fields of an owner in SQL.
struct Counted {
    table: &'static str,
    /// The column of a flight that refers to it.
    link: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

const OWNERS: [Counted; 3] = [
    Counted {
        table: "airline",
        link: "carrier",
        fields: &[
            ("departures", "count(*)"),
            ("miles", "coalesce(sum(distance), 0)"),
            ("delay", "coalesce(sum(arr_delay), 0)"),
        ],
    },
    Counted {
        table: "airport",
        link: "origin",
        fields: &[
            ("departures", "count(*)"),
            ("delay", "coalesce(sum(dep_delay), 0)"),
            ("worst", "coalesce(max(dep_delay), 0)"),
        ],
    },
    Counted {
        table: "plane",
        link: "tailnum",
        fields: &[("departures", "count(*)"), ("miles", "coalesce(sum(distance), 0)")],
    },
];

#[allow(dead_code, reason = "the benchmark uses part of what SeaORM generates")]
pub(crate) mod flight {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "flight")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub distance: i32,
        pub dep_delay: Option<i32>,
        pub arr_delay: Option<i32>,
        #[sea_orm(indexed, column_type = "String(StringLen::N(8))")]
        pub carrier: String,
        #[sea_orm(belongs_to, from = "carrier", to = "code")]
        pub airline: BelongsTo<super::airline::Entity>,
        #[sea_orm(indexed, column_type = "String(StringLen::N(8))")]
        pub origin: String,
        #[sea_orm(belongs_to, from = "origin", to = "code")]
        pub airport: BelongsTo<super::airport::Entity>,
        #[sea_orm(indexed, column_type = "String(StringLen::N(8))")]
        pub tailnum: Option<String>,
        #[sea_orm(belongs_to, from = "tailnum", to = "code")]
        pub plane: BelongsTo<Option<super::plane::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn models() -> CachedFields {
    CachedFields::of::<airline::Entity>().and::<airport::Entity>().and::<plane::Entity>()
}

/// A line of the data.
#[derive(Deserialize)]
pub(crate) struct Flight {
    id: i32,
    carrier: String,
    origin: String,
    tailnum: Option<String>,
    distance: i32,
    dep_delay: Option<i32>,
    arr_delay: Option<i32>,
}

/// Returns the first flights of the year.
pub(crate) fn read(count: u64) -> Result<Vec<Flight>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights.csv.gz");
    let mut lines = csv::Reader::from_reader(GzDecoder::new(std::fs::File::open(path)?));
    Ok(lines.deserialize().take(usize::try_from(count)?).collect::<Result<_, _>>()?)
}

impl Place {
    /// Makes the tables, with the owners of all flights, but no flight.
    pub(crate) async fn open_airports(&self, flights: &[Flight]) -> Result<()> {
        let schema = Schema::new(self.db.get_database_backend());
        self.create(&schema, airline::Entity).await?;
        self.create(&schema, airport::Entity).await?;
        self.create(&schema, plane::Entity).await?;
        self.create(&schema, flight::Entity).await?;

        let codes: [fn(&Flight) -> Option<&str>; 3] = [
            |flight| Some(&flight.carrier),
            |flight| Some(&flight.origin),
            |flight| flight.tailnum.as_deref(),
        ];
        for (Counted { table, fields, .. }, code) in OWNERS.into_iter().zip(codes) {
            let codes: BTreeSet<&str> = flights.iter().filter_map(code).collect();
            let values = fields.iter().map(|_| "0");
            let flags = fields.iter().map(|_| "false");
            let rest: Vec<&str> =
                values.zip(flags).flat_map(|(value, flag)| [value, flag]).collect();
            let rows: Vec<String> =
                codes.iter().map(|code| format!("('{code}', {})", rest.join(", "))).collect();
            let columns = fields
                .iter()
                .map(|(field, _)| format!("cached_{field}, {field}_recalculation_needed"));
            let columns = columns.collect::<Vec<_>>().join(", ");
            self.sql(&format!("INSERT INTO {table} (code, {columns}) VALUES {}", rows.join(", ")))
                .await?;
        }
        Ok(())
    }

    async fn create<E: EntityTrait>(&self, schema: &Schema, entity: E) -> Result<()> {
        self.db.execute(&schema.create_table_from_entity(entity)).await?;
        for index in schema.create_index_from_entity(entity) {
            self.db.execute(&index).await?;
        }
        Ok(())
    }

    /// Stores flights by one statement.
    pub(crate) async fn land(&self, db: &impl ConnectionTrait, flights: &[Flight]) -> Result<()> {
        let number =
            |value: Option<i32>| value.map_or_else(|| "NULL".to_owned(), |value| value.to_string());
        let row = |flight: &Flight| {
            let Flight { id, carrier, origin, tailnum, distance, dep_delay, arr_delay } = flight;
            let tailnum = tailnum
                .as_ref()
                .map_or_else(|| "NULL".to_owned(), |tailnum| format!("'{tailnum}'"));
            let dep_delay = number(*dep_delay);
            let arr_delay = number(*arr_delay);
            format!(
                "({id}, {distance}, {dep_delay}, {arr_delay}, '{carrier}', '{origin}', {tailnum})"
            )
        };

        let rows: Vec<String> = flights.iter().map(row).collect();
        let columns = "id, distance, dep_delay, arr_delay, carrier, origin, tailnum";
        db.execute_unprepared(&format!(
            "INSERT INTO flight ({columns}) VALUES {}",
            rows.join(", ")
        ))
        .await?;
        Ok(())
    }

    /// Stores the fields as one would by hand: by one UPDATE for each owner.
    pub(crate) async fn count_flights(&self) -> Result<()> {
        for Counted { table, link, fields } in OWNERS {
            let set = fields.iter().map(|(field, value)| {
                format!(
                    "cached_{field} = (SELECT {value}
                                         FROM flight
                                        WHERE flight.{link} = {table}.code)"
                )
            });
            self.sql(&format!("UPDATE {table} SET {}", set.collect::<Vec<_>>().join(", "))).await?;
        }
        Ok(())
    }

    /// Checks the fields. A contender that leaves a wrong value is broken, and its measurement does
    /// not count.
    pub(crate) async fn check_flights(&self) -> Result<()> {
        for Counted { table, link, fields } in OWNERS {
            for (field, value) in fields {
                let wrong: i64 = self
                    .scalar(&format!(
                        "SELECT count(*)
                           FROM {table}
                          WHERE {field}_recalculation_needed
                             OR coalesce(cached_{field}, -1)
                                <> (SELECT {value} FROM flight WHERE flight.{link} = {table}.code)"
                    ))
                    .await?;

                anyhow::ensure!(
                    wrong == 0,
                    "{wrong} of {field} of {table} are wrong or flagged in {}",
                    self.url
                );
            }
        }
        Ok(())
    }
}
