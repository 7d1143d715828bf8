use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use sea_orm::{ActiveValue::Set, entity::prelude::*};
use sea_orm_cached_field::CachedFields;
use tokio::sync::Semaphore;

use crate::{
    fragile::{self, eventually, many_rows, set_up_fragiles, start},
    harness::TestDb,
};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "patchwork")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The test that it belongs to.
    pub place: String,
    pub number: i32,
    #[cached(depends_on(number))]
    pub slow: i32,
    #[cached(depends_on(number))]
    pub one: i32,
    #[cached(depends_on(number))]
    pub two: i32,
    #[cached(depends_on(number))]
    pub three: i32,
    #[cached(depends_on(number))]
    pub four: i32,
    #[cached(depends_on(number))]
    pub five: i32,
    #[cached(depends_on(number))]
    pub six: i32,
    #[cached(depends_on(number))]
    pub seven: i32,
    #[cached(depends_on(number))]
    pub eight: i32,
    #[cached(depends_on(number))]
    pub nine: i32,
}

impl ActiveModelBehavior for ActiveModel {}

static GATES: LazyLock<Mutex<HashMap<String, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

/// What the slow calculations of a test wait for.
fn gate(place: &str) -> Arc<Semaphore> {
    Arc::clone(
        GATES
            .lock()
            .unwrap()
            .entry(place.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(0))),
    )
}

macro_rules! quick {
    ($($method:ident $factor:literal)*) => {
        impl Model {
            $(async fn $method(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
                Ok(self.number * $factor)
            })*
        }
    };
}

quick! {
    calculate_one 1 calculate_two 2 calculate_three 3 calculate_four 4 calculate_five 5 calculate_six 6
    calculate_seven 7 calculate_eight 8 calculate_nine 9
}

impl Model {
    async fn calculate_slow(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
        gate(&self.place).acquire().await.expect("never closed").forget();
        Ok(self.number * 10)
    }
}

const QUICK: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const ROWS: usize = 100;

fn patchworks() -> CachedFields {
    CachedFields::of::<Entity>()
}

async fn set_up(db: &TestDb) {
    db.create(Entity).await;
    patchworks().install(&**db).await.expect("installed");
    let row = ActiveModel { place: Set(db.url.clone()), number: Set(1), ..Default::default() };
    Entity::insert_many(vec![row; ROWS]).exec(&**db).await.expect("rows");
}

/// How many rows have a value of these fields that is not that of this number, or is flagged.
async fn stale(db: &TestDb, fields: &[(&str, i32)], number: i32) -> i64 {
    let stale = fields.iter().map(|(field, factor)| {
        format!(
            "{field}_recalculation_needed OR cached_{field} IS NULL OR cached_{field} <> {}",
            number * factor
        )
    });
    let stale = stale.collect::<Vec<_>>().join(" OR ");
    db.scalar(&format!("SELECT count(*) FROM patchwork WHERE {stale}")).await
}

/// The slow calculations never end, and there are more of them than run at a time, and than are
/// claimed at a time.
#[apply(contract)]
async fn of_their_own_rows(db: TestDb) {
    set_up(&db).await;
    let quick: Vec<(&str, i32)> = QUICK.into_iter().zip(1..).collect();
    let worker = start(patchworks().worker(&db).concurrency(4).batch_size(20));
    eventually("the others are calculated", async || stale(&db, &quick, 1).await == 0).await;
    assert_eq!(stale(&db, &[("slow", 10)], 1).await, ROWS as i64);
    db.sql("UPDATE patchwork SET number = 2").await;
    eventually("they are again", async || stale(&db, &quick, 2).await == 0).await;
    gate(&db.url).add_permits(10 * ROWS);
    eventually("in the end all are", async || stale(&db, &[("slow", 10)], 2).await == 0).await;
    worker.stop().await;
    assert_eq!(db.pending("patchwork").await, 0);
}

#[apply(contract)]
async fn of_other_models(db: TestDb) {
    set_up(&db).await;
    gate(&db.url).add_permits(ROWS);
    let place = set_up_fragiles(&db).await;
    many_rows(&db, ROWS, "gate").await;

    let models = patchworks().and::<fragile::Entity>();
    let worker = start(models.worker(&db).concurrency(4).batch_size(20));
    place.arrivals(4).await;

    db.sql("UPDATE patchwork SET number = 2").await;
    gate(&db.url).add_permits(10 * ROWS);
    let all: Vec<(&str, i32)> = QUICK.into_iter().zip(1..).chain([("slow", 10)]).collect();
    eventually("all of the other model are calculated", async || stale(&db, &all, 2).await == 0)
        .await;

    place.open(10 * ROWS);
    eventually("in the end these are, too", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
}
