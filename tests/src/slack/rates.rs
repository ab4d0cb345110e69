//! How often each method may be called, and how often it was.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The time in which calls are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// How often a method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Once a minute.
    One,
    /// 20 times a minute.
    Two,
    /// 50 times a minute.
    Three,
    /// 100 times a minute.
    Four,
    /// Once a second in each channel.
    Posting,
    /// Hundreds a minute: nobody of ours comes near.
    Special,
}

/// The calls of the last minute, by method and workspace, and channel where that counts.
#[derive(Debug, Default)]
pub struct Rates {
    recent: BTreeMap<String, VecDeque<Instant>>,
}

impl Tier {
    /// Calls, and in which time. Posts may come in short bursts, so they are counted over five seconds.
    fn allows(self) -> (usize, Duration) {
        match self {
            Self::One => (1, WINDOW),
            Self::Two => (20, WINDOW),
            Self::Three => (50, WINDOW),
            Self::Four => (100, WINDOW),
            Self::Posting => (5, Duration::from_secs(5)),
            Self::Special => (600, WINDOW),
        }
    }
}

impl Rates {
    /// Counts a call; when it is one too many, after how long there is room again.
    pub fn count(&mut self, key: String, tier: Tier, now: Instant) -> Option<Duration> {
        let (n_allowed, window) = tier.allows();
        let recent = self.recent.entry(key).or_default();
        while recent.front().is_some_and(|at| now.duration_since(*at) >= window) {
            recent.pop_front();
        }
        if recent.len() >= n_allowed {
            return recent.front().map(|oldest| window.saturating_sub(now.duration_since(*oldest)));
        }
        recent.push_back(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twenty_first_call_of_a_minute_is_one_too_many() {
        let mut rates = Rates::default();
        let now = Instant::now();
        let over: Vec<bool> = (0..21).map(|_| rates.count("a".to_owned(), Tier::Two, now).is_some()).collect();
        assert!(over[20] && !over[..20].contains(&true));
        assert!(rates.count("a".to_owned(), Tier::Two, now + WINDOW).is_none());
    }
}
