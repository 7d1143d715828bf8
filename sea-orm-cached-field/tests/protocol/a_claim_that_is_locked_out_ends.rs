//! I1: a transaction that finds the queue's row locked cannot know whether its lease still holds.
//! Nothing is stored then, and the lease ends. Otherwise the row would wait until the lease runs
//! out.

use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::harness::{gate::Gate, lampposts::*, postgres_waits};

// On SQLite there is one writer: a row is never locked while another transaction completes.

#[apply(on_postgres)]
async fn postgres(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("locked out");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();
    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    a_pigeon(&db, lamppost.id, 5).await;

    let collector = db.begin().await.expect("begun");
    let locked = "UPDATE _lamppost_cached_recalculations SET due_at = due_at";
    assert_eq!(collector.execute_unprepared(locked).await.expect("locked").rows_affected(), 1);

    gate.open();
    // The value was not stored, and the transaction that ends the lease waits for the lock.
    while !postgres_waits(&db).await {
        tokio::task::yield_now().await;
    }

    collector.commit().await.expect("committed");
    worker.await.unwrap().unwrap();
    assert!(narration.said().contains(&format!("superseded lamppost.full_name {}", lamppost.id)));
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 1 pigeons of 5, -")).await;
}
