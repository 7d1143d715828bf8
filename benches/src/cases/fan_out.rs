//! `fan_out`: the cost for each owner when the one related row of very many owners is changed.

use std::time::Instant;

use anyhow::Result;
use sea_orm::{ConnectionTrait, Schema};
use sea_orm_cached_field::CachedFields;

use super::{CACHED, Case, FLOOR};
use crate::{
    bench::Bench,
    measure::{Unit, alternate},
    place::{Place, series},
};

/// The number of owners of the larger one, in those of the smaller one.
const TIMES: u64 = 30;

#[allow(dead_code, reason = "the benchmark uses part of what SeaORM generates")]
mod house {
    use sea_orm::{QuerySelect, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "house")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        #[sea_orm(indexed)]
        pub street_id: i64,
        #[sea_orm(belongs_to, from = "street_id", to = "id")]
        pub street: BelongsTo<super::street::Entity>,
        #[cached(query, depends_on(street(name)))]
        pub address: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_address() -> Select<Entity> {
            let houses = Entity::find().select_only().column(Column::Id);
            houses.column(super::street::Column::Name).inner_join(super::street::Entity)
        }
    }
}

#[allow(dead_code, reason = "the benchmark uses part of what SeaORM generates")]
mod street {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "street")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub name: String,
        #[sea_orm(has_many)]
        pub houses: HasMany<super::house::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

struct Contender {
    place: Place,
    houses: u64,
    turn: u32,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let most = bench.pick(case.rows);
    let mut contenders = Vec::new();
    for houses in [most / TIMES, most] {
        let place = bench.places.blank().await?;
        build(&place, houses).await?;
        contenders.push(Contender { place, houses, turn: 0 });
    }

    let samples =
        alternate(&mut contenders, bench.repeats(), async |Contender { place, houses, turn }| {
            *turn += 1;
            place.sql(&format!("UPDATE street SET name = 'Street {turn}'")).await?;
            let started = Instant::now();
            models().worker(&place.db).batch_size(1000).drain().await?;
            let took = started.elapsed();
            let wrong =
                format!("SELECT count(*) FROM house WHERE cached_address <> 'Street {turn}'");
            anyhow::ensure!(place.scalar::<i64>(&wrong).await? == 0, "not all addresses are right");
            Ok(took.as_secs_f64() * 1000.0 / *houses as f64)
        });

    let samples = [FLOOR, CACHED].into_iter().zip(samples.await?);
    bench.record((case, ""), most, Unit::Milliseconds, samples);
    Ok(())
}

fn models() -> CachedFields {
    CachedFields::of::<house::Entity>()
}

/// Makes one street with all houses.
async fn build(place: &Place, houses: u64) -> Result<()> {
    let schema = Schema::new(place.db.get_database_backend());
    place.db.execute(&schema.create_table_from_entity(street::Entity)).await?;
    place.db.execute(&schema.create_table_from_entity(house::Entity)).await?;
    place.sql("INSERT INTO street (id, name) VALUES (1, 'Street 0')").await?;

    let houses = series(place, houses);
    place
        .sql(&format!(
            "INSERT INTO house (id, street_id, cached_address, address_recalculation_needed)
             SELECT i, 1, 'Street 0', false FROM {houses}"
        ))
        .await?;

    for index in schema.create_index_from_entity(house::Entity) {
        place.db.execute(&index).await?;
    }

    models().install(&place.db).await?;
    models().worker(&place.db).batch_size(1000).drain().await?;
    place.tidy().await
}
