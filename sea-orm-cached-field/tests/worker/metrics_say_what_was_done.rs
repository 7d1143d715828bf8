//! Metrics have the names that the documentation, the dashboard and the alerts have.

use std::{collections::BTreeSet, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sea_orm_cached_field::metrics::{CALCULATION, STALENESS, describe};

use crate::{
    fragile::*,
    harness::{PATIENCE, TestDb, connect},
};

/// The recorder of this process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: std::sync::LazyLock<PrometheusHandle> = std::sync::LazyLock::new(|| {
        let mut builder = PrometheusBuilder::new();
        for histogram in [STALENESS, CALCULATION] {
            let name = Matcher::Full(histogram.name.to_owned());
            builder = builder.set_buckets_for_metric(name, histogram.buckets).expect("buckets");
        }
        let handle = builder.install_recorder().expect("the only recorder");
        describe();
        handle
    });
    &RECORDER
}

/// The sum of a metric over all its labels that contain this text.
fn value(name: &str, label: &str) -> f64 {
    let rendered = recorder().render();
    let lines = rendered.lines().filter(|line| !line.starts_with('#'));
    let lines =
        lines.filter(|line| line.split(['{', ' ']).next() == Some(name) && line.contains(label));
    lines.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<f64>().unwrap()).sum()
}

/// Other tests of this process count, too: so it asks for what was added at least.
#[apply(contract)]
async fn and_what_waits(db: TestDb) {
    recorder();
    let outcome = |outcome: &str| {
        value("cached_field_recalculations_total", &format!("outcome=\"{outcome}\""))
    };
    let before = [outcome("changed"), outcome("unchanged")];
    let failures = value("cached_field_failures_total", "final=\"true\"");
    let [stale, took, marks] = [
        value("cached_field_staleness_seconds_count", "field=\"opinion\""),
        value("cached_field_calculation_seconds_count", "field=\"opinion\""),
        value("cached_field_marks_collected_total", "table=\"fragile\""),
    ];
    let read = value("cached_field_read_recalculations_total", "field=\"opinion\"");

    set_up_fragiles(&db).await;
    let [one, two, _] = rows_of(&db, ["fine", "well", "error"]).await;
    fragiles().worker(&db).max_attempts(1).drain().await.expect("drained");
    row(&db, one).await.flag_opinion_as_stale(&*db).await.expect("flagged");
    db.drain(fragiles()).await;
    set_mood(&*db, two, "merry").await;
    row(&db, two).await.fresh_opinion(&*db).await.expect("read");

    assert!(outcome("changed") >= before[0] + 2.0);
    assert!(outcome("unchanged") >= before[1] + 1.0);
    assert!(value("cached_field_failures_total", "final=\"true\"") >= failures + 1.0);
    assert!(value("cached_field_staleness_seconds_count", "field=\"opinion\"") >= stale + 3.0);
    assert!(value("cached_field_calculation_seconds_count", "field=\"opinion\"") >= took + 4.0);
    assert!(value("cached_field_marks_collected_total", "table=\"fragile\"") >= marks + 4.0);
    assert!(value("cached_field_read_recalculations_total", "field=\"opinion\"") >= read + 1.0);

    let worker = start(fragiles().worker(&db));
    let is_set = async || value("cached_field_workers", "table=\"fragile\"") >= 1.0;
    eventually("a worker sets the gauges", is_set).await;
    worker.stop().await;
}

/// Runs a worker with a recorder of its own, as in another process, until this holds of what the
/// recorder would export.
fn run_until(db: &TestDb, is_so: impl Fn(&str) -> bool + Send + 'static) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let exported = recorder.handle();
    let url = db.url.clone();
    let is_set = async move {
        while !is_so(&exported.render()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ended = metrics::with_local_recorder(&recorder, || {
            runtime.unwrap().block_on(async {
                let worker = fragiles().worker(&connect(&url).await).run_until(is_set);
                tokio::time::timeout(PATIENCE, worker).await.expect("the gauges are set")
            })
        });
        ended.expect("it should stop without an error");
    };
    std::thread::spawn(run).join().expect("a worker");
}

#[apply(contract)]
async fn and_only_one_process_sets_the_gauges(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["error"]).await;
    fragiles().worker(&db).max_attempts(1).drain().await.expect("drained");
    let says = |name: &str, value: u8| {
        let line = format!("{name}{{table=\"fragile\",field=\"opinion\"}} {value}\n");
        move |exported: &str| exported.contains(&line)
    };

    run_until(&db, says("cached_field_failed", 1));
    let younger = |gauges: bool| {
        format!(
            "INSERT INTO _fragile_cached_workers (
                    worker, host, process, program, version, fields, concurrency, gauges, claims,
                    started_at, seen_at)
             VALUES (0, 'elsewhere', 1, 'shop', '1.0.0', 'opinion', 8, {gauges}, 1, {now}, {now})",
            now = db.now(),
        )
    };
    db.sql(&younger(true)).await;
    db.shift("_fragile_cached_workers", "started_at", 600).await;
    run_until(&db, says("cached_field_failed", 0));

    db.sql("UPDATE _fragile_cached_workers SET gauges = false").await;
    run_until(&db, says("cached_field_failed", 1));
}

/// Each name that starts so in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("cached_field_"));
    let without_suffix = |word: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        base.unwrap_or(word).to_owned()
    };
    words.map(without_suffix).collect()
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_exist() {
    let known = names(include_str!("../../src/metrics.rs"));
    for text in
        [include_str!("../../../docs/grafana.json"), include_str!("../../../docs/alerts.yml")]
    {
        let asked = names(text);
        assert!(asked.len() > 3, "{asked:?}");
        assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/grafana.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()));
}
