use std::{fmt, sync::Arc};

use sea_orm::DatabaseConnection;

use super::{Count, ask, full_name};
use crate::{Error, engine::Engine, queue::COUNTED, registry::Model};

/// The values of a cached field that expire.
/// [`CachedFields::expirations`](crate::CachedFields::expirations) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Expirations {
    /// The schema of the owner's table, if its entity names one.
    pub schema: Option<String>,
    /// The owner's table.
    pub table: String,
    /// The cached field.
    pub field: &'static str,
    /// The values that have expired, and were not recalculated since.
    pub expired: Count,
    /// The values that expire within the next minute. These and the next counts do not include
    /// what has expired.
    pub within_a_minute: Count,
    /// The values that expire within the next hour.
    pub within_an_hour: Count,
    /// The values that expire within the next day.
    pub within_a_day: Count,
}

/// `lamppost.full_name: 0 expired, 3 within a minute, 17 within an hour, 900 within a day`
impl fmt::Display for Expirations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, table, field, .. } = self;
        let Self { expired, within_a_minute, within_an_hour, within_a_day, .. } = self;
        let name = full_name(schema.as_deref(), table, field);
        write!(
            f,
            "{name}: {expired} expired, {within_a_minute} within a minute, \
             {within_an_hour} within an hour, {within_a_day} within a day"
        )
    }
}

pub(crate) async fn expirations(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
) -> Result<Vec<Expirations>, Error> {
    let engine = Engine::of(db)?;
    let mut expirations = Vec::new();
    for model in models {
        let owner = &model.owner;
        let expire = owner.fields.iter().enumerate();
        for (index, field) in expire.filter(|(_, field)| field.expires_after.is_some()) {
            let counts = ask(&engine, db, model, async |transaction| {
                Ok(engine.backend.count_expiries(transaction, owner, index).await?)
            });
            let [expired, minute, hour, day] = counts.await?;
            let ahead = |until: u64| Count::new(until.saturating_sub(expired), until >= COUNTED);

            expirations.push(Expirations {
                schema: owner.table.schema.clone(),
                table: owner.table.name.clone(),
                field: field.name,
                expired: Count::new(expired, expired >= COUNTED),
                within_a_minute: ahead(minute),
                within_an_hour: ahead(hour),
                within_a_day: ahead(day),
            });
        }
    }
    Ok(expirations)
}
