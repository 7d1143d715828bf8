//! The project's commands, run as `cargo xtask <command>`: CI and developers run the same ones.

mod ci;
mod django;
mod metadata;
mod services;
mod steps;
mod test_servers;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xshell::{Cmd, Shell, cmd};

#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Command {
    /// Make sure that the servers the tests need are reachable, and start them where that is
    /// possible
    Services,
    /// Run `services`, then all tests
    Test {
        /// Passed on to `cargo test`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run the tests of the library on servers of any version, and say of each which tests passed
    /// and which did not
    TestServers {
        /// A name for the report, and the URL of a database whose role may create others;
        /// `sqlite=sqlite:` for SQLite
        #[arg(required = true, value_name = "NAME=URL")]
        servers: Vec<test_servers::Server>,
    },
    /// Run `services`, then let a Django application and a worker work on one database (needs
    /// Python and PyPI)
    TestDjango,
    /// Run `services`, then measure what cached fields cost, next to what is done by hand (`--help`
    /// for the options)
    #[command(disable_help_flag = true)]
    Bench {
        /// Passed on to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run `services`, then random schemas under every fault, and prove that holes in the code are
    /// found (`--help` for the options)
    #[command(disable_help_flag = true)]
    Torture {
        /// Passed on to the torture test
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run what CI runs
    Ci {
        /// Only these parts; otherwise all, the cheapest first
        parts: Vec<ci::Part>,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace"),
    );

    match command {
        Command::Services => services::ensure(&sh),
        Command::Test { args } => test(&sh, &args),
        Command::TestServers { servers } => test_servers::run(&sh, &servers),
        Command::TestDjango => django::test(&sh),
        Command::Bench { args } => bench(&sh, &args),
        Command::Torture { args } => torture(&sh, &args),
        Command::Ci { parts } => ci::run(&sh, &parts),
    }
}

fn test(sh: &Shell, args: &[String]) -> Result<()> {
    services::ensure(sh)?;
    cargo(sh, "test").args(args).env(THREADS, test_threads()?).run()?;
    eprintln!("All tests passed.");
    Ok(())
}

/// The variable from which libtest reads the number of threads.
pub(crate) const THREADS: &str = "RUST_TEST_THREADS";

/// Returns the number of tests that run at a time. It is two for each core unless it is set,
/// because each test waits for a server half of its time.
pub(crate) fn test_threads() -> Result<String> {
    match std::env::var(THREADS) {
        Ok(threads) => Ok(threads),
        Err(_) => Ok((2 * std::thread::available_parallelism()?.get()).to_string()),
    }
}

/// Returns this command of Cargo, for all packages that need no more than the services. Each build
/// that runs tests or examples uses it: for other packages Cargo chooses other features, and builds
/// the library again.
pub(crate) fn cargo<'sh>(sh: &'sh Shell, command: &str) -> Cmd<'sh> {
    let neighbour = django::NEIGHBOUR;
    cmd!(sh, "cargo {command} --locked --workspace --exclude {neighbour} --all-features")
}

fn bench(sh: &Shell, args: &[String]) -> Result<()> {
    services::ensure(sh)?;
    Ok(cmd!(sh, "cargo run --locked --release --package benches -- {args...}").run()?)
}

fn torture(sh: &Shell, args: &[String]) -> Result<()> {
    services::ensure(sh)?;
    Ok(cmd!(sh, "cargo run --locked --package torture -- {args...}").run()?)
}
