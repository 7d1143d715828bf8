//! MySQL: probing it, and running the one of Debian's unstable distribution, because the stable one
//! has none. It has a folder of its own, beside the machine's own servers, and is kept there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use url::Url;
use xshell::{Shell, cmd};

use super::mysql_client::{self, connect};
use super::{Service, debian};

pub(super) const SERVICE: Service = Service {
    name: "MySQL",
    variable: "CACHED_FIELD_TEST_MYSQL_URL",
    default_url: "mysql://root@127.0.0.1:3307/mysql",
    packaged: &[
        ["on Debian, as root", "cargo xtask services"],
        [
            "on Ubuntu, as root, where MariaDB does not listen on port 3306",
            "apt-get install -y mysql-server",
        ],
    ],
    docker: "docker run -d -p 3307:3306 -e MYSQL_ALLOW_EMPTY_PASSWORD=1 mysql:8.4",
    probe,
    start,
};

/// The folder of the server. The torture and the tests that dump databases look for the programs
/// here, too.
const HOME: &str = "/var/lib/cached-field-mysql";

/// The programs, each run by a script in `bin`. If the last one exists, all do.
const PROGRAMS: [&str; 3] = ["bin/mysql", "bin/mysqldump", "sbin/mysqld"];

fn probe(sh: &Shell, url: &Url) -> Result<()> {
    let version = mysql_client::probe(sh, &client(), url)?;
    ensure!(
        !version.is_some_and(|version| version.contains("MariaDB")),
        "the server is MariaDB, not MySQL"
    );
    Ok(())
}

/// Returns the program that connects to a server.
pub(super) fn client() -> PathBuf {
    let own = bin("mysql");
    if own.exists() { own } else { "mysql".into() }
}

fn start(sh: &Shell, url: &Url) -> Result<()> {
    ensure!(
        connect(url).is_err(),
        "the server on this port is another one, or does not let this user in"
    );
    ensure!(
        debian::has_unstable(),
        "only Debian has packages that can stand beside those of MariaDB"
    );

    if !bin("mysqld").exists() {
        install(sh)?;
    }
    if cmd!(sh, "id mysql").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(sh, "useradd --system --no-create-home --shell /usr/sbin/nologin mysql").run()?;
    }
    let data = Path::new(HOME).join("data");
    if !data.exists() {
        initialize(sh, &data)?;
    }
    run(sh, url, &data)
}

fn bin(program: &str) -> PathBuf {
    Path::new(HOME).join("bin").join(program)
}

fn install(sh: &Shell) -> Result<()> {
    let root = Path::new(HOME).join("root");
    if !root.exists() {
        debian::unpack_unstable(sh, &["mysql-server-core", "mysql-client-core"], &root)?;
    }

    // The programs run with the libraries that they were built for, not with those of this machine.
    let libraries = entry(&root.join("usr/lib"), |name| name.ends_with("-linux-gnu"))?;
    let loader = entry(&libraries, |name| name.starts_with("ld-linux-"))?;
    let loader = loader.display();
    let libraries = libraries.display();
    let root = root.display();
    sh.create_dir(bin(""))?;
    for program in PROGRAMS {
        let (_, name) = program.split_once('/').expect("a folder");
        let script = format!(
            "#!/bin/sh\nexec {loader} --library-path {libraries} {root}/usr/{program} \"$@\"\n"
        );
        let unfinished = bin(&format!("{name}.new"));
        sh.write_file(&unfinished, script)?;
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755))?;
        fs::rename(unfinished, bin(name))?;
    }
    Ok(())
}

fn entry(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wanted = entries
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&is_wanted));
    wanted.next().with_context(|| format!("something is missing in {}", folder.display()))
}

/// Creates the system's tables, and `root`, who needs no password.
fn initialize(sh: &Shell, data: &Path) -> Result<()> {
    let unfinished = data.with_extension("new");
    sh.remove_path(&unfinished)?;
    cmd!(sh, "install --directory --owner=mysql --mode=700 {unfinished}").run()?;
    server(sh, &unfinished, &["--initialize-insecure"]).run()?;
    Ok(fs::rename(unfinished, data)?)
}

/// Starts the server. Returns when it accepts clients.
fn run(sh: &Shell, url: &Url, data: &Path) -> Result<()> {
    let port = url.port().unwrap_or(3306);
    let [socket, log, pid] =
        ["socket", "log.err", "pid"].map(|name| data.join(name).display().to_string());

    let settings = [
        "--daemonize".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--socket={socket}"),
        format!("--log-error={log}"),
        format!("--pid-file={pid}"),
        "--mysqlx=OFF".to_owned(),
        "--max-connections=400".to_owned(),
        // Its data need not survive a crash, so nothing waits for the disk.
        "--sync-binlog=0".to_owned(),
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    server(sh, data, &settings).run().with_context(|| format!("see {log}"))
}

fn server<'a>(sh: &'a Shell, data: &Path, settings: &[&str]) -> xshell::Cmd<'a> {
    let mysqld = bin("mysqld");
    cmd!(sh, "runuser --user mysql -- {mysqld} --no-defaults --datadir={data} --tmpdir={data} --secure-file-priv=")
        .args(settings)
}
