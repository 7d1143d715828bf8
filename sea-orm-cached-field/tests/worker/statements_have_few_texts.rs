//! Each text is a prepared statement of the connection, and servers have only so much room for
//! those.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{ColumnTrait, DatabaseConnection};

use crate::{crowd::*, harness::TestDb};

/// The numbers of rows at a time.
const NUMBERS: [i32; 12] = [1, 2, 3, 4, 6, 8, 11, 15, 21, 28, 40, 55];

/// How many lengths the lists for so many rows have: 1, 5, 20 and 60.
const LENGTHS: usize = 4;

/// How many statements with a list this test needs, and how many without, at most. Each statement
/// of a list for each of these numbers would be more than twice as many.
const WITH_A_LIST: usize = 15;
const WITHOUT: usize = 25;

type Texts = Arc<Mutex<BTreeSet<String>>>;

/// Another pool, and the texts of all that is sent over it.
async fn observed(db: &TestDb) -> (DatabaseConnection, Texts) {
    let mut pool = db.another_pool().await;
    let texts = Texts::default();
    let seen = Arc::clone(&texts);
    pool.set_metric_callback(move |info| {
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(info.statement.sql.clone());
    });
    (pool, texts)
}

async fn change(db: &TestDb, rows: i32, mood: &str) {
    db.sql(&format!("UPDATE crowd SET mood = '{mood}' WHERE id <= {rows}")).await;
}

#[apply(contract)]
async fn whatever_the_number_of_rows(db: TestDb) {
    set_up_crowds(&db).await;
    let row = ActiveModel {
        place: Set(db.url.clone()),
        mood: Set("new".to_owned()),
        ..Default::default()
    };
    Entity::insert_many(vec![row; 55]).exec(&*db).await.unwrap();
    let (pool, texts) = observed(&db).await;
    let drain = || crowds().worker(&pool).drain();
    for rows in NUMBERS {
        change(&db, rows, &format!("drained {rows}")).await;
        drain().await.unwrap();
        change(&db, rows, &format!("read {rows}")).await;
        Opinion::recalculate(Column::Id.lte(rows), &pool).await.unwrap();
    }
    assert_eq!(db.pending("crowd").await, 0);
    assert_eq!(opinions(&db).await.len(), 55);
    for rows in NUMBERS {
        change(&db, rows, "gone").await;
        db.sql(&format!("DELETE FROM crowd WHERE id <= {rows}")).await;
        drain().await.unwrap();
    }
    assert_eq!(db.pending("crowd").await, 0);

    let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let loads = |text: &&String| {
        text.starts_with("SELECT") && text.contains("note") && text.contains(" IN (")
    };
    let loads: Vec<&String> = texts.iter().filter(loads).collect();
    assert!((2..=LENGTHS).contains(&loads.len()), "{loads:#?}");
    assert!(texts.len() <= LENGTHS * WITH_A_LIST + WITHOUT, "{} texts: {texts:#?}", texts.len());
}
