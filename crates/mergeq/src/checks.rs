//! Performs `AwaitChecks`: has the commit of a run judged, while the queue waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::{EntryId, QueueId};
use forge::{FailedTests, Repositories};
use store::{Owed, Performed, Performer, Store};

use crate::answer::{has_commit, is_awaited, repository_of};
use crate::judge::{Case, Judge, Judged};
use crate::queue::{Phase, Queue, QueueEffect, QueueEvent, RunId, Verdict, Why};

/// The performer of lane `checks`.
pub struct Checker {
    store: Store,
    repositories: Repositories,
    judge: Judge,
}

/// The pause before checks that could not begin are tried again.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(5);

impl Checker {
    /// A performer for the queues of these repositories.
    pub fn new(store: Store, repositories: Repositories, judge: Judge) -> Self {
        Self { store, repositories, judge }
    }

    /// Who is in a run, and what red runs said of them, the last one of each check. It only saves time and fills logs, so
    /// that nothing will do.
    async fn members_of(&self, queue: &QueueId, run: RunId) -> (Vec<EntryId>, BTreeMap<String, FailedTests>) {
        let queue = self.store.load::<Queue>(queue).await.ok().flatten();
        let run = queue.as_ref().and_then(|queue| queue.runs.iter().find(|known| known.id == run));
        let Some((queue, run)) = queue.as_ref().zip(run) else { return Default::default() };
        let theirs = queue.faults.iter().filter(|fault| fault.set.iter().any(|entry| run.set.contains(entry)));
        let failing =
            theirs.flat_map(|fault| if let Why::Checks { failing, .. } = &fault.why { &failing[..] } else { &[] });
        let named = failing.filter(|check| !check.failed_tests.is_empty());
        let failed_before = named.map(|check| (check.name.clone(), check.failed_tests.clone())).collect();
        (run.set.clone(), failed_before)
    }
}

#[async_trait]
impl Performer for Checker {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::AwaitChecks { run, commit } = &owed.effect else { return Performed::Finished };
        let verdict = |verdict| QueueEvent::ChecksConcluded { run: *run, verdict };
        let repository = match repository_of(&self.repositories, &owed.machine) {
            Ok(repository) => repository,
            Err(error) => return Performed::GiveUp(verdict(Verdict::Unconcluded { why: error.to_string() })),
        };
        match has_commit(repository, commit).await {
            Ok(true) => {}
            Ok(false) => return Performed::Done(QueueEvent::CandidateLost { run: *run }),
            Err(error) => return Performed::Retry { after: BEGIN_AGAIN_AFTER, why: error.to_string() },
        }
        let (entries, failed_before) = self.members_of(&owed.machine, *run).await;
        let seen_in = format!("{run} of {}", owed.machine);
        let case = Case { repository, commit, entries, failed_before, seen_in };
        let judged = match owed.revoked.is_cancelled() {
            true => Err("stopped before it began".to_owned()),
            false => self.judge.judge(&case, &owed.revoked).await,
        };
        if owed.revoked.is_cancelled() {
            // A process that is ending stops checks too, and then the queue still waits.
            return match is_awaited(&self.store, owed, *run, |phase| matches!(phase, Phase::Testing { .. })).await {
                true => Performed::Retry { after: Duration::ZERO, why: "the process was ending".to_owned() },
                false => Performed::Finished,
            };
        }
        match judged {
            Ok(Judged::Concluded(concluded)) => Performed::Done(verdict(concluded)),
            Ok(Judged::Contradicted(pass)) => {
                let why = format!("red, though the same tree passed in {}", pass.seen_in);
                Performed::Retry { after: Duration::ZERO, why }
            }
            Err(why) => Performed::Retry { after: BEGIN_AGAIN_AFTER, why },
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::AwaitChecks { run, .. } = &owed.effect else { return None };
        Some(QueueEvent::ChecksConcluded { run: *run, verdict: Verdict::Unconcluded { why: why.to_owned() } })
    }
}
