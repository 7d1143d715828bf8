//! I3: it never overwrites a newer one *and* clears the flag.

use crate::harness::{gate::Gate, lampposts::*};

#[apply(contract)]
async fn when_another_worker_has_completed_meanwhile(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("completed");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();

    let late = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    a_pigeon(&db, lamppost.id, 5).await;
    db.let_time_pass("lamppost").await; // the lease ends
    db.drain(lampposts()).await;

    narration.clear();
    gate.open();
    late.await.unwrap().unwrap();
    assert_eq!(
        narration.said(),
        [
            format!("calculated lamppost.full_name {}", lamppost.id),
            format!("superseded lamppost.full_name {}", lamppost.id)
        ]
    );
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 1 pigeons of 5, -")).await;
}

/// A generation that starts anew with each queue row would take the old claim for the new one.
#[apply(contract)]
async fn when_the_row_was_completed_and_queued_again(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("again");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;

    let late = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    db.let_time_pass("lamppost").await;
    db.drain(lampposts()).await;
    a_pigeon(&db, lamppost.id, 5).await;

    let next = Gate::at(&name);
    let newer = tokio::spawn(lampposts().worker(&db).run_once());
    next.arrival().await;

    gate.open();
    late.await.unwrap().unwrap();
    assert!(
        reloaded(&db, lamppost.id).await.full_name_recalculation_needed,
        "the old claim must not end the new one"
    );

    next.open();
    newer.await.unwrap().unwrap();
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 1 pigeons of 5, -")).await;
}
