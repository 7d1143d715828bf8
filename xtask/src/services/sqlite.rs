//! The client of SQLite, with which tests write as other programs do.

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use super::debian;

/// The package in Debian.
const PACKAGE: &str = "sqlite3";

/// Installs the client if it is missing, as root on Debian.
pub(super) fn ensure_client(sh: &Shell) -> Result<()> {
    if let Ok(version) = cmd!(sh, "sqlite3 --version").quiet().ignore_stderr().read() {
        eprintln!("the client of SQLite is ready: {version}");
        return Ok(());
    }
    if !(debian::is_debian() && debian::is_root(sh)) {
        bail!(
            "the client of SQLite, `sqlite3`, is needed: install it (on Debian or Ubuntu: apt-get install -y {PACKAGE}), then try again"
        );
    }
    debian::install(sh, PACKAGE)
}
