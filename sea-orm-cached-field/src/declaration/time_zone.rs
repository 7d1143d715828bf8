//! Time zones of the IANA database. They need the feature `time-zones`.

use chrono::{DateTime, NaiveDateTime, Utc};
#[cfg(feature = "time-zones")]
use chrono::{Offset, TimeDelta, TimeZone as _};

/// A time zone. Without the feature there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(
    #[cfg(feature = "time-zones")] chrono_tz::Tz,
    #[cfg(not(feature = "time-zones"))] std::convert::Infallible,
);

#[cfg(feature = "time-zones")]
impl Zone {
    /// Returns the time zone of this name, which the macro has looked up already.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.parse().unwrap_or_else(|_| panic!("`{name}` should be a time zone")))
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the time that its clocks show at this moment.
    pub(crate) fn local(self, moment: DateTime<Utc>) -> NaiveDateTime {
        moment.with_timezone(&self.0).naive_local()
    }

    /// Returns by how many seconds its clocks are ahead of UTC at this moment.
    pub(crate) fn ahead_of_utc(self, moment: DateTime<Utc>) -> i64 {
        self.0.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc().into()
    }

    /// Returns the moment at which its clocks show this time. If there are two, because the clocks
    /// are put back, it is the first. If there is none, because the clocks are put forward, the
    /// clocks are read as if they were not yet put forward.
    pub(crate) fn moment(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.0.from_local_datetime(&local).earliest() {
            Some(moment) => moment.to_utc(),
            None => {
                let before = self.0.offset_from_utc_datetime(&(local - TimeDelta::days(1))).fix();
                (local - before).and_utc()
            }
        }
    }
}

#[cfg(not(feature = "time-zones"))]
impl Zone {
    /// Panics. The macro has refused the name already.
    pub(crate) fn named(name: &str) -> Self {
        panic!("the time zone `{name}` needs the feature `time-zones` of `sea-orm-cached-field`")
    }

    pub(crate) fn name(self) -> &'static str {
        match self.0 {}
    }

    pub(crate) fn local(self, _: DateTime<Utc>) -> NaiveDateTime {
        match self.0 {}
    }

    pub(crate) fn ahead_of_utc(self, _: DateTime<Utc>) -> i64 {
        match self.0 {}
    }

    pub(crate) fn moment(self, _: NaiveDateTime) -> DateTime<Utc> {
        match self.0 {}
    }
}

/// Returns the moment of a time in the zone of this name.
#[cfg(feature = "time-zones")]
pub fn moment_in(zone: &str, local: NaiveDateTime) -> DateTime<Utc> {
    Zone::named(zone).moment(local)
}
