//! I1, where ids of marks are not committed in their order: a generation must change with each
//! collected mark, also to a smaller one.

use sea_orm::TransactionTrait;

use crate::harness::{gate::Gate, lampposts::*};

#[apply(on_postgres)]
async fn a_late_mark_with_a_smaller_id_changes_the_generation(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("order");
    let lamppost = a_lamppost(&db, &name).await;
    db.drain(lampposts()).await;

    let slow = db.begin().await.unwrap();
    let early = pigeon::ActiveModel {
        lamppost_id: Set(Some(lamppost.id)),
        weight: Set(1),
        ..Default::default()
    };
    early.insert(&slow).await.unwrap();
    a_pigeon(&db, lamppost.id, 10).await;

    let gate = Gate::at(&name);
    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    slow.commit().await.unwrap();
    lampposts().worker(&db).run_once().await.unwrap();
    gate.open();
    worker.await.unwrap().unwrap();

    assert!(reloaded(&db, lamppost.id).await.full_name_recalculation_needed);
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 2 pigeons of 11, -")).await;
}

/// The flag that the completion has just ended comes back with the commit, or at the latest with
/// the collector.
#[apply(on_postgres)]
async fn a_mark_that_is_not_committed_yet_survives_a_completion(db: TestDb) {
    set_up_lampposts(&db).await;
    let lamppost = a_lamppost(&db, "Ada").await;

    let open = db.begin().await.unwrap();
    let pigeon = pigeon::ActiveModel {
        lamppost_id: Set(Some(lamppost.id)),
        weight: Set(1),
        ..Default::default()
    };
    pigeon.insert(&open).await.unwrap();
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, "Ada of nowhere, 0 pigeons of 0, -").await;

    open.commit().await.unwrap();
    let stored = reloaded(&db, lamppost.id).await;
    let now = lamppost.fresh_full_name(&*db).await.unwrap();
    assert!(stored.full_name_recalculation_needed || db.pending("lamppost").await == 0);
    assert_eq!(now, "Ada of nowhere, 1 pigeons of 1, -");
}
