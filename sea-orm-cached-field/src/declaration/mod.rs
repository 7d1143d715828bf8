//! The declaration of a cached field: its trait, its columns, its options, and the paths that it
//! depends on.

mod cached_field;
mod call;
mod column;
mod executor;
mod expiry;
mod key;
mod path;
mod relation;
mod roll_up;
mod time_zone;

pub use cached_field::{
    BoxError, CachedField, CachedModel, Calculation, FieldEntry, FieldSpec, Flagging, Generated,
    Query, Stored, stale,
};
pub use call::{Call, Takes, TakesOthers, boxed};
pub use column::CachedValue;
pub use executor::IntoExecutor;
pub use expiry::Expiry;
pub(crate) use key::Chunk;
pub use key::Key;
pub use path::{Dependency, Hop, Path, PathError, Read};
pub use relation::{FollowBack, FollowUnrelated};
pub use roll_up::{Comparison, Function, RollUp, RolledUp, literal};
pub(crate) use roll_up::{ROWS, is_float};
pub(crate) use time_zone::Zone;
#[cfg(feature = "time-zones")]
pub use time_zone::moment_in;
