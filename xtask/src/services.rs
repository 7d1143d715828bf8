//! The servers that the tests connect to: checking that each is reachable, and starting it.

mod debian;
mod kind;
mod mariadb;
mod mysql;
mod mysql_client;
mod postgres;
mod sqlite;

use std::env;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use url::Url;
use xshell::Shell;

pub(crate) use kind::Kind;
pub(crate) use postgres::FreshDatabase;

/// All services. Another server is one more entry.
const SERVICES: &[Service] = &[postgres::SERVICE, mariadb::SERVICE, mysql::SERVICE];

struct Service {
    name: &'static str,
    /// The environment variable from which the tests read the URL.
    variable: &'static str,
    default_url: &'static str,
    /// The systems with packages of it, each with the command that installs them.
    packaged: &'static [[&'static str; 2]],
    /// The command that runs the server in a container, reachable at the default URL.
    docker: &'static str,
    /// Logs in, and checks that this role may do what the tests do.
    probe: fn(&Shell, &Url) -> Result<()>,
    /// Installs the server if it is missing, as root on Debian. Starts it, and lets the URL's role
    /// log in.
    start: fn(&Shell, &Url) -> Result<()>,
}

/// Makes every service reachable, or fails with instructions.
pub(crate) fn ensure(sh: &Shell) -> Result<()> {
    sqlite::ensure_client(sh)?;
    SERVICES.iter().try_for_each(|service| service.ensure(sh))
}

impl Service {
    fn url(&self) -> Result<Url> {
        let url = env::var(self.variable).unwrap_or_else(|_| self.default_url.to_owned());
        Url::parse(&url).with_context(|| format!("{} is not a URL", self.variable))
    }

    fn ensure(&self, sh: &Shell) -> Result<()> {
        let url = self.url()?;
        if let Err(reason) = (self.probe)(sh, &url) {
            eprintln!("{} at {} is not ready: {reason:#}", self.name, without_password(&url));
            self.make_ready(sh, &url)
                .map_err(|reason| anyhow!("{reason:#}\n\n{}", self.advice()))?;
        }
        eprintln!("{} at {} is ready", self.name, without_password(&url));
        Ok(())
    }

    fn make_ready(&self, sh: &Shell, url: &Url) -> Result<()> {
        if let Some(obstacle) = self.obstacle(sh, url) {
            bail!("{} cannot be started from here: {obstacle}", self.name);
        }
        (self.start)(sh, url)?;
        wait_for(|| (self.probe)(sh, url))
    }

    /// Returns the reason why this program must not start it, if there is one.
    fn obstacle(&self, sh: &Shell, url: &Url) -> Option<&'static str> {
        let default = Url::parse(self.default_url).expect("the default is a URL");
        let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if !is_local || url.port() != default.port() {
            Some("the URL points elsewhere")
        } else if !debian::is_debian() {
            Some("this is neither Debian nor Ubuntu")
        } else if !debian::is_root(sh) {
            Some("only root can do it")
        } else {
            None
        }
    }

    fn advice(&self) -> String {
        let Self { name, variable, default_url, packaged, docker, .. } = self;
        let packaged: String = packaged
            .iter()
            .map(|[place, command]| format!("  {place}:\n    {command}\n"))
            .collect();

        format!(
            "{name} is needed: do one of these, then try again.

  in a container:
    {docker}
{packaged}  on a server of yours, with a role that may create databases (default: {default_url}):
    export {variable}=<its URL>"
        )
    }
}

/// Tries until `attempt` succeeds, and gives up with its last error.
fn wait_for(attempt: impl Fn() -> Result<()>) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(300);
    let start = Instant::now();
    loop {
        match attempt() {
            Err(_) if start.elapsed() < PATIENCE => sleep(Duration::from_millis(200)),
            result => {
                return result
                    .with_context(|| format!("no success within {} s", PATIENCE.as_secs()));
            }
        }
    }
}

fn without_password(url: &Url) -> Url {
    let mut url = url.clone();
    let _ = url.set_password(None);
    url
}
