//! The table that is printed.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::{
    cases::{BEST_PEER, CASES, Case, Target, targets_of},
    measure::{Measured, Unit, percentile, ratio_to},
};

const HEADER: [&str; 10] = [
    "case",
    "database",
    "contender",
    "rows",
    "median",
    "from .. to",
    "x floor",
    "x peer",
    "target",
    "reached",
];

pub(super) fn of(results: &[Measured]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER);

    for measured in results {
        let targets: Vec<&Target> = targets_of(measured).collect();
        let times =
            |ratio: Option<f64>| ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let least = percentile(&measured.samples, 0.0);
        let most = percentile(&measured.samples, 1.0);
        let peer = if measured.is_ours() { ratio_to(measured, BEST_PEER, results) } else { None };
        table.add_row([
            measured.name(),
            measured.database.to_owned(),
            measured.contender.clone(),
            measured.rows.to_string(),
            amount(measured.median(), measured.unit),
            format!("{} .. {}", number(least, measured.unit), number(most, measured.unit)),
            times(measured.ratio_to_floor()),
            times(peer),
            targets
                .iter()
                .map(|target| target.in_words(|bound| amount(bound, measured.unit)))
                .collect::<Vec<_>>()
                .join("\n"),
            targets
                .iter()
                .map(|target| reached(target, measured, results))
                .collect::<Vec<_>>()
                .join("\n"),
        ]);
    }

    for column in [3, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Returns the floor of each case.
pub(super) fn floors(results: &[Measured]) -> String {
    let measured = |case: &&Case| results.iter().any(|measured| measured.case == case.name);
    let lines =
        CASES.iter().filter(measured).map(|case| format!("  {:18} {}\n", case.name, case.floor));
    lines.collect()
}

fn reached(target: &Target, measured: &Measured, results: &[Measured]) -> &'static str {
    match target.is_reached(measured, results) {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "not measured",
    }
}

pub(super) fn amount(value: f64, unit: Unit) -> String {
    let name = if unit == Unit::Bytes { "MiB" } else { unit.name() };
    format!("{} {name}", number(value, unit))
}

/// Returns a number as text. Bytes are shown in mebibytes.
fn number(value: f64, unit: Unit) -> String {
    let value = if unit == Unit::Bytes { value / 1_048_576.0 } else { value };
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 4,
    };
    let number = format!("{value:.decimals$}");
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number
    }
}
