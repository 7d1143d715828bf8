//! Waking by SQLite's files: each commit, in whatever process, writes to the database's files.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sea_orm::{ConnectionTrait, QueryResult};

use super::files;
use crate::declaration::BoxError;

/// Watches files until it is dropped.
pub(crate) struct FileWatch {
    _watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Watches the files of the database. Returns `None` if it is in memory. The folder is watched,
    /// because the file of the write-ahead log comes and goes.
    pub(crate) async fn start(
        db: &impl ConnectionTrait,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Option<Self>, BoxError> {
        let files = db.query_all_raw(files()).await?;
        let path = |row: &QueryResult| row.try_get::<String>("", "file").map(PathBuf::from);
        let paths: Vec<PathBuf> = files.iter().map(path).collect::<Result<_, _>>()?;
        if paths.is_empty() {
            return Ok(None);
        }

        let names: Vec<OsString> =
            paths.iter().filter_map(|path| path.file_name().map(Into::into)).collect();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| {
                is_write(&event) && event.paths.iter().any(|path| is_of(path, &names))
            }) {
                wake();
            }
        })?;

        for folder in paths.iter().filter_map(|path| path.parent()) {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(Some(Self { _watcher: watcher }))
    }
}

fn is_write(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::Modify(_) | EventKind::Create(_) | EventKind::Any | EventKind::Other
    )
}

/// Returns whether this is one of the databases or a file beside one, such as `shop.db-wal`.
fn is_of(path: &Path, names: &[OsString]) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
    names.iter().any(|database| {
        name.strip_prefix(&*database.to_string_lossy())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}
