//! What is done to a field that is known by its name.

use sea_orm::DatabaseConnection;

use super::CachedFields;
use crate::{Error, Key, Retry, inspection};

impl CachedFields {
    /// Makes calculations that have failed due again, for good or not, with no attempt counted.
    /// Returns the number of fields of rows. It goes over the queue once for each field, however
    /// many rows have failed, and changes at most 1,000 rows in a transaction. A row whose place in
    /// the queue is locked at this moment may be left out.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::{CachedFields, Retry};
    ///
    /// let fields = CachedFields::all();
    /// for group in fields.failed(&db).await?.groups {
    ///     println!("{group}");
    ///     if group.error.contains("connection refused") {
    ///         fields.retry(Retry::Group(&group), &db).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn retry(&self, retry: Retry<'_>, db: &DatabaseConnection) -> Result<u64, Error> {
        inspection::retry(db, &self.models()?, retry).await
    }

    /// Makes workers leave a field alone until it is [resumed](CachedFields::resume). Changes are
    /// still recorded, and nothing is lost. Readers go on: those that ask for a fresh value
    /// calculate it.
    ///
    /// The pause is stored in the database, so it remains over restarts and deploys. `by` and
    /// `reason` are what [`CachedFields::status`] and [`CachedFields::explain`] say of it. A field
    /// that is paused already stays paused since then, with the new name and reason.
    ///
    /// Within a second, workers claim no row of the field any more. Calculations under way are
    /// finished: [`CachedFields::wait_for_claims`] waits for them. Fields that are calculated from
    /// this one do not wait for it. While a large backlog of the field waits, workers find what is
    /// due of other fields of the table more slowly.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let fields = CachedFields::all();
    /// fields.pause("lamppost.slow_full_name", "ann", "the deploy of 2.1", &db).await?;
    /// fields.wait_for_claims("lamppost.slow_full_name", &db).await?;
    /// // ..
    /// fields.resume("lamppost.slow_full_name", &db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn pause(
        &self,
        field: &str,
        by: &str,
        reason: &str,
        db: &DatabaseConnection,
    ) -> Result<(), Error> {
        inspection::pause(db, &self.models()?, field, by, reason).await
    }

    /// Waits until no row of a paused field is claimed: the calculations of workers that were under
    /// way have ended. While the field is not paused, workers go on to claim rows.
    ///
    /// Readers that ask for a fresh value claim its row, also while the field is paused. If they do
    /// so all the time, this may not end. Set a limit to it, as with `tokio::time::timeout`. The
    /// claims of a worker that was killed end with their leases
    /// ([`Worker::lease`](crate::Worker::lease)).
    ///
    /// It looks once a second, until two looks in a row find no claim. A look may go over all of
    /// the queue of the field's table. A worker that has begun to claim before the pause, and waits
    /// for the database for more than two seconds, is not seen.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn wait_for_claims(&self, field: &str, db: &DatabaseConnection) -> Result<(), Error> {
        inspection::wait_for_claims(db, &self.models()?, field).await
    }

    /// Ends the pause of a field, and wakes workers. Returns whether the field was paused.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn resume(&self, field: &str, db: &DatabaseConnection) -> Result<bool, Error> {
        inspection::resume(db, &self.models()?, field).await
    }

    /// Flags rows of a field that is known by its name, and returns their number. Without keys, all
    /// rows are flagged, chunk after chunk. Programs that know the entity call the method of the
    /// row, or `flag` of the field.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`],
    /// and [`Error::RowGone`] if there is no row with one of the keys.
    pub async fn flag(
        &self,
        field: &str,
        keys: Option<&[Key]>,
        db: &DatabaseConnection,
    ) -> Result<u64, Error> {
        inspection::flag(db, &self.models()?, field, keys).await
    }

    /// Calculates and stores a field of these rows now, and returns their number. The field is
    /// known by its name. Programs that know the entity call the method of the row, or
    /// `recalculate` of the field. If some rows fail, the others are stored.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let fields = CachedFields::all();
    /// let key = fields.parse_key("lamppost.slow_full_name", &["7"])?;
    /// fields.recalculate("lamppost.slow_full_name", &[key], &db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`],
    /// and [`Error::RowGone`] if there is no row with one of the keys. Also the error of the first
    /// calculation that fails.
    pub async fn recalculate(
        &self,
        field: &str,
        keys: &[Key],
        db: &DatabaseConnection,
    ) -> Result<u64, Error> {
        inspection::recalculate(db, &self.models()?, field, keys).await
    }

    /// Returns the keys of the rows of a table, in order, in pages of 1,000 at most: those after
    /// one key and up to another. `field` is any field of the table. Only the key is read, by its
    /// index.
    ///
    /// What is done to many rows can so be interrupted, and continued after the last key:
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let fields = CachedFields::all();
    /// let name = "lamppost.slow_full_name";
    /// let mut after = None;
    /// loop {
    ///     let page = fields.keys(name, after.as_ref(), None, 200, &db).await?;
    ///     let Some(last) = page.last() else { break };
    ///     fields.recalculate(name, &page, &db).await?;
    ///     after = Some(last.clone());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::Database`].
    pub async fn keys(
        &self,
        field: &str,
        after: Option<&Key>,
        to: Option<&Key>,
        limit: u64,
        db: &DatabaseConnection,
    ) -> Result<Vec<Key>, Error> {
        inspection::keys(db, &self.models()?, field, [after, to], limit).await
    }

    /// Reads the key of a row from texts, one for each key column, as they stand on a command line
    /// or in an address. `field` is any field of the table.
    ///
    /// Key columns may hold whole numbers and texts, and UUIDs with the feature `cli`.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::InvalidKey`].
    pub fn parse_key(&self, field: &str, texts: &[&str]) -> Result<Key, Error> {
        inspection::parse_key(&self.models()?, field, texts)
    }
}
