//! `results.json`.

use anyhow::Result;
use serde::Serialize;

use crate::{
    cases::BEST_PEER,
    measure::{Measured, ratio_to},
};

#[derive(Serialize)]
struct Line<'a> {
    case: String,
    contender: &'a str,
    database: &'a str,
    rows: u64,
    median: f64,
    unit: &'a str,
    ratio_to_floor: Option<f64>,
    ratio_to_best_peer: Option<f64>,
}

pub(super) fn of(results: &[Measured]) -> Result<String> {
    let lines = results.iter().map(|measured| Line {
        case: measured.name(),
        contender: &measured.contender,
        database: measured.database,
        rows: measured.rows,
        median: measured.median(),
        unit: measured.unit.name(),
        ratio_to_floor: measured.ratio_to_floor(),
        ratio_to_best_peer: if measured.is_ours() {
            ratio_to(measured, BEST_PEER, results)
        } else {
            None
        },
    });

    Ok(serde_json::to_string_pretty(&lines.collect::<Vec<_>>())?)
}
