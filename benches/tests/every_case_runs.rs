//! The benchmark runs, at sizes that say nothing of speed, and writes what it promises.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

const KEYS: [&str; 8] = [
    "case",
    "contender",
    "database",
    "median",
    "ratio_to_best_peer",
    "ratio_to_floor",
    "rows",
    "unit",
];

/// The cases that run on SQLite.
const CASES: [&str; 13] = [
    "backlog",
    "embedded",
    "fan_out",
    "flights",
    "growth",
    "idle",
    "inspect",
    "latency",
    "read_fresh",
    "recalculate",
    "recalculate_query",
    "write_bulk",
    "write_irrelevant",
];

fn measure(database: &str, folder: &Path) -> Vec<Value> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_benches"));
    let program =
        program.args(["--smoke", "--database", database]).env("CACHED_FIELD_BENCH_FOLDER", folder);
    let output = program.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results = fs::read(folder.join("results.json")).expect("results");
    serde_json::from_slice(&results).expect("an array")
}

#[test]
fn results_have_the_promised_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let results = measure("sqlite", folder.path());
    for line in &results {
        let keys: Vec<&str> =
            line.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, KEYS, "{line}");
        assert!(line["median"].is_f64() && line["rows"].is_u64(), "{line}");
    }
    let text = |line: &Value, key: &str| line[key].as_str().expect("text").to_owned();
    let contenders: BTreeSet<String> = results.iter().map(|line| text(line, "contender")).collect();
    assert_eq!(
        contenders,
        BTreeSet::from(["by-hand-chunks".to_owned(), "cached".to_owned(), "floor".to_owned()])
    );
    let cases: BTreeSet<String> = results
        .iter()
        .filter_map(|line| text(line, "case").split('/').next().map(str::to_owned))
        .collect();
    for case in CASES {
        assert!(cases.contains(case), "{case} is not among {cases:?}");
        assert!(folder.path().join(format!("{case}-sqlite.svg")).exists(), "{case} has no plot");
    }
}

/// Runs some cases on a server, among them those that SQLite takes no part in.
fn runs_on(server: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let results = measure(server, folder.path());
    for case in [
        "flights",
        "recalculate_batch",
        "recalculate_query",
        "scale_out",
        "write_hot",
        "write_single",
    ] {
        let is_case = |line: &Value| {
            line["case"].as_str().is_some_and(|name| name.split('/').next() == Some(case))
        };
        assert!(results.iter().any(is_case), "{case} was not measured on {server}");
    }
}

#[test]
fn every_case_runs_on_postgres() {
    runs_on("postgres");
}

#[test]
fn every_case_runs_on_mariadb() {
    runs_on("mariadb");
}

#[test]
fn every_case_runs_on_mysql() {
    runs_on("mysql");
}
