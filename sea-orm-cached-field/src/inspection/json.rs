use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Count, Durations};

/// A number and whether it is exact, as in `{"at_least": 10000, "is_exact": false}`; `null` if it
/// is not known.
impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Known {
            at_least: u64,
            is_exact: bool,
        }
        let is_exact = matches!(self, Self::Exactly(_));
        let known = Known { at_least: self.at_least(), is_exact };
        (*self != Self::Unknown).then_some(known).serialize(serializer)
    }
}

/// Its number, two quantiles, and its buckets.
impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Bucket {
            up_to_seconds: Option<f64>,
            count: u64,
        }
        #[derive(Serialize)]
        struct Summary {
            count: u64,
            p50_seconds: Option<f64>,
            p99_seconds: Option<f64>,
            buckets: Vec<Bucket>,
        }
        let quantile = |share| self.quantile(share).map(|duration| duration.as_secs_f64());
        let bucket = |(bound, count): (Option<Duration>, u64)| Bucket {
            up_to_seconds: bound.map(|bound| bound.as_secs_f64()),
            count,
        };
        let summary = Summary {
            count: self.count(),
            p50_seconds: quantile(0.5),
            p99_seconds: quantile(0.99),
            buckets: self.buckets().map(bucket).collect(),
        };
        summary.serialize(serializer)
    }
}
