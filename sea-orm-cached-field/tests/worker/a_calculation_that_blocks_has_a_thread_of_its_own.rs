use std::{
    collections::HashMap,
    sync::{Arc, Condvar, LazyLock, Mutex},
    time::Duration,
};

use sea_orm::{ActiveValue::Set, TransactionTrait, entity::prelude::*};
use sea_orm_cached_field::{CachedFields, Error};

use crate::{fragile::eventually, harness::TestDb};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "heavy")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub place: String,
    pub size: i32,
    #[cached(blocking, depends_on(size))]
    pub alone: i32,
    #[cached(blocking, batch, depends_on(size))]
    pub together: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_alone(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
        if self.size < 0 {
            panic!("less than nothing");
        }
        if self.size > 100 {
            std::future::pending::<()>().await;
        }
        block(&self.place);
        let stored = Entity::find_by_id(self.id).one(db).await?.expect("the row");
        Ok(stored.size * 2)
    }

    async fn calculate_togethers(
        models: &[Self],
        _: &impl ConnectionTrait,
    ) -> Result<Vec<i32>, DbErr> {
        models.first().iter().for_each(|model| block(&model.place));
        Ok(models.iter().map(|model| model.size * 3).collect())
    }
}

/// What is known of the calculations of a place: how many have begun, and how many more may end.
type Counts = Arc<(Mutex<(usize, usize)>, Condvar)>;

fn of_place(place: &str) -> Counts {
    static PLACES: LazyLock<Mutex<HashMap<String, Counts>>> = LazyLock::new(Mutex::default);
    Arc::clone(PLACES.lock().unwrap().entry(place.to_owned()).or_default())
}

/// Keeps the thread until the test lets this calculation end.
fn block(place: &str) {
    let (counts, signal) = &*of_place(place);
    let mut counts = counts.lock().unwrap();
    counts.0 += 1;
    let (mut counts, timeout) =
        signal.wait_timeout_while(counts, Duration::from_secs(20), |(_, left)| *left == 0).unwrap();
    assert!(!timeout.timed_out(), "nobody could let this calculation end");
    counts.1 -= 1;
}

fn let_end(place: &str, count: usize) {
    let (counts, signal) = &*of_place(place);
    counts.lock().unwrap().1 += count;
    signal.notify_all();
}

fn begun(place: &str) -> usize {
    of_place(place).0.lock().unwrap().0
}

async fn set_up<const N: usize>(db: &TestDb, sizes: [i32; N]) {
    db.create(Entity).await;
    CachedFields::of::<Entity>().install(&**db).await.expect("installed");
    for size in sizes {
        let row = ActiveModel { place: Set(db.url.clone()), size: Set(size), ..Default::default() };
        row.insert(&**db).await.expect("a row");
    }
}

fn worker(db: &TestDb) -> sea_orm_cached_field::Worker {
    CachedFields::of::<Entity>().worker(db).max_attempts(1)
}

#[apply(contract)]
async fn while_others_go_on(db: TestDb) {
    set_up(&db, [1, 2, 3, 4]).await;
    let rows = Entity::find().all(&*db).await.unwrap();

    // There are two threads for all that does not block: on those the third could not begin.
    let readers = rows.into_iter().take(3).map(|row| {
        let db = (*db).clone();
        tokio::spawn(async move { row.alone(&db).await })
    });
    let readers: Vec<_> = readers.collect();

    eventually("three calculations have begun", async || begun(&db.url) == 3).await;
    let place = db.url.clone();
    tokio::spawn(async move { let_end(&place, 3) }).await.unwrap();
    for reader in readers {
        reader.await.unwrap().unwrap();
    }

    let_end(&db.url, 2);
    worker(&db).drain().await.unwrap();
    let right: i64 = db
        .scalar(
            "SELECT count(*)
               FROM heavy
              WHERE cached_alone = size * 2
                AND cached_together = size * 3",
        )
        .await;
    assert_eq!((right, db.pending("heavy").await), (4, 0));
}

#[apply(contract)]
async fn for_readers_too(db: TestDb) {
    set_up(&db, [5]).await;
    let row = Entity::find().one(&*db).await.unwrap().unwrap();
    let_end(&db.url, 3);
    assert_eq!(row.alone(&*db).await.unwrap(), 10);
    assert_eq!(row.together(&*db).await.unwrap(), 15);
    let transaction = db.begin().await.unwrap();
    assert_eq!(row.recalculate_alone(&transaction).await.unwrap(), 10);
    transaction.commit().await.unwrap();
}

#[apply(contract)]
async fn where_it_fails_as_others_do(db: TestDb) {
    set_up(&db, [-1, 101]).await;
    let rows = Entity::find().all(&*db).await.unwrap();
    let [panics, endless] = [-1, 101].map(|size| rows.iter().find(|row| row.size == size).unwrap());

    let panicked = panics.alone(&*db).await.expect_err("it panics");
    assert!(
        matches!(&panicked, Error::Panicked { message, .. } if message == "less than nothing"),
        "{panicked}"
    );

    let_end(&db.url, 1);
    worker(&db).calculation_timeout(Duration::from_millis(50)).drain().await.unwrap();
    let error = db
        .scalar::<String>(&format!(
            "SELECT last_error
               FROM _heavy_cached_recalculations
              WHERE key_1 = {}
                AND field = 'alone'",
            endless.id
        ))
        .await;
    assert!(error.contains("was stopped after 0.05 s"), "{error}");
}
