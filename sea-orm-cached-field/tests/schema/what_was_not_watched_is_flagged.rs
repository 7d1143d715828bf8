//! By the next `install`: it knows what was watched, and by what.

use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};

use crate::{
    catalog::installed,
    harness::{TestDb, cut_off, gate::Gate, lampposts::*},
    other_program,
};

const FLAGGED: &str = "lamppost: flagged 1 row for full_name\n";

/// A lamppost of one pigeon, fresh.
async fn a_lamppost_at_rest(db: &TestDb) -> i32 {
    set_up_lampposts(db).await;
    let ada = a_lamppost(db, "Ada").await;
    a_pigeon(db, ada.id, 300).await;
    db.drain(lampposts()).await;
    ada.id
}

/// One that is called after rows of the table were changed, as its name says, or just any.
async fn drop_a_trigger_on(db: &TestDb, table: &str, event: &str) {
    let event = if event.is_empty() { "%".to_owned() } else { format!("%_a{event}_%") };
    let name: String = match db.get_database_backend() {
        DbBackend::Sqlite => {
            let names = "SELECT min(name) FROM sqlite_master WHERE type = 'trigger'";
            db.scalar(&format!("{names} AND tbl_name = '{table}' AND name LIKE '{event}'")).await
        }
        DbBackend::MySql => {
            let names = "SELECT min(trigger_name)
                           FROM information_schema.triggers
                          WHERE trigger_schema = database()";
            db.scalar(&format!(
                "{names} AND event_object_table = '{table}' AND trigger_name LIKE '{event}'"
            ))
            .await
        }
        _ => {
            let names = "SELECT min(tgname)::text FROM pg_trigger WHERE NOT tgisinternal";
            db.scalar(&format!(
                "{names} AND tgrelid = '{table}'::regclass AND tgname LIKE '{event}'"
            ))
            .await
        }
    };

    let on = if db.get_database_backend() == DbBackend::Postgres {
        format!(" ON {table}")
    } else {
        String::new()
    };
    db.sql(&format!("DROP TRIGGER {name}{on}")).await;
}

