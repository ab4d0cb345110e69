//! What came of those who left a queue, for people to read. Never used for decisions.

use domain::{QueueId, Timestamp};
use store::{Store, StoreError};

use crate::sim::past::{Stay, StayEnd};

/// One entry that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEntry {
    /// Its id; the same one may have come more than once.
    pub entry: String,
    /// Its title.
    pub title: String,
    /// Who asked for it.
    pub requested_by: String,
    /// `merged`, `ejected` or `withdrawn`.
    pub outcome: String,
    /// The outcome as a sentence.
    pub text: String,
    /// When it left.
    pub ended_at: Timestamp,
}

const RECENT: &str = "SELECT id, title, requested_by, outcome, outcome_text, ended_at_ms FROM entry
    WHERE queue = $1 AND ended_at_ms IS NOT NULL ORDER BY ended_at_ms DESC, rank DESC LIMIT $2";

const STAYS: &str = "SELECT enqueued_at_ms, ended_at_ms, outcome, outcome_text FROM entry
    WHERE queue = $1 AND ended_at_ms IS NOT NULL ORDER BY ended_at_ms DESC, rank DESC LIMIT $2";

/// Every SQL text of this crate, so that a test can prepare them on both databases.
pub const STATEMENTS: &[&[&str]] = &[super::table::STATEMENTS, &[RECENT, STAYS]];

/// The last `n_max` entries that left, latest first.
pub async fn recent_outcomes(store: &Store, queue: &QueueId, n_max: u32) -> Result<Vec<PastEntry>, StoreError> {
    let rows = store.rows(RECENT, &[queue.as_str().into(), i64::from(n_max).into()]).await?;
    let past = |row: &store::Row| {
        Ok(PastEntry {
            entry: row.text("id")?,
            title: row.text("title")?,
            requested_by: row.text("requested_by")?,
            outcome: row.text("outcome")?,
            text: row.text("outcome_text")?,
            ended_at: Timestamp::from_ms(row.int("ended_at_ms")?),
        })
    };
    rows.iter().map(past).collect()
}

/// The last `n_max` stays, latest first.
pub async fn recent_stays(store: &Store, queue: &QueueId, n_max: u32) -> Result<Vec<Stay>, StoreError> {
    let rows = store.rows(STAYS, &[queue.as_str().into(), i64::from(n_max).into()]).await?;
    let stay = |row: &store::Row| {
        Ok(Stay {
            enqueued_at_ms: row.int("enqueued_at_ms")?,
            ended_at_ms: row.int("ended_at_ms")?,
            end: end_of(&row.text("outcome")?, &row.text("outcome_text")?),
        })
    };
    rows.iter().map(stay).collect()
}

/// How the sentences of ejections begin that were not for failed checks.
const NOT_BY_CHECKS: [&str; 13] = [
    "the queue is full",
    "its commit message is longer",
    "conflicts with",
    "the target already has",
    "its commit cannot be used",
    "its checks did not conclude",
    "the repository does not say",
    "its checks cannot be read",
    "its branch moved",
    "the forge refused it",
    "its repair",
    "it depends on",
    "it was already repaired",
];

/// The table keeps the outcome as people read it, and nothing else of why.
fn end_of(outcome: &str, text: &str) -> StayEnd {
    let why = text.strip_prefix("ejected: ").unwrap_or(text);
    match outcome {
        "merged" => StayEnd::Landed,
        "ejected" if !NOT_BY_CHECKS.iter().any(|beginning| why.starts_with(beginning)) => StayEnd::Red,
        _ => StayEnd::Other,
    }
}

#[cfg(test)]
mod tests {
    use domain::Sha;

    use super::super::outcome::{FailedCheck, Outcome, Why};
    use super::*;

    #[test]
    fn only_failed_checks_make_a_stay_red() {
        let end = |why| end_of("ejected", &Outcome::Ejected { why }.to_string());
        let others = [
            Why::Full { entries_max: 9 },
            Why::TooLong { message_bytes_max: 9 },
            Why::Conflict { with: vec![], paths: vec!["x".to_owned()] },
            Why::AlreadyIn,
            Why::Unusable { why: "it is gone".to_owned() },
            Why::Unconcluded { why: "cancelled".to_owned() },
            Why::NoGate { why: None },
            Why::NoGate { why: Some("line 3".to_owned()) },
            Why::HeadMoved { head: "0".repeat(40).parse::<Sha>().expect("a commit") },
            Why::Refused { why: "protected".to_owned() },
            Why::Dependency { on: domain::EntryId::new("T-1") },
            Why::RepairOverdue,
            Why::RepairsSpent { repairs: 3, last: None },
            Why::RepairsSpent { repairs: 3, last: Some(Box::new(Why::AlreadyIn)) },
            Why::Unrepaired { why: "no room".to_owned() },
        ];
        others.into_iter().for_each(|why| assert_eq!(end(why.clone()), StayEnd::Other, "{why}"));
        let failed = FailedCheck {
            name: "unit".to_owned(),
            how: "exited with 1".to_owned(),
            output_tail: String::new(),
            failed_tests: forge::FailedTests::default(),
        };
        assert_eq!(end(Why::Checks { failing: vec![failed], sure_permille: 996 }), StayEnd::Red);
        assert_eq!(end(Why::Checks { failing: vec![], sure_permille: 996 }), StayEnd::Red);
        assert_eq!(
            (end_of("merged", "merged as 1"), end_of("withdrawn", "withdrawn by ana")),
            (StayEnd::Landed, StayEnd::Other)
        );
    }
}
