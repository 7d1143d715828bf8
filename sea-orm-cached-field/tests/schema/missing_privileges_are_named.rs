//! PostgreSQL only: SQLite knows no roles.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::catalog,
    harness::{TestDb, lampposts::*},
};

owner!(torch, { schema_name = "town", table_name = "torch" }, {}, depends_on(name));

/// A role of the server, which must be the test's own, and its rights.
async fn role(db: &TestDb, name: &str, rights: &[&str]) -> (String, DatabaseConnection) {
    let role = format!("cached_field_{name}_{}", std::process::id());
    // As PostgreSQL has it since version 15.
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    db.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    for right in rights {
        db.sql(&right.replace("ROLE", &role)).await;
    }
    let connection = db.connect_as(&role).await;
    (role, connection)
}

/// What an install as this role says; it changes nothing.
async fn refused_to(db: &TestDb, models: CachedFields, name: &str, rights: &[&str]) -> String {
    let (role, poor) = role(db, name, rights).await;
    let before = catalog(db).await;
    let error = models.install(&poor).await.expect_err("it should be refused").to_string();
    poor.close().await.expect("closed");
    assert_eq!(catalog(db).await, before);
    db.drop_role(&role).await;
    error.replace(&role, "poor")
}

async fn tables_of_the_lampposts(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
}

#[apply(on_postgres)]
async fn of_a_role_that_may_only_read_and_write(db: TestDb) {
    tables_of_the_lampposts(&db).await;
    let rights = ["GRANT SELECT, INSERT, UPDATE, TRIGGER ON ALL TABLES IN SCHEMA public TO ROLE"];
    let message = refused_to(&db, lampposts(), "writer", &rights).await;
    insta::assert_snapshot!(message, @r#"to install the cached fields of `lamppost` (full_name) the database's user needs CREATE on the schema "public", ownership of "public"."city", ownership of "public"."lamppost", ownership of "public"."pigeon" and ownership of "public"."plaque": run `GRANT CREATE ON SCHEMA "public" TO poor`, `ALTER TABLE "public"."city" OWNER TO poor`, `ALTER TABLE "public"."lamppost" OWNER TO poor`, `ALTER TABLE "public"."pigeon" OWNER TO poor` and `ALTER TABLE "public"."plaque" OWNER TO poor`, or install as the owner of the tables"#);
}

#[apply(on_postgres)]
async fn of_a_role_that_owns_all_tables_but_one(db: TestDb) {
    tables_of_the_lampposts(&db).await;
    let rights = [
        "GRANT CREATE ON SCHEMA public TO ROLE",
        "ALTER TABLE lamppost OWNER TO ROLE",
        "ALTER TABLE city OWNER TO ROLE",
        "ALTER TABLE plaque OWNER TO ROLE",
    ];
    let message = refused_to(&db, lampposts(), "owner", &rights).await;
    insta::assert_snapshot!(message, @r#"to install the cached fields of `lamppost` (full_name) the database's user needs ownership of "public"."pigeon": run `ALTER TABLE "public"."pigeon" OWNER TO poor`, or install as the owner of the tables"#);
}

#[apply(on_postgres)]
async fn of_a_role_that_may_not_use_the_schema(db: TestDb) {
    db.sql("CREATE SCHEMA town").await;
    db.create(torch::Entity).await;
    let rights = ["ALTER TABLE town.torch OWNER TO ROLE"];
    let message = refused_to(&db, CachedFields::of::<torch::Entity>(), "stranger", &rights).await;
    insta::assert_snapshot!(message, @r#"to install the cached fields of `torch` (label) the database's user needs CREATE on the schema "town" and USAGE on the schema "town": run `GRANT CREATE ON SCHEMA "town" TO poor` and `GRANT USAGE ON SCHEMA "town" TO poor`, or install as the owner of the tables"#);
}

/// The library's functions run as this role: they would not mark rows that are hidden from it.
#[apply(on_postgres)]
async fn of_an_owner_that_row_level_security_is_forced_on(db: TestDb) {
    tables_of_the_lampposts(&db).await;
    db.sql(
        "ALTER TABLE lamppost ENABLE ROW LEVEL SECURITY;
            ALTER TABLE lamppost FORCE ROW LEVEL SECURITY",
    )
    .await;
    let rights = [
        "GRANT CREATE ON SCHEMA public TO ROLE",
        "ALTER TABLE lamppost OWNER TO ROLE",
        "ALTER TABLE city OWNER TO ROLE",
        "ALTER TABLE pigeon OWNER TO ROLE",
        "ALTER TABLE plaque OWNER TO ROLE",
    ];

    let message = refused_to(&db, lampposts(), "forced", &rights).await;
    insta::assert_snapshot!(message, @r#"to install the cached fields of `lamppost` (full_name) the database's user needs BYPASSRLS, for the row-level security of "public"."lamppost" is forced on its owner too: run `ALTER ROLE poor BYPASSRLS`, or install as the owner of the tables"#);
}

#[apply(on_postgres)]
async fn and_what_is_named_is_enough(db: TestDb) {
    tables_of_the_lampposts(&db).await;
    let rights = [
        "GRANT CREATE ON SCHEMA public TO ROLE",
        "ALTER TABLE lamppost OWNER TO ROLE",
        "ALTER TABLE city OWNER TO ROLE",
        "ALTER TABLE pigeon OWNER TO ROLE",
        "ALTER TABLE plaque OWNER TO ROLE",
    ];

    let (role, installer) = role(&db, "installer", &rights).await;
    let installing = lampposts().install(&installer).await.map(|changes| changes.is_empty());
    if installing.is_ok() {
        installer
            .execute_unprepared("INSERT INTO lamppost (first_name) VALUES ('Ada')")
            .await
            .expect("a lamppost");
        lampposts().worker(&installer).drain().await.expect("drained");
        assert_fresh(&db, 1, "Ada of nowhere, 0 pigeons of 0, -").await;
    }

    installer.close().await.expect("closed");
    db.drop_role(&role).await;
    assert!(!installing.expect("installed"));
}
