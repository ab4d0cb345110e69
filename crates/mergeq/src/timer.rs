//! Performs `Deadline`, `Watch` and `Opening`: says that the time has come. The outbox row is the timer.

use async_trait::async_trait;
use store::{Owed, Performed, Performer};

use crate::queue::{Queue, QueueEffect, QueueEvent};

/// The performer of lane `timer` for queues.
pub struct LeaseTimer;

#[async_trait]
impl Performer for LeaseTimer {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        self.bury(owed, "").map_or(Performed::Finished, Performed::Done)
    }

    fn bury(&self, owed: &Owed<Queue>, _why: &str) -> Option<QueueEvent> {
        if let QueueEffect::Watch { until } = &owed.effect {
            return Some(QueueEvent::WatchEnded { until: *until });
        }
        if let QueueEffect::Opening { until } = &owed.effect {
            return Some(QueueEvent::Opened { until: *until });
        }
        let QueueEffect::Deadline { entry, until } = &owed.effect else { return None };
        Some(QueueEvent::DeadlinePassed { entry: entry.clone(), until: *until })
    }
}
