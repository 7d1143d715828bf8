//! I6.

use sea_orm::TransactionTrait;

use crate::harness::lampposts::*;

#[apply(contract)]
async fn of_changes_of_the_row_and_of_related_rows(db: TestDb) {
    set_up_lampposts(&db).await;
    let lamppost = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    let before = reloaded(&db, lamppost.id).await;

    let transaction = db.begin().await.unwrap();
    let pigeon = pigeon::ActiveModel {
        lamppost_id: Set(Some(lamppost.id)),
        weight: Set(3),
        ..Default::default()
    };
    pigeon.insert(&transaction).await.unwrap();
    lamppost::ActiveModel { first_name: Set("Bob".into()), ..before.clone().into() }
        .update(&transaction)
        .await
        .unwrap();

    assert_eq!(
        before.fresh_full_name(&transaction).await.unwrap(),
        "Bob of nowhere, 1 pigeons of 3, -"
    );

    transaction.rollback().await.unwrap();
    assert_eq!(reloaded(&db, lamppost.id).await, before);
    assert_eq!(db.pending("lamppost").await, 0);
}
