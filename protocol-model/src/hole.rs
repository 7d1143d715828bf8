/// What the protocol could do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// A completion ends the flag whatever has been marked since, as the predecessor of this
    /// library does.
    FlagEndedUnconditionally,
    /// A completion does not look at the generation.
    CompletionWithoutGeneration,
    /// The generation is counted, so that it comes again when the queue's row does.
    GenerationCounted,
    /// The generation is the greatest mark ever, and misses a mark with a smaller number that was
    /// committed later.
    GenerationOnlyGrows,
    /// A writer makes no mark if the row is flagged already.
    MarkSkippedWhenFlagged,
    /// A writer makes no mark if one waits, where it is not the only writer: a worker may be about
    /// to collect that one.
    MarkSkippedWhileOneWaits,
    /// The inputs are read before the claim.
    InputsReadBeforeClaim,
    /// A stale save of the whole row ends the flag.
    SaveEndsFlag,
    /// What is only lazily marked leaves the generation as it is.
    LazyMarkLeavesGeneration,
    /// Marks of a leased row are thrown away: its holder is about to calculate it, after all.
    MarkOfLeasedRowIgnored,
    /// An installation flags a row that stands in the queue, and makes no mark of its own for it: a
    /// calculation under way ends that flag.
    QueuedRowOfChunkNotMarked,
    /// An installation passes over a row that a user's transaction holds locked, and makes no mark
    /// for it.
    LockedRowOfChunkNotMarked,
    /// The mark of a chunk is deleted before its rows are queued, in a transaction of its own.
    ChunkMarkDeletedFirst,
}

impl Hole {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::FlagEndedUnconditionally,
        Self::CompletionWithoutGeneration,
        Self::GenerationCounted,
        Self::GenerationOnlyGrows,
        Self::MarkSkippedWhenFlagged,
        Self::MarkSkippedWhileOneWaits,
        Self::InputsReadBeforeClaim,
        Self::SaveEndsFlag,
        Self::LazyMarkLeavesGeneration,
        Self::MarkOfLeasedRowIgnored,
        Self::QueuedRowOfChunkNotMarked,
        Self::LockedRowOfChunkNotMarked,
        Self::ChunkMarkDeletedFirst,
    ];

    /// Whether it takes an installation to show.
    pub(crate) fn is_of_installations(self) -> bool {
        matches!(
            self,
            Self::QueuedRowOfChunkNotMarked
                | Self::LockedRowOfChunkNotMarked
                | Self::ChunkMarkDeletedFirst
        )
    }
}
