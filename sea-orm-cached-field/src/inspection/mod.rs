//! Inspection: what a program can ask about its cached fields.

mod graph;

pub use graph::{Graph, GraphField, GraphInput, GraphStep};
