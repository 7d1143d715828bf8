//! PostgreSQL only: SQLite knows no roles.

use sea_orm::{ConnectionTrait, Database};

use crate::{
    catalog::{catalog, installed},
    harness::{TestDb, lampposts::*},
};

/// What an install as this role says; it changes nothing. Roles belong to the server: the name must be the test's own.
async fn refused_to(db: &TestDb, role: &str, rights: &[&str]) -> String {
    let role = format!("cached_field_{role}_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN")).await;
    for right in rights {
        db.sql(&right.replace("ROLE", &role)).await;
    }
    let before = catalog(db).await;
    let url = db.url.replace("//postgres@", &format!("//{role}@"));
    assert_ne!(url, db.url, "the tests' server should be named with the user postgres");
    let poor = Database::connect(url).await.expect("connected");
    let error = lampposts().install(&poor).await.expect_err("it should be refused").to_string();
    poor.close().await.expect("closed");
    assert_eq!(catalog(db).await, before);
    db.sql(&format!("DROP OWNED BY {role}")).await;
    db.sql(&format!("DROP ROLE {role}")).await;
    error.replace(&role, "poor")
}

async fn tables_of_the_lampposts(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
}

#[tokio::test]
async fn of_a_role_that_may_only_read_and_write() {
    let db = TestDb::postgres().await;
    tables_of_the_lampposts(&db).await;
    let rights = ["GRANT SELECT, INSERT, UPDATE, TRIGGER ON ALL TABLES IN SCHEMA public TO ROLE"];
    insta::assert_snapshot!(refused_to(&db, "writer", &rights).await, @r#"to install the cached fields of `lamppost` (full_name) the database's user needs CREATE on the schema "public" and ownership of "public"."city" and ownership of "public"."lamppost" and ownership of "public"."pigeon" and ownership of "public"."plaque": run `GRANT CREATE ON SCHEMA "public" TO poor` and `ALTER TABLE "public"."city" OWNER TO poor` and `ALTER TABLE "public"."lamppost" OWNER TO poor` and `ALTER TABLE "public"."pigeon" OWNER TO poor` and `ALTER TABLE "public"."plaque" OWNER TO poor`, or install as the owner of the tables"#);
}

#[tokio::test]
async fn of_a_role_that_owns_all_tables_but_one() {
    let db = TestDb::postgres().await;
    tables_of_the_lampposts(&db).await;
    let rights = [
        "GRANT CREATE ON SCHEMA public TO ROLE",
        "ALTER TABLE lamppost OWNER TO ROLE",
        "ALTER TABLE city OWNER TO ROLE",
        "ALTER TABLE plaque OWNER TO ROLE",
    ];
    // DROP OWNED, which ends the test, drops the role's tables.
    insta::assert_snapshot!(refused_to(&db, "owner", &rights).await, @"");
}

#[tokio::test]
async fn of_a_role_that_may_not_use_the_schema() {
    let db = TestDb::postgres().await;
    tables_of_the_lampposts(&db).await;
    let rights = ["REVOKE ALL ON SCHEMA public FROM PUBLIC", "GRANT USAGE ON SCHEMA pg_catalog TO ROLE"];
    insta::assert_snapshot!(refused_to(&db, "stranger", &rights).await, @r#"the table `lamppost`, which the cached fields of `lamppost` (full_name) need, does not exist: create it before `CachedFields::install`, for instance in an earlier migration"#);
}

#[tokio::test]
async fn and_what_is_named_is_enough() {
    let db = TestDb::postgres().await;
    tables_of_the_lampposts(&db).await;
    let role = format!("cached_field_installer_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN")).await;
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
    for table in ["city", "lamppost", "pigeon", "plaque"] {
        db.sql(&format!("ALTER TABLE {table} OWNER TO {role}")).await;
    }
    let installer = Database::connect(db.url.replace("//postgres@", &format!("//{role}@"))).await.expect("connected");
    lampposts().install(&installer).await.expect("installed");
    installer.execute_unprepared("INSERT INTO lamppost (first_name) VALUES ('Ada')").await.expect("a lamppost");
    installer.close().await.expect("closed");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, 1, "Ada of nowhere, 0 pigeons of 0, -").await;
    db.sql(&format!("DROP OWNED BY {role} CASCADE")).await;
    db.sql(&format!("DROP ROLE {role}")).await;
}
