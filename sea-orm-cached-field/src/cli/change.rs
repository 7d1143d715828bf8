//! Commands that change something.

use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{
    Code, Failure,
    args::{Doctor, Flag, Install, OfField, Pause, Recalculate},
    ask::{groups, key},
    output::Output,
};
use crate::{CachedFields, Key, Retry};

/// The number of rows that a command has changed.
#[derive(Serialize)]
struct Changed {
    rows: u64,
}

/// Writes the number of rows, as in `3 rows were flagged`.
fn write_rows(output: Output, member: &str, rows: u64, what: &str) -> Result<Code, Failure> {
    let text = || match rows {
        1 => format!("1 row {what}"),
        rows => format!("{rows} rows {what}"),
    };
    output.write(member, &Changed { rows }, text)?;
    Ok(Code::Done)
}

pub(super) async fn retry(
    field: Option<&str>,
    like: Option<&str>,
    of_row: Option<&str>,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let rows = match (field, like, of_row) {
        (None, None, _) => fields.retry(db, Retry::All).await?,
        (Some(field), None, None) => fields.retry(db, Retry::Field(field)).await?,
        (Some(field), _, Some(text)) => {
            let key = key(fields, field, text)?;
            fields.retry(db, Retry::Row(field, &key)).await?
        }
        (field, like, _) => {
            let mut rows = 0;
            for group in groups(field, like, fields, db).await? {
                rows += fields.retry(db, Retry::Group(&group)).await?;
            }
            rows
        }
    };
    write_rows(output, "retried", rows, "will be tried again")
}

pub(super) async fn pause(
    Pause { field, reason, by }: &Pause,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    fields.pause(db, field, by, reason).await?;
    output.write("paused", field, || format!("{field} is paused by {by}: {reason}"))?;
    Ok(Code::Done)
}

pub(super) async fn resume(
    OfField { field }: &OfField,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let was_paused = fields.resume(db, field).await?;
    output.write("resumed", &was_paused, || match was_paused {
        true => format!("{field} is resumed"),
        false => format!("{field} was not paused"),
    })?;
    Ok(Code::Done)
}

fn keys(fields: &CachedFields, field: &str, texts: &[String]) -> Result<Vec<Key>, Failure> {
    let keys = texts.iter().map(|text| key(fields, field, text));
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) async fn flag(
    Flag { field, keys: texts, all }: &Flag,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let keys = keys(fields, field, texts)?;
    let rows = fields.flag(db, field, (!all).then_some(keys.as_slice())).await?;
    write_rows(output, "flagged", rows, "flagged")
}

pub(super) async fn recalculate(
    Recalculate { field, keys: texts }: &Recalculate,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let keys = keys(fields, field, texts)?;
    let rows = fields.recalculate(db, field, &keys).await?;
    write_rows(output, "recalculated", rows, "recalculated")
}

pub(super) async fn install(
    args: &Install,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    if args.dry_run || args.check {
        let plan = fields.plan(db).await?;
        output.write("plan", &plan, || plan.to_string())?;
        let is_finding = args.check && !plan.is_empty();
        return Ok(if is_finding { Code::Findings } else { Code::Done });
    }
    let changes = fields.install(db).await?;
    output.write("changes", &changes, || changes.to_string())?;
    Ok(Code::Done)
}

pub(super) async fn uninstall(
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let changes = fields.uninstall(db).await?;
    output.write("changes", &changes, || changes.to_string())?;
    Ok(Code::Done)
}

pub(super) async fn doctor(
    args: &Doctor,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let mut diagnosis = fields.doctor(db).await?;
    if args.repair && !diagnosis.is_healthy() {
        if !output.is_json {
            eprint!("{diagnosis}");
        }
        let changes = fields.repair(db).await?;
        if !output.is_json {
            eprint!("{changes}");
        }
        diagnosis = fields.doctor(db).await?;
    }
    output.write("findings", &diagnosis, || diagnosis.to_string())?;
    Ok(if diagnosis.is_healthy() { Code::Done } else { Code::Findings })
}
