use sea_orm::IntoActiveModel;

use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

const ADA: &str = "Ada of nowhere, 0 pigeons of 0, -";

async fn ada(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    a_lamppost(db, "Ada").await;
    Watch::begin(db, lampposts).await
}

async fn value(db: &TestDb) -> String {
    reloaded(db, 1).await.cached_full_name.expect("calculated")
}

#[apply(contract)]
async fn a_forged_value_is_marked_and_healed(db: TestDb) {
    let mut watch = ada(&db).await;
    db.sql("UPDATE lamppost SET cached_full_name = 'forged'").await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(value(&db).await, ADA);
    assert_eq!(
        watch.after("UPDATE lamppost SET cached_full_name = NULL").await,
        ["lamppost.full_name 1"]
    );
    let same = "UPDATE lamppost
                   SET cached_full_name = cached_full_name, full_name_recalculation_needed = false";
    assert_eq!(watch.after(same).await, NOTHING);
}

#[apply(contract)]
async fn nobody_else_ends_the_flag(db: TestDb) {
    let mut watch = ada(&db).await;
    db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
    db.sql("UPDATE lamppost SET full_name_recalculation_needed = false").await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed);
    db.sql(
        "UPDATE lamppost SET full_name_recalculation_needed = false, cached_full_name = 'forged'",
    )
    .await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(value(&db).await, "Bob of nowhere, 0 pigeons of 0, -");
}

#[apply(contract)]
async fn a_stale_full_row_save_loses_nothing(db: TestDb) {
    let mut watch = ada(&db).await;
    let loaded = reloaded(&db, 1).await;
    a_pigeon(&db, 1, 300).await;
    // Before the worker has come ..
    loaded.clone().into_active_model().reset_all().update(&*db).await.expect("saved");
    assert_eq!(reloaded(&db, 1).await.full_name_recalculation_needed, !db.flags_by_the_collector());
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    // .. and after: the old value comes back, with flag = false.
    loaded.into_active_model().reset_all().update(&*db).await.expect("saved");
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(value(&db).await, "Ada of nowhere, 1 pigeons of 300, -");
}

/// On SQLite one mark stands for all, until it is collected.
#[apply(contract)]
async fn setting_the_flag_marks_each_time(db: TestDb) {
    let mut watch = ada(&db).await;
    for marks in 1..=2 {
        db.sql("UPDATE lamppost SET full_name_recalculation_needed = true").await;
        assert_eq!(db.pending("lamppost").await, if db.is_sqlite() { 1 } else { marks });
    }
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1, unchanged"]);
}

#[apply(contract)]
async fn a_new_row_is_stale_whatever_it_says(db: TestDb) {
    let mut watch = ada(&db).await;
    db.sql(
        "INSERT INTO lamppost (first_name, cached_full_name, full_name_recalculation_needed)
         VALUES ('Eve', 'forged', false)",
    )
    .await;
    assert!(reloaded(&db, 2).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 2"]);
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Eve of nowhere, 0 pigeons of 0, -")
    );
}

#[apply(contract)]
async fn only_the_forged_rows_are_healed(db: TestDb) {
    let mut watch = ada(&db).await;
    a_lamppost(&db, "Bob").await;
    a_lamppost(&db, "Cid").await;
    watch.recalculated().await;
    let forged = "UPDATE lamppost
                     SET cached_full_name = CASE id WHEN 2 THEN 'forged' ELSE cached_full_name END";
    assert_eq!(watch.after(forged).await, ["lamppost.full_name 2"]);
}
