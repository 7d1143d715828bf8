use crate::Protocol;

/// The contents of the database, and the next steps of all participants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The number of changes of the input. It is also the right value.
    pub input: u8,
    /// The stored value: the input that it was calculated from.
    pub value: u8,
    /// Whether the row says that its value is stale.
    pub flag: bool,
    /// The committed marks.
    pub marks: Vec<Mark>,
    /// The row's place in the queue.
    pub queued: Option<Queued>,
    /// The progress of the installation that flags the row.
    pub installation: Installation,
    /// Whether there is a mark of a chunk of rows that has this row.
    pub chunk_mark: bool,
    /// The open transactions.
    pub writers: Vec<Writer>,
    /// The number of transactions that may still begin.
    pub transactions_left: u8,
    /// The workers. Readers are workers here, because they do the same.
    pub workers: Vec<Worker>,
    /// The number of leases that may still be taken from their holders.
    pub steals_left: u8,
    /// The number of the next mark. Numbers are given when a mark is made, not when it is
    /// committed.
    pub next_mark: u8,
    /// Whether the row was ever marked lazily.
    pub lazily: bool,
    /// Whether a completion has replaced a newer value by an older one, and ended the flag.
    pub went_back: bool,
    /// Whether a value was ever published: stored although it was known to be outdated.
    pub published: bool,
}

/// A mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// Its number.
    pub id: u8,
    /// Whether a worker is to calculate the row.
    pub eager: bool,
}

/// A row of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// The generation, which changes with each collected mark.
    pub generation: u8,
    /// The worker that has leased it.
    pub holder: Option<usize>,
}

/// The progress of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Installation {
    /// Triggers are missing: a change may go unseen.
    Unwatched,
    /// All triggers are there. The row is not flagged yet.
    Watched,
    /// Its transaction has flagged the row, and holds it locked. Or it has skipped the row, because
    /// a user's transaction has it locked.
    Flagging {
        /// Whether it has flagged the row.
        flagged: bool,
        /// Whether it makes a mark for the row alone.
        marks_row: bool,
    },
    /// It is complete, or there was none.
    Complete,
}

impl Installation {
    /// Returns whether the row may be wrong although nothing says so.
    pub fn is_under_way(self) -> bool {
        self != Self::Complete
    }
}

/// An open transaction of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Writer {
    /// Has changed a related row.
    Related(Option<Mark>),
    /// Has changed the row itself, and holds it locked.
    Own(Option<Mark>),
    /// Has saved the whole row with an old copy of the value and the flag, and holds it locked.
    StaleSave(Option<Mark>),
}

/// A worker or a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Does nothing, or was killed.
    Idle,
    /// Has read the input before it claims (only with
    /// [`Hole::InputsReadBeforeClaim`](crate::Hole)).
    HasRead(u8),
    /// Has claimed the row at this generation.
    HasClaimed(u8),
    /// Has claimed the row at this generation, and calculated the value from this input.
    HasCalculated(u8, u8),
    /// Is queueing a chunk. The flag says whether the row is one of those that its statement has
    /// seen as flagged, and in no queue.
    IsQueueing(bool),
}

impl State {
    pub(crate) fn fresh(protocol: &Protocol) -> Self {
        Self {
            input: 0,
            value: 0,
            flag: false,
            marks: Vec::new(),
            queued: None,
            installation: if protocol.installation {
                Installation::Unwatched
            } else {
                Installation::Complete
            },
            chunk_mark: false,
            writers: Vec::new(),
            transactions_left: protocol.transactions,
            workers: vec![Worker::Idle; protocol.workers],
            steals_left: protocol.steals,
            next_mark: 1,
            lazily: false,
            went_back: false,
            published: false,
        }
    }

    /// Returns whether the stored value is the one that a calculation would return now.
    pub fn is_right(&self) -> bool {
        self.value == self.input
    }

    /// Returns whether no participant has anything left to do.
    pub fn is_quiet(&self) -> bool {
        self.marks.is_empty()
            && !self.chunk_mark
            && !self.installation.is_under_way()
            && self.queued.is_none()
            && self.writers.is_empty()
            && self.workers.iter().all(|worker| *worker == Worker::Idle)
    }

    /// Returns whether a user's transaction, or an installation, holds the row locked.
    pub(crate) fn is_locked(&self) -> bool {
        self.is_locked_by_user()
            || matches!(self.installation, Installation::Flagging { flagged: true, .. })
    }

    pub(crate) fn is_locked_by_user(&self) -> bool {
        self.writers.iter().any(|writer| !matches!(writer, Writer::Related(_)))
    }

    /// Sorts marks and transactions, whose order has no effect.
    pub(crate) fn forget_what_no_one_sees(&mut self) {
        self.marks.sort_unstable();
        self.writers.sort_unstable();
    }
}
