//! The database of the shop: a new SQLite file, or the database of `DATABASE_URL`.

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, EntityTrait, Schema};
use sea_orm_cached_field::CachedFields;
use tempfile::TempDir;

use crate::entity::{
    album, artist, customer, employee, genre, invoice, invoice_line, media_type, playlist,
    playlist_track, shop, track,
};

/// All tables; each comes after those that it refers to.
pub const TABLES: [&str; 12] = [
    "artist",
    "album",
    "shop",
    "genre",
    "media_type",
    "track",
    "employee",
    "customer",
    "invoice",
    "invoice_line",
    "playlist",
    "playlist_track",
];

/// Connects, and returns a description of the database. The folder, if there is one, is deleted
/// when it is dropped.
pub async fn open() -> Result<(DatabaseConnection, String, Option<TempDir>)> {
    if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        let db = Database::connect(&url).await.context("cannot connect to DATABASE_URL")?;
        let place = format!("{:?}, the database of DATABASE_URL", db.get_database_backend());
        return Ok((db, place, None));
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("record-shop.sqlite");
    let db = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
    Ok((db, format!("SQLite, in {}", file.display()), Some(folder)))
}

/// Makes the tables afresh.
pub async fn make_tables(db: &DatabaseConnection) -> Result<()> {
    refuse_foreign_tables(db).await?;
    CachedFields::all().uninstall(db).await?;

    for table in TABLES.iter().rev() {
        db.execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }

    let schema = Schema::new(db.get_database_backend()).builder();
    let schema = schema.register(artist::Entity).register(album::Entity).register(shop::Entity);
    let schema = schema
        .register(genre::Entity)
        .register(media_type::Entity)
        .register(track::Entity)
        .register(employee::Entity);
    let schema =
        schema.register(customer::Entity).register(invoice::Entity).register(invoice_line::Entity);
    Ok(schema.register(playlist::Entity).register(playlist_track::Entity).apply(db).await?)
}

/// Refuses to drop tables of these names that are not this example's. Its own are known by the
/// invoice's columns.
async fn refuse_foreign_tables(db: &DatabaseConnection) -> Result<()> {
    let ours = invoice::Entity::find().one(db).await.is_ok();
    for table in TABLES {
        let is_there =
            db.execute_unprepared(&format!("SELECT 1 FROM {table} WHERE false")).await.is_ok();
        ensure!(
            ours || !is_there,
            "the database has a table `{table}` that this example did not make: choose another database"
        );
    }
    Ok(())
}
