//! The cost of cached fields, side by side with solutions by hand: `cargo xtask bench`.

mod bench;
mod cases;
mod child;
mod flights;
mod measure;
mod peers;
mod place;
mod report;
mod schema;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum, builder::PossibleValuesParser};

use bench::{Bench, Scale};
use cases::CASES;
use child::Role;
use peers::Peers;
use place::Database;

/// Measures cached fields side by side with what is done by hand
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask bench",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Options {
    /// Sizes that take a few minutes a database
    #[arg(long)]
    quick: bool,
    /// Sizes that only show that everything runs
    #[arg(long, hide = true, conflicts_with = "quick")]
    smoke: bool,
    /// The Django packages too: makes a Python environment for them, and needs Redis
    #[arg(long)]
    peers: bool,
    /// On this database only; several can be named
    #[arg(long)]
    database: Vec<Database>,
    /// These cases only
    #[arg(value_parser = PossibleValuesParser::new(CASES.iter().map(|case| case.name)))]
    cases: Vec<String>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    if let Some(role) = options.role {
        return role.play().await;
    }

    let scale = match options {
        Options { smoke: true, .. } => Scale::Smoke,
        Options { quick: true, .. } => Scale::Quick,
        _ => Scale::Full,
    };
    let databases =
        if options.database.is_empty() { Database::value_variants() } else { &options.database };

    let mut results = Vec::new();
    for &database in databases {
        let mut bench = Bench::on(database, scale).await?;
        if options.peers && database == Database::Postgres {
            bench.peers = Some(Peers::get_ready()?);
        }
        for case in CASES.iter().filter(|case| case.on.contains(&database)) {
            if options.cases.is_empty() || options.cases.iter().any(|name| name == case.name) {
                bench.run(case).await?;
            }
        }
        results.extend(bench.close().await?);
    }

    report::all(&results)
}
