//! The cases of the benchmark, and their targets.

mod backlog;
mod fan_out;
mod flights;
mod growth;
mod idle;
mod inspect;
mod latency;
mod read_fresh;
mod recalculate;
mod renewal;
mod scale_out;
mod target;
mod work;
mod write_bulk;
mod write_hot;
mod write_single;
mod writer;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;

use crate::{
    bench::{Bench, Size},
    measure::{Measured, Unit},
    place::Database,
};
use target::{Bound::*, to};
pub(crate) use target::{Target, targets_of};

pub(crate) const FLOOR: &str = "floor";
pub(crate) const CACHED: &str = "cached";
pub(crate) const AT_COMMIT: &str = "cached-commit";
pub(crate) const COLLECTOR: &str = "cached-collector";

/// The contender by hand, where the calculation is Rust: the inputs of 1,000 rows are selected, and
/// their values stored by one UPDATE.
pub(crate) const CHUNKS: &str = "by-hand-chunks";

/// The best peer: it calculates in the background, as this library does.
pub(crate) const BEST_PEER: &str = "django-cached-field";
pub(crate) const COMPUTEDFIELDS: &str = "django-computedfields";
pub(crate) const PG_IVM: &str = "pg_ivm";

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rows: Size,
    pub(crate) on: &'static [Database],
    /// The floor of the case, in words.
    pub(crate) floor: &'static str,
    pub(crate) targets: &'static [Target],
    run: Run,
}

type Run = for<'a> fn(&'a mut Bench, &'static Case) -> LocalBoxFuture<'a, Result<()>>;

impl Case {
    pub(crate) fn run<'a>(&'static self, bench: &'a mut Bench) -> LocalBoxFuture<'a, Result<()>> {
        (self.run)(bench, self)
    }

    pub(crate) fn measured(
        &self,
        contender: &str,
        rows: u64,
        unit: Unit,
        samples: Vec<f64>,
    ) -> Measured {
        let case = self.name;
        let part = String::new();
        let contender = contender.to_owned();
        Measured { case, part, contender, database: "", rows, samples, unit, floor: None }
    }
}

const EVERYWHERE: &[Database] =
    &[Database::Postgres, Database::Sqlite, Database::Mariadb, Database::Mysql];
