use crate::fragile::*;

#[apply(contract)]
async fn each_row_is_calculated_once(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 300, "fine").await;
    let pools = [db.another_pool().await, db.another_pool().await, db.another_pool().await];

    let workers =
        pools.each_ref().map(|pool| tokio::spawn(fragiles().worker(pool).batch_size(20).drain()));
    let mut worked = 0;
    for worker in workers {
        worked += worker.await.unwrap().unwrap();
    }

    assert_eq!((worked, place.all_times(), db.pending("fragile").await), (300, 300, 0));
    let right = "SELECT count(*)
                   FROM fragile
                  WHERE cached_opinion = 'feels fine'
                    AND NOT opinion_recalculation_needed";
    assert_eq!(db.scalar::<i64>(right).await, 300);
}
