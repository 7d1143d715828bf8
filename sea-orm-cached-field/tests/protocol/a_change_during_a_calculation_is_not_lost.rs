//! I1: it is published, and calculated again.

use crate::harness::{gate::Gate, lampposts::*};

#[apply(contract)]
async fn neither_while_its_mark_waits(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("during");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();

    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    a_pigeon(&db, lamppost.id, 5).await;
    gate.open();
    worker.await.unwrap().unwrap();

    assert!(
        narration
            .said()
            .contains(&format!("published lamppost.full_name {}, marked again", lamppost.id))
    );
    let published = reloaded(&db, lamppost.id).await;
    assert!(published.full_name_recalculation_needed, "the flag stays");
    assert_eq!(published.cached_full_name, Some(format!("{name} of nowhere, 0 pigeons of 0, -")));

    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 1 pigeons of 5, -")).await;
}

#[apply(contract)]
async fn nor_if_another_worker_collects_it(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("collected");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();

    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    a_pigeon(&db, lamppost.id, 5).await;
    assert_eq!(
        lampposts().worker(&db).run_once().await.unwrap(),
        0,
        "the row stays with the one who calculates it"
    );
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_marks").await, 0);

    narration.clear();
    gate.open();
    worker.await.unwrap().unwrap();
    assert!(
        narration
            .said()
            .contains(&format!("published lamppost.full_name {}, marked again", lamppost.id))
    );
    assert!(reloaded(&db, lamppost.id).await.full_name_recalculation_needed);

    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 1 pigeons of 5, -")).await;
}
