//! The protocol of cached fields, for one field of one row, as a finite model. It has everything
//! that writers, workers and readers can do to each other, in every order. A model checker visits
//! all of its states and checks the [invariants]. Each [`Hole`] is a mistake that was made once, or
//! could be made, and that the checker has to find.
//!
//! A step is one transaction of the real code, or a part of a writer's. `ARCHITECTURE.md` describes
//! the life of an invalidation in the same words. The model leaves out other rows and fields,
//! failures of calculations, expiries, and time.
//!
//! [invariants]: Protocol#impl-Model-for-Protocol

mod hole;
mod state;
mod step;

pub use hole::Hole;
pub use state::{Installation, Mark, Queued, State, Worker, Writer};
pub use step::Step;

use stateright::{Model, Property};

/// The model: its participants, and its hole, if any.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The number of transactions that writers begin in all. Two may be open at a time.
    pub transactions: u8,
    /// The number of workers and readers.
    pub workers: usize,
    /// The number of recalculations that take a lease from its holder.
    pub steals: u8,
    /// Whether there is one writer at a time, as on SQLite. Then, if a mark waits, a change of a
    /// related row makes no mark, and sets no flag.
    pub one_writer: bool,
    /// Whether triggers are missing at first. A change may go unseen until an installation flags
    /// the row, and makes one mark for a chunk of rows.
    pub installation: bool,
    /// The mistake of the protocol, if it has one.
    pub hole: Option<Hole>,
}

impl Protocol {
    /// Returns the protocol as it is: three transactions, two workers, and one recalculation that
    /// takes the lease from its holder.
    pub fn sound() -> Self {
        Self {
            transactions: 3,
            workers: 2,
            steals: 1,
            one_writer: false,
            installation: false,
            hole: None,
        }
    }

    /// Returns the protocol with an installation that flags a chunk of rows.
    pub fn of_an_installation() -> Self {
        Self { transactions: 2, installation: true, ..Self::sound() }
    }

    /// Returns the same on SQLite, with one transaction more.
    pub fn of_an_installation_by_one_writer() -> Self {
        Self { transactions: 3, one_writer: true, ..Self::of_an_installation() }
    }

    /// Returns the protocol as it is on SQLite, with one transaction more.
    pub fn of_one_writer() -> Self {
        Self { transactions: 4, one_writer: true, ..Self::sound() }
    }

    /// Returns the protocol with this hole.
    pub fn with(hole: Hole) -> Self {
        let protocol =
            if hole.is_of_installations() { Self::of_an_installation() } else { Self::sound() };
        Self { hole: Some(hole), ..protocol }
    }

    fn has(&self, hole: Hole) -> bool {
        self.hole == Some(hole)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::fresh(self)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        step::possible(self, state, steps);
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        step.take(self, &mut next);
        next.forget_what_no_one_sees();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "I4: a value that is wrong has a flag, a mark or a place in the queue",
                |_, state: &State| {
                    state.is_right()
                        || state.flag
                        || !state.marks.is_empty()
                        || state.queued.is_some()
                        || state.installation.is_under_way()
                },
            ),
            Property::always(
                "I4: where there is one writer, a row that is marked is flagged",
                |protocol: &Self, state: &State| {
                    !protocol.one_writer || state.marks.is_empty() || state.flag
                },
            ),
            Property::always(
                "I1: when all is quiet, no committed change is missing",
                |_, state: &State| !state.is_quiet() || state.is_right() || state.flag,
            ),
            Property::always(
                "I3: no older calculation overwrites a newer one and ends the flag",
                |_, state: &State| !state.went_back,
            ),
            Property::always(
                "I4: when all is quiet, only a lazily marked row is flagged",
                |_, state: &State| !state.is_quiet() || !state.flag || state.lazily,
            ),
            Property::sometimes("a change is calculated", |protocol: &Self, state: &State| {
                state.is_quiet() && !state.flag && state.input == protocol.transactions
            }),
            Property::sometimes("a value is published", |_, state: &State| state.published),
        ]
    }
}
