//! The log of tasks while something works for them: lines are gathered as they come and kept every half second.

use std::sync::Mutex;
use std::time::Duration;

use domain::TaskId;
use store::{Store, Table};

use crate::UNPOISONED;
use crate::cage::ProgressSink;
use crate::task::Task;

/// How often output is brought into the log: often enough to watch, seldom enough to cost nothing.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// The most lines of one session or one run of checks that are kept; past it, it says so once. Half of what a task's
/// log holds, so that a talkative session leaves the one before it to be read.
const LINES_MAX: usize = 5_000;

/// Takes lines for the log of one task, or of several that are tested together.
pub struct TaskLog {
    store: Store,
    tasks: Vec<TaskId>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    n_seen: usize,
    lines: Vec<String>,
}

impl TaskLog {
    /// The log of these tasks.
    pub fn of(store: &Store, tasks: impl IntoIterator<Item = TaskId>) -> Self {
        Self { store: store.clone(), tasks: tasks.into_iter().collect(), waiting: Mutex::default() }
    }

    /// Keeps what comes in while `work` goes on, and once more at its end. Neither waits for the other: the work may have
    /// the very turn at the database that the log waits for.
    pub async fn keep_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        #[expect(clippy::disallowed_methods, reason = "a log is flushed by real time; nothing is decided by it")]
        let mut every = tokio::time::interval(KEEP_EVERY);
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                _ = every.tick() => {}
            }
            let mut keeping = std::pin::pin!(self.keep());
            tokio::select! {
                ended = &mut work => {
                    keeping.await;
                    break ended;
                }
                () = &mut keeping => {}
            }
        };
        self.keep().await;
        ended
    }

    /// Keeps what has come in by now.
    pub async fn keep(&self) {
        let lines = {
            let mut waiting = self.waiting.lock().expect(UNPOISONED);
            std::mem::take(&mut waiting.lines)
        };
        if lines.is_empty() {
            return;
        }
        for task in &self.tasks {
            if let Err(error) = self.store.append_log(Task::KIND, &task.to_string(), &lines).await {
                tracing::warn!(task.id = %task, "{} lines of the log were lost: {error}", lines.len());
            }
        }
    }
}

impl ProgressSink for TaskLog {
    fn line(&self, text: &str) {
        let mut waiting = self.waiting.lock().expect(UNPOISONED);
        waiting.n_seen += 1;
        if waiting.n_seen <= LINES_MAX {
            waiting.lines.push(text.to_owned());
        } else if waiting.n_seen == LINES_MAX + 1 {
            waiting.lines.push(format!("… only the first {LINES_MAX} lines of this are kept"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, Timestamp};
    use store::StoreSettings;

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(0)
        }
    }

    /// A store gives one writer at a time its turn.
    #[tokio::test]
    async fn work_that_has_the_turn_the_log_waits_for_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("db").display());
        let store = Store::open(&StoreSettings::new(url), Arc::new(Still)).await.unwrap();
        let (task, log) = (TaskId::new(1), TaskLog::of(&store, [TaskId::new(1)]));
        let work = async {
            log.line("said in the middle of a write");
            let line = ["written".to_owned()];
            let mut write = Box::pin(store.append_log(Task::KIND, "T-2", &line));
            assert!(futures::poll!(&mut write).is_pending(), "it has the turn now");
            while !log.waiting.lock().unwrap().lines.is_empty() {
                tokio::task::yield_now().await;
            }
            write.await.unwrap();
        };
        log.keep_during(work).await;
        let kept = store.log_after(Task::KIND, &task.to_string(), 0, 10).await.unwrap();
        assert_eq!(kept.len(), 1, "{kept:?}");
    }
}
