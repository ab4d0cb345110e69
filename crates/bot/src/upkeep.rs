//! Forgets what grew old: verdicts that are used no more, deliveries and effects that nobody asks for again.

use std::time::Duration;

use mergeq::VerdictLedger;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::clock;

/// How often: what grows old in an hour is little.
const EVERY: Duration = Duration::from_secs(3_600);
/// For how long deliveries and ended effects are known. A platform that brings a message again does so within days.
const DELIVERIES_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Keeps the database from growing without end.
#[derive(Clone)]
pub struct Upkeep {
    /// Whose deliveries and effects.
    pub store: Store,
    /// Whose verdicts.
    pub verdicts: VerdictLedger,
}

impl Upkeep {
    /// Forgets once; says how many rows went.
    pub async fn forget_old(&self) -> Result<u64, StoreError> {
        Ok(self.verdicts.trim().await? + self.store.prune(DELIVERIES_KEPT).await?)
    }

    /// Forgets now and every hour until `stop` fires.
    pub async fn run(&self, stop: CancellationToken) {
        let forget = || async {
            match self.forget_old().await {
                Ok(0) => {}
                Ok(n) => tracing::info!("{n} rows that nobody needs any more were removed from the database"),
                Err(error) => tracing::warn!("what is old could not be removed from the database: {error}"),
            }
        };
        clock::repeat(EVERY, &stop, forget).await;
    }
}
