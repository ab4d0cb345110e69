//! Windows of time that come again each week or each day, in the time of a place: `Fri 17:00 - Mon 08:00 Europe/Berlin`.
//!
//! The rules of time zones come with the program, so that a window ends at the same moment on every machine. Where clocks
//! are put forward, a time that does not exist is the first moment after it. Where they are put back, of a time that exists
//! twice a window begins at the first and ends at the second: who is kept out is kept out of both.

mod grammar;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp as Instant};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// More than anybody keeps in mind, and each is looked at in every step of whatever goes by them.
pub const WINDOWS_MAX: usize = 32;
/// Whatever is not open once within a year, with both changes of its clocks, never is.
const NEVER: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Two weeks and a day: a window that does not exist once, because clocks are put forward, is there a week later.
const AHEAD_DAYS: i64 = 15;

/// Not the machine's: its zones may be older, or none.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A window that comes again. Reads and is written as people say it: `daily 22:00 - 06:00 UTC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    days: Days,
    begin: Time,
    end: Time,
    zone: TimeZone,
}

/// On which days a window begins, and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    /// On each; it ends before it begins again.
    Daily,
    /// On each from Monday to Friday, likewise.
    Weekdays,
    /// Once a week.
    Weekly { from: Weekday, to: Weekday },
}

