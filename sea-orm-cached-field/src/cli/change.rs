//! Commands that change something.

use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{
    Code, Failure,
    args::{Doctor, Install, OfField, Pause},
    ask::groups,
    key::key,
    output::Output,
};
use crate::{CachedFields, Retry};

/// The number of rows that will be tried again.
#[derive(Serialize)]
struct Retried {
    rows: u64,
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
        (None, None, _) => fields.retry(Retry::All, db).await?,
        (Some(field), None, None) => fields.retry(Retry::Field(field), db).await?,
        (Some(field), _, Some(text)) => {
            let key = key(fields, field, text)?;
            fields.retry(Retry::Row(field, &key), db).await?
        }
        (field, like, _) => {
            let mut rows = 0;
            for group in groups(field, like, fields, db).await? {
                rows += fields.retry(Retry::Group(&group), db).await?;
            }
            rows
        }
    };
    output.write("retried", &Retried { rows }, || match rows {
        1 => "1 row will be tried again".to_owned(),
        rows => format!("{rows} rows will be tried again"),
    })?;
    Ok(Code::Done)
}

pub(super) async fn pause(
    Pause { field, reason, by, wait }: &Pause,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    fields.pause(field, by, reason, db).await?;
    if *wait {
        eprintln!("{field} is paused; waiting for the calculations under way");
        fields.wait_for_claims(field, db).await?;
    }
    output.write("paused", field, || format!("{field} is paused by {by}: {reason}"))?;
    Ok(Code::Done)
}

pub(super) async fn resume(
    OfField { field }: &OfField,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let was_paused = fields.resume(field, db).await?;
    output.write("resumed", &was_paused, || match was_paused {
        true => format!("{field} is resumed"),
        false => format!("{field} was not paused"),
    })?;
    Ok(Code::Done)
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
    let diagnose = async || {
        let diagnosis = fields.doctor(db).await?;
        Ok::<_, Failure>(if args.errors { diagnosis } else { diagnosis.without_errors() })
    };

    let mut diagnosis = diagnose().await?;
    if args.repair && !diagnosis.is_healthy() {
        if !output.is_json {
            eprint!("{diagnosis}");
        }
        let changes = fields.repair(db).await?;
        if !output.is_json {
            eprint!("{changes}");
        }
        diagnosis = diagnose().await?;
    }
    output.write("findings", &diagnosis, || diagnosis.to_string())?;
    Ok(if diagnosis.is_healthy() { Code::Done } else { Code::Findings })
}
