//! schema

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;
