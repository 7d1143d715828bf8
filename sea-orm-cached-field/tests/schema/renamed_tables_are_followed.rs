//! An owner under a new name: what stood there for the old one goes, and nothing that was marked is
//! lost.

use sea_orm_cached_field::{CachedFields, Finding};

use crate::{
    catalog::installed,
    shops::{a_shop_at_rest, before, left_of, renamed, total, with_deals},
};

#[apply(contract)]
async fn by_the_next_install(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("ALTER TABLE shop RENAME TO store").await;

    let report = installed(&db, renamed::models()).await;
    assert!(
        report.contains("shop: dropped trigger ") && report.contains("shop: dropped table "),
        "{report}"
    );
    let stale = if db.flags_by_the_collector() { "flagged" } else { "queued" };
    assert!(report.contains(&format!("store: {stale} 1 row for total\n")), "{report}");
    assert_eq!(left_of(&db, "shop").await, Vec::<String>::new());

    db.drain(renamed::models()).await;
    assert_eq!(total(&db, "store").await, 20);

    db.sql("UPDATE sale SET amount = 30").await;
    db.sql("UPDATE store SET name = 'Ada'").await;
    db.drain(renamed::models()).await;
    assert_eq!(total(&db, "store").await, 30);
    assert_eq!(installed(&db, renamed::models()).await, "nothing to do\n");
    assert!(renamed::models().doctor(&*db).await.expect("examined").is_healthy());
}

#[apply(contract)]
async fn also_what_was_written_after_the_triggers_were_suspended(db: TestDb) {
    a_shop_at_rest(&db).await;
    CachedFields::suspend("shop", &*db).await.expect("suspended");
    db.sql("ALTER TABLE shop RENAME TO store").await;
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("UPDATE store SET name = 'Ada'").await;
    installed(&db, renamed::models()).await;
    db.drain(renamed::models()).await;
    assert_eq!((total(&db, "store").await, left_of(&db, "shop").await), (20, Vec::new()));
}

#[apply(contract)]
async fn as_the_doctor_says(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("ALTER TABLE shop RENAME TO store").await;
    let diagnosis = renamed::models().doctor(&*db).await.expect("examined");
    let dead = |finding: &Finding| matches!(finding, Finding::Dead { table, objects } if table == "shop" && *objects > 5);
    assert!(diagnosis.iter().any(dead), "{diagnosis}");
    let advice = "were installed for its cached fields, but there is no such table any more, or it has lost their columns; run `CachedFields::all().repair(&db)`, which removes them\n";
    assert!(diagnosis.to_string().contains(advice), "{diagnosis}");
    renamed::models().repair(&*db).await.expect("repaired");
    db.drain(renamed::models()).await;
    assert!(renamed::models().doctor(&*db).await.expect("examined").is_healthy());
}

#[apply(contract)]
async fn by_the_uninstall_of_whoever_comes_first(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("ALTER TABLE shop RENAME TO store").await;
    renamed::models().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(left_of(&db, "shop").await, Vec::<String>::new());
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("UPDATE store SET name = 'Ada'").await;
}

#[apply(contract)]
async fn also_back_again(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("ALTER TABLE shop RENAME TO store").await;
    installed(&db, renamed::models()).await;
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("ALTER TABLE store RENAME TO shop").await;
    installed(&db, before::models()).await;
    db.drain(before::models()).await;
    assert_eq!((total(&db, "shop").await, left_of(&db, "store").await), (20, Vec::new()));
}

#[apply(contract)]
async fn also_related_ones(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("ALTER TABLE sale RENAME TO deal").await;
    installed(&db, with_deals::models()).await;
    db.drain(with_deals::models()).await;
    assert_eq!(total(&db, "shop").await, 20);
    db.sql("UPDATE deal SET amount = 30").await;
    db.drain(with_deals::models()).await;
    assert_eq!(total(&db, "shop").await, 30);
    assert_eq!(installed(&db, with_deals::models()).await, "nothing to do\n");
    assert!(with_deals::models().doctor(&*db).await.expect("examined").is_healthy());
}

/// As tools that change large tables do: the triggers went along with the old one.
#[apply(contract)]
async fn if_another_has_come_in_its_place(db: TestDb) {
    a_shop_at_rest(&db).await;
    if db.is_sqlite() {
        db.sql("PRAGMA legacy_alter_table = ON").await;
    }
    let key = if db.is_mysql() {
        "ALTER TABLE sale DROP FOREIGN KEY `fk-sale-shop_id`"
    } else {
        "SELECT 1"
    };

    db.sql(key).await;
    db.sql("ALTER TABLE shop RENAME TO shop_old").await;
    db.create(before::shop::Entity).await;
    db.sql("INSERT INTO shop SELECT * FROM shop_old").await;
    db.sql("UPDATE shop SET total_recalculation_needed = false").await;
    db.sql("UPDATE shop SET cached_total = 7").await;

    let missing = before::models().doctor(&*db).await.expect("examined").to_string();
    assert!(missing.contains("shop: trigger zz_cached_field"), "{missing}");
    installed(&db, before::models()).await;
    db.drain(before::models()).await;
    assert_eq!(total(&db, "shop").await, 10);

    db.sql("UPDATE shop_old SET name = 'Ada'").await;
    assert_eq!(db.pending("shop").await, 0);
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
}

#[apply(on_postgres)]
async fn also_into_another_schema(db: TestDb) {
    a_shop_at_rest(&db).await;
    db.sql("UPDATE sale SET amount = 20").await;
    db.sql("CREATE SCHEMA trade").await;
    db.sql("ALTER TABLE shop SET SCHEMA trade").await;
    let db = db.with_setting("search_path = public, trade").await;
    let report = installed(&db, before::models()).await;
    assert!(report.starts_with("shop: dropped trigger "), "{report}");
    db.drain(before::models()).await;
    assert_eq!(total(&db, "shop").await, 20);
    db.sql("UPDATE sale SET amount = 30").await;
    db.drain(before::models()).await;
    assert_eq!(total(&db, "shop").await, 30);
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
}
