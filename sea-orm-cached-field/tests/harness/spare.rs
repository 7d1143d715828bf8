//! Databases of PostgreSQL that a test has left. To empty one, and to give it another name, is much
//! quicker than to drop it and to create the next.

use std::sync::{Mutex, PoisonError};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};

#[derive(Default)]
struct Spare {
    names: Vec<String>,
    /// How many databases tests of this process use now.
    in_use: usize,
}

static SPARE: Mutex<Spare> = Mutex::new(Spare { names: Vec::new(), in_use: 0 });

fn spare<T>(with: impl FnOnce(&mut Spare) -> T) -> T {
    with(&mut SPARE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Everything that a test can have made in a database, and the schema `public` as a new database
/// has it.
const EMPTY: &str = "
DO $$
DECLARE
    schema text;
    wrapper text;
BEGIN
    FOR schema IN
        SELECT quote_ident(nspname)
          FROM pg_namespace
         WHERE nspname <> 'information_schema'
           AND nspname !~ '^pg_'
    LOOP
        EXECUTE 'DROP SCHEMA ' || schema || ' CASCADE';
    END LOOP;

    -- These belong to no schema.
    FOR wrapper IN
        SELECT quote_ident(fdwname)
          FROM pg_foreign_data_wrapper
    LOOP
        EXECUTE 'DROP FOREIGN DATA WRAPPER ' || wrapper || ' CASCADE';
    END LOOP;

    CREATE SCHEMA public;
    IF current_setting('server_version_num')::integer < 150000 THEN
        GRANT ALL ON SCHEMA public TO PUBLIC;
    ELSE
        ALTER SCHEMA public OWNER TO pg_database_owner;
        GRANT USAGE ON SCHEMA public TO PUBLIC;
    END IF;

    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
END
$$";

const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid)
   FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Gives a spare database this name. Returns whether there was one.
pub async fn take(server: &DatabaseConnection, name: &str) -> bool {
    let taken = spare(|spare| {
        spare.in_use += 1;
        spare.names.pop()
    });

    let Some(taken) = taken else { return false };
    let renamed =
        server.execute_unprepared(&format!("ALTER DATABASE {taken} RENAME TO {name}")).await;
    if renamed.is_err() {
        // A pooler keeps sessions of it.
        server
            .execute_unprepared(&format!("DROP DATABASE {taken} WITH (FORCE)"))
            .await
            .expect("dropped");
    }
    renamed.is_ok()
}

/// Empties the database that a test leaves, for the next one. Returns which databases are to be
/// dropped: all of them, if no test uses any now.
pub async fn keep(url: &str, name: String) -> Vec<String> {
    let emptied = empty(url).await;
    spare(|spare| {
        spare.in_use -= 1;
        let mut left =
            if spare.in_use == 0 { std::mem::take(&mut spare.names) } else { Vec::new() };
        if emptied.is_ok() && spare.in_use > 0 {
            spare.names.push(name);
        } else {
            left.push(name);
        }
        left
    })
}

async fn empty(url: &str) -> Result<(), DbErr> {
    let db = Database::connect(
        ConnectOptions::new(url).max_connections(1).sqlx_logging(false).to_owned(),
    )
    .await?;
    db.execute_unprepared(END_SESSIONS).await?;
    db.execute_unprepared(EMPTY).await?;
    db.close().await
}
