//! How people say a window: `DAY HH:MM - [DAY] HH:MM ZONE`, where the first day may be `daily` or `weekdays`.

use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::{BadWindow, Days, Window, ZONES};

const DAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

/// The day in full.
pub(super) fn name_of(day: Weekday) -> &'static str {
    DAYS[usize::from(day.to_monday_zero_offset().unsigned_abs())].0
}

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        parse(text).map_err(|why| BadWindow { text: text.trim().to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Window, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let (before, after) = text.split_once(['-', '–']).ok_or("there is no `-` between its begin and its end")?;
    let before: Vec<&str> = before.split_whitespace().collect();
    let [day, begin] = before[..] else {
        return Err(format!("`{}` before the `-` is not a day and a time", before.join(" ")));
    };
    let after: Vec<&str> = after.split_whitespace().collect();
    let (last, end, zone) = match after[..] {
        [end, zone] if !zone.contains(':') => (None, end, zone),
        [last, end, zone] => (Some(last), end, zone),
        [] => return Err("it has no end".to_owned()),
        [_] | [_, _] => return Err("it ends without a time zone; `UTC` is one".to_owned()),
        _ => return Err(format!("`{}` after the `-` is not a day, a time and a zone", after.join(" "))),
    };
    let (begin, end) = (time(begin)?, time(end)?);
    let days = days(day, last, begin < end)?;
    let is_whole = match days {
        Days::Daily | Days::Weekdays => begin == end,
        Days::Weekly { from, to } => from == to && begin == end,
    };
    if is_whole {
        return Err("it ends when it begins, which is all the time or none".to_owned());
    }
    Ok(Window { days, begin, end, zone: zone_of(zone)? })
}

fn days(day: &str, last: Option<&str>, ends_later: bool) -> Result<Days, String> {
    let repeated = match day.to_ascii_lowercase().as_str() {
        "daily" => Some(Days::Daily),
        "weekdays" => Some(Days::Weekdays),
        _ => None,
    };
    match (repeated, last) {
        (Some(days), None) => Ok(days),
        (Some(_), Some(last)) => Err(format!("what is `{day}` ends at a time alone, and not on `{last}`")),
        (None, Some(last)) => Ok(Days::Weekly { from: weekday(day)?, to: weekday(last)? }),
        (None, None) => {
            let from = weekday(day)?;
            Ok(Days::Weekly { from, to: if ends_later { from } else { from.next() } })
        }
    }
}

fn weekday(word: &str) -> Result<Weekday, String> {
    let is_said = |name: &str| word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(&name[..3]);
    let known = DAYS.into_iter().find(|(name, _)| is_said(name)).map(|(_, day)| day);
    known.ok_or_else(|| format!("`{word}` is no day; days are `Mon` to `Sun`, `daily` and `weekdays`"))
}

fn time(word: &str) -> Result<Time, String> {
    let two_digits = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| is_number)
    };
    let read =
        word.split_once(':').and_then(|(hour, minute)| Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok());
    read.ok_or_else(|| format!("`{word}` is no time of day; those go from `00:00` to `23:59`"))
}

fn zone_of(word: &str) -> Result<TimeZone, String> {
    ZONES.get(word).map_err(|_| {
        let meant = nearest_zone(word).map(|name| format!("; did you mean `{name}`?"));
        format!("`{word}` is no time zone{}", meant.unwrap_or_else(|| ", such as `Europe/Berlin` or `UTC`".to_owned()))
    })
}

/// By the name or by the city in it, since people say `Berlin`. A letter in three may be wrong.
fn nearest_zone(word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase();
    let distance = |name: &str| {
        let name = name.to_ascii_lowercase();
        let city = name.rsplit('/').next().unwrap_or_default();
        let to = |known: &str| (strsim::osa_distance(&word, known), known.len());
        let (whole, city) = (to(&name), to(city));
        let (distance, length) = whole.min(city);
        (distance <= length.min(word.len()) / 3).then_some(distance)
    };
    let names = ZONES.available().map(|name| name.to_string());
    let near = names.filter_map(|name| Some((distance(&name)?, name)));
    near.min().map(|(_, name)| name)
}
