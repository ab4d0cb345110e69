//! Time as a value. Machines are handed a `Timestamp`; only adapters hold a `Clock`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant this many milliseconds after 1970-01-01 UTC.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The time of day, as people read it: `10:42 UTC`.
    pub fn of_day(self) -> String {
        let minutes = self.0.div_euclid(60_000).rem_euclid(24 * 60);
        format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
    }

    /// How long ago `earlier` was; zero when it lies ahead, as it may after a clock was set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// What tells the time. The real one reads the system's clock, the tests' one is moved by hand.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A length of time as people say it: `350 ms`, `12 s`, `4 min`, `3 h`, `2 d`.
pub fn humanize(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_gives_no_negative_age() {
        let now = Timestamp::from_ms(1_000);
        assert_eq!(now.since(now + Duration::from_secs(3_600)), Duration::ZERO);
    }

    #[test]
    fn a_time_of_day_is_told_in_utc() {
        assert_eq!(Timestamp::from_ms(1_798_843_379_999).of_day(), "22:42 UTC");
        assert_eq!(Timestamp::from_ms(-60_000).of_day(), "23:59 UTC");
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let said =
            [350, 12_000, 119_999, 240_000, 10_800_000, 200_000_000].map(|ms| humanize(Duration::from_millis(ms)));
        assert_eq!(said, ["350 ms", "12 s", "119 s", "4 min", "3 h", "2 d"]);
    }
}
