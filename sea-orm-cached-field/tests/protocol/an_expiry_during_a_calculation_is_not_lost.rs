//! I1, where the moment is the input: a calculation that began before it has not seen it pass.

use chrono::Utc;

use crate::harness::{gate::Gate, lampposts::*};

#[apply(contract)]
async fn the_row_is_calculated_once_more(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("expiry");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();

    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    lamppost.expire_full_name_after(Utc::now(), &*db).await.unwrap();
    gate.open();
    worker.await.unwrap().unwrap();

    narration.clear();
    assert_eq!(lampposts().worker(&db).drain().await.unwrap(), 1);
    assert!(
        narration
            .said()
            .contains(&format!("completed lamppost.full_name {}, unchanged", lamppost.id))
    );
    assert_eq!(reloaded(&db, lamppost.id).await.full_name_expires_after, None);
}