const SERVERS: &[Database] = &[Database::Postgres, Database::Mariadb, Database::Mysql];

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "recalculate",
        rows: Size { smoke: 20, quick: 2_000, full: 10_000 },
        on: EVERYWHERE,
        floor: "a SELECT and an UPDATE for each row, each committed, on one connection",
        targets: &[
            to(CACHED, TimesFloorAtLeast(2.0)),
            to(CACHED, TimesPeerAtLeast(BEST_PEER, 25.0)),
            to(CACHED, TimesPeerAtLeast(COMPUTEDFIELDS, 3.0)),
        ],
        run: |bench, case| Box::pin(recalculate::row_by_row(bench, case)),
    },
    Case {
        name: "recalculate_batch",
        rows: Size { smoke: 20, quick: 20_000, full: 100_000 },
        on: SERVERS,
        floor: "one UPDATE of all rows",
        targets: &[to(CACHED, TimesFloorAtLeast(0.35)), to(CACHED, TimesPeerAtLeast(CHUNKS, 0.5))],
        run: |bench, case| Box::pin(recalculate::in_batches(bench, case)),
    },
    Case {
        name: "recalculate_query",
        rows: Size { smoke: 20, quick: 20_000, full: 100_000 },
        on: EVERYWHERE,
        floor: "one UPDATE of all rows",
        targets: &[to(CACHED, TimesFloorAtLeast(0.5))],
        run: |bench, case| Box::pin(recalculate::by_a_query(bench, case)),
    },
    Case {
        name: "embedded",
        rows: Size { smoke: 20, quick: 20_000, full: 100_000 },
        on: &[Database::Sqlite],
        floor: "one UPDATE of all rows",
        targets: &[to(CACHED, TimesFloorAtLeast(0.3)), to(CACHED, TimesPeerAtLeast(CHUNKS, 0.5))],
        run: |bench, case| Box::pin(recalculate::in_batches(bench, case)),
    },
    Case {
        name: "latency",
        rows: Size { smoke: 2, quick: 200, full: 500 },
        on: EVERYWHERE,
        floor: "the same by hand, in the transaction of the change",
        targets: &[
            to(CACHED, OverFloorAtMost(3.0)).of(&["p50"]),
            to(CACHED, AtMost(10.0)).of(&["p99"]),
        ],
        run: |bench, case| Box::pin(latency::run(bench, case)),
    },
    Case {
        name: "write_single",
        rows: Size { smoke: 16, quick: 1_000, full: 10_000 },
        on: EVERYWHERE,
        floor: "no triggers",
        targets: &[
            to(COLLECTOR, TimesFloorAtMost(1.35)).of(&["1 client", "8 clients"]),
            to(AT_COMMIT, TimesFloorAtMost(2.0)).of(&["1 client", "8 clients"]),
            to(CACHED, TimesFloorAtMost(2.0)).of(&["1 client"]),
        ],
        run: |bench, case| Box::pin(write_single::run(bench, case)),
    },
    Case {
        name: "write_bulk",
        rows: Size { smoke: 20, quick: 30_000, full: 100_000 },
        on: EVERYWHERE,
        floor: "no triggers",
        targets: &[
            to(COLLECTOR, TimesFloorAtMost(1.3)),
            to(AT_COMMIT, TimesFloorAtMost(2.2)),
            to(CACHED, TimesFloorAtMost(2.2)),
        ],
        run: |bench, case| Box::pin(write_bulk::run(bench, case)),
    },
    Case {
        name: "flights",
        rows: Size { smoke: 300, quick: 50_000, full: 336_776 },
        on: EVERYWHERE,
        floor: "no triggers; for the drain, three UPDATEs of all rows",
        targets: &[
            to(CACHED, TimesFloorAtMost(2.0)).of(&["load"]).on(&[Database::Sqlite]),
            to(CACHED, TimesFloorAtMost(1.5)).of(&["load"]).on(&[Database::Postgres]),
            to(CACHED, TimesFloorAtMost(3.0))
                .of(&["load"])
                .on(&[Database::Mariadb, Database::Mysql]),
        ],
        run: |bench, case| Box::pin(flights::run(bench, case)),
    },
    Case {
        name: "write_irrelevant",
        rows: Size { smoke: 16, quick: 1_000, full: 10_000 },
        on: EVERYWHERE,
        floor: "no triggers",
        targets: &[
            to(COLLECTOR, TimesFloorAtMost(1.05)),
            to(AT_COMMIT, TimesFloorAtMost(1.05)),
            to(CACHED, TimesFloorAtMost(1.05)),
        ],
        run: |bench, case| Box::pin(write_single::irrelevant(bench, case)),
    },
    Case {
        name: "write_hot",
        rows: Size { smoke: 16, quick: 2_000, full: 10_000 },
        on: SERVERS,
        floor: "no triggers",
        targets: &[
            to(COLLECTOR, TimesFloorAtMost(1.4)),
            to(AT_COMMIT, TimesFloorAtMost(1.8)),
            to(COLLECTOR, AtMost(0.0)).of(&["waits"]),
            to(AT_COMMIT, AtMost(0.0)).of(&["waits"]),
        ],
        run: |bench, case| Box::pin(write_hot::run(bench, case)),
    },
    Case {
        name: "read_fresh",
        rows: Size { smoke: 20, quick: 10_000, full: 10_000 },
        on: EVERYWHERE,
        floor: "a plain column; for the accessor, a copy of the value",
        targets: &[
            to(CACHED, TimesFloorAtMost(1.03)),
            to(CACHED, AtMost(20.0)).of(&["accessor String", "accessor i64"]),
        ],
        run: |bench, case| Box::pin(read_fresh::run(bench, case)),
    },
    Case {
        name: "growth",
        rows: Size { smoke: 20, quick: 10_000, full: 10_000 },
        on: EVERYWHERE,
        floor: "the same in a table of 10,000 rows, all of them stale",
        targets: &[to(CACHED, TimesFloorAtMost(1.15))],
        run: |bench, case| Box::pin(growth::run(bench, case)),
    },
    Case {
        name: "fan_out",
        rows: Size { smoke: 60, quick: 300_000, full: 300_000 },
        on: EVERYWHERE,
        floor: "the same with 10,000 owners",
        targets: &[to(CACHED, TimesFloorAtMost(1.15))],
        run: |bench, case| Box::pin(fan_out::run(bench, case)),
    },
    Case {
        name: "backlog",
        rows: Size { smoke: 200, quick: 1_000_000, full: 1_000_000 },
        on: EVERYWHERE,
        floor: "the same with 10,000 stale rows; with 16 marks of each of 1,000 rows, not 2,048",
        targets: &[
            to(CACHED, TimesFloorAtMost(1.1)).of(&["rows", "marks of few rows"]),
            to(CACHED, AtMost(64.0 * 1024.0 * 1024.0)).of(&["rows", "marks of few rows"]),
        ],
        run: |bench, case| Box::pin(backlog::run(bench, case)),
    },
    Case {
        name: "renewal",
        rows: Size { smoke: 200, quick: 100_000, full: 1_000_000 },
        on: EVERYWHERE,
        floor: "for the installation, one UPDATE that flags all rows, where no triggers are",
        targets: &[
            to(CACHED, AtMost(64.0 * 1024.0 * 1024.0)).of(&["memory"]),
            to(CACHED, AtMost(30_000.0)).of(&["waiting"]),
        ],
        run: |bench, case| Box::pin(renewal::run(bench, case)),
    },
    Case {
        name: "scale_out",
        rows: Size { smoke: 200, quick: 10_000, full: 50_000 },
        on: SERVERS,
        floor: "one worker",
        targets: &[
            to(CACHED, TimesFloorAtLeast(0.9 * 2.0)).of(&["2 workers"]),
            to(CACHED, TimesFloorAtLeast(0.9 * 4.0)).of(&["4 workers"]),
            to(CACHED, TimesFloorAtLeast(0.9 * 8.0)).of(&["8 workers"]),
        ],
        run: |bench, case| Box::pin(scale_out::run(bench, case)),
    },
    Case {
        name: "inspect",
        rows: Size { smoke: 200, quick: 100_000, full: 1_000_000 },
        on: EVERYWHERE,
        floor: "none",
        targets: &[to(CACHED, AtMost(100.0)).of(&inspect::QUESTIONS)],
        run: |bench, case| Box::pin(inspect::run(bench, case)),
    },
    Case {
        name: "idle",
        rows: Size { smoke: 20, quick: 1_000, full: 1_000 },
        on: EVERYWHERE,
        floor: "none",
        targets: &[
            to(CACHED, AtMost(0.1)).of(&["processor"]),
            to(CACHED, AtMost(2.0)).of(&["queries"]),
        ],
        run: |bench, case| Box::pin(idle::run(bench, case)),
    },
];
