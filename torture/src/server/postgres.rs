//! A PostgreSQL cluster for this program alone.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use nix::sys::signal::Signal;
use regex::Regex;

use super::{Account, Complaints, Daemon, Server, Span, must_succeed, program};

pub(super) struct Postgres {
    daemon: Daemon,
    programs: Vec<PathBuf>,
    /// The processes that serve workers, as the log has named them.
    workers: HashSet<String>,
}

impl Postgres {
    pub(super) fn start(programs: Option<&Path>) -> Result<Self> {
        let daemon = Daemon::prepare("postgres", "postgres")?;
        let mut packaged: Vec<PathBuf> = match fs::read_dir("/usr/lib/postgresql") {
            Ok(versions) => versions.flatten().map(|version| version.path().join("bin")).collect(),
            Err(_) => Vec::new(),
        };
        packaged.sort();
        let programs: Vec<PathBuf> =
            programs.map(Path::to_owned).into_iter().chain(packaged).collect();

        let mut server = Self { daemon, programs, workers: HashSet::new() };
        let mut initdb = server.daemon.command(&program("initdb", &server.programs)?);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--pgdata",
            &server.daemon.path("data"),
        ]);
        must_succeed(initdb)?;
        server.launch()?;
        Ok(server)
    }

    fn launch(&mut self) -> Result<()> {
        let postgres = program("postgres", &self.programs)?;
        let data = self.daemon.path("data");
        let port = self.daemon.port;
        let settings = [
            "fsync=off",
            "jit=off",
            "max_connections=200",
            "log_lock_waits=on",
            "deadlock_timeout=500ms",
            "log_connections=on",
            "log_line_prefix=%n [%p] %a: ",
            "unix_socket_directories=",
        ];

        // After the postmaster was killed, its shared memory is in use until the last of the other
        // processes has noticed.
        self.daemon.wait_until("PostgreSQL", |daemon| {
            if !daemon.is_running() {
                let mut command = daemon.command(&postgres);
                command.args(["-D", &data, "-p", &port.to_string()]);
                command.args(settings.iter().flat_map(|setting| ["-c", setting]));
                daemon.launch(command)?;
            }
            let mut ready = daemon.command(&program("pg_isready", &self.programs)?);
            ready.args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()]);
            Ok(ready.status()?.success() && daemon.is_running())
        })
    }
}

impl Server for Postgres {
    fn url(&self, database: &str, account: Account, port: Option<u16>) -> String {
        let port = port.unwrap_or(self.daemon.port);
        let (role, name) = match account {
            Account::Owner | Account::Undecided => ("postgres", "client"),
            Account::Clerk => ("clerk", "client"),
            Account::Worker => ("worker", "worker"),
        };
        format!("postgres://{role}@127.0.0.1:{port}/{database}?application_name={name}")
    }

    fn port(&self) -> Option<u16> {
        Some(self.daemon.port)
    }

    fn create(&self, database: &str) -> Option<String> {
        Some(format!("CREATE DATABASE {database} TEMPLATE template0"))
    }

