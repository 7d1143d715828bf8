//! What is measured, and what is to be reached.

mod backlog;
mod growth;
mod idle;
mod latency;
mod read_fresh;
mod recalculate;
mod scale_out;
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

pub(crate) const FLOOR: &str = "floor";
pub(crate) const CACHED: &str = "cached";
pub(crate) const AT_COMMIT: &str = "cached-commit";
pub(crate) const COLLECTOR: &str = "cached-collector";

type Run = for<'a> fn(&'a mut Bench, &'static Case) -> LocalBoxFuture<'a, Result<()>>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rows: Size,
    pub(crate) on: &'static [Database],
    run: Run,
}

impl Case {
    pub(crate) fn run<'a>(&'static self, bench: &'a mut Bench) -> LocalBoxFuture<'a, Result<()>> {
        (self.run)(bench, self)
    }

    pub(crate) fn measured(&self, contender: &str, rows: u64, unit: Unit, samples: Vec<f64>) -> Measured {
        let (case, part, contender) = (self.name, String::new(), contender.to_owned());
        Measured { case, part, contender, database: "", rows, samples, unit, floor: None }
    }
}

const EVERYWHERE: &[Database] = &[Database::Postgres, Database::Sqlite];

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "recalculate",
        rows: Size { smoke: 20, quick: 10_000, full: 10_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(recalculate::row_by_row(bench, case)),
    },
    Case {
        name: "recalculate_batch",
        rows: Size { smoke: 20, quick: 100_000, full: 100_000 },
        on: &[Database::Postgres],
        run: |bench, case| Box::pin(recalculate::in_batches(bench, case)),
    },
    Case {
        name: "latency",
        rows: Size { smoke: 2, quick: 200, full: 500 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(latency::run(bench, case)),
    },
    Case {
        name: "write_single",
        rows: Size { smoke: 16, quick: 2_000, full: 10_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(write_single::run(bench, case)),
    },
    Case {
        name: "write_bulk",
        rows: Size { smoke: 20, quick: 100_000, full: 100_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(write_bulk::run(bench, case)),
    },
    Case {
        name: "write_irrelevant",
        rows: Size { smoke: 16, quick: 2_000, full: 10_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(write_single::irrelevant(bench, case)),
    },
    Case {
        name: "write_hot",
        rows: Size { smoke: 16, quick: 4_000, full: 10_000 },
        on: &[Database::Postgres],
        run: |bench, case| Box::pin(write_hot::run(bench, case)),
    },
    Case {
        name: "read_fresh",
        rows: Size { smoke: 20, quick: 10_000, full: 10_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(read_fresh::run(bench, case)),
    },
    Case {
        name: "growth",
        rows: Size { smoke: 20, quick: 10_000, full: 10_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(growth::run(bench, case)),
    },
    Case {
        name: "backlog",
        rows: Size { smoke: 200, quick: 1_000_000, full: 1_000_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(backlog::run(bench, case)),
    },
    Case {
        name: "scale_out",
        rows: Size { smoke: 200, quick: 30_000, full: 50_000 },
        on: &[Database::Postgres],
        run: |bench, case| Box::pin(scale_out::run(bench, case)),
    },
    Case {
        name: "embedded",
        rows: Size { smoke: 20, quick: 100_000, full: 100_000 },
        on: &[Database::Sqlite],
        run: |bench, case| Box::pin(recalculate::in_batches(bench, case)),
    },
    Case {
        name: "idle",
        rows: Size { smoke: 20, quick: 1_000, full: 1_000 },
        on: EVERYWHERE,
        run: |bench, case| Box::pin(idle::run(bench, case)),
    },
];
