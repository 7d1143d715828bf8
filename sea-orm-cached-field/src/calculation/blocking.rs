//! Calculations that keep a thread busy.

use std::panic::resume_unwind;

use sea_orm::DatabaseExecutor;
use tokio::{runtime::Handle, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::declaration::{BoxError, Calculation};

/// Runs a calculation on a thread of its own, where it holds up no others. Inside a transaction it
/// runs where it is, because a user's transaction cannot be moved to another thread. A calculation
/// that is dropped ends as soon as it waits for something.
pub fn blocking<'a, R, T, C>(
    rows: R,
    db: &'a DatabaseExecutor<'a>,
    calculate: C,
) -> Calculation<'a, T>
where
    R: Send + Sync + 'static,
    T: Send + 'static,
    C: for<'r> FnOnce(&'r R, &'r DatabaseExecutor<'r>) -> Calculation<'r, T> + Send + 'static,
{
    let DatabaseExecutor::Connection(connection) = db else {
        return Box::pin(async move { calculate(&rows, db).await });
    };

    let connection = (*connection).clone();
    Box::pin(async move {
        let given_up = CancellationToken::new();
        let runtime = Handle::current();
        let _given_up_if_dropped = given_up.clone().drop_guard();
        let thread = spawn_blocking(move || {
            let db = DatabaseExecutor::Connection(&connection);
            let calculation = calculate(&rows, &db);
            runtime.block_on(given_up.run_until_cancelled(calculation))
        });
        match thread.await {
            Ok(ended) => ended.unwrap_or_else(|| Err(BoxError::from("given up"))),
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(stopped) => Err(stopped.into()),
            },
        }
    })
}
