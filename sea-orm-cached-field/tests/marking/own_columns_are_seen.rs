use sea_orm::{IntoActiveModel, sea_query::Expr};

use crate::{
    harness::lampposts::*,
    support::{NOTHING, Watch},
};

#[apply(contract)]
async fn a_declared_column_marks_and_another_does_not(db: TestDb) {
    set_up_lampposts(&db).await;
    let ada = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    db.sql("UPDATE lamppost SET note = 'x', first_name = 'Ada'").await;
    assert_eq!(db.pending("lamppost").await, 0);
    db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
    assert!(reloaded(&db, ada.id).await.full_name_recalculation_needed);
    assert_eq!(db.pending("lamppost").await, 1);
    db.drain(lampposts()).await;
    assert_eq!(
        reloaded(&db, ada.id).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 0 pigeons of 0, -")
    );
}

#[apply(contract)]
async fn a_statement_marks_each_changed_row_once(db: TestDb) {
    set_up_lampposts(&db).await;
    for name in ["Ada", "Bob", "Cid"] {
        a_lamppost(&db, name).await;
    }
    let mut watch = Watch::begin(&db, lampposts).await;
    db.sql(
        "UPDATE lamppost
            SET first_name = CASE WHEN id < 3 THEN 'Dan' ELSE first_name END, note = 'x'",
    )
    .await;
    assert_eq!(db.pending("lamppost").await, 2);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
}

#[apply(contract)]
async fn what_the_orm_writes_is_seen(db: TestDb) {
    set_up_lampposts(&db).await;
    let ada = a_lamppost(&db, "Ada").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    let noted = lamppost::ActiveModel {
        note: Set(Some("x".to_owned())),
        ..reloaded(&db, ada.id).await.into_active_model()
    };
    noted.update(&*db).await.expect("updated");
    assert_eq!(watch.recalculated().await, NOTHING);

    let named = lamppost::ActiveModel {
        first_name: Set("Bob".to_owned()),
        ..reloaded(&db, ada.id).await.into_active_model()
    };
    named.update(&*db).await.expect("updated");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);

    let all =
        lamppost::Entity::update_many().col_expr(lamppost::Column::FirstName, Expr::value("Cid"));
    all.exec(&*db).await.expect("updated");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(
        reloaded(&db, ada.id).await.cached_full_name.as_deref(),
        Some("Cid of nowhere, 0 pigeons of 0, -")
    );
}

#[apply(contract)]
async fn a_new_key_is_a_new_row(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    a_lamppost(&db, "Bob").await;
    let mut watch = Watch::begin(&db, lampposts).await;
    assert_eq!(
        watch.after("UPDATE lamppost SET id = 7 WHERE id = 1").await,
        ["lamppost.full_name 7, unchanged"]
    );
    db.sql("UPDATE lamppost SET id = id + 1, first_name = 'Eve' WHERE id = 7").await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 8"]);
}

#[apply(contract)]
async fn what_another_trigger_changes_is_seen(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    let mut watch = Watch::begin(&db, lampposts).await;
    // It comes after the library's: on PostgreSQL by its name, on MySQL by its age.
    let shouting = if db.is_sqlite() {
        "CREATE TRIGGER zzz_shout AFTER UPDATE OF note ON lamppost BEGIN
           UPDATE lamppost SET first_name = upper(first_name) WHERE id = NEW.id;
         END"
    } else if db.is_mysql() {
        "CREATE TRIGGER zzz_shout BEFORE UPDATE ON lamppost FOR EACH ROW
           SET NEW.first_name = upper(NEW.first_name)"
    } else {
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN NEW.first_name := upper(NEW.first_name); RETURN NEW; END$$;
         CREATE TRIGGER zzz_shout BEFORE UPDATE ON lamppost FOR EACH ROW EXECUTE FUNCTION shout()"
    };

    db.sql(shouting).await;
    assert_eq!(watch.after("UPDATE lamppost SET note = 'x'").await, ["lamppost.full_name 1"]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("ADA of nowhere, 0 pigeons of 0, -")
    );
    assert_eq!(watch.after("UPDATE lamppost SET note = 'y'").await, NOTHING);
}
