//! Commands that do something to rows: to some, or to all from one key to another.

use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{
    Code, Failure,
    args::{Flag, Recalculate, Rows},
    key::{self, key, quoted},
    output::{Output, Progress},
    work::interrupted,
};
use crate::{CachedFields, Error, Key};

/// The number of rows between two places where the command can be interrupted.
const PAGE: u64 = 200;

/// What was done to rows.
#[derive(Default, Serialize)]
struct Done {
    rows: u64,
    failed: u64,
    /// The key that was reached, as an option takes it, if rows were taken in order.
    last: Option<String>,
    is_interrupted: bool,
}

impl Done {
    /// Returns it as in `3 rows flagged`.
    fn text(&self, what: &str) -> String {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        match self.failed {
            0 => format!("{} {rows} {what}", self.rows),
            failed => format!("{} {rows} {what}, {failed} failed", self.rows),
        }
    }

    fn write(&self, output: Output, member: &str, what: &str) -> Result<Code, Failure> {
        output.write(member, self, || self.text(what))?;
        Ok(match self {
            Self { is_interrupted: true, .. } => Code::Interrupted,
            Self { failed: 1.., .. } => Code::Findings,
            _ => Code::Done,
        })
    }
}

pub(super) async fn flag(
    Flag { field, rows }: &Flag,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let done = match rows {
        Rows { keys, .. } if !keys.is_empty() => {
            let keys = keys_of(fields, field, keys)?;
            Done { rows: fields.flag(field, Some(&keys), db).await?, ..Done::default() }
        }
        Rows { after: None, to: None, .. } => {
            Done { rows: fields.flag(field, None, db).await?, ..Done::default() }
        }
        rows => {
            let flag = async |keys: &[Key]| fields.flag(field, Some(keys), db).await;
            in_order(field, rows, fields, db, "flagged", flag).await?
        }
    };
    done.write(output, "flagged", "flagged")
}

pub(super) async fn recalculate(
    Recalculate { field, rows }: &Recalculate,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let recalculate = async |keys: &[Key]| fields.recalculate(field, keys, db).await;
    let done = if rows.keys.is_empty() {
        in_order(field, rows, fields, db, "recalculated", recalculate).await?
    } else {
        let keys = keys_of(fields, field, &rows.keys)?;
        Done { rows: recalculate(&keys).await?, ..Done::default() }
    };
    done.write(output, "recalculated", "recalculated")
}

fn keys_of(fields: &CachedFields, field: &str, texts: &[String]) -> Result<Vec<Key>, Failure> {
    let keys = texts.iter().map(|text| key(fields, field, text));
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The key that was reached. Where the command ends early, it says so.
struct Reached {
    last: Option<String>,
    is_done: bool,
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let (Some(last), false) = (&self.last, self.is_done) {
            eprintln!("continue with --after {}", quoted(last));
        }
    }
}

/// Does something to all rows from one key to another, page by page, until it is interrupted. If it
/// fails for a page, it is done to each row by itself.
async fn in_order(
    field: &str,
    rows: &Rows,
    fields: &CachedFields,
    db: &DatabaseConnection,
    what: &str,
    act: impl AsyncFn(&[Key]) -> Result<u64, Error>,
) -> Result<Done, Failure> {
    let bound =
        |text: &Option<String>| text.as_ref().map(|text| key(fields, field, text)).transpose();
    let mut after = bound(&rows.after)?;
    let to = bound(&rows.to)?;

    let mut done = Done::default();
    let mut reached = Reached { last: rows.after.clone(), is_done: false };
    let progress = Progress::new();
    let mut interrupted = std::pin::pin!(interrupted());
    loop {
        let page = fields.keys(field, after.as_ref(), to.as_ref(), PAGE, db).await?;
        let Some(last) = page.last() else {
            reached.is_done = true;
            done.last = reached.last.take();
            return Ok(done);
        };
        let acted = async {
            match act(&page).await {
                Ok(rows) => Ok((rows, 0)),
                Err(_) => one_by_one(&page, &act, done.failed == 0).await,
            }
        };
        tokio::select! {
            acted = acted => {
                let (rows, failed) = acted?;
                done.rows += rows;
                done.failed += failed;
            }
            () = &mut interrupted => {
                done.is_interrupted = true;
                done.last = reached.last.clone();
                return Ok(done);
            }
        }
        reached.last = Some(key::text(last));
        after = Some(last.clone());
        progress.show(|| done.text(what));
    }
}

/// Returns the number of rows to which it was done, and of those for which it fails. Rows that do
/// not exist any more count as neither. `tells`: the first error is written to stderr.
async fn one_by_one(
    keys: &[Key],
    act: &impl AsyncFn(&[Key]) -> Result<u64, Error>,
    tells: bool,
) -> Result<(u64, u64), Failure> {
    let (mut rows, mut failed) = (0, 0);
    for key in keys {
        match act(std::slice::from_ref(key)).await {
            Ok(one) => rows += one,
            Err(Error::RowGone { .. }) => {}
            Err(error) if error.is_transient() || matches!(error, Error::NotInstalled { .. }) => {
                return Err(error.into());
            }
            Err(error) => {
                if tells && failed == 0 {
                    eprintln!("{}: {}", key::text(key), error.with_sources());
                }
                failed += 1;
            }
        }
    }
    Ok((rows, failed))
}
