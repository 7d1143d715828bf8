use std::{fmt, sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, DatabaseExecutor};

use super::{ask, below, full_name};
use crate::{
    Error,
    activity::{Done, Histogram, KEPT_MINUTES, STALE, TOOK, this_minute},
    engine::Engine,
    registry::Model,
};

/// What workers did to a field in some time.
/// [`CachedFields::activity`](crate::CachedFields::activity) returns it.
///
/// Displayed, it is a line.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FieldActivity {
    /// The schema of the owner's table, if its entity names one.
    pub schema: Option<String>,
    /// The owner's table.
    pub table: String,
    /// The cached field.
    pub field: &'static str,
    /// The values that became fresh, and differ from those before.
    pub changed: u64,
    /// The values that became fresh, and are the same as before.
    pub unchanged: u64,
    /// The values that were stored while their rows were marked again. Such rows stay stale.
    pub published: u64,
    /// The values that were not stored, because another worker or reader was faster.
    pub superseded: u64,
    /// The values that were not stored, because their rows were locked. They are calculated again.
    pub handed_back: u64,
    /// The calculations that failed.
    pub failed: u64,
    /// Those of them that have failed for good.
    pub given_up: u64,
    /// The time that calculations took, one after the other.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "calculating_seconds", serialize_with = "crate::json::seconds")
    )]
    pub calculating: Duration,
    /// For how long values were stale: from their first mark until they were stored.
    pub stale_for: Durations,
    /// For how long calculations ran. One of many rows (`batch`) counts as one.
    pub took: Durations,
    /// For how long at most the fields below this one were stale, at the quantile of 0.99: the
    /// longest way counts, each field on it with its own time. `None` if the field is calculated
    /// from no cached field, or nothing is known of them.
    ///
    /// The mark of a field is made when a field is stored that it is calculated from. So
    /// [`stale_for`](FieldActivity::stale_for) begins then, and this comes in addition.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "inherited_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub inherited: Option<Duration>,
}

impl FieldActivity {
    /// Returns the name of the field: that of its table and its own, as in `lamppost.full_name`.
    /// The schema comes before it if the entity names one.
    pub fn name(&self) -> String {
        full_name(self.schema.as_deref(), &self.table, self.field)
    }

    /// Returns the share of the values that are the same as before, from 0 to 1. If it is high,
    /// `depends_on` may name more than the calculation reads. `None` if there were none.
    pub fn unchanged_share(&self) -> Option<f64> {
        let completed = self.changed + self.unchanged;
        (completed > 0).then(|| self.unchanged as f64 / completed as f64)
    }
}

/// `lamppost.full_name: 12 changed, 3 unchanged, 1 failed; stale for 0.1 s (50 %), 5 s (99 %)`
impl fmt::Display for FieldActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        let Self { changed, unchanged, .. } = self;
        write!(f, "{name}: {changed} changed, {unchanged} unchanged")?;
        let others = [
            (self.published, "published"),
            (self.superseded, "superseded"),
            (self.handed_back, "handed back"),
            (self.failed, "failed"),
            (self.given_up, "for good"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        for (durations, what) in [(&self.stale_for, "stale for"), (&self.took, "calculated in")] {
            if let (Some(half), Some(most)) = (durations.quantile(0.5), durations.quantile(0.99)) {
                let (half, most) = (half.as_secs_f64(), most.as_secs_f64());
                write!(f, "; {what} {half:.3} s (50 %), {most:.3} s (99 %)")?;
            }
        }
        Ok(())
    }
}

/// How many durations lie between fixed bounds: a histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// The upper bounds of all buckets but the last one, in milliseconds.
    bounds: Vec<u64>,
    counts: Histogram,
}

impl Durations {
    fn of(bounds: &[f64], counts: Histogram) -> Self {
        let milliseconds = |bound: &f64| (bound * 1_000.0).round() as u64;
        Self { bounds: bounds.iter().map(milliseconds).collect(), counts }
    }

    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the duration that this share of all durations, from 0 to 1, does not pass. It is
    /// interpolated within a bucket, as by `histogram_quantile` of Prometheus. It is at most the
    /// highest bound. `None` if there are no durations.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }

