//! Lampposts, and the pigeons that sit on them.

pub(crate) mod lamppost;
pub(crate) mod pigeon;
