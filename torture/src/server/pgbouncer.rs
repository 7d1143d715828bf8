//! A PostgreSQL cluster behind a PgBouncer that pools by transaction, both for this program alone.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::{Account, Complaints, Daemon, Server, Span, postgres::Postgres, program};

pub(super) struct PgBouncer {
    daemon: Daemon,
    pooler: PathBuf,
    postgres: Postgres,
}

impl PgBouncer {
    pub(super) fn start(programs: Option<&Path>) -> Result<Self> {
        let folders: Vec<PathBuf> =
            programs.into_iter().chain([Path::new("/usr/sbin")]).map(Path::to_owned).collect();
        let pooler = program("pgbouncer", &folders)?;
        let postgres = Postgres::start(programs)?;
        let daemon = Daemon::prepare("pgbouncer", "postgres")?;
        let mut pgbouncer = Self { daemon, pooler, postgres };
        pgbouncer.configure()?;
        pgbouncer.launch()?;
        Ok(pgbouncer)
    }

    fn configure(&self) -> Result<()> {
        let users = self.daemon.path("users");
        fs::write(
            &users,
            ["postgres", "clerk", "worker"].map(|role| format!("\"{role}\" \"\"\n")).concat(),
        )?;

        let server = self.postgres.port().expect("it listens");
        let port = self.daemon.port;
        // Rounds have databases of their own: sessions in databases of ended rounds would add up.
        let settings = format!(
            "[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 20
max_prepared_statements = 200
server_idle_timeout = 3
server_login_retry = 0.1
ignore_startup_parameters = extra_float_digits,options
"
        );
        Ok(fs::write(self.daemon.path("settings"), settings)?)
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.daemon.command(&self.pooler);
        command.args(["--quiet", &self.daemon.path("settings")]);
        self.daemon.launch(command)?;
        self.daemon.wait_until("PgBouncer", |daemon| {
            ensure!(daemon.is_running(), "PgBouncer has ended; see {}", daemon.path("log"));
            Ok(TcpStream::connect(("127.0.0.1", daemon.port)).is_ok())
        })
    }
}

impl Server for PgBouncer {
    /// Returns the URL. In one round of two, workers get the sessions that clients have just used.
    /// Then the log cannot show who holds a lock that a client waits for. In the other rounds it
    /// can.
    fn url(&self, database: &str, account: Account, port: Option<u16>) -> String {
        let url = self.postgres.url(database, account, Some(port.unwrap_or(self.daemon.port)));
        let shares_sessions = database.ends_with(['1', '3', '5', '7', '9']);
        if shares_sessions { url.replace("//worker@", "//postgres@") } else { url }
    }

    fn port(&self) -> Option<u16> {
        Some(self.daemon.port)
    }

    fn create(&self, database: &str) -> Option<String> {
        self.postgres.create(database)
    }

    fn grants(&self, tables: &[&str]) -> Vec<String> {
        self.postgres.grants(tables)
    }

    fn restart(&mut self) -> Result<Option<&'static str>> {
        if fastrand::bool() {
            return self.postgres.restart();
        }
        self.daemon.signal(Signal::SIGKILL)?;
        self.launch()?;
        Ok(Some("killed"))
    }

    fn log(&self) -> Option<String> {
        self.postgres.log()
    }

    fn complaints(&mut self, excused: &[Span]) -> Result<Complaints> {
        self.postgres.complaints(excused)
    }
}
