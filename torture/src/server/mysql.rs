//! A MariaDB or MySQL server for this program alone.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::{Account, Complaints, Daemon, Server, Span, must_succeed, program};

pub(super) struct MySql {
    daemon: Daemon,
    server: PathBuf,
    is_mariadb: bool,
}

impl MySql {
    pub(super) fn start_mariadb(programs: Option<&Path>) -> Result<Self> {
        let daemon = Daemon::prepare("mariadb", "mysql")?;
        let programs = first(programs, &["/usr/sbin"]);
        let server = program("mariadbd", &programs)?;
        let mut install = daemon.command(&program("mariadb-install-db", &programs)?);
        install.args([
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]);
        // It does not look up a host's name.
        install.arg("--force");
        Self { daemon, server, is_mariadb: true }.start(install)
    }

    pub(super) fn start_mysql(programs: Option<&Path>) -> Result<Self> {
        let daemon = Daemon::prepare("mysql", "mysql")?;
        // The server is where `cargo xtask services` or a package puts it, or where the shell
        // looks.
        let server =
            program("mysqld", &first(programs, &["/var/lib/cached-field-mysql/bin", "/usr/sbin"]))?;
        let version = String::from_utf8(Command::new(&server).arg("--version").output()?.stdout)?;
        ensure!(
            !version.contains("MariaDB"),
            "{} is MariaDB, not MySQL: {version}",
            server.display()
        );
        let mut install = daemon.command(&server);
        install.args(["--no-defaults", "--initialize-insecure", "--secure-file-priv=NULL"]);
        Self { daemon, server, is_mariadb: false }.start(install)
    }

    fn start(mut self, mut install: Command) -> Result<Self> {
        install.arg(format!("--datadir={}", self.daemon.path("data")));
        // A server that starts deletes the files of other servers in its folder for temporary
        // files, even if those servers still run.
        install.arg(format!("--tmpdir={}", self.daemon.path("")));
        must_succeed(install)?;
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
            // Deadlocks are notes in its log, which it otherwise leaves out.
            command.args([
                "--log-error-verbosity=3",
                "--mysqlx=OFF",
                "--secure-file-priv=NULL",
                "--sync-binlog=0",
            ]);
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
            Account::Undecided => "undecided",
        };
        format!("mysql://{user}@127.0.0.1:{port}/{database}")
    }

    fn tells_the_undecided_apart(&self) -> bool {
        !self.is_mariadb
    }

    fn port(&self) -> Option<u16> {
        Some(self.daemon.port)
    }

    fn create(&self, database: &str) -> Option<String> {
        Some(format!("CREATE DATABASE {database}"))
    }

    fn grants(&self, tables: &[&str]) -> Vec<String> {
        let accounts =
            ["CREATE USER IF NOT EXISTS clerk, worker, undecided", "GRANT ALL ON *.* TO worker"]
                .map(str::to_owned);
        let grants = tables.iter().map(|table| {
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{table}` TO clerk, undecided")
        });
        accounts.into_iter().chain(grants).collect()
    }

    fn restart(&mut self) -> Result<Option<&'static str>> {
        self.daemon.signal(Signal::SIGKILL)?;
        self.launch()?;
        Ok(Some("killed"))
    }

    fn log(&self) -> Option<String> {
        Some(self.daemon.path("log"))
    }

    fn complaints(&mut self, _: &[Span]) -> Result<Complaints> {
        let is_of_the_server = |text: &String| {
            if self.is_mariadb { worker_skips_locked(text) } else { undecided_keeps_gaps(text) }
        };
        let complaints = complaints(&self.daemon.news()?);
        let (by_the_server, by_us): (Vec<_>, Vec<_>) =
            complaints.into_iter().partition(is_of_the_server);
        Ok(Complaints { by_us, by_the_server: by_the_server.len() as u64 })
    }
}

/// Returns the deadlocks that involve a worker or a trigger of the library. The log names the
/// account of each transaction, and the lock that it waits for.
fn complaints(log: &str) -> Vec<String> {
    let deadlocks = log.split("Transactions deadlock detected").skip(1);
    let without_contents = |text: &str| {
        let is_of_use = |line: &&str| {
            !line.contains(": len ") && !line.contains(": SQL NULL") && !line.trim().is_empty()
        };
        text.lines().filter(is_of_use).collect::<Vec<_>>().join("\n    ")
    };

    let whole = deadlocks.filter_map(|text| {
        let (before, after) = text.split_once("WE ROLL BACK TRANSACTION")?;
        Some(without_contents(&format!(
            "{before}WE ROLL BACK TRANSACTION {:.5}",
            after.trim_start()
        )))
    });

    let concerns_us = |text: &String| {
        let is_of_a_client =
            [" root ", " clerk ", " undecided "].iter().any(|name| text.contains(name));
        let names_us = [" worker ", "_cached_marks`", "_cached_recalculations`"]
            .iter()
            .any(|name| text.contains(name));
        is_of_a_client && names_us
    };
    whole.filter(concerns_us).collect()
}

/// Returns whether the worker's part in a deadlock is a request that it would have withdrawn a
/// moment later. A statement that skips locked rows waits for none. But MariaDB puts its request
/// into the queue of waiting ones before it withdraws it (`row_search_mvcc`,
/// `lock_trx_handle_wait`). If a user begins to wait just then, the server sees a circle. MySQL
/// refuses such a request at once.
fn worker_skips_locked(deadlock: &str) -> bool {
    let mut transactions = deadlock.split(") TRANSACTION:");
    transactions
        .any(|transaction| transaction.contains(" worker ") && transaction.contains("SKIP LOCKED"))
}

/// Returns whether a transaction that has rolled back marks above `READ COMMITTED` holds a gap in a
/// table of marks. MySQL locks the insertions that such a transaction rolls back, and passes the
/// lock on to the gap (`row_convert_impl_to_expl_if_needed`). MariaDB does not. The account shows
/// which transactions these are. No other transaction may hold a gap in a table of the library.
fn undecided_keeps_gaps(deadlock: &str) -> bool {
    let mut transactions = deadlock.split(") TRANSACTION:");
    transactions.any(|transaction| {
        let (who, locks) = transaction.split_once(") HOLDS THE LOCK(S):").unwrap_or_default();
        let held = locks.split(") WAITING FOR THIS LOCK").next().unwrap_or_default();
        let holds_gap_between_marks = held
            .split("RECORD LOCKS ")
            .any(|lock| lock.contains("_cached_marks`") && is_of_a_gap(lock));
        who.contains(" undecided ") && holds_gap_between_marks
    })
}

