//! Judge: the verdict on a claim whose calculation has ended.

use crate::queue::{Claim, Locked};

/// The outcome of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was marked since the claim: the value is fresh.
    Done,
    /// The row was marked again: the value is newer than the stored one, but stale.
    Publish,
    /// Another worker or reader has completed the row, or is about to look at it again.
    Superseded,
    /// Another transaction holds the row locked, or it is gone.
    HandBack,
}

impl Verdict {
    /// Returns the verdict on a claim, by the state of its row and its place in the queue.
    pub(super) fn on(locked: Locked) -> Self {
        match locked.unchanged {
            _ if !locked.row => Self::HandBack,
            None => Self::Superseded,
            Some(true) => Self::Done,
            Some(false) => Self::Publish,
        }
    }

    /// Returns what metrics have of a claim that has ended so. `changed`: the value differs from
    /// the one before.
    #[cfg(feature = "metrics")]
    pub(crate) fn ended(self, claim: &Claim, changed: bool) -> crate::metrics::Ended {
        crate::metrics::Ended {
            field: claim.field,
            outcome: self.outcome(changed),
            stale_for: claim.stale_for().filter(|_| self == Self::Done),
        }
    }

    /// Returns the name of the outcome, as metrics have it. `changed`: the value differs from the
    /// one before.
    #[cfg(feature = "metrics")]
    fn outcome(self, changed: bool) -> &'static str {
        match self {
            Self::Done if changed => "changed",
            Self::Done => "unchanged",
            Self::Publish => "published",
            Self::Superseded => "superseded",
            Self::HandBack => "handed_back",
        }
    }

    pub(crate) fn is_stored(self) -> bool {
        matches!(self, Self::Done | Self::Publish)
    }
}

pub(super) fn with_verdict<'c>(
    claims: impl Iterator<Item = &'c Claim>,
    verdicts: &[Verdict],
    wanted: Verdict,
) -> Vec<Claim> {
    let judged = claims.zip(verdicts).filter(|(_, verdict)| **verdict == wanted);
    judged.map(|(claim, _)| claim.clone()).collect()
}
