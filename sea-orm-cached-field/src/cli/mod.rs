//! A command line for operators: what waits, what fails, and what to do about it. It is a part of
//! the user's program, because only that program knows its cached fields.
//!
//! [`run`] is all that a program needs:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use sea_orm_cached_field::cli;
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is set");
//!     match sea_orm::Database::connect(url).await {
//!         Ok(db) => cli::run(&db).await,
//!         Err(error) => cli::unreachable(&error),
//!     }
//! }
//! ```
//!
//! A program that has commands of its own takes [`Command`] among them:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use clap::Parser;
//! use sea_orm_cached_field::{CachedFields, cli};
//!
//! #[derive(Parser)]
//! enum Commands {
//!     /// Imports orders
//!     Import,
//!     #[command(flatten)]
//!     CachedFields(cli::Command),
//! }
//!
//! # async fn example(db: sea_orm::DatabaseConnection) -> ExitCode {
//! match Commands::parse() {
//!     Commands::Import => ExitCode::SUCCESS,
//!     Commands::CachedFields(command) => command.run(&CachedFields::all(), &db).await,
//! }
//! # }
//! ```
//!
//! Results go to stdout, progress and errors to stderr. With `--json`, a result is one document
//! with `"schema": 1`; `status --watch` writes a document a line. No command ends the process, or
//! sets a subscriber for `tracing`. The exit codes:
//!
//! | code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | there are findings: something is wrong, fails, would be changed, or is in a state of `--fail-on` |
//! | 2 | the command cannot be understood, or names a field or a row that does not exist |
//! | 3 | the database cannot be reached, or something else failed |
//! | 4 | the time of `--timeout` is over |
//! | 130 | interrupted; what was done stays done. `work` without `--until-empty` then ends with 0 |

mod args;
mod ask;
mod change;
mod key;
mod output;
mod probe;
mod rows;
mod work;

use std::{fmt, io::ErrorKind, net::SocketAddr, process::ExitCode, time::Duration};

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};
use sea_orm::{DatabaseConnection, DbErr};

use crate::{CachedFields, Error, InstallError};
use args::{Common, Kind};
use output::Output;

/// The time that the end of a command waits for rows that are being handed back.
const HANDED_BACK_WITHIN: Duration = Duration::from_secs(10);

/// A command for cached fields. It is a [`Subcommand`] of clap, to be taken among the commands of a
/// program.
#[derive(Clone, Debug)]
pub struct Command {
    kind: Kind,
    common: Common,
}

impl FromArgMatches for Command {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let kind = Kind::from_arg_matches(matches)?;
        let of_command = matches.subcommand().map_or(matches, |(_, of_command)| of_command);
        Ok(Self { kind, common: Common::from_arg_matches(of_command)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Command {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        // By themselves, so that the common options do not come to other commands of the program.
        let kinds = Kind::augment_subcommands(clap::Command::new("kinds"));
        command.subcommands(kinds.get_subcommands().cloned().map(Common::augment_args))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Kind::has_subcommand(name)
    }
}

/// Cached fields: what waits, what fails, and what to do about it
#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

/// Runs the command of the program's arguments, on all models of the program. Help, and arguments
/// that cannot be understood, are answered as clap does.
pub async fn run(db: &DatabaseConnection) -> ExitCode {
    match Program::try_parse() {
        Ok(Program { command }) => command.run(&CachedFields::all(), db).await,
        Err(error) => {
            let _ = error.print();
            Code::from(error.exit_code()).into()
        }
    }
}

/// Says on stderr that the database cannot be reached. Returns the exit code for that.
pub fn unreachable(error: &DbErr) -> ExitCode {
    eprintln!("error: the database cannot be reached: {error}");
    Code::Failed.into()
}

impl Command {
    /// Runs the command on these models. It writes the result to stdout, and errors to stderr.
    pub async fn run(&self, fields: &CachedFields, db: &DatabaseConnection) -> ExitCode {
        let output = Output { is_json: self.common.json };
        let running = self.kind.run(fields, db, output);
        let ended = match self.common.timeout.map(Duration::from_secs) {
            None => running.await,
            Some(timeout) => tokio::time::timeout(timeout, running)
                .await
                .unwrap_or(Err(Failure::TimedOut(timeout))),
        };

        // A worker that was cut off hands back its rows in the background.
        let handed_back = CachedFields::handed_back(db);
        let _ = tokio::time::timeout(HANDED_BACK_WITHIN, handed_back).await;
        match ended {
            Ok(code) => code.into(),
            // The reader of a pipe has seen enough.
            Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
                Code::Done.into()
            }
            Err(failure) => {
                eprintln!("error: {failure}");
                failure.code().into()
            }
        }
    }
}

/// The outcome of a command that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Done,
    Findings,
    Usage,
    Failed,
    TimedOut,
    Interrupted,
}

