//! MariaDB: probing it, and starting Debian's server.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use url::Url;
use xshell::{Shell, cmd};

use super::{Service, debian, wait_for};

pub(super) const SERVICE: Service = Service {
    name: "MariaDB",
    variable: "CACHED_FIELD_TEST_MYSQL_URL",
    default_url: "mysql://root@127.0.0.1:3306/mysql",
    package: "mariadb-server",
    docker: "docker run -d -p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb:10.11",
    probe,
    start,
};

/// A login by the client; where there is none, the open port has to do.
fn probe(sh: &Shell, url: &Url) -> Result<()> {
    if cmd!(sh, "mariadb --version").quiet().ignore_stderr().read().is_err() {
        return connect(url);
    }
    query(sh, url, "create database if not exists cached_field_xtask; drop database cached_field_xtask")
        .context("the user may not create databases")
}

fn connect(url: &Url) -> Result<()> {
    let addresses = url.socket_addrs(|| Some(3306))?;
    let attempts = addresses.iter().map(|address| TcpStream::connect_timeout(address, Duration::from_secs(3)));
    attempts.reduce(|first, second| first.or(second)).context("the host has no address")??;
    Ok(())
}

fn query(sh: &Shell, url: &Url, statement: &str) -> Result<()> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(3306).to_string());
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let client = cmd!(sh, "mariadb --protocol=tcp --host={host} --port={port} --user={user} --execute={statement}");
    Ok(client.env("MYSQL_PWD", password).quiet().ignore_stdout().run()?)
}

/// Lets root in from this machine without a password, as Debian's server does only over its socket, and only where the
/// server is there for the tests.
fn start(sh: &Shell, url: &Url) -> Result<()> {
    if cmd!(sh, "mariadbd --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        ensure!(connect(url).is_err(), "the server on this port is none of this machine");
        debian::install(sh, SERVICE.package)?;
    }
    if connect(url).is_err() {
        // Its word is not enough: it looks for the server over a socket for 30 seconds, and calls one that still recovers from a
        // kill, or that listens elsewhere, a failure.
        let _ = cmd!(sh, "service mariadb start").run();
        wait_for(|| connect(url))?;
    }
    if probe(sh, url).is_err() {
        let statement =
            "alter user root@localhost identified via unix_socket or mysql_native_password using password('')";
        cmd!(sh, "mariadb --execute={statement}").run()?;
    }
    probe(sh, url)
}
