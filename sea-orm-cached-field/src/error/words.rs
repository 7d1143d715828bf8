//! The texts of errors.

use std::{fmt, time::Duration};

use sea_orm::DbErr;

use super::{Error, InstallError};
use crate::declaration::Key;

/// The text as displayed, with all causes. `main` prints an error that it returns in this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_sources())
    }
}

impl fmt::Debug for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_sources(self))
    }
}

impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error,
            other => DbErr::Custom(other.with_sources()),
        }
    }
}

impl Error {
    /// Returns whether the user's calculation has failed: it returned an error, panicked, took too
    /// long, or returned too few values or too many. The row stays flagged, and a worker retries
    /// it.
    pub fn is_of_calculation(&self) -> bool {
        match self {
            Self::Calculation { .. }
            | Self::Panicked { .. }
            | Self::TimedOut { .. }
            | Self::WrongLength { .. } => true,
            Self::Shared(error) => error.is_of_calculation(),
            _ => false,
        }
    }

    /// Returns the text without anything that the database or the user's code says, because that
    /// may hold values.
    pub(crate) fn without_values(&self) -> String {
        match self {
            Self::Database(_) => "database error".to_owned(),
            Self::Panicked { .. } => "the calculation panicked".to_owned(),
            Self::Shared(error) => error.without_values(),
            // Its source would say more.
            other => other.to_string(),
        }
    }

    /// Returns the reason why a field of a row could not be calculated or stored. It does not name
    /// the row, so that rows that fail alike have the same reason.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Calculation { source, .. } => with_sources(source.as_ref()),
            Self::Panicked { message, .. } => format!("the calculation panicked: {message}"),
            Self::TimedOut { seconds, .. } => {
                format!("the calculation was stopped after {seconds} s")
            }
            Self::NotUnique { remedy, source, .. } => {
                format!("a unique index allows its value only once: {remedy}: {source}")
            }
            Self::Loop { waves, .. } => format!(
                "it invalidated itself {waves} times in a row: its calculation must not write what \
                 `depends_on` names"
            ),
            Self::WorkersEnded { attempts, .. } => format!(
                "{attempts} workers ended while they calculated it: see what the calculation does \
                 to its process"
            ),
            Self::Shared(error) => error.reason(),
            other => other.with_sources(),
        }
    }

    /// Returns the error with all of its causes, on one line: `database error: no such table:
    /// shop`.
    pub fn with_sources(&self) -> String {
        with_sources(self)
    }
}

/// Returns an error with all of its causes, on one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Some errors repeat their cause themselves.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Returns `3 -> 5 -> 3`.
pub(super) fn circle(path: &[Key]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ")
}

/// Returns `1 mark`, `2 marks`, `2 indexes`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if what.ends_with('x') { "es" } else { "s" };
    format!("{count} {what}{}", if count == 1 { "" } else { plural })
}

/// Returns a duration as the log has it: in seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program whose `main` returns the error prints this.
    #[test]
    fn debug_shows_what_display_says_and_all_causes() {
        let key = Key::new([1.into()]);
        let error = Error::Calculation {
            table: "post".to_owned(),
            field: "name",
            key,
            source: "no such city".into(),
        };

        assert_eq!(
            format!("{error:?}"),
            "`name` of `post` 1 could not be calculated: no such city"
        );

        let shared = Error::Shared(std::sync::Arc::new(error));
        assert_eq!(
            format!("{shared:?}"),
            "`name` of `post` 1 could not be calculated: no such city"
        );
    }
}
