//! Repetitions, and their results.

use anyhow::Result;

/// The unit of a median.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    RowsPerSecond,
    Seconds,
    Milliseconds,
    Nanoseconds,
    Bytes,
    Rows,
    /// Percent of a core.
    Percent,
    QueriesPerSecond,
    /// The number of times that a client was seen waiting.
    Waits,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RowsPerSecond => "rows/s",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Nanoseconds => "ns",
            Self::Bytes => "bytes",
            Self::Rows => "rows",
            Self::Percent => "% of a core",
            Self::QueriesPerSecond => "queries/s",
            Self::Waits => "waits",
        }
    }
}

/// One line of the results.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) case: &'static str,
    /// The part of the case, if it measures several things.
    pub(crate) part: String,
    pub(crate) contender: String,
    pub(crate) database: &'static str,
    pub(crate) rows: u64,
    pub(crate) samples: Vec<f64>,
    pub(crate) unit: Unit,
    /// The median of the floor.
    pub(crate) floor: Option<f64>,
}

impl Measured {
    pub(crate) fn part(self, part: &str) -> Self {
        Self { part: part.to_owned(), ..self }
    }

    pub(crate) fn against(self, floor: &[f64]) -> Self {
        Self { floor: Some(percentile(floor, 0.5)), ..self }
    }

    pub(crate) fn median(&self) -> f64 {
        percentile(&self.samples, 0.5)
    }

    pub(crate) fn ratio_to_floor(&self) -> Option<f64> {
        self.floor.map(|floor| self.median() / floor)
    }

    /// Returns whether it is this library, and neither floor nor peer.
    pub(crate) fn is_ours(&self) -> bool {
        self.contender.starts_with("cached")
    }

    /// Returns the case, and its part.
    pub(crate) fn name(&self) -> String {
        if self.part.is_empty() {
            self.case.to_owned()
        } else {
            format!("{}/{}", self.case, self.part)
        }
    }
}

/// Returns this median as a multiple of another contender's.
pub(crate) fn ratio_to(measured: &Measured, contender: &str, results: &[Measured]) -> Option<f64> {
    let same =
        |other: &&Measured| other.name() == measured.name() && other.database == measured.database;
    let other = results.iter().filter(same).find(|other| other.contender == contender)?;
    Some(measured.median() / other.median())
}

/// Returns the value below which this part of the samples lies.
pub(crate) fn percentile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if part == 0.5 && count.is_multiple_of(2) => {
            f64::midpoint(sorted[count / 2 - 1], sorted[count / 2])
        }
        count => sorted[((count as f64 * part).ceil() as usize).clamp(1, count) - 1],
    }
}

/// Lets the contenders take turns. Each turn begins with another contender, so that a disturbance
/// of the machine affects all of them. Returns each contender's samples.
pub(crate) async fn alternate<C>(
    contenders: &mut [C],
    repeats: usize,
    mut once: impl AsyncFnMut(&mut C) -> Result<f64>,
) -> Result<Vec<Vec<f64>>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    for repeat in 0..repeats {
        for turn in 0..contenders.len() {
            let place = (repeat + turn) % contenders.len();
            samples[place].push(once(&mut contenders[place]).await?);
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_two() {
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(percentile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), 99.0);
    }
}
