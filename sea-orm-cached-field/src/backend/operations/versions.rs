//! What is written down of fields, and the rows that an installation flags, chunk by chunk.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{count, execute, keys, query, read_chunk, read_key, value};
use crate::{
    backend::{Backend, shared},
    catalog::Version,
    declaration::{Chunk, Key},
    layout::{Owner, Table},
};

impl Backend {
    /// What is written down of an owner's fields.
    pub(crate) async fn versions(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<Version>, DbErr> {
        let read = |row: &QueryResult| {
            Ok(Version {
                field: row.try_get("", "field")?,
                calculation: row.try_get("", "version")?,
                inputs: row.try_get("", "inputs")?,
                kept_by: row.try_get("", "kept_by")?,
                renewal: row.try_get("", "renewal")?,
                declared_by: row.try_get("", "declared_by")?,
            })
        };

        query(db, shared::versions::versions(self.sql(), owner)).await?.iter().map(read).collect()
    }

    /// The inputs, and the crate that declares them, of each field of an owner of which no more is
    /// known.
    pub(crate) async fn declarations(
        self,
        db: &impl ConnectionTrait,
        owner: &Table,
    ) -> Result<Vec<(Option<String>, Option<String>)>, DbErr> {
        let declarations = query(db, shared::versions::declarations(self.sql(), owner)).await?;
        declarations
            .iter()
            .map(|row| Ok((row.try_get("", "inputs")?, row.try_get("", "declared_by")?)))
            .collect()
    }

    /// Writes down a version of a field.
    pub(crate) async fn set_version(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        version: &Version,
    ) -> Result<(), DbErr> {
        execute(db, shared::versions::set_version([self.sql(), self.sql()], owner, version))
            .await?;
        Ok(())
    }

    /// Forgets what is written down of all fields in an owner's table of versions.
    pub(crate) async fn forget(
        self,
        db: &impl ConnectionTrait,
        versions: &Table,
    ) -> Result<(), DbErr> {
        execute(db, shared::versions::forget(self.sql(), versions)).await?;
        Ok(())
    }

    /// Ends a renewal, unless another has begun since.
    pub(crate) async fn end_renewal(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        renewal: i64,
    ) -> Result<(), DbErr> {
        execute(db, shared::versions::end_renewal(self.sql(), owner, field, renewal)).await?;
        Ok(())
    }

    /// Whether any row has a value of this field that is not flagged, or is about to get one.
    /// `has_queue`: the owner's queue exists.
    pub(crate) async fn has_values(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        has_queue: bool,
    ) -> Result<bool, DbErr> {
        let found = shared::versions::has_values(self.sql(), owner, field, has_queue);
        Ok(value(db, found, "found").await?.unwrap_or_default())
    }

    /// Whether any row is flagged.
    pub(crate) async fn is_any_flagged(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<bool, DbErr> {
        let flagged = shared::doctor::is_any_flagged(self.sql(), owner, field);
        Ok(value(db, flagged, "flagged").await?.unwrap_or_default())
    }

    // ---- Chunks

    /// The upper key of the next chunk of so many rows, in the key's order; `None` if it is the
    /// last.
    pub(crate) async fn chunk_end(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        after: Option<&Key>,
        rows: u64,
    ) -> Result<Option<Key>, DbErr> {
        let end =
            query(db, shared::chunks::backlog_boundary(self.sql(), owner, after, rows)).await?;
        end.first().map(|row| read_key(owner, row)).transpose()
    }

    /// The keys of the first rows of a chunk, at most so many, in order.
    pub(crate) async fn keys(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        chunk: &Chunk,
        rows: u64,
    ) -> Result<Vec<Key>, DbErr> {
        keys(db, owner, shared::chunks::keys(self.sql(), owner, chunk, rows)).await
    }

    /// How many rows come after this key.
    pub(crate) async fn count_rest(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        after: Option<&Key>,
    ) -> Result<u64, DbErr> {
        count(db, shared::chunks::count_rest(self.sql(), owner, after)).await
    }

    /// Sets the flags of a chunk of rows. It marks only those that another transaction holds locked
    /// and those that stand in the queue.
    pub(crate) async fn flag_chunk(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        chunk: &Chunk,
    ) -> Result<(), DbErr> {
        of_database!(self, operations::flag_chunk(db, owner, field, chunk).await)
    }

    /// Appends a mark that stands for all flagged rows of a chunk.
    pub(crate) async fn mark_chunk(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        chunk: &Chunk,
    ) -> Result<(), DbErr> {
        execute(db, shared::chunks::mark_chunk(self.sql(), owner, field, chunk)).await?;
        Ok(())
    }

    /// The marked chunks that have rows in common with this one.
    pub(crate) async fn marked_chunks(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        chunk: &Chunk,
    ) -> Result<Vec<Chunk>, DbErr> {
        let marked =
            query(db, shared::chunks::marked_chunks(self.sql(), owner, field, chunk)).await?;
        marked.iter().map(|row| read_chunk(owner, row)).collect()
    }

    /// How many flagged rows of a chunk are neither marked nor in the queue, beside those of other
    /// chunks, which are marked.
    pub(crate) async fn count_unqueued_in(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        chunk: &Chunk,
        marked: &[Chunk],
    ) -> Result<u64, DbErr> {
        count(db, shared::chunks::unqueued_in(self.sql(), owner, field, chunk, marked)).await
    }
}
