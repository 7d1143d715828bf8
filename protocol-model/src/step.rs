use crate::{Hole, Installation, Mark, Protocol, Queued, State, Worker, Writer};

/// The number of transactions that may be open at a time.
const OPEN: usize = 2;

/// A step of one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A transaction changes a related row, lazily or not.
    ChangeRelated {
        /// Whether a worker is to calculate the row.
        eager: bool,
    },
    /// A transaction changes the row itself.
    ChangeOwn,
    /// A transaction saves the whole row as it was loaded long ago.
    SaveStaleCopy,
    /// A transaction changes a related row while a trigger is missing.
    ChangeUnseen,
    /// The installation makes the triggers that are missing.
    Watch,
    /// Its next transaction flags the rows of a chunk.
    FlagChunk,
    /// That transaction commits, with the mark of the chunk.
    CommitChunk,
    /// A worker begins to queue the flagged rows of a chunk.
    SeeChunk(usize),
    /// It commits: the rows are queued, and the mark of the chunk is gone.
    QueueChunk(usize),
    /// The transaction at this place commits.
    Commit {
        /// Its place.
        writer: usize,
        /// Whether it sets the flag. It does not if the row is locked, or at a higher isolation
        /// level.
        flags: bool,
    },
    /// The transaction at this place is rolled back.
    Roll {
        /// Its place.
        writer: usize,
    },
    /// A worker reads the inputs before it claims.
    ReadTooEarly(usize),
    /// A worker collects all marks of the row, and leases it if no other worker has.
    Collect(usize),
    /// A worker leases a row of the queue that no worker has leased.
    Claim(usize),
    /// A reader shares the lease of another holder.
    Share(usize),
    /// A reader recalculates the row now, and takes the lease from its holder.
    Steal(usize),
    /// A worker with a claim reads the inputs, and calculates.
    Calculate(usize),
    /// A worker with a calculated value stores it, if it may.
    Complete(usize),
    /// A worker is killed, and leaves its lease behind.
    Die(usize),
    /// The lease of the row ends by itself: its holder is dead, frozen, or slow.
    LeaseEnds,
}

/// Adds all steps that are possible next.
pub(crate) fn possible(protocol: &Protocol, state: &State, steps: &mut Vec<Step>) {
    let open = if protocol.one_writer { 1 } else { OPEN };
    let flagging = matches!(state.installation, Installation::Flagging { .. });

    match state.installation {
        Installation::Unwatched => {
            steps.push(Step::Watch);
            if state.transactions_left > 0 {
                steps.push(Step::ChangeUnseen);
            }
        }
        Installation::Watched if !protocol.one_writer || state.writers.is_empty() => {
            steps.push(Step::FlagChunk);
        }
        Installation::Flagging { .. } => steps.push(Step::CommitChunk),
        Installation::Watched | Installation::Complete => {}
    }

    let may_begin = !(protocol.one_writer && flagging);
    if state.transactions_left > 0 && state.writers.len() < open && may_begin {
        steps.extend([Step::ChangeRelated { eager: true }, Step::ChangeRelated { eager: false }]);
        if !state.is_locked() {
            steps.extend([Step::ChangeOwn, Step::SaveStaleCopy]);
        }
    }

    for (writer, open) in state.writers.iter().enumerate() {
        steps.push(Step::Roll { writer });
        // With one writer, no other transaction can hold the row locked.
        if !protocol.one_writer || !matches!(open, Writer::Related(_)) {
            steps.push(Step::Commit { writer, flags: false });
        }
        if matches!(open, Writer::Related(_)) && !state.is_locked() {
            steps.push(Step::Commit { writer, flags: true });
        }
    }

    let may_write = !protocol.one_writer || state.writers.is_empty() && !flagging;
    for (at, worker) in state.workers.iter().enumerate() {
        match worker {
            Worker::Idle if protocol.has(Hole::InputsReadBeforeClaim) => {
                steps.push(Step::ReadTooEarly(at))
            }
            Worker::Idle | Worker::HasRead(_) if may_write => steps.extend(claims(state, at)),
            Worker::HasClaimed(_) => steps.push(Step::Calculate(at)),
            Worker::HasCalculated(..) if may_write => steps.push(Step::Complete(at)),
            Worker::IsQueueing(_) if may_write => steps.push(Step::QueueChunk(at)),
            Worker::Idle
            | Worker::HasRead(_)
            | Worker::HasCalculated(..)
            | Worker::IsQueueing(_) => {}
        }
        if *worker != Worker::Idle {
            steps.push(Step::Die(at));
        }
    }

    if state.queued.is_some_and(|queued| queued.holder.is_some()) {
        steps.push(Step::LeaseEnds);
    }
}

