//! What is told of the results.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::measure::Measured;

/// Where files go: below the workspace's `target`.
pub(crate) fn folder() -> Result<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = workspace.join("target/bench");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

pub(crate) fn print(results: &[Measured]) {
    for measured in results {
        println!(
            "{:28} {:18} {:9} {:9} {:14.4} {:10} {:8.3}",
            measured.name(),
            measured.contender,
            measured.database,
            measured.rows,
            measured.median(),
            measured.unit.name(),
            measured.ratio_to_floor().unwrap_or(f64::NAN)
        );
    }
}
