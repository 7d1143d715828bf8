//! The face of the library: all that a program does with its cached fields as a whole.

mod by_name;
mod inspecting;
mod installing;

use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use sea_orm::DatabaseConnection;
use tokio_stream::wrappers::BroadcastStream;

#[cfg(feature = "worker")]
use crate::worker::Worker;
use crate::{
    Error, Event,
    declaration::CachedModel,
    engine::Engine,
    registry::{self, Model},
};

/// The set-up of cached fields in a database: installation, workers and events.
///
/// [`CachedFields::all`] takes all models of the program that have `#[cached_fields]`. A
/// program with several databases picks the models of each with [`CachedFields::of`].
///
/// ```no_run
/// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
/// use sea_orm_cached_field::CachedFields;
///
/// let fields = CachedFields::all();
/// print!("{}", fields.install(&db).await?);
/// fields.worker(&db).run().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "this only picks models"]
pub struct CachedFields(Selection);

/// Makes the model of an entity.
type ModelOf = fn() -> Result<Arc<Model>, Error>;

#[derive(Clone, Debug)]
enum Selection {
    All,
    Of(Vec<ModelOf>),
    #[cfg(test)]
    These(Vec<Arc<Model>>),
}

impl CachedFields {
    /// Returns the set-up for all models of the program.
    pub const fn all() -> Self {
        Self(Selection::All)
    }

    /// Returns the set-up for this model, and for those that are [added](CachedFields::and).
    pub fn of<E: CachedModel>() -> Self {
        Self(Selection::Of(vec![Model::of::<E>]))
    }

    /// Adds this model. [`CachedFields::all`] already has all models.
    pub fn and<E: CachedModel>(mut self) -> Self {
        if let Selection::Of(models) = &mut self.0 {
            models.push(Model::of::<E>);
        }
        self
    }

    /// Returns the set-up for these models, for tests that have no entity.
    #[cfg(test)]
    pub(crate) fn these(models: Vec<Arc<Model>>) -> Self {
        Self(Selection::These(models))
    }

    /// Returns the models, or the error of one of them.
    pub(crate) fn models(&self) -> Result<Vec<Arc<Model>>, Error> {
        match &self.0 {
            Selection::All => registry::all(),
            Selection::Of(models) => {
                let models = models.iter().map(|model| model());
                registry::one_of_each_table(models.collect::<Result<_, _>>()?)
            }
            #[cfg(test)]
            Selection::These(models) => Ok(models.clone()),
        }
    }

    /// Returns a worker for this database. It does nothing until it is run.
    #[cfg(feature = "worker")]
    pub fn worker(&self, db: &DatabaseConnection) -> Worker {
        Worker::new(db, self.clone())
    }

    /// Waits until workers of this process that were dropped in the middle of their work have
    /// handed back their rows, over this pool and its clones. Call it before the program ends.
    /// Otherwise other workers take such rows when their leases end.
    ///
    /// # Errors
    /// [`Error::UnsupportedDatabase`], [`Error::MissingFeature`], [`Error::InvalidSetting`].
    #[cfg(feature = "worker")]
    pub async fn handed_back(db: &DatabaseConnection) -> Result<(), Error> {
        Engine::of(db)?.handed_back().await;
        Ok(())
    }

    /// Sets whether workers recalculate what is flagged, over this pool and its clones. They do
    /// unless this method or the environment variable `CACHED_FIELD_EAGER_RECALCULATION` says
    /// otherwise.
    ///
    /// If they do not, values are recalculated when they are read, and no worker is needed. Each
    /// reader that finds a stale value also collects up to 1,000 marks of other rows. A worker only
    /// sets flags then. A call of `flag_*` can decide otherwise with `and_recalculate`. The option
    /// `lazy` leaves a single field to its readers.
    ///
    /// When this is switched on again, the workers of this process queue what was flagged
    /// meanwhile. Where no worker runs in this process, the next [`CachedFields::install`] or
    /// [`CachedFields::repair`] does.
    ///
    /// # Errors
    /// [`Error::UnsupportedDatabase`], [`Error::MissingFeature`], [`Error::InvalidSetting`].
    pub fn set_eager_recalculation(eager: bool, db: &DatabaseConnection) -> Result<(), Error> {
        Engine::of(db)?.set_eager(eager);
        Ok(())
    }

    /// Returns the events of these models in this process and database, from now on.
    ///
    /// A listener that lags behind by more than 4096 events misses the oldest.
    ///
    /// # Errors
    /// [`Error::UnsupportedDatabase`], [`Error::MissingFeature`], and those of the models
    /// ([`Error::UnsupportedPath`]).
    pub fn events(
        &self,
        db: &DatabaseConnection,
    ) -> Result<impl Stream<Item = Event> + Send + Unpin + use<>, Error> {
        let tables = match &self.0 {
            Selection::All => None,
            _ => Some(self.models()?),
        };
        let is_wanted = move |event: &Event| {
            let is_of = |model: &Arc<Model>| model.owner.table.name == event.table();
            tables.as_ref().is_none_or(|models| models.iter().any(is_of))
        };
        let events = BroadcastStream::new(Engine::of(db)?.subscribe());
        Ok(events.filter_map(move |event| std::future::ready(event.ok().filter(&is_wanted))))
    }
}