impl From<i32> for Code {
    fn from(of_clap: i32) -> Self {
        if of_clap == 0 { Self::Done } else { Self::Usage }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Done => 0,
            Code::Findings => 1,
            Code::Usage => 2,
            Code::Failed => 3,
            Code::TimedOut => 4,
            Code::Interrupted => 130,
        })
    }
}

/// The failure of a command.
#[derive(Debug)]
enum Failure {
    NoFields,
    Library(Error),
    Install(InstallError),
    Output(std::io::Error),
    Probe(SocketAddr, std::io::Error),
    TimedOut(Duration),
}

impl Failure {
    fn code(&self) -> Code {
        match self {
            Self::NoFields => Code::Usage,
            Self::Library(error) => of_library(error),
            Self::Install(InstallError::Fields(error)) => of_library(error),
            Self::Install(_) => Code::Failed,
            Self::Output(_) | Self::Probe(..) => Code::Failed,
            Self::TimedOut(_) => Code::TimedOut,
        }
    }
}

fn of_library(error: &Error) -> Code {
    match error {
        Error::NoSuchField { .. }
        | Error::WrongKey { .. }
        | Error::InvalidKey { .. }
        | Error::RowGone { .. } => Code::Usage,
        Error::Shared(error) => of_library(error),
        error if error.is_of_calculation() => Code::Findings,
        _ => Code::Failed,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFields => f.write_str(
                "no entity with cached fields is linked into this program: use the crate of the \
                 entities in it, as by `use entities as _;`",
            ),
            Self::Library(error) => f.write_str(&error.with_sources()),
            Self::Install(error) => write!(f, "{error}"),
            Self::Output(error) => write!(f, "the result could not be written: {error}"),
            Self::Probe(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::TimedOut(timeout) => write!(f, "not done within {} s", timeout.as_secs()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        Self::Install(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(arguments: &[&str]) -> Result<Code, Failure> {
        let arguments = [&["shop"], arguments].concat();
        let Program { command } = Program::try_parse_from(arguments).expect("a command");
        let output = Output { is_json: false };
        let fields = CachedFields::these(Vec::new());
        command.kind.run(&fields, &DatabaseConnection::default(), output).await
    }

    #[tokio::test]
    async fn a_program_without_entities_says_so() {
        for command in ["status", "install", "doctor", "work", "sql"] {
            let failure = run(&[command]).await.unwrap_err();
            assert!(failure.to_string().starts_with("no entity with cached fields"), "{failure}");
            assert_eq!(failure.code(), Code::Usage);
        }
        let nowhere = run(&["explain", "shop.revenue", "7"]).await.unwrap_err();
        assert!(matches!(nowhere, Failure::NoFields), "{nowhere}");
    }

    #[test]
    fn each_failure_has_an_exit_code() {
        let unknown = || Error::NoSuchField { name: "shop".to_owned(), fields: Vec::new() };
        let codes = [
            (Failure::from(unknown()), Code::Usage),
            (Failure::from(InstallError::Fields(unknown())), Code::Usage),
            (Failure::from(Error::Shared(std::sync::Arc::new(unknown()))), Code::Usage),
            (Failure::from(Error::from(DbErr::RecordNotInserted)), Code::Failed),
            (Failure::from(InstallError::CommitsTransaction), Code::Failed),
            (Failure::TimedOut(Duration::from_secs(1)), Code::TimedOut),
        ];
        for (failure, code) in codes {
            assert_eq!(failure.code(), code, "{failure}");
        }
    }

    #[test]
    fn every_command_is_well_formed() {
        <Program as clap::CommandFactory>::command().debug_assert();
    }
}
