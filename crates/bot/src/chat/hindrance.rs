//! What keeps a task, or the queue that holds it, from simply going on: told from what is owed. Pure.

use std::time::Duration;

use domain::Timestamp;
use domain::time::humanize;
use mergeq::queue::{CHECKS_LANE, LAND_LANE, Phase, Queue, Run, STAGE_LANE, run_group};
use store::Debt;

/// How long a free session is waited for before a card says so: a turn that comes sooner is no wait to a person.
const WAIT_TOLD_AFTER: Duration = Duration::from_secs(3);
/// How many characters of a reason are shown: three lines of a terminal, and git's longest sentences.
const WHY_CHARS_MAX: usize = 240;

/// What keeps something from going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Every session is busy with another task.
    NoSession {
        /// Since when it could have begun.
        since: Timestamp,
    },
    /// An attempt failed, and the next is not due yet.
    PutOff {
        /// When it is.
        until: Timestamp,
        /// Why the last one failed.
        why: String,
    },
    /// Another attempt has begun and shown nothing yet.
    Again {
        /// Its number.
        attempt: i64,
        /// Why the last one failed.
        why: String,
    },
}

impl Hindrance {
    /// Of an effect that a task is owed. `said_at` is when anything was last printed for the task.
    pub fn of(debt: &Debt, said_at: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let due = Timestamp::from_ms(debt.due_at_ms);
        let why = debt.last_error.as_deref().map(|why| cut(why, WHY_CHARS_MAX));
        match (why, debt.is_leased) {
            // An attempt begins when it is due, so whatever was printed after that is its own.
            (Some(_), true) if said_at.is_some_and(|at| at >= due) => None,
            (Some(why), true) => Some(Self::Again { attempt: debt.attempts, why }),
            (Some(why), false) if due > now => Some(Self::PutOff { until: due, why }),
            (_, false) if debt.lane == "session" => Some(Self::NoSession { since: due }),
            (Some(why), false) => Some(Self::PutOff { until: due, why }),
            (None, _) => None,
        }
    }

    /// Of an entry of a queue, whose run, if it is in one, is `run`.
    pub fn in_queue(queue: &Queue, run: Option<&Run>, debts: &[Debt], now: Timestamp) -> Option<Self> {
        let awaited = |debt: &&Debt| match run.map(|run| (&run.phase, run.id)) {
            None | Some((Phase::Staging { .. }, _)) => debt.lane == STAGE_LANE,
            Some((Phase::Testing { .. }, id)) => {
                debt.lane == CHECKS_LANE && debt.group == Some(run_group(&queue.id, id))
            }
            Some((Phase::Passed { .. } | Phase::Landing { .. } | Phase::Doubtful { .. }, _)) => debt.lane == LAND_LANE,
        };
        let own = debts.iter().filter(|debt| debt.machine == queue.id.as_str());
        own.filter(awaited).find_map(|debt| Self::of(debt, None, now))
    }

    /// For a card, which must not change by the second; none while it is too short to be told.
    pub fn on_card(&self, now: Timestamp) -> Option<String> {
        match self {
            Self::NoSession { since } if now.since(*since) < WAIT_TOLD_AFTER => None,
            Self::NoSession { .. } => Some("waits for a free session".to_owned()),
            Self::PutOff { why, .. } | Self::Again { why, .. } => Some(format!("keeps trying: {why}")),
        }
    }

    /// For a line that is looked at now.
    pub fn at(&self, now: Timestamp) -> String {
        match self {
            Self::NoSession { .. } => "waits for a free session".to_owned(),
            Self::PutOff { until, why } if *until > now => {
                format!("tries again in {}: {why}", in_seconds(until.since(now)))
            }
            Self::PutOff { why, .. } => format!("tries again now: {why}"),
            Self::Again { attempt, why } => format!("tries again now (attempt {attempt}): {why}"),
        }
    }
}

/// Rounded up to seconds: who waits counts in nothing smaller.
fn in_seconds(duration: Duration) -> String {
    humanize(Duration::from_secs(duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)))
}

/// The first line that says something, fit for one line of a terminal: without colours and other control characters, at
/// most so many characters.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let plain = web::printed(text, usize::MAX);
    let line = plain.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown = line.chars().map(|c| if c == '\t' { ' ' } else { c });
    let mut kept: String = shown.by_ref().take(chars_max).collect();
    if shown.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debt(due_ms: i64, last_error: Option<&str>, is_leased: bool) -> Debt {
        Debt {
            effect: "e".to_owned(),
            machine: "T-1".to_owned(),
            lane: "session".to_owned(),
            group: None,
            attempts: 3,
            due_at_ms: due_ms,
            is_leased,
            last_error: last_error.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_owed_tells_what_is_waited_for() {
        let now = Timestamp::from_ms(10_000);
        let at = |due_ms, why, is_leased, said_ms: Option<i64>| {
            let hindrance = Hindrance::of(&debt(due_ms, why, is_leased), said_ms.map(Timestamp::from_ms), now);
            hindrance.map(|hindrance| hindrance.at(now))
        };
        let told = [
            at(9_000, None, false, None),
            at(9_000, None, true, None),
            at(21_001, Some("\n\u{1b}[31mno\tanswer\u{1b}[0m\nmore"), false, None),
            at(9_000, Some("no answer"), true, Some(8_999)),
            at(9_000, Some("no answer"), true, Some(9_000)),
        ];
        let told: Vec<_> = told.iter().map(Option::as_deref).collect();
        assert_eq!(
            told,
            [
                Some("waits for a free session"),
                None,
                Some("tries again in 12 s: no answer"),
                Some("tries again now (attempt 3): no answer"),
                None,
            ]
        );
    }

    #[test]
    fn a_long_reason_is_cut_at_a_whole_character() {
        assert_eq!(cut(&"ä".repeat(9), 4), "äää…");
        assert_eq!(cut("ääää", 4), "ääää");
    }
}
