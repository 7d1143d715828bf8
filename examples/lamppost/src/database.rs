//! The database of the story: a new SQLite file, or the database of `DATABASE_URL`.

use anyhow::{Context, Result, ensure};
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, EntityName, EntityTrait, Schema,
    TransactionTrait,
};
use sea_orm_cached_field::CachedFields;
use tempfile::TempDir;

use crate::entity::{lamppost, pigeon};

/// Connects, and returns a description of the database. The folder, if there is one, is deleted
/// when it is dropped.
pub(crate) async fn open() -> Result<(DatabaseConnection, String, Option<TempDir>)> {
    if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        let db = Database::connect(&url).await.context("cannot connect to DATABASE_URL")?;
        let place = format!("{:?}, the database of DATABASE_URL", db.get_database_backend());
        return Ok((db, place, None));
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("lamppost.sqlite");
    let db = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
    Ok((db, format!("SQLite, in {}", file.display()), Some(folder)))
}

/// Makes the tables afresh.
pub(crate) async fn make_tables(db: &DatabaseConnection) -> Result<()> {
    refuse_foreign_tables(db).await?;
    let transaction = db.begin().await?;
    CachedFields::all().uninstall(&transaction).await?;
    for table in [pigeon::Entity.table_name(), lamppost::Entity.table_name()] {
        transaction.execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    let schema = Schema::new(db.get_database_backend()).builder();
    schema.register(lamppost::Entity).register(pigeon::Entity).apply(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Refuses to drop a table of the same name that is not this example's.
async fn refuse_foreign_tables(db: &DatabaseConnection) -> Result<()> {
    let ours = lamppost::Entity::find().one(db).await.is_ok()
        && pigeon::Entity::find().one(db).await.is_ok();
    for table in [lamppost::Entity.table_name(), pigeon::Entity.table_name()] {
        let is_there =
            db.execute_unprepared(&format!("SELECT 1 FROM {table} WHERE false")).await.is_ok();
        ensure!(
            ours || !is_there,
            "the database has a table `{table}` that this example did not make: choose another database"
        );
    }
    Ok(())
}
