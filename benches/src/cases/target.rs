//! The targets of the cases.

use super::{CASES, CHUNKS, EVERYWHERE};
use crate::{
    measure::{Measured, ratio_to},
    place::Database,
};

pub(crate) struct Target {
    /// The parts of the case.
    parts: &'static [&'static str],
    on: &'static [Database],
    contender: &'static str,
    bound: Bound,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    TimesFloorAtLeast(f64),
    TimesFloorAtMost(f64),
    /// In the unit of the case.
    OverFloorAtMost(f64),
    AtMost(f64),
    TimesPeerAtLeast(&'static str, f64),
}

/// Returns the targets for this line of the results.
pub(crate) fn targets_of(measured: &Measured) -> impl Iterator<Item = &'static Target> {
    let case = CASES.iter().find(|case| case.name == measured.case);
    let part = measured.part.clone();
    let contender = measured.contender.clone();
    let database = measured.database;
    let peers_are_there = database == Database::Postgres.name();
    let applies = move |target: &&Target| {
        let is_of_peer = matches!(target.bound, Bound::TimesPeerAtLeast(peer, _) if peer != CHUNKS);
        target.contender == contender
            && target.parts.contains(&part.as_str())
            && target.on.iter().any(|on| on.name() == database)
            && (peers_are_there || !is_of_peer)
    };
    case.into_iter().flat_map(|case| case.targets).filter(applies)
}

/// Returns the target of the contender in a case that measures one thing.
pub(super) const fn to(contender: &'static str, bound: Bound) -> Target {
    Target { parts: &[""], on: EVERYWHERE, contender, bound }
}

impl Target {
    /// Restricts the target to these parts.
    pub(super) const fn of(self, parts: &'static [&'static str]) -> Self {
        Self { parts, ..self }
    }

    /// Restricts the target to these databases.
    pub(super) const fn on(self, on: &'static [Database]) -> Self {
        Self { on, ..self }
    }

    /// Returns whether the target is reached; `None` if its floor was not measured.
    pub(crate) fn is_reached(&self, measured: &Measured, results: &[Measured]) -> Option<bool> {
        let median = measured.median();
        Some(match self.bound {
            Bound::TimesFloorAtLeast(bound) => measured.ratio_to_floor()? >= bound,
            Bound::TimesFloorAtMost(bound) => measured.ratio_to_floor()? <= bound,
            Bound::OverFloorAtMost(bound) => median - measured.floor? <= bound,
            Bound::AtMost(bound) => median <= bound,
            Bound::TimesPeerAtLeast(peer, bound) => ratio_to(measured, peer, results)? >= bound,
        })
    }

    /// Returns the target in words. `amount` writes a number with its unit.
    pub(crate) fn in_words(&self, amount: impl Fn(f64) -> String) -> String {
        match self.bound {
            Bound::TimesFloorAtLeast(bound) => format!(">= {bound} x floor"),
            Bound::TimesFloorAtMost(bound) => format!("<= {bound} x floor"),
            Bound::OverFloorAtMost(bound) => format!("<= floor + {}", amount(bound)),
            Bound::AtMost(bound) => format!("<= {}", amount(bound)),
            Bound::TimesPeerAtLeast(peer, bound) => format!(">= {bound} x {peer}"),
        }
    }
}
