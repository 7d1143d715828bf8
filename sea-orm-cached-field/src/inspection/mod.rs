//! Inspection: what a program can ask about its cached fields. Nothing is changed, apart from
//! [`retry`].
//!
//! No statement reads an owner's table other than by key, or by the index over an expiry. None
//! counts more than 10,000 rows.

mod count;
mod expirations;
mod explanation;
mod failed;
mod graph;
mod status;

pub use count::Count;
pub use expirations::Expirations;
pub use explanation::{Explanation, Reason};
pub use failed::{FailedGroup, FailedRow, Retry};
pub use graph::{Graph, GraphField, GraphInput, GraphStep};
pub use status::{FieldState, FieldStatus, Status};

pub(crate) use expirations::expirations;
pub(crate) use explanation::explain;
pub(crate) use failed::{failed, failed_rows, retry};
pub(crate) use status::status;

use std::{sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use crate::{
    Error,
    engine::{Engine, Snapshot},
    protocol,
    queue::Counts,
    registry::Model,
};

/// Returns the counts of a model. Callers share those of the last two seconds.
async fn counts(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
) -> Result<Snapshot<Counts>, Error> {
    let owner = &model.owner;
    let read = async || {
        let counts = protocol::query_by_keys(engine, db, async |transaction| {
            Ok(engine.backend.counts(transaction, owner).await?)
        });
        counts.await.map_err(|error| protocol::explained(engine.backend, [owner], error))
    };
    engine.counts.get(&owner.table, read).await
}

/// Finds a field by its name: that of its table and its own, as in `lamppost.full_name`.
fn find(models: &[Arc<Model>], name: &str) -> Result<(Arc<Model>, usize), Error> {
    let fields = || {
        models.iter().flat_map(|model| {
            let fields = model.owner.fields.iter().enumerate();
            fields.map(move |(index, field)| {
                (format!("{}.{}", model.owner.table.name, field.name), model, index)
            })
        })
    };

    let found = fields().find(|(full_name, ..)| full_name == name);
    found.map(|(_, model, field)| (Arc::clone(model), field)).ok_or_else(|| Error::NoSuchField {
        name: name.to_owned(),
        fields: fields().map(|(name, ..)| name).collect(),
    })
}

/// Returns a time that a database has measured. Its clock may have been set back.
fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}