    fn grants(&self, tables: &[&str]) -> Vec<String> {
        let roles = ["clerk LOGIN", "worker LOGIN SUPERUSER"].map(|role| {
            format!(
                "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        });
        let grants = tables
            .iter()
            .map(|table| format!("GRANT SELECT, INSERT, UPDATE, DELETE ON \"{table}\" TO clerk"));
        roles.into_iter().chain(grants).collect()
    }

    fn restart(&mut self) -> Result<Option<&'static str>> {
        // What `pg_ctl restart -m immediate` sends, or worse.
        let (signal, how) = if fastrand::bool() {
            (Signal::SIGQUIT, "stopped immediately")
        } else {
            (Signal::SIGKILL, "killed")
        };
        self.daemon.signal(signal)?;
        self.launch()?;
        Ok(Some(how))
    }

    fn log(&self) -> Option<String> {
        Some(self.daemon.path("log"))
    }

    fn complaints(&mut self, excused: &[Span]) -> Result<Complaints> {
        let news = self.daemon.news()?;
        let connected = Regex::new(r"(?m)^[\d.]+ \[(\d+)\] .*connection authorized: user=worker ")
            .expect("a regular expression");
        self.workers.extend(connected.captures_iter(&news).map(|found| found[1].to_owned()));
        Ok(Complaints { by_us: complaints(&news, &self.workers, excused), ..Complaints::default() })
    }
}

/// The time after which a wait is logged.
const WAIT: u128 = 500;

/// Returns the deadlocks, and waits of half a second and more, that involve a worker or a trigger
/// of the library. While workers were away, other transactions may have waited.
fn complaints(log: &str, workers: &HashSet<String>, excused: &[Span]) -> Vec<String> {
    let begins = Regex::new(r"^(\d+)\.(\d{3}) \[\d+\] (\S*): (?:LOG|ERROR|FATAL|WARNING): ")
        .expect("a regular expression");
    let process = Regex::new(r"[Pp]rocess(?:es)? (?:holding the lock: )?(\d+)")
        .expect("a regular expression");

    let mut entries: Vec<Vec<&str>> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(entry) if !begins.is_match(line) => entry.push(line),
            _ => entries.push(vec![line]),
        }
    }

    let concerns_us = |entry: &Vec<&str>| {
        let Some(head) = begins.captures(entry[0]) else { return false };
        let text = entry.join("\n");
        let at: u128 = format!("{}{}", &head[1], &head[2]).parse().unwrap_or(0);
        let is_excused = excused.iter().any(|span| span.start < at && at - WAIT < span.end);
        let deadlock = text.contains("deadlock detected");
        let wait = text.contains("still waiting for") && &head[3] == "client" && !is_excused;
        let names_ours = ["_cached_marks", "_cached_recalculations", "function cf_"]
            .iter()
            .any(|name| text.contains(name));
        let names_worker = process.captures_iter(&text).any(|found| workers.contains(&found[1]));
        (deadlock || wait) && (names_ours || names_worker)
    };
    entries.into_iter().filter(concerns_us).map(|entry| entry.join("\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    const WAIT_FOR_A_WORKER: &str = "1795879615.494 [18040] client: LOG:  process 18040 still waiting for ShareLock on transaction 7452 after 500.097 ms
1795879615.494 [18040] client: DETAIL:  Process holding the lock: 18248. Wait queue: 18040, 17901.
1795879615.494 [18040] client: STATEMENT:  UPDATE \"alpha\" SET \"b\" = 80 WHERE \"id\" = 4";

    const DEADLOCK_WITH_A_WORKER: &str = "1795879615.494 [18040] client: ERROR:  deadlock detected
1795879615.494 [18040] client: DETAIL:  Process 18040 waits for ShareLock on transaction 7452; blocked by process 18248.";

    const AROUND: Span = 1_795_879_615_200..1_795_879_615_300;

    const LATER: Span = 1_795_879_615_600..1_795_879_615_700;

    fn with_a_worker(log: &str, away: &[Span]) -> usize {
        complaints(log, &HashSet::from(["18248".to_owned()]), away).len()
    }

    #[test]
    fn a_wait_for_a_worker_is_excused_only_while_workers_are_away() {
        assert_eq!(with_a_worker(WAIT_FOR_A_WORKER, &[]), 1);
        assert_eq!(with_a_worker(WAIT_FOR_A_WORKER, slice::from_ref(&AROUND)), 0);
        assert_eq!(with_a_worker(WAIT_FOR_A_WORKER, slice::from_ref(&LATER)), 1);
        assert!(complaints(WAIT_FOR_A_WORKER, &HashSet::new(), &[]).is_empty());
    }

    #[test]
    fn a_deadlock_with_a_worker_is_never_excused() {
        assert_eq!(with_a_worker(DEADLOCK_WITH_A_WORKER, slice::from_ref(&AROUND)), 1);
    }
}
