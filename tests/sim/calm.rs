//! The end of a history: the weather calms down, everything owed is performed, and who waits for people waits in vain.

use agents::task::TaskEffect;
use domain::Timestamp;
use mergeq::queue::QueueEvent;

use crate::door::{Debt, Door, Lease, Told};
use crate::laws::{JOURNALED, Lawful, breach};
use crate::play::Play;

/// How many rounds over all lanes a calm world may take until nothing is left to do. The longest that were seen took a
/// fifth of it; more is a circle.
const CALM_ROUNDS_MAX: usize = 600;

/// How many waits may end one after the other once nobody says anything. A task has two waits before its end at most.
const WAITS_MAX: usize = 100;

pub const RESTS: &str = "a calm world comes to rest";
pub const ENDS: &str = "every task has an end";

impl<D: Door> Play<D> {
    /// Brings the history to its end, and judges what is left.
    pub async fn end(&mut self) -> Lawful {
        self.weather.calm_down();
        self.crash().await;
        self.come_to_rest().await?;
        self.judge_rest().await?;
        self.outwait_everybody().await?;
        match self.door.objection().await {
            Some(what) => Err(breach(JOURNALED, what)),
            None => Ok(()),
        }
    }

    /// A fair world: everything owed is performed, and somebody resumes a queue that is paused.
    async fn come_to_rest(&mut self) -> Lawful {
        for _ in 0..CALM_ROUNDS_MAX {
            let mut is_idle = true;
            for lane in self.door.busy_lanes().await {
                is_idle &= !self.claim(lane, Lease::Held).await?;
            }
            while !self.flights.is_empty() {
                is_idle = false;
                self.step_flight(0).await?;
            }
            if is_idle && !self.help_on().await? {
                return self.look_at_debts().await;
            }
        }
        let tracks = self.door.queue().await.and_then(|queue| serde_json::to_string(&queue.tracks).ok());
        let tracks = tracks.unwrap_or_default();
        Err(breach(RESTS, format!("something is still owed after {CALM_ROUNDS_MAX} rounds, by {tracks}")))
    }

    /// Resumes a paused queue, opens a frozen one and releases the held, or lets time pass until the next effect is due that waits for no person.
    async fn help_on(&mut self) -> Lawful<bool> {
        if self.door.queue().await.is_some_and(|queue| queue.pause.is_some()) {
            let by = "ana".parse().expect("a name");
            return self.deliver(Told::Queue(QueueEvent::Resumed { by })).await.map(|_| true);
        }
        if self.door.queue().await.is_some_and(|queue| queue.freeze.is_some()) {
            let by = "ana".parse().expect("a name");
            return self.deliver(Told::Queue(QueueEvent::Thawed { by })).await.map(|_| true);
        }
        let held =
            self.door.queue().await.and_then(|queue| queue.entries.into_iter().find(|entry| entry.hold.is_some()));
        if let Some(entry) = held {
            let by = "ana".parse().expect("a name");
            let event = QueueEvent::Released { entry: entry.change.id, by };
            return self.deliver(Told::Queue(event)).await.map(|_| true);
        }
        let waits_for_people = |debt: &Debt| matches!(debt, Debt::Task(_, TaskEffect::AwaitDeadline(_)));
        let debts = self.door.debts().await;
        let due = debts.iter().filter(|owing| !waits_for_people(&owing.debt)).map(|owing| owing.due);
        Ok(self.wait_until(due.filter(|due| *due > self.door.now()).min()))
    }

    fn wait_until(&mut self, due: Option<Timestamp>) -> bool {
        if let Some(due) = due {
            let wait = due.since(self.door.now());
            self.door.advance(wait);
        }
        due.is_some()
    }

    async fn judge_rest(&mut self) -> Lawful {
        let (tasks, queue) = (self.all_tasks().await, self.door.queue().await);
        if let Some(entry) = queue.as_ref().and_then(|queue| queue.entries.first()) {
            return Err(breach(RESTS, format!("{} is in the queue for ever", entry.change.id)));
        }
        self.history.judge_rest(&self.repo, &tasks, queue.as_ref())
    }

    /// Nobody says anything any more: the deadlines end what waits.
    async fn outwait_everybody(&mut self) -> Lawful {
        for _ in 0..WAITS_MAX {
            let debts = self.door.debts().await;
            let due = debts.iter().map(|owing| owing.due).filter(|due| *due > self.door.now()).min();
            if !self.wait_until(due) {
                break;
            }
            self.come_to_rest().await?;
        }
        match self.all_tasks().await.iter().find(|task| !task.is_ended()) {
            Some(task) => Err(breach(ENDS, format!("{} is {} for ever", task.id, task.state_in_words()))),
            None => Ok(()),
        }
    }
}
