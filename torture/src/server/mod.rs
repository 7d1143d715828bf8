//! Database servers for this program alone, which can be killed without harm to others.

mod mysql;
mod pgbouncer;
mod postgres;
mod sqlite;

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User, chown},
};
use sea_orm::DbBackend;

use mysql::MySql;
use pgbouncer::PgBouncer;
use postgres::Postgres;
use sqlite::Sqlite;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mariadb,
    Mysql,
    /// PostgreSQL behind a pooler that gives each transaction to another session
    Pgbouncer,
}

impl Database {
    /// The databases that are tortured if none is named. Their programs exist wherever the tests
    /// run.
    pub(crate) const USUAL: &[Self] = &[Self::Sqlite, Self::Postgres, Self::Mariadb, Self::Mysql];

    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres | Self::Pgbouncer => DbBackend::Postgres,
            Self::Mariadb | Self::Mysql => DbBackend::MySql,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Mysql => "MySQL",
            Self::Pgbouncer => "PgBouncer before PostgreSQL",
        }
    }

    /// Returns the name of a database that every server has, and a query of the server's version.
    pub(crate) fn maintenance(self) -> (&'static str, &'static str) {
        match self.backend() {
            DbBackend::Sqlite => ("maintenance", "SELECT sqlite_version() AS version"),
            DbBackend::MySql => ("mysql", "SELECT version() AS version"),
            _ => ("postgres", "SELECT current_setting('server_version') AS version"),
        }
    }

    /// Starts a server. Its programs are looked for in this folder first.
    pub(crate) fn start(self, programs: Option<&Path>) -> Result<Box<dyn Server>> {
        Ok(match self {
            Self::Sqlite => Box::new(Sqlite::start()?),
            Self::Postgres => Box::new(Postgres::start(programs)?),
            Self::Mariadb => Box::new(MySql::start_mariadb(programs)?),
            Self::Mysql => Box::new(MySql::start_mysql(programs)?),
            Self::Pgbouncer => Box::new(PgBouncer::start(programs)?),
        })
    }
}

/// The account of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// It owns the schema.
    Owner,
    /// It may write the users' tables, and has no right on the library's tables.
    Clerk,
    /// It is told apart from the others in the server's log.
    Worker,
    /// It rolls back, to a savepoint, what it has marked in a transaction above `READ COMMITTED`.
    Undecided,
}

/// The time from one moment to another, in milliseconds since 1970.
pub(crate) type Span = std::ops::Range<u128>;

/// Transactions of users that the library disturbed.
#[derive(Default)]
pub(crate) struct Complaints {
    /// Those that were disturbed by what the library does.
    pub(crate) by_us: Vec<String>,
    /// The number of those that were disturbed because the server does not do what it documents.
    pub(crate) by_the_server: u64,
}

/// A server, or its replacement.
pub(crate) trait Server {
    /// Returns the URL of a database, for a connection to this port. Without a port, it is the
    /// server's own.
    fn url(&self, database: &str, account: Account, port: Option<u16>) -> String;

    /// Returns whether a transaction that rolls back marks above `READ COMMITTED` makes others
    /// wait. Such transactions are told apart from others.
    fn tells_the_undecided_apart(&self) -> bool {
        false
    }

    /// Returns the port that it listens on, if it does.
    fn port(&self) -> Option<u16>;

    /// Returns the statement that makes a new database, to be sent to the server.
    fn create(&self, database: &str) -> Option<String>;

    /// Returns the statements that let the clerk write the users' tables, once they exist.
    fn grants(&self, _tables: &[&str]) -> Vec<String> {
        Vec::new()
    }

    /// Kills the server, and starts it again, if there is something to be killed. Returns how.
    fn restart(&mut self) -> Result<Option<&'static str>>;

    /// Returns the path of its log, if it has one.
    fn log(&self) -> Option<String> {
        None
    }

    /// Returns the transactions in the log since the last time that the triggers or workers
    /// disturbed.
    fn complaints(&mut self, excused: &[Span]) -> Result<Complaints>;
}

/// A server's process with its files.
struct Daemon {
    folder: PathBuf,
    port: u16,
    /// The user that it runs as.
    user: Option<User>,
    process: Option<Child>,
    /// The length of its log that was read.
    read: usize,
}

impl Daemon {
    /// Makes the folder. If this program runs as root, the server runs as this user.
    fn prepare(name: &str, user: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("torture-{name}-")).tempdir()?.keep();
        let user = if Uid::effective().is_root() {
            Some(User::from_name(user)?.with_context(|| format!("there is no user {user}"))?)
        } else {
            None
        };
        if let Some(user) = &user {
            chown(&folder, Some(user.uid), Some(user.gid))?;
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        Ok(Self { folder, port, user, process: None, read: 0 })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts the server. Its log is its standard error.
    fn launch(&mut self, mut command: Command) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        command.stderr(log);
        self.process = Some(command.spawn().with_context(|| format!("{command:?}"))?);
        Ok(())
    }

    fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        let process = self.process.as_mut().context("it does not run")?;
        kill(Pid::from_raw(i32::try_from(process.id())?), signal)?;
        process.wait()?;
        Ok(())
    }

    /// Returns the log since the last time.
    fn news(&mut self) -> Result<String> {
        let log = fs::read(self.folder.join("log"))?;
        let news = String::from_utf8_lossy(&log[self.read..]).into_owned();
        self.read = log.len();
        Ok(news)
    }

    fn wait_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let begun = Instant::now();
        while !is_so(self)? {
            if begun.elapsed() > PATIENCE {
                bail!("no {what} within {PATIENCE:?}; see {}", self.path("log"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// No server is left behind, however the run ends.
impl Drop for Daemon {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.signal(Signal::SIGKILL);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a program to its end. The error has the output of the program.
fn must_succeed(mut program: Command) -> Result<()> {
    let ended = program.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let said = [ended.stdout, ended.stderr].concat();
    ensure!(ended.status.success(), "{program:?} has failed: {}", String::from_utf8_lossy(&said));

    Ok(())
}

/// Returns the program, in one of these folders or where the shell would look.
fn program(name: &str, folders: &[PathBuf]) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(std::env::split_paths(&path));
    let mut found = folders.map(|folder| folder.join(name)).filter(|program| program.exists());
    found.next().with_context(|| {
        format!("no program {name}; `cargo xtask services` installs it on Debian, as root")
    })
}
