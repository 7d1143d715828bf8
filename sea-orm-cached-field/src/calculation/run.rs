//! One calculation.

use std::{any::Any, fmt, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;

use crate::{
    Error,
    declaration::{BoxError, Key},
    error::with_sources,
};

/// The field and row of a calculation, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) table: String,
    pub(crate) field: &'static str,
    pub(crate) key: Key,
}

/// The outcome of a calculation that did not end well.
pub(super) enum Failure {
    Returned(BoxError),
    Panicked(String),
    TimedOut(f64),
}

impl Failure {
    /// Returns a text without values, as [`Error::without_values`] does.
    pub(super) fn without_values(&self) -> String {
        match self {
            Self::Returned(_) => "an error was returned".to_owned(),
            Self::Panicked(_) => "panicked".to_owned(),
            Self::TimedOut(_) => self.to_string(),
        }
    }

    fn of(self, Subject { table, field, key }: Subject) -> Error {
        match self {
            Self::Returned(source) => Error::Calculation { table, field, key, source },
            Self::Panicked(message) => Error::Panicked { table, field, key, message },
            Self::TimedOut(seconds) => Error::TimedOut { table, field, key, seconds },
        }
    }
}

/// The text for a calculation of many rows, which belongs to none of them.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(source) => f.write_str(&with_sources(&**source)),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::TimedOut(seconds) => write!(f, "stopped after {seconds} s"),
        }
    }
}

/// Drives a calculation of one row to its end. An error, a panic or a calculation without end is a
/// failure of this row alone.
pub(crate) async fn run<T>(
    subject: Subject,
    timeout: Option<Duration>,
    calculation: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, Error> {
    drive(timeout, calculation).await.map_err(|failure| failure.of(subject))
}

/// Drives a calculation to its end.
pub(super) async fn drive<T>(
    timeout: Option<Duration>,
    calculation: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, Failure> {
    let caught = AssertUnwindSafe(calculation).catch_unwind();
    let ended = match timeout {
        None => caught.await,
        Some(limit) => tokio::time::timeout(limit, caught)
            .await
            .map_err(|_| Failure::TimedOut(limit.as_secs_f64()))?,
    };
    match ended {
        Ok(ended) => ended.map_err(Failure::Returned),
        Err(panic) => Err(Failure::Panicked(message(&*panic))),
    }
}

/// Returns the message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { table: "lamppost".to_owned(), field: "slow_full_name", key: Key::new([7.into()]) }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        let error = run::<i32>(subject(), None, async { panic!("out of {}", "pigeons") })
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the calculation of `slow_full_name` of `lamppost` 7 panicked: out of pigeons"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_calculation_without_end_is_stopped() {
        let endless = std::future::pending::<Result<i32, BoxError>>();
        let error = run(subject(), Some(Duration::from_secs(30)), endless).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the calculation of `slow_full_name` of `lamppost` 7 was stopped after 30 s"
        );
    }
}