        let rank = share.clamp(0.0, 1.0) * count as f64;
        let mut below = 0;
        let mut lower = 0;
        for (bound, count) in self.bounds.iter().zip(self.counts) {
            if count > 0 && (below + count) as f64 >= rank {
                let within = ((rank - below as f64) / count as f64).max(0.0);
                let milliseconds = lower as f64 + within * (bound - lower) as f64;
                return Some(Duration::from_secs_f64(milliseconds / 1_000.0));
            }
            below += count;
            lower = *bound;
        }
        self.bounds.last().copied().map(Duration::from_millis)
    }

    /// Returns the buckets: the upper bound of each, and the number of durations up to it that are
    /// in no bucket before. The last one has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = self.bounds.iter().copied().map(Duration::from_millis).map(Some);
        bounds.chain([None]).zip(self.counts)
    }
}

/// Returns what workers did to each field within so much time.
pub(crate) async fn activity(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    within: Duration,
) -> Result<Vec<FieldActivity>, Error> {
    let engine = Engine::of(db)?;
    let minutes = i64::try_from(within.as_secs().div_ceil(60)).unwrap_or(i64::MAX);
    let minutes = minutes.clamp(1, KEPT_MINUTES);
    let mut fields = Vec::new();
    for model in models {
        let owner = &model.owner;
        let read = async || {
            let since = this_minute() - minutes;
            let read = async |transaction: &DatabaseExecutor<'_>| {
                Ok(engine.backend.activity(transaction, owner, since).await?)
            };
            ask(&engine, db, model, read).await
        };
        let done = engine.activity.get(&(owner.table.clone(), minutes), read).await?.read;
        for declared in &owner.fields {
            let of_field = done.iter().find(|(name, _)| *name == declared.name);
            let done = of_field.map(|(_, done)| done.clone()).unwrap_or_default();
            fields.push(of(model, declared.name, done));
        }
    }

    inherit(&mut fields, &below(models));
    Ok(fields)
}

fn of(model: &Model, field: &'static str, done: Done) -> FieldActivity {
    FieldActivity {
        schema: model.owner.table.schema.clone(),
        table: model.owner.table.name.clone(),
        field,
        changed: done.changed,
        unchanged: done.unchanged,
        published: done.published,
        superseded: done.superseded,
        handed_back: done.handed_back,
        failed: done.failed,
        given_up: done.given_up,
        calculating: Duration::try_from_secs_f64(done.seconds).unwrap_or_default(),
        stale_for: Durations::of(&STALE, done.stale),
        took: Durations::of(&TOOK, done.took),
        inherited: None,
    }
}

/// Tells each field for how long those below it were stale. What is below a field is also below
/// those that are calculated from it, so a field with less below it comes first.
fn inherit(fields: &mut [FieldActivity], below: &[Vec<usize>]) {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|place| below[*place].len());
    for place in order {
        let stale_for = |input: &usize| {
            let input = &fields[*input];
            let own = input.stale_for.quantile(0.99);
            let all = own.unwrap_or_default() + input.inherited.unwrap_or_default();
            (own.is_some() || input.inherited.is_some()).then_some(all)
        };
        let inputs = below[place].iter().filter(|input| **input != place);
        fields[place].inherited = inputs.filter_map(stale_for).max();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let mut counts = Histogram::default();
        let durations = |counts| Durations::of(&STALE, counts);
        assert_eq!(durations(counts).quantile(0.5), None);

        counts[4] = 4; // 0.5 s to 1 s
        assert_eq!(durations(counts).quantile(0.5), Some(Duration::from_millis(750)));
        assert_eq!(durations(counts).quantile(1.0), Some(Duration::from_secs(1)));

        counts[12] = 4; // longer than all bounds
        assert_eq!(durations(counts).quantile(0.99), Some(Duration::from_secs(21_600)));
        assert_eq!(durations(counts).count(), 8);
    }
}