fn claims(state: &State, worker: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let is_queueing = |worker: &Worker| matches!(worker, Worker::IsQueueing(_));
    if state.chunk_mark && !state.workers.iter().any(is_queueing) {
        // The mark of a chunk is locked meanwhile.
        steps.push(Step::SeeChunk(worker));
    }

    if !state.marks.is_empty() {
        steps.push(Step::Collect(worker));
    } else if let Some(queued) = state.queued {
        // A row that is still marked is collected with its marks.
        steps.push(if queued.holder.is_none() { Step::Claim(worker) } else { Step::Share(worker) });
    }

    if state.steals_left > 0 {
        steps.push(Step::Steal(worker));
    }

    steps
}

impl Step {
    pub(crate) fn take(self, protocol: &Protocol, state: &mut State) {
        match self {
            Self::ChangeRelated { eager } => {
                let skipped = protocol.has(Hole::MarkSkippedWhenFlagged) && state.flag;
                let mark = if skipped { None } else { state.mark(protocol, eager) };
                state.begin(Writer::Related(mark));
                state.lazily |= !eager;
            }
            Self::ChangeOwn => {
                let mark = state.mark(protocol, true);
                state.begin(Writer::Own(mark));
            }
            Self::SaveStaleCopy => {
                let mark = state.mark(protocol, true);
                state.begin(Writer::StaleSave(mark));
            }
            Self::ChangeUnseen => {
                state.transactions_left -= 1;
                state.input += 1;
            }
            Self::Watch => state.installation = Installation::Watched,
            Self::FlagChunk => {
                let flagged = !state.is_locked_by_user();
                let queued =
                    state.queued.is_some() && !protocol.has(Hole::QueuedRowOfChunkNotMarked);
                let passed_over = !flagged && !protocol.has(Hole::LockedRowOfChunkNotMarked);
                let marks_row = queued || passed_over;
                state.installation = Installation::Flagging { flagged, marks_row };
            }
            Self::CommitChunk => {
                if let Installation::Flagging { flagged, marks_row } = state.installation {
                    let mark = marks_row.then(|| state.new_mark(true));
                    state.marks.extend(mark);
                    state.flag |= flagged;
                }
                state.chunk_mark = true;
                state.installation = Installation::Complete;
            }
            Self::SeeChunk(worker) => {
                let is_seen = state.flag && state.queued.is_none();
                state.workers[worker] = Worker::IsQueueing(is_seen);
                state.chunk_mark &= !protocol.has(Hole::ChunkMarkDeletedFirst);
            }
            Self::QueueChunk(worker) => {
                if state.workers[worker] == Worker::IsQueueing(true) && state.queued.is_none() {
                    let generation = state.new_mark(true).id;
                    state.queued = Some(Queued { generation, holder: None });
                }
                state.chunk_mark = false;
                state.workers[worker] = Worker::Idle;
            }
            Self::Commit { writer, flags } => state.commit(protocol, writer, flags),
            Self::Roll { writer } => drop(state.writers.remove(writer)),
            Self::ReadTooEarly(worker) => state.workers[worker] = Worker::HasRead(state.input),
            Self::Collect(worker) => state.collect(protocol, worker),
            Self::Claim(worker) => {
                let queued = state.queued.as_mut().expect("there is something to claim");
                queued.holder = Some(worker);
                let generation = queued.generation;
                state.claimed(worker, generation);
            }
            Self::Share(worker) => {
                let generation = state.queued.expect("there is something to share").generation;
                state.claimed(worker, generation);
            }
            Self::Steal(worker) => {
                state.steals_left -= 1;
                state.flag |= !state.marks.is_empty() && !state.is_locked();
                state.marks.clear();
                let generation = state.new_mark(true).id;
                state.queued = Some(Queued { generation, holder: Some(worker) });
                state.claimed(worker, generation);
            }
            Self::Calculate(worker) => {
                if let Worker::HasClaimed(generation) = state.workers[worker] {
                    state.workers[worker] = Worker::HasCalculated(generation, state.input);
                }
            }
            Self::Complete(worker) => {
                if let Worker::HasCalculated(generation, value) = state.workers[worker] {
                    state.complete(protocol, worker, generation, value);
                    state.workers[worker] = Worker::Idle;
                }
            }
            Self::Die(worker) => state.workers[worker] = Worker::Idle,
            Self::LeaseEnds => state.end_lease(),
        }
    }
}

