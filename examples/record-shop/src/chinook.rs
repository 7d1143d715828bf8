//! Loads the Chinook data, which is built into the program.

use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use csv::StringRecord;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, DbBackend, EntityTrait, Iterable, TransactionTrait, Value,
    prelude::{DateTimeUtc, Decimal},
};

use crate::{
    database::TABLES,
    entity::{
        album, artist, customer, employee, genre, invoice, invoice_line, media_type, playlist,
        playlist_track, shop, track,
    },
};

/// The number of values in one INSERT. SQLite (32,766) and PostgreSQL (65,535) bind more than that
/// in one statement.
const VALUES_PER_INSERT: usize = 30_000;

macro_rules! data {
    ($file:literal) => {
        include_str!(concat!("../data/", $file, ".csv"))
    };
}

/// Loads all tables in one transaction, and returns the number of rows.
pub async fn load(db: &DatabaseConnection) -> Result<usize> {
    load_tables(db, &TABLES).await
}

/// Loads these tables in one transaction, and returns the number of rows.
pub async fn load_tables(db: &DatabaseConnection, tables: &[&str]) -> Result<usize> {
    let transaction = db.begin().await?;
    let mut rows = 0;
    for table in tables {
        rows += load_table(&transaction, table).await?;
    }
    transaction.commit().await?;
    Ok(rows)
}

async fn load_table(db: &DatabaseTransaction, table: &str) -> Result<usize> {
    match table {
        "artist" => insert::<artist::Entity>(db, data!("artist")).await,
        "album" => insert::<album::Entity>(db, data!("album")).await,
        "shop" => insert::<shop::Entity>(db, data!("shop")).await,
        "genre" => insert::<genre::Entity>(db, data!("genre")).await,
        "media_type" => insert::<media_type::Entity>(db, data!("media_type")).await,
        "track" => insert::<track::Entity>(db, data!("track")).await,
        "employee" => insert::<employee::Entity>(db, data!("employee")).await,
        "customer" => insert::<customer::Entity>(db, data!("customer")).await,
        "invoice" => insert::<invoice::Entity>(db, data!("invoice")).await,
        "invoice_line" => insert::<invoice_line::Entity>(db, data!("invoice_line")).await,
        "playlist" => insert::<playlist::Entity>(db, data!("playlist")).await,
        "playlist_track" => insert::<playlist_track::Entity>(db, data!("playlist_track")).await,
        _ => bail!("there is no table `{table}`"),
    }
}

async fn insert<E>(db: &DatabaseTransaction, data: &str) -> Result<usize>
where
    E: EntityTrait<ActiveModel: Send>,
{
    let table = E::default().table_name().to_owned();
    let rows = read::<E>(data).with_context(|| format!("{table}.csv"))?;

    for chunk in rows.chunks(VALUES_PER_INSERT / E::Column::iter().count()) {
        E::insert_many(chunk.to_vec())
            .exec_without_returning(db)
            .await
            .with_context(|| table.clone())?;
    }

    if db.get_database_backend() == DbBackend::Postgres {
        // The ids come with the data. The next one has to follow them.
        let next =
            format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}");
        db.execute_unprepared(&next).await?;
    }

    Ok(rows.len())
}

fn read<E: EntityTrait>(data: &str) -> Result<Vec<E::ActiveModel>> {
    let mut reader = csv::Reader::from_reader(data.as_bytes());
    let columns: Vec<E::Column> =
        reader.headers()?.iter().map(column::<E>).collect::<Result<_>>()?;
    reader.records().map(|record| row::<E>(&columns, &record?)).collect()
}

/// Returns the column of a heading. The shop's own total is calculated; the total of the data is
/// kept beside it.
fn column<E: EntityTrait>(heading: &str) -> Result<E::Column> {
    let name = if heading == "total" { "recorded_total" } else { heading };
    E::Column::from_str(name).map_err(|_| anyhow!("there is no column `{name}`"))
}

fn row<E: EntityTrait>(columns: &[E::Column], record: &StringRecord) -> Result<E::ActiveModel> {
    let mut row = <E::ActiveModel as ActiveModelTrait>::default();
    for (column, text) in columns.iter().zip(record) {
        let value =
            value(column.def().get_column_type(), text).with_context(|| format!("{record:?}"))?;
        row.try_set(*column, value)?;
    }
    Ok(row)
}

/// Converts a field of the data. An empty one is NULL.
fn value(column_type: &ColumnType, text: &str) -> Result<Value> {
    fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        text: &str,
    ) -> Result<Value>
    where
        Option<T>: Into<Value>,
    {
        Ok(Some(text).filter(|text| !text.is_empty()).map(str::parse::<T>).transpose()?.into())
    }

    match column_type {
        ColumnType::Integer => parse::<i32>(text),
        ColumnType::String(_) => parse::<String>(text),
        ColumnType::Decimal(_) => parse::<Decimal>(text),
        ColumnType::TimestampWithTimeZone => parse::<DateTimeUtc>(text),
        other => bail!("no entity has a column of type {other:?}"),
    }
}
