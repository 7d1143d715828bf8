//! The kinds of servers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use url::Url;
use xshell::Shell;

use super::{mariadb, mysql, mysql_client, postgres};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
    MySql,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::MariaDb, Self::MySql];

    /// Returns the kind by the scheme of the URL. MariaDB and MySQL share theirs: the server is
    /// asked.
    pub(crate) fn of(sh: &Shell, url: &Url) -> Result<Self> {
        match url.scheme() {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            "mysql" | "mariadb" => {
                // MariaDB's client may log in to both. That of MySQL 9 does not support the login
                // of MariaDB's accounts any more.
                let version = match mysql_client::probe(sh, Path::new("mariadb"), url) {
                    Ok(Some(version)) => version,
                    _ => mysql_client::probe(sh, &mysql::client(), url)?.context(
                        "there is no client, neither `mariadb` nor `mysql`, to ask the server with",
                    )?,
                };
                Ok(if version.contains("MariaDB") { Self::MariaDb } else { Self::MySql })
            }
            scheme => bail!("no database that the library knows has the scheme {scheme}"),
        }
    }

    /// Returns the module of its tests.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// Returns the environment variable from which its tests read the URL.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(postgres::SERVICE.variable),
            Self::MariaDb => Some(mariadb::SERVICE.variable),
            Self::MySql => Some(mysql::SERVICE.variable),
        }
    }
}
