//! A file. Killing a process that commits is as killing the server.

use anyhow::Result;
use tempfile::TempDir;

use super::{Account, Complaints, Server, Span};

pub(super) struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    pub(super) fn start() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }
}

impl Server for Sqlite {
    fn url(&self, database: &str, _: Account, _: Option<u16>) -> String {
        format!("sqlite://{}?mode=rwc", self.folder.path().join(database).display())
    }

    fn port(&self) -> Option<u16> {
        None
    }

    fn create(&self, _: &str) -> Option<String> {
        None
    }

    fn restart(&mut self) -> Result<Option<&'static str>> {
        Ok(None)
    }

    fn complaints(&mut self, _: &[Span]) -> Result<Complaints> {
        Ok(Complaints::default())
    }
}
