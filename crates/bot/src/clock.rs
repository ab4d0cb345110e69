//! What only the machine can give: the time, and names that nobody used before.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

/// Tells the machine's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Tells how much time passes, for limits that others count by a clock of their own: it is right when it is made, and
/// whoever sets the machine's clock after that moves nothing.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    made: Instant,
    made_at: Timestamp,
}

impl Default for SteadyClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn default() -> Self {
        Self { made: Instant::now(), made_at: SystemClock.now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.made_at + self.made.elapsed()
    }
}

/// Does `work` now and whenever `period` has passed since it ended, until `stop` fires: for what no event brings, and what
/// may come late or not at all. What has to be done is owed instead.
#[expect(clippy::disallowed_methods, reason = "the period is a wish, not a debt")]
pub async fn repeat<W: Future>(period: Duration, stop: &CancellationToken, work: impl Fn() -> W) {
    while !stop.is_cancelled() {
        work().await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}

/// A name that was never used before, for what arrives without an id of its own.
#[expect(clippy::disallowed_methods, reason = "this is the one place that makes names up")]
pub fn fresh_name() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
