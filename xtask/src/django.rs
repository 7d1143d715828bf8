//! The test with a Django application, and the Python environment that it needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::services;

/// The package of the test.
pub(crate) const NEIGHBOUR: &str = "django-neighbour";

const TEST: &str = "edits_of_django_are_seen";

const REQUIREMENTS: &str = "interop/django/application/requirements.txt";

pub(crate) fn test(sh: &Shell) -> Result<()> {
    services::ensure(sh)?;
    let python = environment(sh)
        .context("the Django application needs Python 3.10 or later with venv, and PyPI")?;
    // It is built as the other tests are, so that nothing is built again for it.
    let test =
        cmd!(sh, "cargo test --locked --workspace --all-features --test {TEST} -- --nocapture");
    Ok(test.env("DJANGO_NEIGHBOUR_PYTHON", python).run()?)
}

/// Returns the Python of an environment with everything that the application requires. It is kept
/// between runs. Packages that are installed already are left alone.
fn environment(sh: &Shell) -> Result<PathBuf> {
    let folder = sh.current_dir().join("target").join("django-neighbour-venv");
    let python =
        folder.join(Path::new(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" }));

    // If a package was missing, `venv` makes an environment without pip, which has a Python all the
    // same.
    if !python.exists()
        || cmd!(sh, "{python} -m pip --version").quiet().ignore_stdout().run().is_err()
    {
        let python3 = if cfg!(windows) { "python" } else { "python3" };
        cmd!(sh, "{python3} -m venv --clear {folder}").run()?;
    }

    cmd!(
        sh,
        "{python} -m pip install --quiet --disable-pip-version-check --requirement {REQUIREMENTS}"
    )
    .run()?;

    Ok(python)
}
