//! Lines over growing sizes.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::colour;
use crate::measure::Measured;

const SIZE: (u32, u32) = (760, 320);

/// Plots the time for a row by the size of the table.
pub(super) fn growth(title: &str, results: &[Measured], file: &Path) -> Result<()> {
    let points: Vec<(f64, f64)> =
        results.iter().map(|measured| (measured.rows as f64, measured.median())).collect();
    let first = points.first().map_or(0.0, |(_, first)| *first);
    let level = points.iter().map(|(rows, _)| (*rows, first)).collect();
    draw(title, ("rows in the table", "ms for a stale row"), &points, level, file)
}

/// Plots the rows a second by the number of workers.
pub(super) fn scale_out(title: &str, results: &[Measured], file: &Path) -> Result<()> {
    let workers =
        |measured: &Measured| measured.part.split(' ').next().and_then(|count| count.parse().ok());
    let points: Vec<(f64, f64)> = results
        .iter()
        .filter_map(|measured| Some((workers(measured)?, measured.median())))
        .collect();
    let first = points.first().map_or(0.0, |(_, first)| *first);
    let linear = points.iter().map(|(workers, _)| (*workers, first * workers)).collect();
    draw(title, ("workers", "rows a second"), &points, linear, file)
}

/// Draws the points, and the ideal in grey.
fn draw(
    title: &str,
    (x, y): (&str, &str),
    points: &[(f64, f64)],
    ideal: Vec<(f64, f64)>,
    file: &Path,
) -> Result<()> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;

    let least = points.first().map_or(1.0, |(least, _)| *least);
    let most = points.last().map_or(2.0, |(most, _)| *most);
    let highest =
        points.iter().chain(&ideal).map(|(_, height)| *height).fold(f64::MIN_POSITIVE, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), 0.0..highest * 1.1)
        .map_err(|error| anyhow!("{error}"))?;

    chart.configure_mesh().x_desc(x).y_desc(y).draw()?;
    chart.draw_series(LineSeries::new(ideal, colour("floor").stroke_width(1)))?;
    chart.draw_series(LineSeries::new(points.iter().copied(), colour("cached").stroke_width(2)))?;
    chart.draw_series(
        points.iter().map(|point| Circle::new(*point, 4, colour("cached").filled())),
    )?;
    Ok(area.present()?)
}
