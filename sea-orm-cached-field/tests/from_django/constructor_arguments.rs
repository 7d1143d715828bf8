//! The arguments of the original's fields.

use chrono::{TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait};
use sea_orm_cached_field::Event;

use crate::{harness::TestDb, street::*};

async fn indexes(db: &TestDb) -> String {
    let text = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'index'",
        DbBackend::MySql => {
            "SELECT DISTINCT index_name AS name
               FROM information_schema.statistics
              WHERE table_name = 'lamppost'
                AND table_schema = database()"
        }
        _ => "SELECT indexname::text AS name FROM pg_indexes WHERE tablename = 'lamppost'",
    };
    db.rows(text).await.iter().map(|row| row["name"].to_string()).collect()
}

#[apply(contract)]
async fn calculation_method_name(db: TestDb) {
    let ada = set_up(&db).await;
    assert_eq!(ada.letters(&*db).await.unwrap(), 3);
}

#[apply(contract)]
async fn cached_field_name(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    assert_eq!(
        (ada(&db).await.letter_count, db.scalar::<i32>("SELECT letter_count FROM lamppost").await),
        (Some(3), 3)
    );
}

// The original's task knows flags by the pattern of their name alone.
#[apply(contract)]
async fn recalculation_needed_field_name(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    db.sql("UPDATE lamppost SET letters_are_stale = true").await;
    assert_eq!(drain(&db).await, 1);
    assert!(!ada(&db).await.letters_are_stale);
}

#[apply(contract)]
async fn expiration_field_name(db: TestDb) {
    set_up(&db).await.expire_letters_after(Utc::now() + TimeDelta::days(9), &*db).await.unwrap();
    assert!(ada(&db).await.letters_until.is_some());
    drain(&db).await;
    db.sql("UPDATE lamppost SET letters_until = '2020-01-31 10:20:30'").await;
    assert_eq!(drain(&db).await, 1);
    assert_eq!(ada(&db).await.letters_until, None);
}

#[apply(contract)]
async fn temporal_triggers(db: TestDb) {
    let ada = set_up(&db).await;
    ada.expire_slow_full_name_after(Utc::now(), &*db).await.unwrap();
    db.sql("SELECT slow_full_name_expires_after, letters_until FROM lamppost").await;
    assert!(db.execute_unprepared("SELECT continent_expires_after FROM lamppost").await.is_err());
}

#[apply(contract)]
async fn post_calculation_hook_method_name(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    assert_eq!(db.scalar::<String>("SELECT name FROM announcement").await, "The Ada of Peru");
    // In the original "exceptions in a post-hook will potentially break saves of the data".
    let mut narration = db.narration();
    db.sql("UPDATE lamppost SET first_name = 'Hoarse'").await;
    drain(&db).await;
    narration.wait_for(|event| matches!(event, Event::HookFailed { .. })).await;
    let hoarse = ada(&db).await;
    assert_eq!(
        (hoarse.cached_slow_full_name.as_deref(), hoarse.slow_full_name_recalculation_needed),
        (Some("The Hoarse of Peru"), false)
    );
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn db_index_on_temporal_trigger_field(db: TestDb) {
    set_up(&db).await;
    let indexes = indexes(&db).await;
    assert!(
        ["slow_full_name_expires_after", "letters_until"]
            .iter()
            .all(|column| indexes.contains(column)),
        "{indexes}"
    );
}

#[apply(contract)]
async fn db_index_on_recalculation_needed_field(db: TestDb) {
    set_up(&db).await;
    let indexes = indexes(&db).await;
    assert!(indexes.contains("lamppost_cached_letters_are_stale"), "{indexes}");
    assert!(!indexes.contains("slow_full_name_recalculation_needed"), "{indexes}");
    assert_eq!(lampposts().install(&*db).await.unwrap().to_string(), "nothing to do\n");
}

// `max_length` and what else the field of the column takes.
#[apply(contract)]
async fn the_arguments_of_the_column(db: TestDb) {
    set_up(&db).await;
    lamppost(&db, &"x".repeat(40), "Peru").await;
    drain(&db).await;
    let fits = if db.is_sqlite() { 2 } else { 1 };
    let stored = Entity::find().all(&*db).await.unwrap();
    assert_eq!(
        stored.iter().filter(|row| row.cached_slow_full_name.is_some()).count(),
        fits,
        "SQLite has no limits"
    );
    assert_eq!(Entity::find().count(&*db).await.unwrap(), 2);
}
