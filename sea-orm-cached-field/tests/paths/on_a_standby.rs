//! Readers on a standby, which takes no writes and shows what has happened on the primary a moment
//! later.

use std::{
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::PathBuf,
    process::{Command, Stdio},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::{
    harness::{TestDb, connect, not_run},
    poles::*,
};

#[apply(on_postgres)]
async fn a_stale_value_is_calculated_and_not_stored(db: TestDb) {
    let (primary, standby) = pair(&db).await;
    open(&primary.db).await;
    let reader = standby.caught_up_with(&primary).await;
    assert_eq!(pole(&reader).await.fresh_both(&reader).await.expect("read"), 10_012);

    grow(&primary.db, 2).await;
    standby.caught_up_with(&primary).await;
    let pending = primary.db.pending("pole").await;
    let mut rows = [pole(&reader).await];
    assert!(rows[0].slow_recalculation_needed);
    assert_eq!(rows[0].fresh_slow(&reader).await.expect("read"), 20);

    pole::Slow::load(&mut rows, &reader).await.expect("loaded");
    assert_eq!((rows[0].cached_slow, rows[0].slow_recalculation_needed), (Some(20), false));
    let stored = pole(&primary.db).await.cached_slow;
    assert_eq!((stored, primary.db.pending("pole").await), (Some(10), pending));

    let refused = rows[0].fresh_loud(&reader).await.expect_err("its input cannot be stored");
    let said = "`slow` of `pole` 1 could not be made fresh: ";
    assert!(refused.to_string().starts_with(said), "{refused}");

    assert_settled(&primary.db, 2).await;
    standby.caught_up_with(&primary).await;
    assert_eq!(pole(&reader).await.fresh_both(&reader).await.expect("read"), 20_023);
}

/// A server of the test's own.
struct Server {
    /// Dropped first, which stops the server.
    _data: Data,
    db: TestDb,
}

/// Two servers of the version that the tests run on, with the programs of Debian's package. The
/// second one repeats what the first one does.
async fn pair(db: &TestDb) -> (Server, Server) {
    let version = db.version_of_postgres().await;
    let programs = PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    if !programs.join("pg_basebackup").exists() {
        not_run(&format!(
            "{programs:?} has no programs of PostgreSQL {version} to start servers by"
        ));
    }

    let primary =
        Server::start(&programs, "initdb", &["--username=postgres", "--auth=trust", "--no-sync"])
            .await;
    let copy =
        ["--dbname", &primary.db.url, "--checkpoint=fast", "--write-recovery-conf", "--no-sync"];
    let standby = Server::start(&programs, "pg_basebackup", &copy).await;
    (primary, standby)
}

impl Server {
    /// Starts a server whose data this program makes.
    async fn start(programs: &std::path::Path, program: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let account = account();
        chown(folder.path(), account, None).expect("the folder is of the account");
        let data =
            Data { programs: programs.to_owned(), folder: folder.path().to_owned(), account };
        data.run(program, arguments);

        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let options =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=");
        data.run("pg_ctl", &["start", "--wait", "--log", "log", "--options", &options]);
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Self { db: TestDb::of_a_server(url, folder).await, _data: data }
    }

    /// A connection that shows all that is committed on the primary.
    async fn caught_up_with(&self, primary: &Self) -> DatabaseConnection {
        let committed: String = primary.db.scalar("SELECT pg_current_wal_lsn()::text").await;
        let text = "SELECT pg_last_wal_replay_lsn() >= CAST($1 AS pg_lsn) AS shown";
        let values = [committed.into()];
        let is_shown = Statement::from_sql_and_values(DbBackend::Postgres, text, values);
        loop {
            let row = self.db.query_one_raw(is_shown.clone()).await.expect("asked").expect("a row");
            if row.try_get("", "shown").expect("whether it is shown") {
                break;
            }
        }
        connect(&self.db.url).await
    }
}

/// The files of a server.
struct Data {
    programs: PathBuf,
    folder: PathBuf,
    /// The owner of the files, if root runs the tests: no server starts as root.
    account: Option<u32>,
}

impl Data {
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .args(["--pgdata", "data"])
            .current_dir(&self.folder)
            .stdout(Stdio::null());
        if let Some(account) = self.account {
            command.uid(account);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let ended = self.command(program, arguments).status();
        let ended = ended.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(ended.success(), "{program}: {ended}");
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["stop", "--mode=immediate"]).status();
    }
}

fn account() -> Option<u32> {
    let id = |arguments: &[&str]| -> u32 {
        let said = Command::new("id").args(arguments).output().expect("`id`").stdout;
        String::from_utf8_lossy(&said).trim().parse().expect("a number")
    };
    (id(&["-u"]) == 0).then(|| id(&["-u", "postgres"]))
}
