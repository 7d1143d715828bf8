use crate::Protocol;

/// What stands in the database, and what everybody is about to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// How often the input has changed: the right value, too.
    pub input: u8,
    /// The stored value: the input that it was calculated from.
    pub value: u8,
    /// Whether the row says that its value is stale.
    pub flag: bool,
    /// The committed marks.
    pub marks: Vec<Mark>,
    /// The row's place in the queue.
    pub queued: Option<Queued>,
    /// How far the installation is that flags the row.
    pub installation: Installation,
    /// Whether there is a mark of a chunk of rows, the row among them.
    pub chunk_mark: bool,
    /// The open transactions.
    pub writers: Vec<Writer>,
    /// How many more may begin.
    pub transactions_left: u8,
    /// The workers, and readers, who do the same.
    pub workers: Vec<Worker>,
    /// How many more leases may be taken from those who have them.
    pub steals_left: u8,
    /// The number of the next mark. Numbers are given when a mark is made, not when it is
    /// committed.
    pub next_mark: u8,
    /// Whether the row was ever marked lazily.
    pub lazily: bool,
    /// Whether a completion has put an older value in the place of a newer one, and ended the flag.
    pub went_back: bool,
    /// Whether a value was ever published: stored though it was known to be not the last.
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
    /// What changes with each collected mark.
    pub generation: u8,
    /// Who has leased it.
    pub holder: Option<usize>,
}

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Installation {
    /// Triggers are missing: a change may go unseen.
    Unwatched,
    /// All triggers are there. The row is not flagged yet.
    Watched,
    /// Its transaction has flagged the row, and holds it locked; or it has passed it over, for a
    /// user's transaction has it.
    Flagging {
        /// Whether it has flagged the row.
        flagged: bool,
        /// Whether it makes a mark of the row's own.
        marks_row: bool,
    },
    /// It is complete, or there was none.
    Complete,
}

impl Installation {
    /// Whether the row may be wrong although nothing says so.
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
    /// Does nothing; or was killed.
    Idle,
    /// Has read the input before it claims (only with
    /// [`Hole::InputsReadBeforeClaim`](crate::Hole)).
    HasRead(u8),
    /// Has claimed the row at this generation.
    HasClaimed(u8),
    /// Has claimed the row at this generation, and calculated the value from this input.
    HasCalculated(u8, u8),
    /// Is queueing a chunk: whether the row is among those that its statement has seen as flagged,
    /// and in no queue.
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

    /// Whether the stored value is what a calculation would say now.
    pub fn is_right(&self) -> bool {
        self.value == self.input
    }

    /// Whether nothing is left to be done, by anybody.
    pub fn is_quiet(&self) -> bool {
        self.marks.is_empty()
            && !self.chunk_mark
            && !self.installation.is_under_way()
            && self.queued.is_none()
            && self.writers.is_empty()
            && self.workers.iter().all(|worker| *worker == Worker::Idle)
    }

    /// Whether a user's transaction, or an installation, holds the row locked.
    pub(crate) fn is_locked(&self) -> bool {
        self.is_locked_by_user()
            || matches!(self.installation, Installation::Flagging { flagged: true, .. })
    }

    pub(crate) fn is_locked_by_user(&self) -> bool {
        self.writers.iter().any(|writer| !matches!(writer, Writer::Related(_)))
    }

    /// The order of marks and of transactions tells nothing.
    pub(crate) fn forget_what_no_one_sees(&mut self) {
        self.marks.sort_unstable();
        self.writers.sort_unstable();
    }
}
