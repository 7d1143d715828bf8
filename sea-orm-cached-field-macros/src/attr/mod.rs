//! Reads attributes: `#[cached(..)]`, and those of SeaORM that matter here.

mod cached;
mod depends_on;
mod roll_up;
mod sea_orm;

pub(crate) use cached::{Flagging, Options};
pub(crate) use depends_on::{Dependency, Related, written};
pub(crate) use roll_up::{Comparison, Condition, Function, Operand, RollUp};
pub(crate) use sea_orm::{SeaOrm, struct_has_key, variant};
