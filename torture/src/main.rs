//! `cargo xtask torture`: random schemas, writers and workers under every fault, and an observer
//! that knows the right values.
//!
//! Each round has a seed, from which its schema and its choices are made. No seed can decide in
//! which order the processes meet.

mod calculation;
mod client;
mod counters;
mod entity;
mod mutation;
mod observer;
mod process;
mod proxy;
mod reader;
mod role;
mod round;
mod schema;
mod server;
mod snapshot;
mod sql;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use sea_orm::DbBackend;

use counters::COUNTED;
use mutation::Mutation;
use role::Role;
use round::{Report, Round};
use schema::Schema;
use server::{Database, Server};

/// The database of this process.
static BACKEND: OnceLock<DbBackend> = OnceLock::new();

/// The time in rounds within which a hole has to be found. The time that rounds need to begin and
/// to end does not count, because that is long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Not every schema can show every hole.
const SHORT_ROUND: Duration = Duration::from_secs(4);

#[derive(Parser)]
#[command(bin_name = "cargo xtask torture", args_conflicts_with_subcommands = true)]
struct Options {
    /// How long each database is tortured
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// The seed of the first round; each one that follows has the next seed
    #[arg(long)]
    seed: Option<u64>,
    /// Only this database, of all but pgbouncer; several can be named
    #[arg(long)]
    database: Vec<Database>,
    /// A folder with the programs of the server, such as another version's; programs that are not
    /// there are looked for as usual
    #[arg(long)]
    programs: Option<PathBuf>,
    /// The length of a round, in seconds: with each begins another schema
    #[arg(long, default_value_t = 20.0)]
    round: f64,
    /// Only look for what is lost, or for reads that are not fresh, or only prove that holes are
    /// found
    #[arg(long)]
    only: Option<Part>,
    /// Only the holes whose names contain this
    #[arg(long, default_value = "")]
    mutation: String,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Torture,
    Reads,
    Mutations,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match options.role.clone() {
        Some(role) => role::play(role).await.map(|()| true),
        None => torture(&options).await,
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tortures the databases. Returns whether nothing was lost, and every hole was found.
async fn torture(options: &Options) -> Result<bool> {
    let databases = if options.database.is_empty() { Database::USUAL } else { &options.database };
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let mut sound = true;

    for database in databases {
        let mut server = database.start(options.programs.as_deref())?;
        for part in [Part::Torture, Part::Reads] {
            if options.only.is_none_or(|only| only == part) {
                sound &=
                    rounds(options, *database, server.as_mut(), seed, part == Part::Reads).await?;
            }
        }

        if options.only.is_none_or(|only| only == Part::Mutations) {
            let holes =
                mutation::ALL.iter().filter(|mutation| mutation.name.contains(&options.mutation));
            for mutation in holes.filter(|mutation| mutation.exists_on(database.backend())) {
                sound &= is_found(mutation, options, *database, server.as_mut(), seed).await?;
            }
        }
    }
    Ok(sound)
}

async fn rounds(
    options: &Options,
    database: Database,
    server: &mut dyn Server,
    seed: u64,
    reads: bool,
) -> Result<bool> {
    let begun = Instant::now();
    let time = Duration::from_secs_f64(options.minutes * 60.0);
    let version = round::version(database, server).await?;
    let what = if reads { ", reads" } else { "" };
    println!("{} {version}, {} minutes, seed {seed}{what}", database.name(), options.minutes);

    let mut all = Report::default();
    while begun.elapsed() < time && all.violations.is_empty() {
        let seed = seed + all.rounds;
        let time = Duration::from_secs_f64(options.round).min(time.saturating_sub(begun.elapsed()));
        let report = Round { database, seed, time, reads, mutation: None }.run(server).await?;
        if !report.violations.is_empty() {
            println!(
                "  VIOLATIONS, seed {seed}:\n  {}\n{}",
                report.violations.join("\n  "),
                Schema::random(seed)
            );
            if let Some(log) = server.log() {
                let kept = std::env::temp_dir().join(format!("torture-violations-of-{seed}.log"));
                std::fs::copy(log, &kept)?;
                println!("  the server's log is kept: {}", kept.display());
            }
        }
        all.add(report);
    }

    println!("  {all}");
    // One schema may have only fields that no change of data concerns. Ten have others.
    let has_counted = reads || all.rounds < 10 || all.tally.contains_key(COUNTED);
    ensure!(has_counted || !all.violations.is_empty(), "nothing was counted");
    Ok(all.violations.is_empty())
}

/// Returns whether an observer sees that the code has this hole.
async fn is_found(
    mutation: &Mutation,
    options: &Options,
    database: Database,
    server: &mut dyn Server,
    seed: u64,
) -> Result<bool> {
    let begun = Instant::now();
    let mut all = Report::default();
    let mut seeds = (seed..).filter(|seed| Schema::random(*seed).shows_holes());
    let time = Duration::from_secs_f64(options.round).min(SHORT_ROUND);
    let mut tormented = Duration::ZERO;
    let unmatched = |all: &Report| mutation.unmatched(database.backend(), &all.tally);

    // A statement that a schema does not need is not sent, and not replaced.
    while tormented < PATIENCE && (all.violations.is_empty() || !unmatched(&all).is_empty()) {
        tormented += time;
        let seed = seeds.next().expect("there are seeds enough");
        let round =
            Round { database, seed, time, reads: mutation.is_of_reads, mutation: Some(mutation) };
        let mut report = round.run(server).await?;
        report.violations.retain(|violation| mutation.breaks(violation));
        all.add(report);
    }

    let name = mutation.name;
    let seconds = begun.elapsed().as_secs_f64();
    let unmatched = unmatched(&all);
    if !unmatched.is_empty() {
        println!(
            "  NO HOLE on {}: {name} replaces nothing by\n    {}",
            database.name(),
            unmatched.join("\n    ")
        );
        return Ok(false);
    }

    match all.violations.first() {
        Some(violation) => println!(
            "  {}, {name}: found after {seconds:.0} s: {:.160}",
            database.name(),
            violation
        ),
        None => {
            println!("  NOT FOUND after {seconds:.0} s on {}: {name}\n  {all}", database.name())
        }
    }
    Ok(!all.violations.is_empty())
}
