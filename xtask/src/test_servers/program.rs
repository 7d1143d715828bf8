//! Programs of tests, built once and run for one kind of server at a time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::Shell;

use crate::ci::LIBRARY;
use crate::metadata::Workspace;
use crate::services::Kind;

pub(super) struct Program {
    executable: PathBuf,
    /// The folder in which `cargo test` would run it.
    folder: PathBuf,
}

/// Builds the test programs of the library and of the examples. The torture starts servers of its
/// own, and is left out.
pub(super) fn build(sh: &Shell) -> Result<Vec<Program>> {
    let workspace = Workspace::load(sh)?;
    let packages = workspace.examples().chain([LIBRARY]);
    let tests =
        packages.flat_map(|package| workspace.tests(package)).flat_map(|test| ["--test", test]);
    let build = crate::cargo(sh, "test").args(["--no-run", "--lib"]).args(tests);
    let messages = build.arg("--message-format=json-render-diagnostics").read()?;
    let root = sh.current_dir();
    let programs =
        messages.lines().filter_map(|message| Program::parse(message, &root)).collect::<Vec<_>>();
    ensure!(!programs.is_empty(), "cargo has built no tests");
    Ok(programs)
}

/// Returns the folder for the output of the programs.
pub(super) fn logs(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target").join("test-servers")
}

impl Program {
    fn parse(message: &str, root: &Path) -> Option<Self> {
        let message: Value = serde_json::from_str(message).ok()?;
        let executable = message["executable"].as_str()?;
        let manifest = message["manifest_path"].as_str()?;
        let folder = Path::new(manifest).parent()?;
        let is_wanted = folder == root.join(LIBRARY) || folder.starts_with(root.join("examples"));
        let is_test = message["profile"]["test"].as_bool()?;
        (is_wanted && is_test)
            .then(|| Self { executable: executable.into(), folder: folder.to_owned() })
    }

    /// Returns its name in Cargo.toml.
    pub(super) fn name(&self) -> &str {
        let name = self.executable.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        name.rsplit_once('-').map_or(name, |(name, _)| name)
    }

    /// Returns the names of its tests on this kind of server.
    pub(super) fn tests(&self, kind: Kind) -> Result<Vec<String>> {
        let listed = Command::new(&self.executable).args(["--list", "--format=terse"]).output()?;
        ensure!(listed.status.success(), "{} does not list its tests", self.executable.display());
        let listed = String::from_utf8(listed.stdout)?;
        let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(tests.filter(|test| of_test(test) == Some(kind)).map(str::to_owned).collect())
    }

    /// Runs these tests, with the variable that names the server, and returns the output of the
    /// program.
    pub(super) fn run(
        &self,
        tests: &[String],
        server: Option<(&str, &str)>,
        log: &Path,
    ) -> Result<String> {
        const PATIENCE: Duration = Duration::from_secs(3600);
        let said = File::create(log)?;
        let mut command = Command::new(&self.executable);
        command.arg("--exact").args(tests).current_dir(&self.folder).envs(server);
        command.env("CACHED_FIELD_TEST_COUNTED", "yes").env(crate::THREADS, crate::test_threads()?);
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let mut running = command.spawn().with_context(|| format!("{command:?}"))?;

        let begun = Instant::now();
        while running.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                eprintln!("{} has not ended within {PATIENCE:?}", self.name());
                running.kill()?;
                running.wait()?;
                break;
            }
            sleep(Duration::from_millis(50));
        }
        Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
    }
}

/// Returns the server that a test needs: the last part of its name that is the name of a server.
fn of_test(test: &str) -> Option<Kind> {
    test.rsplit("::").find_map(|part| Kind::ALL.into_iter().find(|kind| kind.module() == part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_of_the_server_that_its_name_ends_with() {
        assert_eq!(of_test("waves::mysql::each_field_once"), Some(Kind::MySql));
        assert_eq!(of_test("partitions_are_seen::truncate_of_all::postgres"), Some(Kind::Postgres));
        assert_eq!(of_test("backend::mysql::plans::mariadb::no_statement"), Some(Kind::MariaDb));
        assert_eq!(of_test("backend::sqlite::plans::no_statement"), Some(Kind::Sqlite));
        assert_eq!(of_test("macro_messages"), None);
    }

    #[test]
    fn only_tests_of_the_library_and_the_examples_are_programs() {
        let message = |manifest: &str, test: bool| {
            format!(
                r#"{{"executable": "/w/target/marking-0f", "manifest_path": "{manifest}", "profile": {{"test": {test}}}}}"#
            )
        };
        let parse = |message: String| Program::parse(&message, Path::new("/w"));

        assert_eq!(
            parse(message("/w/sea-orm-cached-field/Cargo.toml", true)).unwrap().name(),
            "marking"
        );
        assert!(parse(message("/w/examples/record-shop/Cargo.toml", true)).is_some());
        assert!(parse(message("/w/sea-orm-cached-field/Cargo.toml", false)).is_none());
        assert!(parse(message("/w/torture/Cargo.toml", true)).is_none());
        assert!(parse(r#"{"reason": "build-finished"}"#.to_owned()).is_none());
    }
}
