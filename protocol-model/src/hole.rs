/// A mistake that the protocol could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// A completion ends the flag whatever has been marked since, as `django-cached-field` does.
    FlagEndedUnconditionally,
    /// A completion does not look at the generation.
    CompletionWithoutGeneration,
    /// The generation is a counter, so that it repeats when the queue's row is deleted and inserted
    /// again.
    GenerationCounted,
    /// The generation is the greatest mark ever. It misses a mark with a smaller number that was
    /// committed later.
    GenerationOnlyGrows,
    /// A writer makes no mark if the row is flagged already.
    MarkSkippedWhenFlagged,
    /// A writer makes no mark if one waits, although it is not the only writer. A worker may be
    /// about to collect that mark.
    MarkSkippedWhileOneWaits,
    /// The inputs are read before the claim.
    InputsReadBeforeClaim,
    /// A stale save of the whole row ends the flag.
    SaveEndsFlag,
    /// A lazy mark leaves the generation as it is.
    LazyMarkLeavesGeneration,
    /// Marks of a leased row are dropped, because its holder is about to calculate it.
    MarkOfLeasedRowIgnored,
    /// An installation flags a row that is in the queue, and makes no mark of its own for it. A
    /// calculation under way ends that flag.
    QueuedRowOfChunkNotMarked,
    /// An installation skips a row that a user's transaction holds locked, and makes no mark for
    /// it.
    LockedRowOfChunkNotMarked,
    /// The mark of a chunk is deleted before its rows are queued, in a transaction of its own.
    ChunkMarkDeletedFirst,
}

impl Hole {
    /// All holes.
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

    /// Returns whether the hole only shows with an installation.
    pub(crate) fn is_of_installations(self) -> bool {
        matches!(
            self,
            Self::QueuedRowOfChunkNotMarked
                | Self::LockedRowOfChunkNotMarked
                | Self::ChunkMarkDeletedFirst
        )
    }
}
