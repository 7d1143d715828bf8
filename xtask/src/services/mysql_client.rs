//! The common part of MariaDB and MySQL: their protocol, and clients with the same options.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use url::Url;
use xshell::{Shell, cmd};

pub(super) fn connect(url: &Url) -> Result<()> {
    let addresses = url.socket_addrs(|| Some(3306))?;
    let attempts =
        addresses.iter().map(|address| TcpStream::connect_timeout(address, Duration::from_secs(3)));
    attempts.reduce(|first, second| first.or(second)).context("the host has no address")??;
    Ok(())
}

/// Returns the version of the server, which has let this user log in and create a database. Returns
/// `None` if there is no client: then an open port is enough.
pub(super) fn probe(sh: &Shell, client: &Path, url: &Url) -> Result<Option<String>> {
    if cmd!(sh, "{client} --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        return connect(url).map(|()| None);
    }
    let create =
        "create database if not exists cached_field_xtask; drop database cached_field_xtask";
    query(sh, client, url, create).context("the user may not create databases")?;
    query(sh, client, url, "select version()").map(Some)
}

fn query(sh: &Shell, client: &Path, url: &Url, statement: &str) -> Result<String> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().unwrap_or(3306).to_string();
    let user = url.username();
    let password = url.password().unwrap_or_default();
    let place =
        ["--no-defaults", "--protocol=tcp", "--host", host, "--port", &port, "--user", user];
    let client = cmd!(sh, "{client} {place...} --skip-column-names --batch --execute {statement}");
    Ok(client.env("MYSQL_PWD", password).quiet().read()?)
}
