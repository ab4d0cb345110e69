//! Performs `Probe`: merges the branches in line with each other, on the target's head.

use async_trait::async_trait;
use domain::QueueId;
use forge::{ForgeError, Repositories};
use store::{Owed, Performed, Performer};
use tracing::warn;

use crate::answer::{Unanswered, repository_of};
use crate::probes::Probes;
use crate::queue::{Clash, Inquiry, Queue, QueueEffect, QueueEvent};

/// The performer of lane `probe`. What it cannot find out it leaves to staging, so it never keeps a queue from anything.
#[derive(Debug)]
pub struct Prober {
    repositories: Repositories,
    probes: Probes,
}

/// The most paths of one clash that are told: a message shows fewer.
const PATHS_MAX: usize = 16;

impl Prober {
    /// A performer for the queues of these repositories.
    pub fn new(repositories: Repositories, probes: Probes) -> Self {
        Self { repositories, probes }
    }

    async fn clashes(&self, queue: &QueueId, of: &Inquiry) -> Result<Vec<Clash>, ForgeError> {
        let repository = repository_of(&self.repositories, queue)?;
        repository.mirror.ensure(&of.head).await?;
        let mut clashes = self.probes.of(repository, &of.head, &of.branches).await?.pairs;
        clashes.iter_mut().for_each(|clash| clash.paths.truncate(PATHS_MAX));
        Ok(clashes)
    }
}

fn nothing_known(queue: &QueueId, of: &Inquiry, why: &str) -> QueueEvent {
    warn!(%queue, head = %of.head, "nobody knows which branches go together: {why}");
    QueueEvent::Probed { of: of.clone(), clashes: Vec::new() }
}

#[async_trait]
impl Performer for Prober {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Probe(of) = &owed.effect else { return Performed::Finished };
        match self.clashes(&owed.machine, of).await {
            Ok(clashes) => Performed::Done(QueueEvent::Probed { of: of.clone(), clashes }),
            Err(error) => Unanswered::from(error).into_performed(|why| nothing_known(&owed.machine, of, &why)),
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::Probe(of) = &owed.effect else { return None };
        Some(nothing_known(&owed.machine, of, why))
    }
}
