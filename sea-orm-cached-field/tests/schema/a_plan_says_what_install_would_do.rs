//! A plan lists what `install` would change, and changes nothing.

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{catalog, installed},
    harness::{TestDb, lampposts::*},
};

owner!(beacon, { table_name = "beacon" }, {}, depends_on(name));

async fn planned(db: &TestDb) -> String {
    let before = catalog(db).await;
    let plan = lampposts().plan(&**db).await.expect("a plan");
    assert_eq!(catalog(db).await, before, "nothing is changed");
    plan.to_string()
}

/// What an installation reports, without rows that it has queued.
fn without_rows(report: &str) -> String {
    let lines = report.lines().filter(|line| !line.contains(": queued "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The tables, as they are before there are cached fields.
async fn plain_tables(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    for column in ["cached_full_name", "full_name_recalculation_needed", "full_name_expires_after"]
    {
        db.sql(&format!("ALTER TABLE lamppost DROP COLUMN {column}")).await;
    }
}

#[apply(contract)]
async fn as_install_then_does_it(db: TestDb) {
    plain_tables(&db).await;
    let diagnosis = lampposts().doctor(&*db).await.expect("examined").to_string();
    assert!(diagnosis.starts_with("lamppost: "), "also without the columns: {diagnosis}");
    let plan = planned(&db).await;
    assert!(plan.contains("lamppost: created column cached_full_name\n"), "{plan}");
    assert_eq!(without_rows(&installed(&db, lampposts()).await), plan);
    assert_eq!(planned(&db).await, "nothing to do\n");
}

/// An administrator may run its statements.
#[apply(contract)]
async fn its_statements_do_the_same(db: TestDb) {
    plain_tables(&db).await;
    let plan = lampposts().plan(&*db).await.expect("a plan");
    for statement in plan.statements {
        db.sql(&statement).await;
    }
    assert_eq!(planned(&db).await, "nothing to do\n");
    installed(&db, lampposts()).await;
    let ada = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    assert_fresh(&db, ada.id, "Ada of nowhere, 0 pigeons of 0, -").await;
}

/// For the client of the database. MySQL's client knows `DELIMITER`, its server does not.
#[apply(contract)]
async fn its_script_does_the_same(db: TestDb) {
    plain_tables(&db).await;
    let script = lampposts().plan(&*db).await.expect("a plan").script();
    match script.strip_prefix("DELIMITER ;;\n\n") {
        None => {
            db.sql(&script).await;
        }
        Some(statements) => {
            for statement in statements.split_terminator(";;\n\n") {
                db.sql(statement).await;
            }
        }
    }
    assert_eq!(script.starts_with("DELIMITER"), db.get_database_backend() == DbBackend::MySql);
    assert_eq!(planned(&db).await, "nothing to do\n");

    installed(&db, lampposts()).await;
    assert_eq!(lampposts().plan(&*db).await.expect("a plan").script(), "");
}

#[apply(contract)]
async fn also_of_what_was_lost(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    CachedFields::suspend("pigeon", &*db).await.expect("suspended");
    let plan = planned(&db).await;
    assert!(plan.contains("lamppost: created trigger zz_cached_field"), "{plan}");
    assert!(plan.ends_with("lamppost: flagged all rows for full_name\n"), "{plan}");
    let report = installed(&db, lampposts()).await;
    assert!(report.contains("lamppost: flagged 1 row for full_name"), "{report}");
}

/// The columns keep their values, and no trigger has seen what was written since.
#[apply(contract)]
async fn also_after_an_uninstallation(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    equals_what_install_then_does(&db).await;
}

#[apply(contract)]
async fn also_without_one_of_the_tables(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    // On PostgreSQL, the functions of the owner's triggers depend on its tables.
    let cascade = if db.get_database_backend() == DbBackend::Postgres { " CASCADE" } else { "" };
    for table in ["marks", "recalculations", "versions"] {
        db.drain(lampposts()).await;
        db.sql(&format!("DROP TABLE _lamppost_cached_{table}{cascade}")).await;
        equals_what_install_then_does(&db).await;
    }
}

/// All rows are flagged, apart from what is created.
async fn equals_what_install_then_does(db: &TestDb) {
    let plan = planned(db).await;
    assert!(plan.ends_with("lamppost: flagged all rows for full_name\n"), "{plan}");
    let report = installed(db, lampposts()).await;
    assert_eq!(without_rows(&report).replace("flagged 1 row", "flagged all rows"), plan);
    assert_eq!(planned(db).await, "nothing to do\n");
}

/// No trigger and no calculation needs them.
#[apply(contract)]
async fn but_nothing_is_flagged_for_the_tables_that_people_read(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    for table in ["settings", "workers", "minutes"] {
        db.sql(&format!("DROP TABLE _lamppost_cached_{table}")).await;
    }
    let created = ["settings", "workers", "minutes"]
        .map(|table| format!("lamppost: created table _lamppost_cached_{table}\n"));
    assert_eq!(planned(&db).await, created.concat());
    assert_eq!(installed(&db, lampposts()).await, created.concat());
}

/// A table was renamed, and another has taken its place.
#[apply(contract)]
async fn and_of_what_serves_no_program_any_more(db: TestDb) {
    let beacons = || CachedFields::of::<beacon::Entity>();
    db.create(beacon::Entity).await;
    installed(&db, beacons()).await;
    db.sql("ALTER TABLE beacon RENAME TO lantern").await;
    db.create(beacon::Entity).await;

    let plan = beacons().plan(&*db).await.expect("a plan").to_string();
    assert!(plan.contains("beacon: dropped trigger zz_cached_field"), "{plan}");
    assert!(plan.contains("beacon: created trigger zz_cached_field"), "{plan}");
    assert_eq!(sorted(&installed(&db, beacons()).await), sorted(&plan));
}

/// The lines about objects.
fn sorted(report: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = report.lines().filter(|line| !line.contains(": flagged ")).collect();
    lines.sort_unstable();
    lines
}
