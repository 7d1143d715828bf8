use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// From when on a stored value counts as stale: a moment, or never.
///
/// ```
/// use chrono::{NaiveDate, TimeZone, Utc};
/// use sea_orm_cached_field::Expiry;
///
/// let midnight = Utc.with_ymd_and_hms(2030, 1, 1, 0, 0, 0).unwrap();
/// assert_eq!(Expiry::from(NaiveDate::from_ymd_opt(2030, 1, 1).unwrap()), Expiry::from(midnight));
/// assert_eq!(Expiry::from(None), Expiry::NEVER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(pub(crate) Option<DateTime<Utc>>);

impl Expiry {
    /// The value does not expire.
    pub const NEVER: Self = Self(None);
}

impl From<Option<DateTime<Utc>>> for Expiry {
    fn from(moment: Option<DateTime<Utc>>) -> Self {
        Self(moment)
    }
}

impl From<DateTime<Utc>> for Expiry {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(Some(moment))
    }
}

/// The beginning of that day, in UTC.
impl From<NaiveDate> for Expiry {
    fn from(day: NaiveDate) -> Self {
        Self(Some(day.and_time(NaiveTime::MIN).and_utc()))
    }
}
