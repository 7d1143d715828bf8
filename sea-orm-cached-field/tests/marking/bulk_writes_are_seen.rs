//! PostgreSQL's own ways to write many rows.

use sea_orm::sqlx::postgres::PgPoolCopyExt;

use crate::{changes_behind_has_many_are_seen::perched, harness::lampposts::*, support::NOTHING};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

#[apply(on_postgres)]
async fn truncate_concerns_every_owner(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(watch.after("TRUNCATE pigeon").await, BOTH);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
    assert_eq!(watch.after("TRUNCATE lamppost CASCADE").await, NOTHING);
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(on_postgres)]
async fn copy_is_an_insert(db: TestDb) {
    let mut watch = perched(&db).await;
    let pool = db.get_postgres_connection_pool();

    let mut copy = pool
        .copy_in_raw("COPY pigeon (weight_in_g, lamppost_id) FROM STDIN")
        .await
        .expect("copying");
    copy.send(b"11\t2\n22\t2\n33\t\\N\n".as_slice()).await.expect("sent");
    assert_eq!(copy.finish().await.expect("copied"), 3);

    assert_eq!(watch.recalculated().await, BOTH[1..]);
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 3 pigeons of 333, -")
    );

    let mut copy = pool
        .copy_in_raw(
            "COPY lamppost (first_name, cached_full_name, full_name_recalculation_needed)
             FROM STDIN",
        )
        .await
        .expect("copying");
    copy.send(b"Cid\tforged\tf\n".as_slice()).await.expect("sent");
    copy.finish().await.expect("copied");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 3"]);
}

#[apply(on_postgres)]
async fn merge_is_seen(db: TestDb) {
    db.needs_postgres(15, "MERGE").await;
    let mut watch = perched(&db).await;
    let merge = |weight: i32| {
        format!(
            "MERGE INTO pigeon p
             USING (VALUES (1, {weight}), (77, 5)) AS v (id, weight) ON p.id = v.id
              WHEN MATCHED THEN
                   UPDATE SET weight_in_g = v.weight
              WHEN NOT MATCHED THEN
                   INSERT (id, weight_in_g, lamppost_id)
                   VALUES (v.id, v.weight, 2)"
        )
    };

    assert_eq!(watch.after(&merge(700)).await, BOTH);
    assert_eq!(watch.after(&merge(700)).await, NOTHING);
    assert_eq!(watch.after(&merge(800)).await, BOTH[..1]);
}
