//! A MariaDB or MySQL server of our own.

use std::{net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::{Account, Complaints, Daemon, Server, Span, program};

pub(super) struct MySql {
    daemon: Daemon,
    server: PathBuf,
    is_mariadb: bool,
}

impl MySql {
    pub(super) fn start_mariadb() -> Result<Self> {
        let daemon = Daemon::prepare("mariadb", "mysql")?;
        let server = program("mariadbd", &["/usr/sbin".into()])?;
        let mut install = daemon.command(&program("mariadb-install-db", &[])?);
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        Self { daemon, server, is_mariadb: true }.start(install)
    }

    pub(super) fn start_mysql() -> Result<Self> {
        let daemon = Daemon::prepare("mysql", "mysql")?;
        // Where `cargo xtask services` puts it, where a package does, or where the shell looks.
        let server = program("mysqld", &["/var/lib/cached-field-mysql/bin".into(), "/usr/sbin".into()])?;
        let version = String::from_utf8(Command::new(&server).arg("--version").output()?.stdout)?;
        ensure!(!version.contains("MariaDB"), "{} is MariaDB, not MySQL: {version}", server.display());
        let mut install = daemon.command(&server);
        install.args(["--no-defaults", "--initialize-insecure", "--secure-file-priv=NULL"]);
        Self { daemon, server, is_mariadb: false }.start(install)
    }

    fn start(mut self, mut install: Command) -> Result<Self> {
        install.arg(format!("--datadir={}", self.daemon.path("data")));
        ensure!(install.status()?.success(), "{install:?} has failed");
        self.launch()?;
        Ok(self)
    }

    fn launch(&mut self) -> Result<()> {
        let command = self.command();
        self.daemon.launch(command)?;
        self.daemon.wait_until("server", |daemon| {
            ensure!(daemon.is_running(), "the server has ended; see {}", daemon.path("log"));
            Ok(TcpStream::connect(("127.0.0.1", daemon.port)).is_ok())
        })
    }

    fn command(&self) -> Command {
        let mut command = self.daemon.command(&self.server);
        command.args(["--no-defaults", "--bind-address=127.0.0.1"]);
        command.args([
            format!("--datadir={}", self.daemon.path("data")),
            format!("--socket={}", self.daemon.path("socket")),
            format!("--port={}", self.daemon.port),
            // As it starts, MariaDB deletes what other servers have left in there, even if they still run.
            format!("--tmpdir={}", self.daemon.path("")),
        ]);
        command.args([
            "--innodb-print-all-deadlocks=ON",
            "--innodb-flush-log-at-trx-commit=2",
            "--max-connections=300",
        ]);
        if self.is_mariadb {
            command.arg("--skip-name-resolve");
        } else {
            // Deadlocks are notes in its log, which it leaves out else.
            command.args(["--log-error-verbosity=3", "--mysqlx=OFF", "--secure-file-priv=NULL", "--sync-binlog=0"]);
        }
        command
    }
}

impl Server for MySql {
    fn url(&self, database: &str, account: Account, port: Option<u16>) -> String {
        let port = port.unwrap_or(self.daemon.port);
        let user = match account {
            Account::Owner => "root",
            Account::Clerk => "clerk",
            Account::Worker => "worker",
        };
        format!("mysql://{user}@127.0.0.1:{port}/{database}")
    }

    fn port(&self) -> Option<u16> {
        Some(self.daemon.port)
    }

    fn create(&self, database: &str) -> Option<String> {
        Some(format!("CREATE DATABASE {database}"))
    }

    fn grants(&self, tables: &[&str]) -> Vec<String> {
        let accounts = ["CREATE USER IF NOT EXISTS clerk, worker", "GRANT ALL ON *.* TO worker"].map(str::to_owned);
        let grants = tables.iter().map(|table| format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{table}` TO clerk"));
        accounts.into_iter().chain(grants).collect()
    }

    fn restart(&mut self) -> Result<Option<&'static str>> {
        self.daemon.signal(Signal::SIGKILL)?;
        self.launch()?;
        Ok(Some("killed"))
    }

    fn complaints(&mut self, _: &[Span]) -> Result<Complaints> {
        let is_of_the_server =
            |text: &String| if self.is_mariadb { worker_skips_locked(text) } else { user_keeps_gaps(text) };
        let complaints = complaints(&self.daemon.news()?);
        let (by_the_server, by_us): (Vec<_>, Vec<_>) = complaints.into_iter().partition(is_of_the_server);
        Ok(Complaints { by_us, by_the_server: by_the_server.len() as u64 })
    }
}

/// Deadlocks that a worker or one of our triggers had part in. The log names the account of each transaction, and what it waits
/// for.
fn complaints(log: &str) -> Vec<String> {
    let deadlocks = log.split("Transactions deadlock detected").skip(1);
    let without_contents = |text: &str| {
        let is_of_use =
            |line: &&str| !line.contains(": len ") && !line.contains(": SQL NULL") && !line.trim().is_empty();
        text.lines().filter(is_of_use).collect::<Vec<_>>().join("\n    ")
    };
    let whole = deadlocks.filter_map(|text| {
        let (before, after) = text.split_once("WE ROLL BACK TRANSACTION")?;
        Some(without_contents(&format!("{before}WE ROLL BACK TRANSACTION {:.5}", after.trim_start())))
    });
    let concerns_us = |text: &String| {
        let is_of_a_client = text.contains(" root ") || text.contains(" clerk ");
        let names_us = [" worker ", "_cached_marks`", "_cached_recalculations`"].iter().any(|name| text.contains(name));
        is_of_a_client && names_us
    };
    whole.filter(concerns_us).collect()
}

/// Whether the worker's part in a deadlock is a request that would have been given up a moment later: what skips locked rows
/// waits for none, but MariaDB puts the request into the queue of waiting ones before it withdraws it (`row_search_mvcc`,
/// `lock_trx_handle_wait`). A user who begins to wait just then sees a circle. MySQL refuses such a request at once.
fn worker_skips_locked(deadlock: &str) -> bool {
    let mut transactions = deadlock.split(") TRANSACTION:");
    transactions.any(|transaction| transaction.contains(" worker ") && transaction.contains("SKIP LOCKED"))
}

/// Whether a user's transaction holds a gap in one of our tables, where it has only inserted. MySQL locks what a transaction
/// under `REPEATABLE READ` takes back of its insertions, by a savepoint or because a statement failed, and hands the lock on
/// to the gap (`row_convert_impl_to_expl_if_needed`). MariaDB does not.
fn user_keeps_gaps(deadlock: &str) -> bool {
    let mut transactions = deadlock.split(") TRANSACTION:");
    transactions.any(|transaction| {
        let (who, locks) = transaction.split_once(") HOLDS THE LOCK(S):").unwrap_or_default();
        let held = locks.split(") WAITING FOR THIS LOCK").next().unwrap_or_default();
        let is_of_a_client = who.contains(" root ") || who.contains(" clerk ");
        let is_gap = held.contains("locks gap before rec") || held.contains("heap no 1 ");
        is_of_a_client && held.contains("_cached_") && is_gap
    })
}
