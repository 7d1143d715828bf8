//! The Django application, each of its commands a process.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::process::Command;

use crate::database::Database;

/// The variable with the Python in which `cargo xtask test-django` has installed Django.
const PYTHON: &str = "DJANGO_NEIGHBOUR_PYTHON";

pub struct Application {
    python: PathBuf,
    database: String,
}

/// The rows with an expiry that has passed, and with one in the future.
#[derive(Deserialize)]
pub struct Prepared {
    pub expired: i64,
    pub expires: i64,
}

#[derive(Deserialize)]
pub struct Edited {
    pub edits: usize,
    pub kinds: BTreeMap<String, usize>,
    pub failures: BTreeMap<String, usize>,
    /// The number of saved rows whose cached values had changed in the database by then.
    pub stale_copies_saved: usize,
}

/// A row: its name and its load.
#[derive(Deserialize)]
pub struct Row {
    pub id: i64,
    pub stored: Values,
    pub property: Values,
    pub expected: Values,
}

type Values = (Option<String>, Option<i64>);

impl Application {
    pub fn new(database: &Database) -> Result<Self> {
        let python = env::var_os(PYTHON).with_context(|| {
            format!("{PYTHON} names no Python with Django: run `cargo xtask test-django`, which installs it")
        })?;
        Ok(Self { python: python.into(), database: database.url.clone() })
    }

    pub async fn prepare(&self) -> Result<Prepared> {
        self.run(["prepare"]).await
    }

    pub async fn edit(&self, number: usize, of: usize, edits: usize) -> Result<Edited> {
        let [number, of, edits] = [number, of, edits].map(|value| value.to_string());
        self.run(["edit", "--number", &number, "--of", &of, "--edits", &edits, "--seed", "1"]).await
    }

    pub async fn report(&self) -> Result<Vec<Row>> {
        self.run(["report"]).await
    }

    async fn run<T: DeserializeOwned>(
        &self,
        arguments: impl IntoIterator<Item = &str>,
    ) -> Result<T> {
        let mut command = Command::new(&self.python);
        command.arg("neighbour.py").args(arguments).kill_on_drop(true);
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("application"));
        command.env("NEIGHBOUR_DATABASE", &self.database).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .await
            .with_context(|| format!("{command:?}"))?;
        ensure!(output.status.success(), "{command:?} failed: {}", output.status);
        let output = String::from_utf8(output.stdout)?;
        let last = output.lines().last().context("the application said nothing")?;
        serde_json::from_str(last).with_context(|| last.to_owned())
    }
}
