//! Counts what one session uses while it runs.

use std::sync::{Mutex, PoisonError};

use store::StoreError;
use tokio::sync::Notify;

use super::{Ledger, Reached, Spender};
use crate::session::event::{AgentEvent, Usage};

/// Hears a session's events and brings what it uses into the ledger.
pub struct Meter {
    ledger: Ledger,
    spender: Spender,
    heard: Mutex<Heard>,
    more: Notify,
}

/// Reports that are not in the ledger yet, the oldest first.
#[derive(Default)]
struct Heard {
    n_kept: u32,
    waiting: Vec<Usage>,
}

/// Reports that may wait for the database. Past it they are added up, which loses their number and no token; only an agent
/// that names more models than this at once has some counted under another.
const WAITING_MAX: usize = 256;

impl Meter {
    /// A meter for one run of an agent.
    pub fn new(ledger: Ledger, spender: Spender) -> Self {
        Self { ledger, spender, heard: Mutex::default(), more: Notify::new() }
    }

    /// Hears one event; only reports of use matter.
    pub fn hear(&self, event: &AgentEvent) {
        let AgentEvent::Used(usage) = event else { return };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.waiting.len() < WAITING_MAX {
            heard.waiting.push(usage.clone());
        } else {
            // The first may be on its way into the ledger just now.
            let same = heard.waiting.iter().skip(1).rposition(|waiting| waiting.model == usage.model);
            let place = same.map_or(WAITING_MAX - 1, |at| at + 1);
            add(&mut heard.waiting[place], usage);
        }
        self.more.notify_one();
    }

    /// Brings what was heard by now into the ledger. Call it once more when the session has ended.
    pub async fn keep(&self) -> Result<(), StoreError> {
        while let Some((n, usage)) = self.next() {
            self.ledger.keep(&self.spender, n, &usage).await?;
            self.kept(n);
        }
        Ok(())
    }

    /// Keeps what is heard, and ends when a cap is reached. Let the session's turn come to an end then, and ask with
    /// [`Ledger::ask_when_reached`] before the next.
    pub async fn until_reached(&self) -> Result<Reached, StoreError> {
        loop {
            self.keep().await?;
            if let Some(reached) = self.ledger.reached(&self.spender).await? {
                return Ok(reached);
            }
            self.more.notified().await;
        }
    }

    /// The oldest that waits, and the number that it gets.
    fn next(&self) -> Option<(u32, Usage)> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        Some((heard.n_kept + 1, heard.waiting.first()?.clone()))
    }

    /// A report is taken off only when it is kept, so one that was cut short is kept under the same number again.
    fn kept(&self, n: u32) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.n_kept < n {
            heard.n_kept = n;
            heard.waiting.remove(0);
        }
    }
}

fn add(to: &mut Usage, more: &Usage) {
    to.input = to.input.saturating_add(more.input);
    to.cache_read = to.cache_read.saturating_add(more.cache_read);
    to.cache_write = to.cache_write.saturating_add(more.cache_write);
    to.output = to.output.saturating_add(more.output);
    to.cost_micros = to.cost_micros.zip(more.cost_micros).map(|(a, b)| a.saturating_add(b));
}