#[apply(contract)]
async fn while_an_older_program_had_installed(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    installed(&db, other_program::models()).await;
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    assert_eq!(db.pending("lamppost").await, 0, "unseen");
    let report = installed(&db, lampposts()).await;
    assert!(report.ends_with(FLAGGED), "{report}");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn while_a_program_without_the_field_had_installed(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    installed(&db, without_the_field::models()).await;
    let watched =
        "SELECT count(*) FROM _lamppost_cached_versions WHERE field = 'full_name' AND inputs <> ''";
    assert_eq!(db.scalar::<i64>(watched).await, 0);
    db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
    let report = installed(&db, lampposts()).await;
    assert!(report.contains(FLAGGED), "{report}");
    db.drain(lampposts()).await;
    let bob = reloaded(&db, id).await;
    assert_eq!(bob.cached_full_name.as_deref(), Some("Bob of nowhere, 1 pigeons of 300, -"));
}

#[apply(contract)]
async fn while_a_trigger_on_a_related_table_was_lost(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    drop_a_trigger_on(&db, "pigeon", "u").await;
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    let report = installed(&db, lampposts()).await;
    assert!(report.ends_with(FLAGGED), "{report}");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn while_a_trigger_on_the_table_itself_was_lost(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    drop_a_trigger_on(&db, "lamppost", "").await;
    let report = installed(&db, lampposts()).await;
    assert!(report.ends_with(FLAGGED), "{report}");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
}

#[apply(contract)]
async fn between_an_uninstall_and_the_next_install(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    let report = installed(&db, lampposts()).await;
    assert!(report.ends_with(FLAGGED), "{report}");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn also_what_is_being_calculated_meanwhile(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("uninstalled");
    let gate = Gate::at(&name);
    let id = a_lamppost(&db, &name).await.id;
    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    a_pigeon(&db, id, 500).await;
    installed(&db, lampposts()).await;
    gate.open();
    worker.await.expect("it ran").expect("worked");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, &format!("{name} of nowhere, 1 pigeons of 500, -")).await;
}

#[apply(contract)]
async fn also_what_is_being_calculated_and_held_locked(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("unwatched");
    let gate = Gate::at(&name);
    let id = a_lamppost(&db, &name).await.id;
    a_pigeon(&db, id, 300).await;

    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    db.sql("DELETE FROM _lamppost_cached_marks").await;
    db.sql("UPDATE _lamppost_cached_versions SET renewal = 1").await;

    let transaction = if db.is_sqlite() { None } else { Some(db.begin().await.expect("begun")) };
    if let Some(transaction) = &transaction {
        transaction.execute_unprepared("UPDATE lamppost SET note = 'mine'").await.expect("locked");
    }
    installed(&db, lampposts()).await;
    if let Some(transaction) = transaction {
        transaction.rollback().await.expect("rolled back");
    }

    gate.open();
    worker.await.expect("it ran").expect("worked");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, &format!("{name} of nowhere, 1 pigeons of 500, -")).await;
}

#[apply(contract)]
async fn also_when_two_programs_install_at_the_same_time(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    drop_a_trigger_on(&db, "pigeon", "u").await;
    let (one, other) = tokio::join!(installed(&db, lampposts()), installed(&db, lampposts()));
    assert!(one.contains(FLAGGED) || other.contains(FLAGGED), "{one}{other}");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
}

#[apply(contract)]
async fn also_if_the_last_install_was_cut_off_before_it_had_flagged_all(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    db.sql("UPDATE _lamppost_cached_versions SET renewal = 1").await;
    let diagnosis = lampposts().doctor(&*db).await.expect("examined").to_string();
    assert_eq!(
        diagnosis,
        "lamppost: full_name may be outdated: it was calculated by another version, or while one \
         of its inputs was not watched; run `CachedFields::all().repair(&db)`, which flags all rows\n"
    );
    assert_eq!(installed(&db, lampposts()).await, FLAGGED);
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
}

#[apply(contract)]
async fn also_if_the_last_install_was_cut_off_anywhere(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    for (weight, polls) in (1..).map(|weight| (weight, weight - 1)) {
        drop_a_trigger_on(&db, "pigeon", "u").await;
        db.sql(&format!("UPDATE pigeon SET weight_in_g = {weight}")).await;
        let is_done = cut_off(installed(&db, lampposts()), polls).await.is_some();
        installed(&db, lampposts()).await;
        db.drain(lampposts()).await;
        assert_fresh(&db, id, &format!("Ada of nowhere, 1 pigeons of {weight}, -")).await;
        if is_done {
            return;
        }
    }
}

#[apply(contract)]
async fn for_each_field(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    installed(&db, without_the_field::models()).await;
    db.drain(without_the_field::models()).await;
    db.sql("UPDATE _lamppost_cached_versions SET renewal = 1 WHERE field <> 'full_name'").await;
    let report = installed(&db, without_the_field::models()).await;
    assert_eq!(report, "lamppost: flagged 1 row for length\nlamppost: flagged 1 row for half\n");
    let flagged = "SELECT count(*)
                     FROM lamppost
                    WHERE length_recalculation_needed
                      AND half_recalculation_needed";
    assert_eq!(db.scalar::<i64>(flagged).await, 1);
    assert_eq!(db.drain(without_the_field::models()).await, 2);
}

#[apply(contract)]
async fn also_if_our_tables_were_dropped(db: TestDb) {
    // Another connection of SQLite could look for the table where it knows it not to be.
    let db = if db.is_sqlite() { db.with_one_connection().await } else { db };
    a_lamppost_at_rest(&db).await;
    db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
    db.sql("DROP TABLE _lamppost_cached_marks").await;
    let report = installed(&db, lampposts()).await;
    assert!(report.contains(FLAGGED), "{report}");
}

#[apply(contract)]
async fn but_nothing_is_when_a_program_comes_that_depends_on_less(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    let report = installed(&db, other_program::models()).await;
    assert!(!report.contains(": flagged "), "{report}");
}

mod only_on_mysql {
    use super::*;

    /// Each statement commits: what an install that fails has made again stands.
    #[apply(on_mariadb_and_mysql)]
    async fn also_if_the_last_install_failed_after_it_had_made_the_trigger_again(db: TestDb) {
        let id = a_lamppost_at_rest(&db).await;
        drop_a_trigger_on(&db, "pigeon", "u").await;
        db.sql("UPDATE pigeon SET weight_in_g = 500").await;
        db.sql(
            "CREATE TRIGGER refused BEFORE INSERT ON _lamppost_cached_versions
               FOR EACH ROW SIGNAL SQLSTATE '45000'",
        )
        .await;
        lampposts().install(&*db).await.expect_err("nothing can be written down");
        db.sql("DROP TRIGGER refused").await;
        installed(&db, lampposts()).await;
        db.drain(lampposts()).await;
        assert_fresh(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
    }
}

/// A program with the lampposts that keeps something else of them.
mod without_the_field {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::{CachedFields, cached_fields};

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub note: Option<String>,
        #[cached(depends_on(note))]
        pub length: i32,
        #[cached(depends_on(note))]
        pub half: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_length(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.note.as_ref().map_or(0, |note| note.len() as i32))
        }

        pub async fn calculate_half(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.note.as_ref().map_or(0, |note| note.len() as i32 / 2))
        }
    }

    pub fn models() -> CachedFields {
        CachedFields::of::<Entity>()
    }
}