/// Returns whether a lock is of a gap alone, or of the end of an index, where there is only a gap.
/// The server leaves out the contents of the record when another thread has latched its page.
fn is_of_a_gap(lock: &str) -> bool {
    let is_the_end = |line: &str| {
        let number = line
            .trim()
            .strip_prefix("Record lock, heap no ")
            .and_then(|line| line.split(' ').next());
        number == Some("1")
    };
    lock.contains("locks gap before rec") || lock.lines().any(is_the_end)
}

/// Returns the folders to search for a program: the named one, then these.
fn first(named: Option<&Path>, folders: &[&str]) -> Vec<PathBuf> {
    named.into_iter().chain(folders.iter().map(Path::new)).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadlock as MySQL 9.7 writes it, except for the dates and the contents of rows.
    const DEADLOCK: &str = "Transactions deadlock detected, dumping detailed information.
*** (1) TRANSACTION:
TRANSACTION 2345, ACTIVE 0 sec inserting
MySQL thread id 37, OS thread handle 139747098805952, query id 5815 localhost 127.0.0.1 root update
INSERT INTO `round_1`.`_alpha_cached_marks` (field, key_1) VALUES ('f0', OLD.`l0_0`)
*** (1) HOLDS THE LOCK(S):
RECORD LOCKS space id 11 page no 4 n bits 112 index PRIMARY of table `round_1`.`alpha` trx id 2345 lock_mode X locks rec but not gap
Record lock, heap no 45 PHYSICAL RECORD: n_fields 17; compact format; info bits 0
*** (1) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 17 page no 5 n bits 136 index by_key of table `round_1`.`_alpha_cached_marks` trx id 2345 lock_mode X insert intention waiting
Record lock, heap no 1 PHYSICAL RECORD: n_fields 1; compact format; info bits 0
*** (2) TRANSACTION:
TRANSACTION 2344, ACTIVE 0 sec starting index read
MySQL thread id 29, OS thread handle 139747089303232, query id 5817 localhost 127.0.0.1 undecided updating
UPDATE `alpha` SET `note` = 'note 28' WHERE `id` = 2
*** (2) HOLDS THE LOCK(S):
RECORD LOCKS space id 17 page no 5 n bits 136 index by_key of table `round_1`.`_alpha_cached_marks` trx id 2344 lock_mode X
Record lock, heap no 1 PHYSICAL RECORD: n_fields 1; compact format; info bits 0
*** (2) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 11 page no 4 n bits 112 index PRIMARY of table `round_1`.`alpha` trx id 2344 lock_mode X locks rec but not gap waiting
Record lock, heap no 45 PHYSICAL RECORD: n_fields 17; compact format; info bits 0
*** WE ROLL BACK TRANSACTION (2)";

    fn is_excused(log: &str) -> bool {
        let [complaint] = &complaints(log)[..] else { panic!("one deadlock that concerns us") };
        undecided_keeps_gaps(complaint)
    }

    #[test]
    fn only_who_takes_back_may_hold_a_gap_between_marks() {
        assert!(is_excused(DEADLOCK));
        for other in ["root", "clerk", "worker"] {
            assert!(!is_excused(&DEADLOCK.replace("undecided", other)), "{other}");
        }
    }

    #[test]
    fn who_takes_back_may_hold_nothing_else() {
        let queue = DEADLOCK.replace("_cached_marks", "_cached_recalculations");
        assert!(!is_excused(&queue));
        let row = DEADLOCK.replace(
            "trx id 2344 lock_mode X\nRecord lock, heap no 1 ",
            "trx id 2344 lock_mode X locks rec but not gap\nRecord lock, heap no 7 ",
        );
        assert!(row != DEADLOCK && !is_excused(&row));
    }

    #[test]
    fn a_gap_is_told_by_the_number_of_its_record_alone() {
        let contents = " PHYSICAL RECORD: n_fields 1; compact format; info bits 0";
        assert!(is_excused(&DEADLOCK.replace(contents, "")));
        let row = DEADLOCK.replace(contents, "").replace("heap no 1\n", "heap no 12\n");
        assert!(!is_excused(&row));
        let other_table = DEADLOCK.replace(
            "*** (2) HOLDS THE LOCK(S):\nRECORD LOCKS space id 17 page no 5 n bits 136 index by_key of table `round_1`.`_alpha_cached_marks` trx id 2344",
            "*** (2) HOLDS THE LOCK(S):\nRECORD LOCKS space id 17 page no 5 n bits 136 index PRIMARY of table `round_1`.`alpha` trx id 2344",
        );
        assert!(other_table != DEADLOCK && !is_excused(&other_table));
    }

    #[test]
    fn who_waits_for_a_gap_is_not_excused_for_holding_one() {
        let both = DEADLOCK
            .replace("root", "first")
            .replace("undecided", "root")
            .replace("first", "undecided");
        assert!(!is_excused(&both));
    }
}
