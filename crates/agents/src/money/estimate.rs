//! What a task will cost, by what the last ones of its kind did.

use domain::RepoName;
use store::{Store, StoreError};

use super::table;
use super::words::dollars;

/// What a task will cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// There is too little to go by.
    Unknown,
    /// By the tasks before it, in millionths of a dollar.
    Known {
        /// Half of them cost no more.
        median: u64,
        /// Nine of ten cost no more.
        p90: u64,
        /// How many they were.
        n_tasks: usize,
    },
}

/// As many tasks of the same agent in the same repository make an estimate; of fewer, one odd one decides.
const TASKS_MIN: usize = 3;
/// So many of the newest are looked at: prices and habits change.
const TASKS_MAX: i64 = 50;

impl Estimate {
    /// By the tasks of this agent in this repository whose every report has a price, and which came to a change.
    pub(super) async fn read(store: &Store, repo: &RepoName, agent: &str) -> Result<Self, StoreError> {
        Ok(Self::of(table::history(store, repo.as_str(), agent, TASKS_MAX).await?))
    }

    fn of(mut costs: Vec<u64>) -> Self {
        costs.sort_unstable();
        let n_tasks = costs.len();
        if n_tasks < TASKS_MIN {
            return Self::Unknown;
        }
        let rank = |tenths: usize| costs[(n_tasks * tenths).div_ceil(10) - 1];
        Self::Known { median: rank(5), p90: rank(9), n_tasks }
    }

    /// `about $0.40, seldom more than $1.20 (12 tasks)`, or `unknown`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Known { median, p90, n_tasks } => {
                format!("about {}, seldom more than {} ({n_tasks} tasks)", dollars(*median), dollars(*p90))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_the_median_and_what_nine_of_ten_cost() {
        assert_eq!(Estimate::of(vec![1, 2]), Estimate::Unknown);
        assert_eq!(Estimate::of(vec![9, 1, 5]), Estimate::Known { median: 5, p90: 9, n_tasks: 3 });
        let ten = (1..=10).map(|n| n * 100_000).collect();
        assert_eq!(Estimate::of(ten).in_words(), "about $0.50, seldom more than $0.90 (10 tasks)");
        assert_eq!(Estimate::Unknown.in_words(), "unknown");
    }
}
