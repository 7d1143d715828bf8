//! Effects of users' triggers inside the library's statements. On PostgreSQL the library's
//! functions have a `search_path` of their own. Functions of the user that run inside must not have
//! it.

use crate::{harness::lampposts::*, support::Watch};

const LOG: &str = "
    CREATE TABLE log (entry text);
    CREATE FUNCTION shorten(text) RETURNS text LANGUAGE sql AS 'SELECT substr($1, 1, 3)';
    CREATE FUNCTION write_log() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO log VALUES (shorten(NEW.first_name)); RETURN NULL; END$$;
    CREATE TRIGGER log_lampposts AFTER UPDATE ON lamppost
      FOR EACH ROW EXECUTE FUNCTION write_log()";

/// The flag is set at COMMIT, or by the worker; either way the user's trigger finds its tables and
/// functions.
#[apply(on_postgres)]
async fn when_the_flag_is_set_for_a_related_row(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Adalbert").await;
    let mut watch = Watch::begin(&db, lampposts).await;
    db.sql(LOG).await;
    a_pigeon(&db, 1, 5).await;
    assert_eq!(db.scalar::<String>("SELECT entry FROM log").await, "Ada");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

/// A BEFORE trigger after the library's changes an input: another statement of the library sets the
/// flag.
#[apply(on_postgres)]
async fn when_the_flag_is_set_behind_another_trigger(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Adalbert").await;
    let mut watch = Watch::begin(&db, lampposts).await;
    db.sql(LOG).await;
    db.sql(
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN NEW.first_name := upper(NEW.first_name); RETURN NEW; END$$;
         CREATE TRIGGER zzz_shout BEFORE UPDATE ON lamppost FOR EACH ROW EXECUTE FUNCTION shout()",
    )
    .await;
    assert_eq!(watch.after("UPDATE lamppost SET note = 'x'").await, ["lamppost.full_name 1"]);
    assert!(db.scalar::<i64>("SELECT count(*) FROM log WHERE entry = 'ADA'").await > 0);
}

/// A write by a trigger of the user inside a statement of the library is foreign, and an input is
/// an input.
#[apply(on_postgres)]
async fn and_what_they_write_inside_of_our_statements_is_seen(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    a_lamppost(&db, "Bob").await;
    let mut watch = Watch::begin(&db, lampposts).await;
    db.sql(
        "CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN UPDATE lamppost SET first_name = first_name || '!' WHERE id = 2; RETURN NULL; END$$;
         CREATE TRIGGER follow AFTER UPDATE ON lamppost
           FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION follow()",
    )
    .await;
    a_pigeon(&db, 1, 5).await;
    assert!(watch.recalculated().await.contains(&"lamppost.full_name 2".to_owned()));
}

/// It runs inside the completion of the one, and writes what the other is calculated from.
#[apply(contract)]
async fn and_what_they_write_to_other_rows_inside_of_a_completion_is_seen(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    let bob = a_lamppost(&db, "Bob").await;
    a_pigeon(&db, bob.id, 5).await;
    let mut watch = Watch::begin(&db, lampposts).await;

    let change = "UPDATE pigeon SET weight_in_g = weight_in_g + 1";
    let following = if db.is_sqlite() {
        format!(
            "CREATE TRIGGER follow AFTER UPDATE OF cached_full_name ON lamppost WHEN NEW.id = 1
             BEGIN
               {change};
             END"
        )
    } else if db.is_mysql() {
        format!(
            "CREATE TRIGGER follow AFTER UPDATE ON lamppost FOR EACH ROW
             IF NEW.id = 1 AND NEW.cached_full_name <> OLD.cached_full_name THEN {change}; END IF"
        )
    } else {
        format!(
            "CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN {change}; RETURN NULL; END$$;
             CREATE TRIGGER follow AFTER UPDATE OF cached_full_name ON lamppost
               FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION follow()"
        )
    };

    db.sql(&following).await;
    let both = ["lamppost.full_name 1", "lamppost.full_name 2"];
    assert_eq!(watch.after("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1").await, both);
    assert_fresh(&db, 2, "Bob of nowhere, 1 pigeons of 6, -").await;
}

/// What is written was calculated from the row as it stood before.
#[apply(contract)]
async fn and_what_they_write_to_the_row_itself_inside_of_a_completion_is_seen(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    let once = "OLD.first_name = 'Cid' AND NEW.cached_full_name LIKE 'Cid%'";
    let renaming = if db.is_sqlite() {
        format!(
            "CREATE TRIGGER zzz_rename AFTER UPDATE OF cached_full_name ON lamppost WHEN {once}
             BEGIN
               UPDATE lamppost SET first_name = 'Dan' WHERE id = NEW.id;
             END"
        )
    } else if db.is_mysql() {
        format!(
            "CREATE TRIGGER zzz_rename BEFORE UPDATE ON lamppost FOR EACH ROW
             IF {once} THEN
               SET NEW.first_name = 'Dan';
             END IF"
        )
    } else {
        format!(
            "CREATE FUNCTION rename() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN NEW.first_name := 'Dan'; RETURN NEW; END$$;
             CREATE TRIGGER zzz_rename BEFORE UPDATE ON lamppost
               FOR EACH ROW WHEN ({once}) EXECUTE FUNCTION rename()"
        )
    };

    db.sql(&renaming).await;
    db.sql("UPDATE lamppost SET first_name = 'Cid'").await;
    watch.recalculated().await;
    assert_fresh(&db, 1, "Dan of nowhere, 0 pigeons of 0, -").await;
}
