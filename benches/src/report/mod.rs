//! The report of the results.

mod json;
mod plots;
mod table;

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::measure::Measured;

/// Returns the folder for files, below the workspace's `target`.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("CACHED_FIELD_BENCH_FOLDER") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench"),
    };
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Prints the table, and writes the files.
pub(crate) fn all(results: &[Measured]) -> Result<()> {
    println!("{}\n\nThe floors:\n{}", table::of(results), table::floors(results));
    let folder = folder()?;
    fs::write(folder.join("results.json"), json::of(results)?)?;
    plots::draw(results, &folder)?;
    println!("written: results.json and plots in {}", folder.display());
    Ok(())
}
