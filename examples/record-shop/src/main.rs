//! The Chinook record shop, whose figures are cached fields. They are totals of invoices, the
//! lifetime value of customers, and the revenue of artists, genres, teams and of the shop. Another
//! one is the playing time of playlists. The data also has the totals as they were recorded, so
//! that all 412 can be checked.
//!
//! ```sh
//! cargo run -p record-shop                                            # on SQLite, in a temporary folder
//! DATABASE_URL=postgres://user@host/database cargo run -p record-shop # on PostgreSQL, or on another SQLite file
//! ```
//!
//! Without arguments it tells a story. With them it is a program as operators have it, over a
//! database that stays:
//!
//! ```sh
//! export DATABASE_URL=sqlite:shop.sqlite?mode=rwc
//! cargo run -p record-shop -- load               # the data, and no figure calculated yet
//! cargo run -p record-shop -- status
//! cargo run -p record-shop -- work --until-empty
//! cargo run -p record-shop -- explain artist.revenue 90
//! cargo run -p record-shop -- graph
//! ```
//!
//! In your own database it creates its twelve tables (`artist`, `album`, `invoice`, ...), and
//! leaves them there for you to look at. It drops those of an earlier run. It refuses to run if
//! there are tables of these names that are not its own.

mod report;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use record_shop::database;
use sea_orm::DatabaseConnection;
use sea_orm_cached_field::{CachedFields, cli};

/// The Chinook record shop. Without a command, it tells its story
#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Parser)]
enum Command {
    /// Loads the data into the database of `DATABASE_URL`, and installs the cached fields
    Load,
    #[command(flatten)]
    CachedFields(cli::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Program { command } = Program::parse();
    let (db, place, _folder) = match database::open().await {
        Ok(opened) => opened,
        Err(error) => return failed(&error),
    };
    run(command, &db, &place).await.unwrap_or_else(|error| failed(&error))
}

async fn run(command: Option<Command>, db: &DatabaseConnection, place: &str) -> Result<ExitCode> {
    match command {
        None => story::tell(db, place).await?,
        Some(Command::Load) => story::load_then_install(db).await?,
        Some(Command::CachedFields(command)) => {
            return Ok(command.run(&CachedFields::all(), db).await);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(3)
}
