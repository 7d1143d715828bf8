//! Installing servers on Debian and Ubuntu.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// The keys that sign all of Debian's distributions.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

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

/// Returns whether this is Debian itself, whose unstable distribution can be read with the
/// installed tools.
pub(super) fn has_unstable() -> bool {
    let is_debian = fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"));
    is_debian && Path::new(KEYRING).exists()
}

/// Unpacks packages of the unstable distribution, and all of their dependencies, in a new folder.
/// Nothing else on this machine changes.
pub(super) fn unpack_unstable(sh: &Shell, packages: &[&str], folder: &Path) -> Result<()> {
    let apt = folder.with_extension("apt");
    let unfinished = folder.with_extension("new");
    sh.remove_path(&apt)?;
    sh.remove_path(&unfinished)?;
    sh.create_dir(&unfinished)?;
    for part in ["state/lists/partial", "cache/archives/partial"] {
        sh.create_dir(apt.join(part))?;
    }
    // An empty list, so that nothing counts as installed.
    sh.write_file(apt.join("status"), "")?;
    let source = format!("deb [signed-by={KEYRING}] {} unstable main\n", mirror(sh)?);
    sh.write_file(apt.join("sources.list"), source)?;

    let place = apt.display();
    let options = [
        format!("Dir::State={place}/state"),
        format!("Dir::State::status={place}/status"),
        format!("Dir::Cache={place}/cache"),
        format!("Dir::Etc::sourcelist={place}/sources.list"),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        "Dir::Etc::preferencesparts=/dev/null".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let options: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
    let _noninteractive = sh.push_env("DEBIAN_FRONTEND", "noninteractive");
    let given = &options;
    cmd!(sh, "apt-get {given...} update -qq").run()?;
    cmd!(
        sh,
        "apt-get {given...} install -y -qq --download-only --no-install-recommends {packages...}"
    )
    .run()?;

    for package in sh.read_dir(apt.join("cache/archives"))? {
        if package.extension().is_some_and(|extension| extension == "deb") {
            cmd!(sh, "dpkg-deb --extract {package} {unfinished}").quiet().run()?;
        }
    }
    sh.remove_path(&apt)?;
    Ok(fs::rename(unfinished, folder)?)
}

/// Returns the mirror that this machine has its packages from.
fn mirror(sh: &Shell) -> Result<String> {
    let format = "$(REPO_URI)";
    let sources = cmd!(sh, "apt-get indextargets --format {format}").quiet().read()?;
    let mirror = sources.lines().find(|line| line.trim_end_matches('/').ends_with("/debian"));
    Ok(mirror.context("none of apt's sources is a mirror of Debian")?.to_owned())
}
