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
        let TaskEffect::AwaitDeadline(deadline) = owed.effect else { return Performed::Finished };
        Performed::Done(TaskEvent::DeadlinePassed { deadline })
    }

    fn bury(&self, _owed: &Owed<Task>, _why: &str) -> Option<TaskEvent> {
        None
    }
}
