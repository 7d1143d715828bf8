//! Installing servers on Debian and Ubuntu.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

pub(super) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

pub(super) fn is_root(sh: &Shell) -> bool {
    cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0")
}

pub(super) fn install(sh: &Shell, package: &str) -> Result<()> {
    let _noninteractive = sh.push_env("DEBIAN_FRONTEND", "noninteractive");
    cmd!(sh, "apt-get update -qq").run()?;
    cmd!(sh, "apt-get install -y -qq --no-install-recommends {package}").run()?;
    Ok(())
}
