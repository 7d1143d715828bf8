use sea_orm::JsonValue;

use crate::{
    harness::{TestDb, lampposts::*},
    support::Watch,
};

const OURS: [&str; 3] =
    ["cached_full_name", "full_name_recalculation_needed", "full_name_expires_after"];

/// Returns all rows of all tables of the user, without the library's columns.
async fn foreign_columns(db: &TestDb) -> Vec<JsonValue> {
    let mut rows = Vec::new();
    for table in ["lamppost", "pigeon", "city", "plaque"] {
        rows.extend(db.rows(&format!("SELECT * FROM {table} ORDER BY id")).await);
    }
    for row in &mut rows {
        row.as_object_mut().expect("a row").retain(|column, _| !OURS.contains(&column.as_str()));
    }
    rows
}

async fn furnished(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    db.sql("INSERT INTO city (id, name, mayor) VALUES (1, 'Rome', 'x')").await;
    db.sql(
        "INSERT INTO lamppost (first_name, note, city_id) VALUES ('Ada', 'n', 1), ('Bob', NULL, 1)",
    )
    .await;
    db.sql(
        "INSERT INTO pigeon (weight_in_g, colour, ring, lamppost_id)
         VALUES (5, 'grey', 'r', 1), (6, NULL, NULL, 1)",
    )
    .await;
    db.sql("INSERT INTO plaque (text, lamppost_id) VALUES ('t', 1)").await;
    Watch::begin(db, lampposts).await
}

#[apply(contract)]
async fn of_a_row_that_is_recalculated(db: TestDb) {
    let mut watch = furnished(&db).await;
    db.sql("UPDATE lamppost SET note = 'kept'").await;
    db.sql("UPDATE city SET name = 'Oslo'").await;
    let before = foreign_columns(&db).await;
    assert_eq!(before.len(), 6);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
    assert_eq!(foreign_columns(&db).await, before);
}

#[apply(contract)]
async fn a_column_that_changes_meanwhile_keeps_its_change(db: TestDb) {
    let mut watch = furnished(&db).await;
    db.sql("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1").await;
    db.sql("CREATE TABLE touched (id integer, note varchar(100))").await;

    let journal = if db.is_sqlite() {
        "CREATE TRIGGER journal AFTER UPDATE OF first_name, note, city_id ON lamppost BEGIN
           INSERT INTO touched VALUES (NEW.id, NEW.note);
         END"
    } else if db.is_mysql() {
        "CREATE TRIGGER journal AFTER UPDATE ON lamppost FOR EACH ROW
           IF NOT (OLD.first_name <=> NEW.first_name
                   AND OLD.note <=> NEW.note
                   AND OLD.city_id <=> NEW.city_id) THEN
             INSERT INTO touched VALUES (NEW.id, NEW.note);
           END IF"
    } else {
        "CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO public.touched VALUES (NEW.id, NEW.note); RETURN NULL; END$$;
         CREATE TRIGGER journal AFTER UPDATE OF first_name, note, city_id ON lamppost
           FOR EACH ROW EXECUTE FUNCTION journal()"
    };

    db.sql(journal).await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(
        db.rows("SELECT * FROM touched").await.len(),
        0,
        "no other column is so much as named"
    );

    db.sql("UPDATE lamppost SET note = 'm' WHERE id = 1").await;
    assert_eq!(db.rows("SELECT * FROM touched").await.len(), 1, "the journal works");
}

#[apply(on_postgres)]
async fn a_row_that_is_not_stale_is_not_written_at_all(db: TestDb) {
    let mut watch = furnished(&db).await;
    let versions = "SELECT string_agg(ctid::text || xmin::text, ' ' ORDER BY id)
                      FROM lamppost
                     WHERE id <> 1";
    let before: String = db.scalar(versions).await;
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 50").await, ["lamppost.full_name 1"]);
    assert_eq!(db.scalar::<String>(versions).await, before);
}
