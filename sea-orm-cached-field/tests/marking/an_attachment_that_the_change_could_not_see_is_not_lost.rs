use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::harness::{TestDb, lampposts::*};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    CommitAttachment,
    CommitName,
    Drain,
}

use Step::*;

const ORDERS: [[Step; 3]; 6] = [
    [CommitAttachment, CommitName, Drain],
    [CommitAttachment, Drain, CommitName],
    [CommitName, CommitAttachment, Drain],
    [CommitName, Drain, CommitAttachment],
    [Drain, CommitAttachment, CommitName],
    [Drain, CommitName, CommitAttachment],
];

/// The renaming transaction cannot see that the other is attaching a lamppost to the city, so it
/// cannot mark the lamppost. It marks the city: whose lampposts those are is asked when the mark is
/// collected, after both have committed.
async fn renamed_while_attached(db: &TestDb, order: [Step; 3], attach: &str, old_name: &str) {
    let attaching = db.begin().await.expect("begun");
    let renaming = db.begin().await.expect("begun");
    attaching.execute_unprepared(attach).await.expect("attached");
    renaming.execute_unprepared("UPDATE city SET name = name || '!'").await.expect("renamed");
    let mut attaching = Some(attaching);
    let mut renaming = Some(renaming);

    for step in order {
        match step {
            CommitAttachment => attaching.take().expect("once").commit().await.expect("committed"),
            CommitName => renaming.take().expect("once").commit().await.expect("committed"),
            Drain => drop(db.drain(lampposts()).await),
        }
    }

    db.drain(lampposts()).await;
    let value: String = db.scalar("SELECT cached_full_name FROM lamppost WHERE city_id = 1").await;
    assert_eq!(value, format!("Ada of {old_name}!, 0 pigeons of 0, -"), "{order:?}, {attach}");
    assert_eq!(db.pending("lamppost").await, 0, "{order:?}");
}

#[apply(on_postgres)]
async fn in_whatever_order_they_commit(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;

    for order in ORDERS {
        for attach in [
            "INSERT INTO lamppost (first_name, city_id) VALUES ('Ada', 1)",
            "UPDATE lamppost SET city_id = 1 WHERE first_name = 'Ada'",
        ] {
            db.sql("UPDATE lamppost SET city_id = NULL").await;
            if attach.starts_with("INSERT") {
                db.sql("DELETE FROM lamppost").await;
            }
            db.drain(lampposts()).await;
            let name: String = db.scalar("SELECT name FROM city").await;
            renamed_while_attached(&db, order, attach, &name).await;
        }
    }
}
