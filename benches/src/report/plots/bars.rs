//! A bar for each contender, with those of one part of a case below each other.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::colour;
use crate::{measure::Measured, report::table::amount};

const WIDTH: i32 = 760;
const LABELS: i32 = 190;
const LONGEST: i32 = WIDTH - LABELS - 180;
const HEAD: i32 = 40;
const LINE: i32 = 26;

pub(super) fn draw(title: &str, results: &[Measured], file: &Path) -> Result<()> {
    let groups: Vec<&[Measured]> = results.chunk_by(|a, b| a.part == b.part).collect();
    let height = HEAD + LINE * (results.len() + groups.len()) as i32;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    let text = |text: &str, size: i32, at: (i32, i32)| {
        area.draw(&Text::new(text.to_owned(), at, ("sans-serif", size)))
            .map_err(|error| anyhow!("{error}"))
    };

    area.fill(&WHITE)?;
    text(title, 18, (12, 10))?;

    let mut y = HEAD;
    for group in groups {
        if !group[0].part.is_empty() {
            text(&group[0].part, 14, (12, y + 6))?;
        }
        y += if group[0].part.is_empty() { 0 } else { LINE };
        let longest = group.iter().map(Measured::median).fold(f64::MIN_POSITIVE, f64::max);
        for measured in group {
            let length = (measured.median() / longest * f64::from(LONGEST)) as i32;
            let bar = [(LABELS, y + 3), (LABELS + length.max(1), y + LINE - 5)];
            text(&measured.contender, 13, (24, y + 7))?;
            area.draw(&Rectangle::new(bar, colour(&measured.contender).filled()))
                .map_err(|error| anyhow!("{error}"))?;
            text(&told(measured), 13, (LABELS + length + 8, y + 7))?;
            y += LINE;
        }
    }
    Ok(area.present()?)
}

fn told(measured: &Measured) -> String {
    let amount = amount(measured.median(), measured.unit);
    match measured.ratio_to_floor() {
        Some(ratio) if measured.contender != "floor" => format!("{amount}, {ratio:.2} x"),
        _ => amount,
    }
}
