//! Databases in files, on the disk of `target`: a temporary folder may be in memory.

use std::{fs, io, path::PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Place;
use crate::report;

pub(super) struct Folder {
    folder: TempDir,
    count: u32,
}

impl Folder {
    pub(super) fn make() -> Result<Self> {
        let folder = tempfile::tempdir_in(report::folder()?)
            .context("cannot make a folder for databases")?;
        Ok(Self { folder, count: 0 })
    }

    pub(super) fn create(&mut self) -> String {
        self.count += 1;
        format!(
            "sqlite://{}?mode=rwc",
            self.folder.path().join(format!("{}.db", self.count)).display()
        )
    }

    /// Copies the template, which is closed, and so has no WAL.
    pub(super) fn copy(&mut self, template: &str) -> Result<String> {
        let url = self.create();
        fs::copy(path_in(template), path_in(&url))?;
        Ok(url)
    }

    pub(super) fn remove_all_but(&mut self, kept: &[&str]) -> Result<()> {
        let kept: Vec<PathBuf> = kept.iter().map(|url| path_in(url)).collect();
        for entry in fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if kept.contains(&path) {
                continue;
            }
            // A database that was closed a moment ago removes its own WAL.
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

fn path_in(url: &str) -> PathBuf {
    let path = url.trim_start_matches("sqlite://");
    path.split('?').next().unwrap_or(path).into()
}

pub(super) async fn version() -> Result<String> {
    let place = Place::open("sqlite::memory:".to_owned()).await?;
    Ok(format!("SQLite {}", place.scalar::<String>("SELECT sqlite_version()").await?))
}

pub(super) async fn tidy(place: &Place) -> Result<()> {
    place.sql("PRAGMA wal_checkpoint(TRUNCATE)").await.map(drop)
}
