//! The steps of `cargo xtask ci`, cheapest first.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::metadata::Workspace;
use crate::services::{self, FreshDatabase};
use crate::steps::step;

pub(crate) const LIBRARY: &str = "sea-orm-cached-field";

/// A part of what CI runs, the cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Formatting and lints
    Lints,
    /// The documentation
    Docs,
    /// The library without features, and with each of them alone
    Features,
    /// Each example, on SQLite and on PostgreSQL
    Examples,
    /// All tests
    Tests,
    /// A Django application beside a worker
    Django,
}

pub(crate) fn run(sh: &Shell, parts: &[Part]) -> Result<()> {
    let workspace = Workspace::load(sh)?;
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    for part in parts {
        match part {
            Part::Lints => lints(sh)?,
            Part::Docs => docs(sh)?,
            Part::Features => features(sh, &workspace)?,
            Part::Examples => {
                step("services", || services::ensure(sh))?;
                examples(sh, &workspace)?;
            }
            Part::Tests => step("tests", || crate::test(sh, &[]))?,
            Part::Django => {
                step("services", || services::ensure(sh))?;
                step("Django", || crate::django::test(sh))?;
            }
        }
    }

    eprintln!("\nAll steps passed.");
    Ok(())
}

fn lints(sh: &Shell) -> Result<()> {
    step("format", || Ok(cmd!(sh, "cargo fmt --all -- --check").run()?))?;
    step("clippy", || {
        Ok(cmd!(
            sh,
            "cargo clippy --locked --workspace --all-targets --all-features -- -D warnings"
        )
        .run()?)
    })
}

fn docs(sh: &Shell) -> Result<()> {
    step("docs", || {
        let doc = cmd!(sh, "cargo doc --locked --workspace --all-features --no-deps");
        Ok(doc.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })
}

/// Checks the library without features, then with each of them alone.
fn features(sh: &Shell, workspace: &Workspace) -> Result<()> {
    step("no features", || {
        Ok(cmd!(sh, "cargo clippy --locked -p {LIBRARY} --no-default-features -- -D warnings")
            .run()?)
    })?;

    step("no features: what the program is told", || {
        Ok(cmd!(
            sh,
            "cargo test --locked -p {LIBRARY} --no-default-features --test without_features"
        )
        .run()?)
    })?;

    for feature in workspace.features(LIBRARY)? {
        step(&format!("feature {feature} alone"), || {
            let lint = cmd!(
                sh,
                "cargo clippy --locked -p {LIBRARY} --no-default-features --features {feature}"
            );
            Ok(lint.args(["--", "-D", "warnings"]).run()?)
        })?;
    }

    Ok(())
}

/// Runs each example on SQLite and on PostgreSQL, as it is built together with the tests. With only
/// its own features it is checked, but not built: all of its dependencies would be built again.
fn examples(sh: &Shell, workspace: &Workspace) -> Result<()> {
    ensure!(workspace.examples().next().is_some(), "no examples in the workspace");
    for example in workspace.examples() {
        step(&format!("example {example} alone"), || {
            Ok(cmd!(sh, "cargo check --locked -p {example}").run()?)
        })?;
    }
    step("build", || Ok(crate::cargo(sh, "build").arg("--all-targets").run()?))?;

    for example in workspace.examples() {
        let program = workspace.program(example);
        step(&format!("example {example} on SQLite"), || {
            Ok(cmd!(sh, "{program}").env_remove("DATABASE_URL").run()?)
        })?;
        step(&format!("example {example} on PostgreSQL"), || {
            let database = FreshDatabase::create(sh)?;
            Ok(cmd!(sh, "{program}").env("DATABASE_URL", database.url()).run()?)
        })?;
    }

    Ok(())
}
