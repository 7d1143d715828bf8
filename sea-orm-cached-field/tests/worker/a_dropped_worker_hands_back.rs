use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm_cached_field::Worker;

use crate::{
    fragile::*,
    harness::{TestDb, cut_off},
};

/// Ends long after the test, unless it is handed back.
fn long_leased(db: &DatabaseConnection) -> Worker {
    fragiles().worker(db).lease(Duration::from_secs(3600))
}

/// Nothing waits for a lease that has an hour to go.
async fn is_drained(db: &TestDb, place: &Place, rows: usize) {
    place.open(2 * rows);
    let drained = tokio::time::timeout(Duration::from_secs(20), long_leased(db).drain()).await;
    drained.expect("drained within 20 s").unwrap();
    assert_eq!((db.pending("fragile").await, leased(db).await), (0, 0));
}

#[apply(contract)]
async fn by_a_select_around_run(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 3, "gate").await;
    tokio::select! {
        ended = long_leased(&db).run() => panic!("{ended:?}"),
        () = place.arrivals(3) => {}
    }
    is_drained(&db, &place, 3).await;
}

#[apply(contract)]
async fn by_the_end_of_its_task(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 3, "gate").await;
    let running = tokio::spawn(long_leased(&db).run());
    place.arrivals(3).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    is_drained(&db, &place, 3).await;
}

#[apply(contract)]
async fn while_it_drains(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 4, "gate").await;
    tokio::select! {
        ended = long_leased(&db).batch_size(2).drain() => panic!("{ended:?}"),
        () = place.arrivals(4) => {}
    }
    is_drained(&db, &place, 4).await;
}

#[apply(contract)]
async fn while_it_runs_once(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 2, "gate").await;
    tokio::select! {
        ended = long_leased(&db).run_once() => panic!("{ended:?}"),
        () = place.arrivals(2) => {}
    }
    is_drained(&db, &place, 2).await;
}

/// Wherever it stands: also while it claims.
#[apply(contract)]
async fn after_any_number_of_polls(db: TestDb) {
    set_up_fragiles(&db).await;
    for polls in 0..20 {
        many_rows(&db, 1, "fine").await;
        // Another one each time: SQLx loses connections of MySQL on which a statement is given up.
        let pool = db.another_pool().await;
        tokio::select! {
            _ = cut_off(long_leased(&pool).run(), polls) => {}
            () = eventually("it is calculated", async || db.pending("fragile").await == 0) => {}
        }

        tokio::time::timeout(Duration::from_secs(20), long_leased(&pool).drain())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((db.pending("fragile").await, leased(&db).await), (0, 0), "after {polls} polls");
    }
}
