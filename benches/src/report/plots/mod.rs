//! Plots: bars to compare contenders, lines for growth.

mod bars;
mod lines;

use std::path::Path;

use anyhow::Result;
use plotters::style::RGBColor;

use crate::measure::Measured;

pub(super) fn draw(results: &[Measured], folder: &Path) -> Result<()> {
    for of_case in results.chunk_by(|a, b| a.case == b.case && a.database == b.database) {
        let case = of_case[0].case;
        let database = of_case[0].database;
        let file = folder.join(format!("{case}-{database}.svg"));
        let title = format!("{case} on {database}");
        match case {
            "growth" => lines::growth(&title, of_case, &file)?,
            "scale_out" => lines::scale_out(&title, of_case, &file)?,
            _ => bars::draw(&title, of_case, &file)?,
        }
    }
    Ok(())
}

/// Returns the colour of the floor, of this library, or of a peer.
fn colour(contender: &str) -> RGBColor {
    match contender {
        "floor" => RGBColor(0x8a, 0x8f, 0x98),
        "cached-collector" => RGBColor(0x2f, 0x9e, 0x8f),
        contender if contender.starts_with("cached") => RGBColor(0x2b, 0x6c, 0xb0),
        _ => RGBColor(0xd0, 0x8a, 0x2e),
    }
}
