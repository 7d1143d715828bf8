use futures_util::future::join_all;

use crate::fragile::*;

#[apply(contract)]
async fn of_one_stale_row(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let loaded = row(&db, id).await;
    let reading = join_all((0..20).map(|_| loaded.opinion(&*db)));
    let (read, ()) = tokio::join!(reading, async {
        place.arrivals(1).await;
        place.open(20);
    });
    for value in read {
        assert_eq!(value.unwrap(), "feels gate");
    }
    assert_eq!(place.times(id), 1);
    assert_opinion(&db, id, "feels gate").await;
}

#[apply(contract)]
async fn a_reader_that_gives_up_does_not_stop_the_others(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let loaded = row(&db, id).await;
    let read = || {
        let loaded = loaded.clone();
        let db = (*db).clone();
        tokio::spawn(async move { loaded.opinion(&db).await })
    };

    let first = read();
    place.arrivals(1).await;
    let others = [read(), read()];
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    place.open(3);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), "feels gate");
    }
    assert_eq!(place.times(id), 1);
    assert_opinion(&db, id, "feels gate").await;
}

#[apply(contract)]
async fn nobody_is_left_with_a_lease_when_all_give_up(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [first, second] = rows_of(&db, ["gate", "gate"]).await;
    let read = row(&db, first).await;
    let recalculated = row(&db, second).await;
    tokio::select! {
        _ = read.opinion(&*db) => unreachable!("the gate is closed"),
        _ = recalculated.recalculate_opinion(&*db) => unreachable!("the gate is closed"),
        () = place.arrivals(2) => {}
    }
    place.open(2);
    eventually("both are completed all the same", async || db.pending("fragile").await == 0).await;
    assert_opinion(&db, first, "feels gate").await;
    assert_opinion(&db, second, "feels gate").await;
}

#[apply(contract)]
async fn its_error_reaches_all_of_them(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error"]).await;
    let loaded = row(&db, id).await;
    for failed in join_all((0..20).map(|_| loaded.opinion(&*db))).await {
        let failed = failed.unwrap_err();
        assert_eq!(failed.to_string(), "`opinion` of `fragile` 1 could not be calculated");
        assert_eq!(std::error::Error::source(&failed).unwrap().to_string(), "not in the mood");
    }
}

/// The calculation that others wait for has begun before this change.
#[apply(contract)]
async fn a_reader_sees_its_own_change(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let loaded = row(&db, id).await;

    let older = tokio::spawn({
        let loaded = loaded.clone();
        let db = (*db).clone();
        async move { loaded.opinion(&db).await }
    });

    place.arrivals(1).await;
    set_mood(&*db, id, "mine").await;
    let (mine, ()) = tokio::join!(loaded.fresh_opinion(&*db), async { place.open(1) });

    assert_eq!(mine.unwrap(), "feels mine");
    older.await.unwrap().unwrap();
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels mine").await;
}
