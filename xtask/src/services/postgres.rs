//! PostgreSQL: probing it, starting Debian's cluster, and fresh databases.

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, process};

use anyhow::{Context, Result, anyhow, bail, ensure};
use url::Url;
use xshell::{Shell, cmd};

use super::{Service, debian, wait_for};

pub(super) const SERVICE: Service = Service {
    name: "PostgreSQL",
    variable: "CACHED_FIELD_TEST_POSTGRES_URL",
    default_url: "postgres://postgres@127.0.0.1:5432/postgres",
    packaged: &[["on Debian or Ubuntu, as root", "cargo xtask services"]],
    docker: "docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:17",
    probe,
    start,
};

/// A database of its own, dropped with the value.
pub(crate) struct FreshDatabase<'a> {
    sh: &'a Shell,
    server: Url,
    name: String,
}

impl<'a> FreshDatabase<'a> {
    pub(crate) fn create(sh: &'a Shell) -> Result<Self> {
        let server = SERVICE.url()?;
        let name = format!("cached_field_xtask_{}", process::id());
        query(sh, &server, &format!("create database {name}"))?;
        Ok(Self { sh, server, name })
    }

    pub(crate) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }
}

impl Drop for FreshDatabase<'_> {
    fn drop(&mut self) {
        if let Err(error) =
            query(self.sh, &self.server, &format!("drop database {} with (force)", self.name))
        {
            eprintln!("could not drop the database {}: {error:#}", self.name);
        }
    }
}

/// Logs in by `psql`. If there is none, an open port is enough.
fn probe(sh: &Shell, url: &Url) -> Result<()> {
    if cmd!(sh, "psql --version").quiet().ignore_stderr().read().is_err() {
        return connect(url);
    }
    let can_create = query(
        sh,
        url,
        "select rolsuper or rolcreatedb from pg_roles where rolname = current_user",
    )?;
    ensure!(can_create == "t", "the role may not create databases");
    Ok(())
}

fn connect(url: &Url) -> Result<()> {
    let addresses = url.socket_addrs(|| Some(5432))?;
    let attempts =
        addresses.iter().map(|address| TcpStream::connect_timeout(address, Duration::from_secs(3)));
    attempts.reduce(|first, second| first.or(second)).context("the host has no address")??;
    Ok(())
}

fn query(sh: &Shell, url: &Url, sql: &str) -> Result<String> {
    let url = url.as_str();
    let psql =
        cmd!(sh, "psql --no-psqlrc --no-password --tuples-only --no-align --command {sql} {url}");
    let output = psql
        .env("PGCONNECT_TIMEOUT", "5")
        .quiet()
        .ignore_status()
        .output()
        .context("psql is needed")?;
    if !output.status.success() {
        return Err(anyhow!("{}", String::from_utf8_lossy(&output.stderr).trim()));
    }

    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Starts the cluster on the URL's port. A server that was already running keeps its rules for
/// logins, except in CI.
fn start(sh: &Shell, url: &Url) -> Result<()> {
    let port = url.port().unwrap_or(5432);
    let mut is_ours = env::var_os("CI").is_some();
    if Cluster::on_port(sh, port)?.is_none() {
        ensure!(
            connect(url).is_err(),
            "the server on port {port} is not a cluster of this machine"
        );
        debian::install(sh, "postgresql")?;
        is_ours = true;
    }

    let cluster = Cluster::on_port(sh, port)?;
    let cluster = cluster
        .with_context(|| format!("PostgreSQL is installed, but has no cluster on port {port}"))?;
    if !cluster.is_online {
        cluster.control(sh, "start")?;
        is_ours = true;
    }

    let dbname = url.as_str();
    wait_for(|| Ok(cmd!(sh, "pg_isready --quiet --dbname {dbname}").quiet().run()?))?;

    match probe(sh, url) {
        Err(_) if is_ours => cluster.trust_loopback(sh),
        result => result,
    }
}

/// One of Debian's clusters: a server with its own port, data and settings.
struct Cluster {
    version: String,
    name: String,
    is_online: bool,
}

impl Cluster {
    fn on_port(sh: &Shell, port: u16) -> Result<Option<Self>> {
        // The command comes with the server's package: without it, there are no clusters.
        let list = cmd!(sh, "pg_lsclusters --no-header")
            .quiet()
            .ignore_stderr()
            .read()
            .unwrap_or_default();
        Self::find(&list, port)
    }

    fn find(list: &str, port: u16) -> Result<Option<Self>> {
        for line in list.lines() {
            let [version, name, its_port, status, ..] =
                line.split_whitespace().collect::<Vec<_>>()[..]
            else {
                bail!("pg_lsclusters says what we do not understand: {line}");
            };
            if its_port == port.to_string() {
                let is_online = status.starts_with("online");
                return Ok(Some(Self {
                    version: version.to_owned(),
                    name: name.to_owned(),
                    is_online,
                }));
            }
        }

        Ok(None)
    }

    fn control(&self, sh: &Shell, action: &str) -> Result<()> {
        let Self { version, name, .. } = self;
        Ok(cmd!(sh, "pg_ctlcluster --skip-systemctl-redirect {version} {name} {action}").run()?)
    }

    /// Lets everyone on this machine log in as any role without a password. It is only for a
    /// cluster that is there for the tests.
    fn trust_loopback(&self, sh: &Shell) -> Result<()> {
        const LINES: &str = "# Added by cargo xtask services.\n\
            host all all 127.0.0.1/32 trust\n\
            host all all ::1/128 trust\n";
        let path =
            PathBuf::from(format!("/etc/postgresql/{}/{}/pg_hba.conf", self.version, self.name));
        let rules = sh.read_file(&path)?;
        if !rules.starts_with(LINES) {
            // The first rule that matches decides.
            sh.write_file(&path, format!("{LINES}{rules}"))?;
        }
        self.control(sh, "reload")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
14  main 5433 down            postgres /var/lib/postgresql/14/main /var/log/postgresql/14.log
17  main 5432 online,recovery postgres /var/lib/postgresql/17/main /var/log/postgresql/17.log
";

    #[test]
    fn a_cluster_is_found_by_its_port() {
        let cluster = Cluster::find(LIST, 5432).unwrap().unwrap();
        assert_eq!((cluster.version.as_str(), cluster.is_online), ("17", true));
        assert!(!Cluster::find(LIST, 5433).unwrap().unwrap().is_online);
        assert!(Cluster::find(LIST, 5434).unwrap().is_none());
        assert!(Cluster::find("nonsense", 5432).is_err());
    }
}
