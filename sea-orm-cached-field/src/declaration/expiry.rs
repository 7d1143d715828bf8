use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::time_zone::Zone;

/// The moment from which on a stored value counts as stale, if there is one.
///
/// ```
/// use chrono::{NaiveDate, TimeZone, Utc};
/// use sea_orm_cached_field::Expiry;
///
/// let new_year = NaiveDate::from_ymd_opt(2030, 1, 1).unwrap(); // the beginning of that day
/// assert_eq!(Expiry::from(new_year), Expiry::from(new_year.and_hms_opt(0, 0, 0).unwrap()));
/// let moment = Utc.with_ymd_and_hms(2030, 1, 1, 0, 0, 0).unwrap();
/// assert_eq!(Expiry::from(moment), Expiry::from(Some(moment)));
/// assert_eq!(Expiry::from(None), Expiry::NEVER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(Option<When>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Moment(DateTime<Utc>),
    Local(NaiveDateTime),
}

impl Expiry {
    /// No expiry.
    pub const NEVER: Self = Self(None);

    /// Returns the moment. A time without a time zone is read in this one, or in UTC.
    pub(crate) fn moment(self, zone: Option<Zone>) -> Option<DateTime<Utc>> {
        self.0.map(|when| match (when, zone) {
            (When::Moment(moment), _) => moment,
            (When::Local(local), Some(zone)) => zone.moment(local),
            (When::Local(local), None) => local.and_utc(),
        })
    }
}

impl From<Option<DateTime<Utc>>> for Expiry {
    fn from(moment: Option<DateTime<Utc>>) -> Self {
        Self(moment.map(When::Moment))
    }
}

impl From<DateTime<Utc>> for Expiry {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(Some(When::Moment(moment)))
    }
}

/// The time is read in the field's `expiration_time_zone`, or in UTC.
impl From<NaiveDateTime> for Expiry {
    fn from(local: NaiveDateTime) -> Self {
        Self(Some(When::Local(local)))
    }
}

/// The value expires at the beginning of that day, in the field's `expiration_time_zone` or in UTC.
impl From<NaiveDate> for Expiry {
    fn from(day: NaiveDate) -> Self {
        Self::from(day.and_time(NaiveTime::MIN))
    }
}

#[cfg(all(test, feature = "time-zones"))]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_zone_is_meant_in_the_fields_zone() {
        let berlin = Zone::named("Europe/Berlin");
        let local = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let moment =
            |text: &str| Expiry::from(local(text)).moment(Some(berlin)).unwrap().naive_utc();

        assert_eq!(moment("2030-07-01T12:00:00"), local("2030-07-01T10:00:00"));
        assert_eq!(moment("2030-01-01T12:00:00"), local("2030-01-01T11:00:00"));
        assert_eq!(moment("2030-10-27T02:30:00"), local("2030-10-27T00:30:00"), "the first of two");
        assert_eq!(
            moment("2030-03-31T02:30:00"),
            local("2030-03-31T01:30:00"),
            "there is no such time"
        );
        assert_eq!(
            Expiry::from(local("2030-07-01T12:00:00")).moment(None),
            Some(local("2030-07-01T12:00:00").and_utc())
        );
        assert_eq!(Expiry::NEVER.moment(Some(berlin)), None);
    }
}
