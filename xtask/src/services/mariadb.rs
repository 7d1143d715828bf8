//! MariaDB: probing it, and starting Debian's server.

use std::path::Path;

use anyhow::{Result, ensure};
use url::Url;
use xshell::{Shell, cmd};

use super::mysql_client::{self, connect};
use super::{Service, debian, wait_for};

pub(super) const SERVICE: Service = Service {
    name: "MariaDB",
    variable: "CACHED_FIELD_TEST_MARIADB_URL",
    default_url: "mysql://root@127.0.0.1:3306/mysql",
    packaged: &[["on Debian or Ubuntu, as root", "cargo xtask services"]],
    docker: "docker run -d -p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb:10.11",
    probe,
    start,
};

fn probe(sh: &Shell, url: &Url) -> Result<()> {
    let version = mysql_client::probe(sh, Path::new("mariadb"), url)?;
    ensure!(
        version.is_none_or(|version| version.contains("MariaDB")),
        "the server is MySQL, not MariaDB"
    );
    Ok(())
}

/// Starts the server, and lets root log in from this machine without a password. Debian's server
/// allows that only over its socket. This is done only where the server is there for the tests.
fn start(sh: &Shell, url: &Url) -> Result<()> {
    if cmd!(sh, "mariadbd --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        ensure!(connect(url).is_err(), "the server on this port is none of this machine");
        debian::install(sh, "mariadb-server")?;
    }

    if connect(url).is_err() {
        // The result of this command is not enough. It looks for the server over a socket for 30
        // seconds. A server that still recovers from a kill, or that listens elsewhere, counts as a
        // failure.
        let _ = cmd!(sh, "service mariadb start").run();
        wait_for(|| connect(url))?;
    }

    if probe(sh, url).is_err() {
        let statement = "alter user root@localhost identified via unix_socket or mysql_native_password using password('')";
        cmd!(sh, "mariadb --execute={statement}").run()?;
    }

    probe(sh, url)
}
