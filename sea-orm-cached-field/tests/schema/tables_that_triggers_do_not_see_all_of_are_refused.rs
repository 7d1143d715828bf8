use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::refused,
    harness::{TestDb, lampposts::*},
};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

fn lamps() -> CachedFields {
    CachedFields::of::<lamp::Entity>()
}

/// What `lamp` is, as the owner; and what `plaque` is, as a table that it depends on.
async fn is_refused(db: &TestDb, kind: &str, owner: &str, related: &str) {
    db.sql(owner).await;
    let message = refused(db, lamps).await;
    let expected = format!(
        "`lamp`, which the cached fields of `lamp` (label) need, is a {kind}: triggers there do not see every change, so name the ordinary or partitioned table behind it in the entity"
    );
    assert_eq!(message, expected);

    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.sql(related).await;
    let message = refused(db, lampposts).await;
    assert!(
        message.starts_with(&format!(
            "`plaque`, which the cached fields of `lamppost` (full_name) need, is a {kind}: "
        )),
        "{message}"
    );
}

const PLAQUE: &str = "id integer, text varchar, lamppost_id integer";

#[apply(contract)]
async fn a_view_with_triggers_of_its_own(db: TestDb) {
    let instead = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "CREATE TRIGGER writing INSTEAD OF UPDATE ON lamp
              BEGIN UPDATE light
                SET name = NEW.name;
             END"
        }
        DbBackend::Postgres => {
            "CREATE FUNCTION writing() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN UPDATE light SET name = NEW.name; RETURN NEW; END$$;
             CREATE TRIGGER writing INSTEAD OF UPDATE ON lamp
               FOR EACH ROW EXECUTE FUNCTION writing()"
        }
        // It has no such triggers.
        _ => "",
    };

    let owner = format!(
        "CREATE TABLE light (id integer PRIMARY KEY, name varchar(20));
         CREATE VIEW lamp
             AS
         SELECT *
           FROM light;
         {instead}"
    );

    is_refused(
        &db,
        "view",
        &owner,
        "CREATE VIEW plaque AS SELECT 1 AS id, 'x' AS text, 1 AS lamppost_id",
    )
    .await;
}

#[apply(on_postgres)]
async fn a_materialized_view(db: TestDb) {
    let owner = "CREATE MATERIALIZED VIEW lamp
                     AS
                 SELECT 1 AS id, 'Ada'::text AS name, NULL::text AS cached_label,
                        true AS label_recalculation_needed";
    let related =
        "CREATE MATERIALIZED VIEW plaque AS SELECT 1 AS id, 'x'::text AS text, 1 AS lamppost_id";
    is_refused(&db, "materialized view", owner, related).await;
}

#[apply(on_postgres)]
async fn a_foreign_table(db: TestDb) {
    db.sql("CREATE FOREIGN DATA WRAPPER far; CREATE SERVER afar FOREIGN DATA WRAPPER far").await;
    let owner = "CREATE FOREIGN TABLE lamp (id integer, name varchar) SERVER afar";
    is_refused(
        &db,
        "foreign table",
        owner,
        &format!("CREATE FOREIGN TABLE plaque ({PLAQUE}) SERVER afar"),
    )
    .await;
}

#[apply(on_postgres)]
async fn a_foreign_partition(db: TestDb) {
    db.sql("CREATE FOREIGN DATA WRAPPER far; CREATE SERVER afar FOREIGN DATA WRAPPER far").await;
    db.sql(
        "CREATE TABLE lamp (id integer, name varchar) PARTITION BY LIST (id);
            CREATE FOREIGN TABLE lamp_far
            PARTITION OF lamp FOR
            VALUES IN (1) SERVER afar",
    )
    .await;

    let message = refused(&db, lamps).await;
    assert!(
        message.starts_with(
            "`lamp_far`, which the cached fields of `lamp` (label) need, is a foreign table: "
        ),
        "{message}"
    );
}

#[apply(on_postgres)]
async fn a_temporary_table(db: TestDb) {
    let db = db.with_one_connection().await;
    let owner = "CREATE TEMP TABLE lamp (id integer PRIMARY KEY, name varchar)";
    is_refused(&db, "temporary table", owner, &format!("CREATE TEMP TABLE plaque ({PLAQUE})"))
        .await;
}

#[apply(on_postgres)]
async fn a_table_that_others_inherit_from(db: TestDb) {
    let owner = "CREATE TABLE lamp (id integer PRIMARY KEY, name varchar);
                 CREATE TABLE big_lamp () INHERITS (lamp)";
    let related =
        format!("CREATE TABLE plaque ({PLAQUE}); CREATE TABLE big_plaque () INHERITS (plaque)");
    is_refused(&db, "table that others inherit from", owner, &related).await;
}

/// SQLite finds temporary tables first. A trigger of the library could only refer to the tables of
/// the file.
#[apply(on_sqlite)]
async fn a_temporary_or_virtual_table_of_sqlite(db: TestDb) {
    let db = db.with_one_connection().await;
    db.sql("CREATE TEMP TABLE lamp (id integer PRIMARY KEY, name varchar)").await;
    let message = refused(&db, lamps).await;
    assert!(
        message.starts_with(
            "the table `lamp`, which the cached fields of `lamp` (label) need, does not exist"
        ),
        "{message}"
    );

    db.sql("DROP TABLE lamp").await;
    let owner = "CREATE VIRTUAL TABLE lamp USING fts5(id, name)";
    is_refused(
        &db,
        "virtual table",
        owner,
        "CREATE VIRTUAL TABLE plaque USING fts5(id, text, lamppost_id)",
    )
    .await;
}
