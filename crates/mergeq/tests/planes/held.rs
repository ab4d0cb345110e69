//! Holds the answers of real performers back until the play wants them, so that their order is the workload's and not the
//! machine's. Staging and landing look at the world when they begin; checks are asked for their verdict at their end.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mergeq::queue::{Queue, QueueEffect, QueueEvent};
use store::{Owed, Performed, Performer};
use tokio::sync::{mpsc, oneshot};

use crate::play::Job;

/// A piece of work that has begun, and what lets it go on.
pub(crate) struct Begun {
    pub(crate) effect: QueueEffect,
    pub(crate) go_on: oneshot::Sender<()>,
}

/// What all held performers of a plane share.
#[derive(Clone)]
pub(crate) struct Holder {
    begun: mpsc::Sender<Begun>,
    /// What was answered, oldest first.
    pub(crate) answered: Arc<Mutex<Vec<(QueueEffect, QueueEvent)>>>,
}

/// A performer that is held.
pub(crate) struct Held<P> {
    inner: P,
    holder: Holder,
}

impl Holder {
    /// A holder, and where it says what has begun. One piece of work begins at a time.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Begun>) {
        let (begun, heard) = mpsc::channel(1);
        (Self { begun, answered: Arc::default() }, heard)
    }

    pub(crate) fn hold<P>(&self, inner: P) -> Held<P> {
        Held { inner, holder: self.clone() }
    }

    async fn wait(&self, owed: &Owed<Queue>) {
        let (go_on, going) = oneshot::channel();
        self.begun.send(Begun { effect: owed.effect.clone(), go_on }).await.unwrap();
        tokio::select! {
            _ = going => {}
            () = owed.revoked.cancelled() => {}
        }
    }
}

#[async_trait]
impl<P: Performer<Machine = Queue>> Performer for Held<P> {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let performed = match job_of(&owed.effect) {
            Job::Checks(_) => {
                self.holder.wait(owed).await;
                self.inner.perform(owed).await
            }
            Job::Stage(_) | Job::Land(_) => {
                let performed = self.inner.perform(owed).await;
                if matches!(performed, Performed::Finished) {
                    return performed; // nobody waits for it any more
                }
                self.holder.wait(owed).await;
                performed
            }
        };
        match &performed {
            Performed::Done(event) => {
                self.holder.answered.lock().unwrap().push((owed.effect.clone(), event.clone()));
            }
            Performed::Finished if owed.revoked.is_cancelled() => {}
            other => panic!("{:?} comes to {other:?}", owed.effect),
        }
        performed
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        panic!("{:?} is given up: {why}", owed.effect)
    }
}

pub(crate) fn job_of(effect: &QueueEffect) -> Job {
    match effect {
        QueueEffect::Stage { run, .. } => Job::Stage(*run),
        QueueEffect::AwaitChecks { run, .. } => Job::Checks(*run),
        QueueEffect::Land { run, .. } => Job::Land(*run),
        other => panic!("{other:?} does not take its time"),
    }
}
