//! The calculation of a field by a worker: term by term, each by a query of its own. Others write
//! in the pauses between.

use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, DatabaseExecutor, Statement,
    sea_query::{Alias, Expr, Query, SelectStatement},
};
use sea_orm_cached_field::BoxError;

use crate::{
    entity::schema,
    mutation,
    schema::{Reads, Term},
    sql::{expression, is_row, key, said},
};

/// The number of calculations in a thousand that fail, and the number that panic.
const FAILURES: u32 = 8;
const PANICS: u32 = 2;

/// Whether calculations of this process fail and panic, and take their time.
pub(crate) static IS_ROUGH: AtomicBool = AtomicBool::new(false);

/// The longest pause in milliseconds, which one pause in five may reach. Two such pauses are longer
/// than the workers' leases.
const LONGEST_PAUSE: u64 = 400;

pub(crate) async fn of_row(
    table: usize,
    field: usize,
    n: i64,
    a: Option<i64>,
    db: &DatabaseExecutor<'_>,
) -> Result<i64, BoxError> {
    match fastrand::u32(..1000) {
        _ if !IS_ROUGH.load(Ordering::Relaxed) => {}
        chance if chance < FAILURES => return Err("a calculation that fails".into()),
        chance if chance < FAILURES + PANICS => panic!("a calculation that panics"),
        _ => {}
    }

    let mut sum = 0;
    for (weight, term) in (1..).zip(&schema().tables[table].fields[field].terms) {
        let value = match term {
            // This is what the library has loaded.
            Term::Path(hops, Reads::Data(0)) if hops.is_empty() => a.unwrap_or(0),
            _ => read(table, term, n, db).await?,
        };
        sum += weight * value;
        pause().await;
    }

    if mutation::reads_before_the_claim() {
        return Ok(as_read_last_time((table, field, n), sum));
    }
    Ok(sum)
}

async fn read(
    table: usize,
    term: &Term,
    n: i64,
    db: &DatabaseExecutor<'_>,
) -> Result<i64, BoxError> {
    let backend = db.get_database_backend();
    let name = schema().tables[table].name;
    let value = expression(schema(), table, term, backend, Some(n));
    let sql = format!("SELECT {value} AS value FROM \"{name}\" x0 WHERE {}", is_row(table, n));
    let row = db.query_one_raw(Statement::from_string(backend, said(backend, &sql))).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "value"))?)
}

async fn pause() {
    if !IS_ROUGH.load(Ordering::Relaxed) {
        return;
    }
    let longest = if fastrand::u8(..5) == 0 { LONGEST_PAUSE } else { LONGEST_PAUSE / 20 };
    tokio::time::sleep(Duration::from_millis(fastrand::u64(..=longest))).await;
}

/// Table, field and number.
type Place = (usize, usize, i64);

/// Returns the value that a worker would store if it read its inputs before the claim.
fn as_read_last_time(row: Place, read: i64) -> i64 {
    static LAST: LazyLock<Mutex<HashMap<Place, i64>>> = LazyLock::new(Mutex::default);
    LAST.lock().unwrap_or_else(PoisonError::into_inner).insert(row, read).unwrap_or(read)
}

/// Returns the calculation as a query: the key, and the value. The quotes are the database's,
/// because the query is written once for all databases.
pub(crate) fn select(table: usize, field: usize) -> SelectStatement {
    let backend = crate::BACKEND.get().copied().expect("the database is known by now");
    let terms = (1..).zip(&schema().tables[table].fields[field].terms);
    let terms: Vec<String> = terms
        .map(|(weight, term)| {
            format!("{weight} * {}", expression(schema(), table, term, backend, None))
        })
        .collect();

    let row = Alias::new("x0");
    let mut select = Query::select();
    select.from_as(Alias::new(schema().tables[table].name), row.clone());
    for (column, _) in key(table) {
        select.expr(Expr::col((row.clone(), Alias::new(*column))));
    }
    select.expr(Expr::cust(said(backend, &terms.join(" + "))));
    select
}