/// Several windows at once, at most [`WINDOWS_MAX`]; not one moment of the year must be in none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Windows(Vec<Window>);

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no window of time: {why}. Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`"
)]
pub struct BadWindow {
    text: String,
    why: String,
}

/// Why windows cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindows {
    /// One of them is none.
    #[error(transparent)]
    Bad(#[from] BadWindow),
    /// There are too many.
    #[error(
        "{n} windows are more than the {WINDOWS_MAX} that there may be; join some, as in `weekdays 22:00 - 06:00 UTC`"
    )]
    TooMany {
        /// How many.
        n: usize,
    },
    /// They leave nothing.
    #[error("together they cover all time, so that it would never be open; take one out, or let one end sooner")]
    NeverOpen,
}

impl Windows {
    /// These together. Refuses what would never be open.
    pub fn new(windows: Vec<Window>) -> Result<Self, BadWindows> {
        if windows.len() > WINDOWS_MAX {
            return Err(BadWindows::TooMany { n: windows.len() });
        }
        let windows = Self(windows);
        let any_moment = Timestamp::from_ms(0);
        let is_never_open = windows.closed_until(any_moment).is_some_and(|until| until.since(any_moment) > NEVER);
        if is_never_open { Err(BadWindows::NeverOpen) } else { Ok(windows) }
    }

    /// Whether there are none, so that it is always open.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first moment from now on that is in no window; none when now is in none.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut until = now;
        while let Some(end) = self.0.iter().filter_map(|window| window.end_of_those_at(until)).max() {
            until = end;
            if until.since(now) > NEVER {
                break;
            }
        }
        (until > now).then_some(until)
    }

    /// The next moment at which a window begins while none is on; none without windows.
    pub fn next_close(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.closed_until(now).unwrap_or(now);
        self.0.iter().filter_map(|window| window.begin_after(open)).min()
    }

    /// A moment at which one of them begins or ends, in the time of its place: `Mon 08:00 Europe/Berlin`.
    pub fn in_words(&self, at: Timestamp) -> String {
        let window = self.0.iter().find(|window| window.has_bound(at)).or(self.0.first());
        let zone = window.map_or(TimeZone::UTC, |window| window.zone.clone());
        let local = zone.to_datetime(instant_of(at));
        format!("{} {} {}", short(local.weekday()), of_day(local.time()), name_of(&zone))
    }
}

impl Window {
    /// The end of that of its occurrences that is on and ends last.
    fn end_of_those_at(&self, at: Timestamp) -> Option<Timestamp> {
        let occurrences = self.occurrences(at, -(self.n_days() + 1), 1);
        occurrences.filter(|(begin, end)| *begin <= at && at < *end).map(|(_, end)| end).max()
    }

    fn begin_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.occurrences(at, -1, AHEAD_DAYS).map(|(begin, _)| begin).filter(|begin| *begin > at).min()
    }

    fn has_bound(&self, at: Timestamp) -> bool {
        self.occurrences(at, -(self.n_days() + 1), 1).any(|(begin, end)| begin == at || end == at)
    }

    /// Begin and end of those that begin so many days from that of a moment. One that lies wholly where clocks are put
    /// forward does not exist.
    fn occurrences(&self, at: Timestamp, from: i64, to: i64) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = self.zone.to_datetime(instant_of(at)).date();
        let day = move |n: i64| today.checked_add(Span::new().try_days(n).ok()?).ok();
        let begins = (from..=to).filter_map(day).filter(|day| self.days.has(day.weekday()));
        let occurrence = |date: jiff::civil::Date| {
            let last = date.checked_add(Span::new().try_days(self.n_days()).ok()?).ok()?;
            let begin = moment(&self.zone, date.to_datetime(self.begin), Which::First)?;
            let end = moment(&self.zone, last.to_datetime(self.end), Which::Second)?;
            (begin < end).then_some((begin, end))
        };
        begins.filter_map(occurrence)
    }

    /// How many days after its first day it ends.
    fn n_days(&self) -> i64 {
        let ends_later = self.begin < self.end;
        match self.days {
            Days::Weekly { from, to } if from == to => {
                if ends_later {
                    0
                } else {
                    7
                }
            }
            Days::Weekly { from, to } => i64::from(from.until(to)),
            Days::Daily | Days::Weekdays => i64::from(!ends_later),
        }
    }
}

impl Days {
    fn has(self, day: Weekday) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekdays => !matches!(day, Weekday::Saturday | Weekday::Sunday),
            Self::Weekly { from, .. } => day == from,
        }
    }
}

/// Which of two moments of the same local time is meant.
#[derive(Clone, Copy)]
enum Which {
    First,
    Second,
}

fn moment(zone: &TimeZone, local: DateTime, which: Which) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let instant = match (ambiguous.offset(), which) {
        (AmbiguousOffset::Gap { .. }, _) => zone.following(ambiguous.earlier().ok()?).next()?.timestamp(),
        (_, Which::First) => ambiguous.earlier().ok()?,
        (_, Which::Second) => ambiguous.later().ok()?,
    };
    Some(Timestamp::from_ms(instant.as_millisecond()))
}

/// What lies beyond the year 9999 is as good as its end.
fn instant_of(at: Timestamp) -> Instant {
    Instant::from_millisecond(at.as_ms()).unwrap_or(if at.as_ms() < 0 { Instant::MIN } else { Instant::MAX })
}

fn name_of(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

fn of_day(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn short(day: Weekday) -> &'static str {
    &grammar::name_of(day)[..3]
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begin, end, zone) = (of_day(self.begin), of_day(self.end), name_of(&self.zone));
        match self.days {
            Days::Daily => write!(f, "daily {begin} - {end} {zone}"),
            Days::Weekdays => write!(f, "weekdays {begin} - {end} {zone}"),
            Days::Weekly { from, to } => write!(f, "{} {begin} - {} {end} {zone}", short(from), short(to)),
        }
    }
}

impl TryFrom<Vec<String>> for Windows {
    type Error = BadWindows;

    fn try_from(texts: Vec<String>) -> Result<Self, BadWindows> {
        // Before each is read, so that a long list costs nothing.
        if texts.len() > WINDOWS_MAX {
            return Err(BadWindows::TooMany { n: texts.len() });
        }
        let windows: Result<Vec<Window>, BadWindow> = texts.iter().map(|text| text.parse()).collect();
        Self::new(windows?)
    }
}

impl From<Windows> for Vec<String> {
    fn from(windows: Windows) -> Self {
        windows.0.iter().map(ToString::to_string).collect()
    }
}
