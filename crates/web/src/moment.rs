//! Instants and texts as pages show them.

use chrono::{DateTime, Utc};
use domain::Timestamp;
use domain::time::humanize;
use serde::{Serialize, Serializer};

/// An instant, seen from the instant at which the page was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Timestamp,
    now: Timestamp,
}

impl Moment {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// `2026-11-03T14:03:22Z`.
    pub(crate) fn iso(&self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `3 Nov 14:03:22`.
    pub(crate) fn clock(&self) -> String {
        self.utc().format("%-d %b %H:%M:%S").to_string()
    }

    /// `4 min ago`, `in 4 min`, `just now`.
    pub(crate) fn relative(&self) -> String {
        let (past, ahead) = (self.now.since(self.at), self.at.since(self.now));
        match (past.as_secs(), ahead.as_secs()) {
            (0, 0) => "just now".to_owned(),
            (0, _) => format!("in {}", humanize(ahead)),
            _ => format!("{} ago", humanize(past)),
        }
    }

    fn utc(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.at.as_ms()).unwrap_or_default()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

/// What a program printed, without the sequences that colour a terminal and without control characters, and of that
/// the last `lines_max` lines.
pub fn printed(text: &str, lines_max: usize) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\n' | '\t' => plain.push(c),
            _ if c.is_control() => {}
            _ => plain.push(c),
        }
    }
    let plain = plain.trim_end();
    match plain.rmatch_indices('\n').nth(lines_max.saturating_sub(1)) {
        Some((cut, _)) => plain[cut + 1..].to_owned(),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_people_and_programs_say_them() {
        let now = Timestamp::from_ms(1_793_714_602_000);
        let said = [0, -300, -240_000, 240_000, 200_000_000]
            .map(|ms| Moment::new(Timestamp::from_ms(now.as_ms() - ms), now).relative());
        assert_eq!(said, ["just now", "just now", "in 4 min", "4 min ago", "2 d ago"]);
        let moment = Moment::new(now, now);
        assert_eq!((moment.iso(), moment.clock()), ("2026-11-03T14:03:22Z".to_owned(), "3 Nov 14:03:22".to_owned()));
    }

    #[test]
    fn what_a_program_printed_loses_its_colours_and_its_beginning() {
        assert_eq!(printed("\u{1b}[31mred\u{1b}[0m\r\n\u{7}two\n\n", 9), "red\ntwo");
        assert_eq!(printed("one\ntwo\nthree\n", 2), "two\nthree");
        assert_eq!(printed("cut \u{1b}[", 9), "cut");
    }
}
