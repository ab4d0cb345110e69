//! Performs lane `timer`: an effect that is due is a deadline that passed.

use async_trait::async_trait;
use store::{Owed, Performed, Performer};

use crate::task::{Task, TaskEffect, TaskEvent};

/// Tells tasks that their wait is over.
pub struct DeadlineTimer;

#[async_trait]
impl Performer for DeadlineTimer {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        self.bury(owed, "").map_or(Performed::Finished, Performed::Done)
    }

    /// A wait whose end is never told would have none.
    fn bury(&self, owed: &Owed<Task>, _why: &str) -> Option<TaskEvent> {
        let TaskEffect::AwaitDeadline(deadline) = owed.effect else { return None };
        Some(TaskEvent::DeadlinePassed { deadline })
    }
}