impl State {
    /// Makes a mark. It makes none if an equal one waits, and a writer may rely on that.
    fn mark(&mut self, protocol: &Protocol, eager: bool) -> Option<Mark> {
        let relies = protocol.one_writer || protocol.has(Hole::MarkSkippedWhileOneWaits);
        let waits = self.marks.iter().any(|mark| mark.eager == eager);
        (!relies || !waits).then(|| self.new_mark(eager))
    }

    fn new_mark(&mut self, eager: bool) -> Mark {
        self.next_mark += 1;
        Mark { id: self.next_mark - 1, eager }
    }

    fn begin(&mut self, writer: Writer) {
        self.transactions_left -= 1;
        self.writers.push(writer);
    }

    fn commit(&mut self, protocol: &Protocol, writer: usize, flags: bool) {
        match self.writers.remove(writer) {
            Writer::Related(mark) => {
                // Where a mark waits, the flag is set, because the same transaction has set both.
                let relies = protocol.one_writer && mark.is_none();
                self.input += 1;
                self.marks.extend(mark);
                self.flag |= flags && !relies;
            }
            Writer::Own(mark) => {
                self.input += 1;
                self.marks.extend(mark);
                self.flag = true;
            }
            Writer::StaleSave(mark) => {
                self.value = 0;
                if protocol.has(Hole::SaveEndsFlag) {
                    self.flag = false;
                } else {
                    self.marks.extend(mark);
                    self.flag = true;
                }
            }
        }
    }

    fn claimed(&mut self, worker: usize, generation: u8) {
        self.workers[worker] = match self.workers[worker] {
            Worker::HasRead(input) => Worker::HasCalculated(generation, input),
            _ => Worker::HasClaimed(generation),
        };
    }

    fn collect(&mut self, protocol: &Protocol, worker: usize) {
        let marks = std::mem::take(&mut self.marks);
        let newest = marks.iter().map(|mark| mark.id).max().expect("there is something to collect");
        let generation = match self.queued {
            Some(queued) if protocol.has(Hole::GenerationCounted) => queued.generation + 1,
            None if protocol.has(Hole::GenerationCounted) => 1,
            Some(queued) if protocol.has(Hole::GenerationOnlyGrows) => {
                newest.max(queued.generation)
            }
            _ => newest,
        };

        let is_locked = self.is_locked();
        self.flag |= !is_locked;
        let is_leased = self.queued.is_some_and(|queued| queued.holder.is_some());
        if protocol.has(Hole::MarkOfLeasedRowIgnored) && is_leased {
            return;
        }

        // A locked row cannot be flagged now, and is queued like the others.
        if !marks.iter().any(|mark| mark.eager) && !is_locked {
            if let Some(queued) = &mut self.queued
                && !protocol.has(Hole::LazyMarkLeavesGeneration)
            {
                queued.generation = generation;
            }
            return;
        }
        let holder = self.queued.and_then(|queued| queued.holder);
        self.queued = Some(Queued { generation, holder: holder.or(Some(worker)) });

        if holder.is_none() {
            self.claimed(worker, generation);
        }
    }

    fn complete(&mut self, protocol: &Protocol, worker: usize, generation: u8, value: u8) {
        if self.is_locked() {
            self.end_lease_of(worker);
            return;
        }
        let Some(queued) = self.queued else { return };

        let is_last = self.marks.is_empty()
            && (queued.generation == generation || protocol.has(Hole::CompletionWithoutGeneration));
        if is_last || protocol.has(Hole::FlagEndedUnconditionally) {
            // Changes that go unseen cannot be told apart.
            self.went_back |= value < self.value && !self.installation.is_under_way();
            (self.value, self.flag, self.queued) = (value, false, None);
        } else {
            (self.value, self.published) = (value, true);
            self.end_lease_of(worker);
        }
    }

    /// Lets the lease of another worker go on, or end by itself.
    fn end_lease_of(&mut self, worker: usize) {
        if self.queued.is_some_and(|queued| queued.holder == Some(worker)) {
            self.end_lease();
        }
    }

    fn end_lease(&mut self) {
        if let Some(queued) = &mut self.queued {
            queued.holder = None;
        }
    }
}
