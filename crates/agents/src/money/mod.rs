//! Money: what sessions use, what it costs, and when a person is asked whether it may go on.
//!
//! Usage is what agents report; no decision about a change rests on it. A report is kept once, with the price of its day;
//! a model without a price counts its tokens, and its cost is "unknown" and never guessed.

mod caps;
mod estimate;
mod meter;
mod prices;
mod table;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::{Person, RepoName, TaskId, ThreadRef, Timestamp};
use store::{Store, StoreError};

pub use caps::{Caps, DOLLAR, Reached, Scope, Settled};
pub use estimate::Estimate;
pub use meter::Meter;
pub use prices::{BadPrices, LIST_BYTES_MAX, Price, PriceList, SHIPPED};
pub use table::{Grouping, Total};
pub use words::{dollars, table_of, tokens};

use crate::session::event::Usage;
use crate::session::people::People;

/// On whose behalf something is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spender {
    /// The task.
    pub task: TaskId,
    /// One run of an agent: another name for each attempt, the same when its reports are heard again.
    pub session: String,
    /// Who does the work.
    pub agent: String,
    /// Who asked for it.
    pub person: Person,
    /// What is worked on.
    pub repo: RepoName,
    /// Where it was asked for.
    pub thread: ThreadRef,
    /// What the task may cost before a person is asked, where whoever asked for it said so; in millionths of a dollar.
    pub budget: Option<u64>,
}

/// Keeps what was used. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    prices: Arc<ArcSwap<PriceList>>,
    caps: Arc<ArcSwap<Caps>>,
}

/// Reports of one session that are kept: an agent that says more often what it uses than a model can answer in a day is
/// at fault, and must not fill the disk.
const REPORTS_MAX: u32 = 20_000;
/// Rows of a list of totals: more than anybody reads.
const TOTALS_MAX: i64 = 200;

impl Ledger {
    /// The ledger in this store.
    pub fn new(store: Store, prices: PriceList, caps: Caps) -> Self {
        let (prices, caps) = (Arc::new(ArcSwap::from_pointee(prices)), Arc::new(ArcSwap::from_pointee(caps)));
        Self { store, prices, caps }
    }

    /// Goes by other prices and caps from now on. What was kept keeps its price.
    pub fn replace(&self, prices: PriceList, caps: Caps) {
        self.prices.store(Arc::new(prices));
        self.caps.store(Arc::new(caps));
    }

    /// Keeps the `n`-th report of a session, from 1; one that was kept before changes nothing. Says what it costs in
    /// millionths of a dollar, where that is known.
    pub async fn keep(&self, spender: &Spender, n: u32, usage: &Usage) -> Result<Option<u64>, StoreError> {
        let cost = self.prices.load().cost_of(usage);
        if n > REPORTS_MAX {
            if n == REPORTS_MAX + 1 {
                tracing::warn!(task.id = %spender.task, "only the first {REPORTS_MAX} reports of use are kept");
            }
            return Ok(cost);
        }
        table::keep(&self.store, spender, n, usage, cost).await?;
        Ok(cost)
    }

    /// The first cap that is reached, if any is.
    pub async fn reached(&self, spender: &Spender) -> Result<Option<Reached>, StoreError> {
        let caps = self.caps.load_full();
        let day = table::day_of(self.store.now());
        // Whoever asks may be stricter than the installation, and no laxer.
        if let Some(cap) = caps.task.into_iter().chain(spender.budget).min() {
            let spent = table::spent_by_task(&self.store, spender.task).await?;
            let reached = self.beyond(Scope::Task(spender.task), cap, spent).await?;
            if reached.is_some() {
                return Ok(reached);
            }
        }
        if let Some(cap) = caps.channel {
            let spent = table::spent_in_channel(&self.store, &spender.thread, day).await?;
            let reached = self.beyond(Scope::Channel(spender.thread.channel(), day), cap, spent).await?;
            if reached.is_some() {
                return Ok(reached);
            }
        }
        let Some(cap) = caps.day else { return Ok(None) };
        let spent = table::spent_on_day(&self.store, day).await?;
        self.beyond(Scope::Day(day), cap, spent).await
    }

    async fn beyond(&self, scope: Scope, cap: u64, spent: u64) -> Result<Option<Reached>, StoreError> {
        if spent < cap {
            return Ok(None);
        }
        let limit = cap + table::allowed(&self.store, &scope.key()).await?;
        Ok((spent >= limit).then_some(Reached { scope, limit }))
    }

    /// Asks people as long as a cap is reached, one cap after the other, and says what the session does then.
    pub async fn ask_when_reached(&self, spender: &Spender, people: &dyn People) -> Result<Settled, StoreError> {
        while let Some(reached) = self.reached(spender).await? {
            let reply = people.ask(reached.question()).await;
            let (micros, by) = match reached.read(&reply) {
                Ok(allowed) => allowed,
                Err(settled) => return Ok(settled),
            };
            let scope = reached.scope.key();
            let key = format!("{scope} at {}", reached.limit);
            let allowance = table::Allowance { key: &key, scope: &scope, micros, person: by.as_str() };
            table::allow(&self.store, &allowance).await?;
        }
        Ok(Settled::GoOn)
    }

    /// What was used since an instant, the dearest first.
    pub async fn totals(&self, by: Grouping, since: Timestamp) -> Result<Vec<Total>, StoreError> {
        totals(&self.store, by, since).await
    }

    /// What a task of this agent in this repository will cost, by what the last ones did.
    pub async fn estimate(&self, repo: &RepoName, agent: &str) -> Result<Estimate, StoreError> {
        Estimate::read(&self.store, repo, agent).await
    }
}

/// What was used since an instant, the dearest first.
pub async fn totals(store: &Store, by: Grouping, since: Timestamp) -> Result<Vec<Total>, StoreError> {
    table::totals(store, by, since, None, TOTALS_MAX).await
}

/// What one task has used; none when no agent has reported anything.
pub async fn total_of(store: &Store, task: TaskId) -> Result<Option<Total>, StoreError> {
    let all = table::totals(store, Grouping::All, Timestamp::from_ms(0), Some(task), 1).await?;
    Ok(all.into_iter().next())
}
