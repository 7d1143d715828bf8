//! What an inspection asks, and the retry of what has failed.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{execute, keys, query, read_key, value};
use crate::{
    backend::{
        Backend,
        shared::{
            self,
            inspect::{Expiry, HORIZONS},
        },
        sizes::claims_in_parts,
    },
    declaration::Key,
    layout::Owner,
    queue::{
        Counts, Failure, FailureCount, FailureOfRow, Failures, LOOKED_AT, MarkCount, MarkKind,
        Part, PlaceInQueue, QueueCount, QueueState, RowState, in_order,
    },
};

impl Backend {
    /// How many rows of the queue and marks there are, by field and state; what has expired; and
    /// what is paused.
    pub(crate) async fn counts(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Counts, DbErr> {
        let of_marks = |row: &QueryResult| {
            Ok::<_, DbErr>(MarkCount {
                fields: row.try_get("", "field")?,
                kind: numbered(row, "kind", MarkKind::of)?,
                marks: found(row)?,
                waited: row.try_get("", "waited")?,
            })
        };

        let mut queue = Vec::new();
        for part in Part::ALL {
            queue.extend(self.count_part(db, owner, part).await?);
        }
        let marks = query(db, shared::inspect::count_marks(self.sql(), owner)).await?;
        let marks = marks.iter().map(of_marks).collect::<Result<_, _>>()?;

        let mut expired = Vec::new();
        for field in 0..owner.fields.len() {
            let Some(expiry) = self.expiry(owner, field) else { continue };
            let first = shared::inspect::first_expiry(self.sql(), owner, field, &expiry);
            let expires_in = value::<Option<i64>>(db, first, "expires_in").await?.flatten();
            expired.extend(expires_in.filter(|time| *time < 0).map(|time| (field, -time)));
        }
        // A role that may look at the rest need not be allowed to read this.
        let paused = match self.pauses(db, owner).await {
            Err(error) if self.lacks_right(&error) => Vec::new(),
            paused => paused?,
        };
        Ok(Counts { queue, marks, expired, paused })
    }

    /// How many rows of a part of the queue there are. Only the first ones are looked at.
    async fn count_part(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        part: Part,
    ) -> Result<Vec<QueueCount>, DbErr> {
        let read = |row: &QueryResult| {
            Ok::<_, DbErr>(QueueCount {
                part,
                field: field(row)?,
                state: Some(numbered(row, "state", QueueState::of)?),
                rows: found(row)?,
                waited: row.try_get("", "waited")?,
                due_in: row.try_get("", "due_in")?,
            })
        };

        let first = query(db, shared::inspect::look_at_queue(self.sql(), owner, part)).await?;
        let mut counts = first.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if counts.iter().map(|count| count.rows).sum::<u64>() < LOOKED_AT {
            return Ok(counts);
        }

        for row in query(db, shared::inspect::count_queue(self.sql(), owner, part)).await? {
            let field = field(&row)?;
            let looked_at = counts.iter().filter(|count| count.field == field);
            let looked_at: u64 = looked_at.map(|count| count.rows).sum();
            let rows = found(&row)?.saturating_sub(looked_at);
            let due_in: Option<i64> = row.try_get("", "due_in")?;
            if rows > 0 {
                // What is due waits at least since then.
                let waited = due_in.map(|due_in| -due_in).filter(|waited| *waited > 0);
                counts.push(QueueCount { part, field, state: None, rows, waited, due_in });
            }
        }
        Ok(counts)
    }

    /// The errors of the first rows of a part of the queue.
    pub(crate) async fn failures(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        of: Part,
    ) -> Result<Failures, DbErr> {
        let mut failures = Failures { groups: Vec::new(), looked_at: 0 };
        for row in query(db, shared::inspect::failed_groups(self.sql(), owner, of)).await? {
            let rows = found(&row)?;
            failures.looked_at += rows;
            if let Some(error) = row.try_get("", "error")? {
                failures.groups.push(FailureCount {
                    field: field(&row)?,
                    error,
                    rows,
                    waited: row.try_get("", "waited")?,
                    retry_in: row.try_get("", "due_in")?,
                });
            }
        }
        Ok(failures)
    }

    /// The rows of such failures whose keys come after another, in the order of their keys.
    pub(crate) async fn failed_rows(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        of: &Failure<'_>,
        after: Option<&Key>,
        limit: u64,
    ) -> Result<Vec<FailureOfRow>, DbErr> {
        let read = |row: &QueryResult| {
            Ok(FailureOfRow {
                key: read_key(owner, row)?,
                error: row.try_get("", "error")?,
                attempts: row.try_get("", "attempts")?,
                waited: row.try_get("", "waited")?,
                retry_in: row.try_get("", "retry_in")?,
            })
        };

        let rows = shared::inspect::failed_rows(self.sql(), owner, of, after, limit);
        query(db, rows).await?.iter().map(read).collect()
    }

    /// The rows that wait after such a failure, in the order of their keys. They come after another
    /// key.
    pub(crate) async fn rows_to_retry(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        of: &Failure<'_>,
        after: Option<&Key>,
        limit: u64,
    ) -> Result<Vec<Key>, DbErr> {
        let rows = shared::inspect::rows_to_retry(self.sql(), owner, of, after, limit);
        keys(db, owner, rows).await
    }

    /// Makes those of these rows due again that wait after a failure. Returns how many.
    pub(crate) async fn retry(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        keys: &[Key],
    ) -> Result<u64, DbErr> {
        let rows = in_order(keys.to_vec(), |key| (key, field));
        let mut retried = 0;
        for keys in claims_in_parts(owner, &rows) {
            retried += execute(db, statements!(self, inspect::retry(owner, field, keys))).await?;
        }
        Ok(retried)
    }

    /// Whether a row of a field is claimed. This may go over all of the queue.
    pub(crate) async fn is_claimed(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<bool, DbErr> {
        let claimed = shared::inspect::is_claimed(self.sql(), owner, field);
        Ok(value(db, claimed, "found").await?.unwrap_or(false))
    }

    /// What the row itself says of a field; `None` if there is no such row.
    pub(crate) async fn row_state(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<Option<RowState>, DbErr> {
        let expiry = self.expiry(owner, field);
        let row = shared::inspect::row(self.sql(), owner, field, key, expiry.as_ref());
        let read = |row: &QueryResult| {
            Ok(RowState {
                is_flagged: row.try_get("", "flagged")?,
                is_empty: row.try_get("", "is_empty")?,
                expires_in: match expiry {
                    Some(_) => row.try_get("", "expires_in")?,
                    None => None,
                },
            })
        };
        query(db, row).await?.first().map(read).transpose()
    }

    /// The place of a field of a row in the queue.
    pub(crate) async fn place_in_queue(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<Option<PlaceInQueue>, DbErr> {
        let read = |row: &QueryResult| {
            Ok(PlaceInQueue {
                due_in: row.try_get("", "due_in")?,
                leased_for: row.try_get("", "leased_for")?,
                attempts: row.try_get("", "attempts")?,
                waves: row.try_get("", "waves")?,
                error: row.try_get("", "error")?,
            })
        };

        let place = query(db, shared::inspect::place(self.sql(), owner, field, key)).await?;
        place.first().map(read).transpose()
    }

    /// How many marks of a field of this row wait, and for how many milliseconds the oldest has.
    pub(crate) async fn marks_of_row(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<(u64, Option<i64>), DbErr> {
        let marks = query(db, shared::inspect::marks_of_row(self.sql(), owner, field, key)).await?;
        let Some(row) = marks.first() else { return Ok((0, None)) };
        Ok((found(row)?, row.try_get("", "waited")?))
    }

    /// Whether a field of this row is marked, by its own key or by that of a related row.
    pub(crate) async fn is_row_marked(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<bool, DbErr> {
        let marked = statements!(self, inspect::is_marked(owner, field, key));
        Ok(value(db, marked, "marked").await?.unwrap_or(false))
    }

    /// Whether the row is in a marked chunk of flagged rows.
    pub(crate) async fn is_in_chunk(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<bool, DbErr> {
        let found = shared::inspect::is_in_chunk(self.sql(), owner, field, key);
        Ok(value(db, found, "found").await?.unwrap_or(false))
    }

    /// How many values of a field have expired, and how many will have in a minute, in an hour, and
    /// in a day.
    pub(crate) async fn count_expiries(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<[u64; HORIZONS.len()], DbErr> {
        let mut counts = [0; HORIZONS.len()];
        let Some(expiry) = self.expiry(owner, field) else { return Ok(counts) };
        let counted = shared::inspect::count_expiries(self.sql(), owner, field, &expiry);
        if let Some(row) = query(db, counted).await?.first() {
            for (number, count) in counts.iter_mut().enumerate() {
                let found: i64 = row.try_get("", &format!("count_{number}"))?;
                *count = u64::try_from(found).unwrap_or_default();
            }
        }
        Ok(counts)
    }

    fn expiry(self, owner: &Owner, field: usize) -> Option<Expiry> {
        of_database!(self, inspect::expiry(&owner.fields[field]))
    }
}

/// The field whose number is in the column `field`, if this program has it.
fn field(row: &QueryResult) -> Result<Option<usize>, DbErr> {
    let number: i32 = row.try_get("", "field")?;
    Ok(usize::try_from(number).ok())
}

/// The state or the kind that a number stands for. It is in the column of this name.
fn numbered<T>(row: &QueryResult, column: &str, of: impl Fn(i32) -> Option<T>) -> Result<T, DbErr> {
    let number = row.try_get("", column)?;
    of(number).ok_or_else(|| DbErr::Type(format!("{number} is no {column}")))
}

/// The count in the column `found`.
fn found(row: &QueryResult) -> Result<u64, DbErr> {
    let found: i64 = row.try_get("", "found")?;
    Ok(u64::try_from(found).unwrap_or_default())
}
