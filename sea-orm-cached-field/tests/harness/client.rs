//! The client of SQLite that the distribution has.

use std::process::{Command, Output};

use super::TestDb;

const PROGRAM: &str = "sqlite3";

/// Runs it, or says how to install it.
fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap_or_else(|error| {
        panic!("no {PROGRAM}: {error}\ninstall it with `cargo xtask services`, or with `apt-get install sqlite3`")
    })
}

/// Runs SQL as another program would, and returns what it says, or the error.
pub fn sqlite3(db: &TestDb, sql: &str) -> Result<String, String> {
    sqlite3_at(&db.url, sql)
}

/// The same, of a database by its URL.
pub fn sqlite3_at(url: &str, sql: &str) -> Result<String, String> {
    let file = url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
    let ended = run(&["-batch", "-bail", "-cmd", ".timeout 20000", file, sql]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_owned();
    if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
}
