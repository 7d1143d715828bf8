//! A MariaDB server of our own.

use std::{net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::{Account, Complaints, Daemon, Server, Span, program};

pub(super) struct MariaDb {
    daemon: Daemon,
    server: PathBuf,
}

impl MariaDb {
    pub(super) fn start() -> Result<Self> {
        let daemon = Daemon::prepare("mariadb", "mysql")?;
        let server = program("mariadbd", &["/usr/sbin".into()])?;
        let mut install = daemon.command(&program("mariadb-install-db", &[])?);
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        install.arg(format!("--datadir={}", daemon.path("data")));
        ensure!(install.status()?.success(), "{install:?} has failed");
        let mut server = Self { daemon, server };
        server.launch()?;
        Ok(server)
    }

    fn launch(&mut self) -> Result<()> {
        let command = self.command();
        self.daemon.launch(command)?;
        self.daemon.wait_until("MariaDB", |daemon| {
            ensure!(daemon.is_running(), "MariaDB has ended; see {}", daemon.path("log"));
            Ok(TcpStream::connect(("127.0.0.1", daemon.port)).is_ok())
        })
    }

    fn command(&self) -> Command {
        let mut command = self.daemon.command(&self.server);
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.args([
            format!("--datadir={}", self.daemon.path("data")),
            format!("--socket={}", self.daemon.path("socket")),
            format!("--port={}", self.daemon.port),
        ]);
        command.args([
            "--innodb-print-all-deadlocks=ON",
            "--innodb-flush-log-at-trx-commit=2",
            "--max-connections=300",
        ]);
        command
    }
}

impl Server for MariaDb {
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
        let (by_the_server, by_us) =
            complaints(&self.daemon.news()?).into_iter().partition::<Vec<_>, _>(|text| worker_skips_locked(text));
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
