//! A sequence of named steps that stops at the first failure.

use std::time::Instant;

use anyhow::{Context, Result};

/// Runs `step` under a headline. Prints how long it took, or that it failed.
pub(crate) fn step(name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    step().with_context(|| format!("step failed: {name}"))?;
    eprintln!("<== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
