//! One history: the two machines behind a door, a world that answers them, people, and the weather over all of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use agents::task::{Deadline, Task, TaskEffect, TaskEvent, Then};
use domain::{Attempt, Cause, DeliveryId, Machine, Rejected, Sha, Step, TaskId};
use mergeq::queue::{Queue, QueueEffect, QueueEvent};

use crate::burial::buried;
use crate::carrying::judge_debts;
use crate::chance::Chance;
use crate::coverage::Coverage;
use crate::door::{Claim, Debt, Door, Lane, Lease, Settled, Told};
use crate::laws::{Breach, History, LATE, Lawful, PLANNED, breach, is_other_hour, is_same, judge_agreement};
use crate::performers::{Answer, Flight, Stage};
use crate::repo::Repo;
use crate::weather::Weather;

/// How many of the last events are shown when a law is broken.
const RECENT_MAX: usize = 40;

/// How many turns a performer may be held up whose lease has lapsed: enough for its task to come back to the same lane.
const HELD_UP_MAX: usize = 200;

pub const ONCE: &str = "a cause is applied once";
pub const ANSWERS: &str = "an answer is never refused";

/// What the teller of an event learns.
#[derive(Debug)]
pub enum Reply {
    Done,
    Repeated,
    Superseded,
    Refused(Rejected),
}

pub struct Play<D> {
    pub door: D,
    pub chance: Chance,
    pub weather: Weather,
    pub repo: Repo,
    pub history: History,
    pub coverage: Coverage,
    /// What stands on the published branches.
    pub branches: BTreeMap<TaskId, Sha>,
    /// Every plan that was shown: task, version, hash.
    pub shown: Vec<(TaskId, u32, String)>,
    pub n_tasks: u64,
    pub flights: Vec<Flight>,
    /// Looks at the target that are under way: what the queue knew, and what was found.
    pub looks: Vec<(Option<Sha>, Option<Sha>)>,
    turn: usize,
    deliveries: Vec<(Told, Cause)>,
    answers: Vec<(Told, Attempt)>,
    recent: VecDeque<String>,
    n_events: u64,
}

impl<D: Door> Play<D> {
    pub fn new(door: D, seed: u64, weather: Weather) -> Self {
        let repo = Repo::new(weather.is_untested);
        Self {
            door,
            chance: Chance::of(seed),
            weather,
            repo,
            history: History::default(),
            coverage: Coverage::default(),
            branches: BTreeMap::new(),
            shown: Vec::new(),
            n_tasks: 0,
            flights: Vec::new(),
            looks: Vec::new(),
            turn: 0,
            deliveries: Vec::new(),
            answers: Vec::new(),
            recent: VecDeque::new(),
            n_events: 0,
        }
    }

    /// The last events, oldest first.
    pub fn recent(&self) -> String {
        self.recent.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// How many events were applied.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// The whole history: a stormy part, a calm one in which everything comes to rest, and the end of all waiting.
    pub async fn run(&mut self) -> Lawful {
        for turn in 0..self.weather.n_turns {
            self.turn = turn;
            self.door.advance(Duration::from_millis(1));
            self.take_turn().await?;
            if turn % 16 == 0 {
                self.look_at_debts().await?;
            }
        }
        self.end().await
    }

    async fn take_turn(&mut self) -> Lawful {
        let weights = self.weather.turns();
        match self.chance.weigh(&weights) {
            Turn::Claim => self.claim_something().await,
            Turn::Fly => self.fly_on().await,
            Turn::Speak => self.let_people_speak().await,
            Turn::Submit => self.submit().await,
            Turn::Push => self.push_foreign().await,
            Turn::Look => self.look_at_target().await,
            Turn::Meddle => self.meddle().await,
            Turn::Repeat => self.repeat_something().await,
            Turn::Wait => {
                let seconds = *self.chance.pick(&[1, 1, 1, 3, 10, 60, 600, 4_000, 30_000]);
                self.door.advance(Duration::from_secs(seconds));
                Ok(())
            }
            Turn::Crash => {
                self.coverage.note_fault("a crash");
                self.note("crash");
                if self.chance.one_in(3) {
                    self.coverage.note_fault("a mirror lost");
                    self.repo.lose_mirror();
                }
                self.crash().await;
                Ok(())
            }
        }
    }

    /// The process dies and another begins: what was being performed is forgotten, what is owed is not.
    pub async fn crash(&mut self) {
        self.flights.clear();
        self.looks.clear();
        self.door.forget_leases().await;
    }

    async fn claim_something(&mut self) -> Lawful {
        let is_asleep = self.weather.is_rush && self.turn < self.weather.n_turns / 2;
        let mut lanes = self.door.busy_lanes().await;
        lanes.retain(|lane| !is_asleep || lane.kind == "task");
        if lanes.is_empty() {
            return Ok(());
        }
        let lane = *self.chance.pick(&lanes);
        // Nothing but the delivery's id keeps what joins the two machines from coming late, so it is tried hardest.
        let lapses = if lane.name == "merge" { self.weather.lapses.min(2) } else { self.weather.lapses };
        let lease = if self.chance.one_in(lapses) { Lease::Lapsed } else { Lease::Held };
        self.claim(lane, lease).await.map(drop)
    }

    pub async fn claim(&mut self, lane: Lane, lease: Lease) -> Lawful<bool> {
        let nth = self.chance.below(8);
        let Some(claim) = self.door.claim(lane, lease, nth).await else { return Ok(false) };
        if lease == Lease::Lapsed {
            self.coverage.note_fault("a lapsed lease");
        }
        let is_spent = claim.attempt.number > self.weather.attempts_max(lane);
        let is_revoked = claim.is_revoked;
        let is_held_up = lease == Lease::Lapsed && self.chance.one_in(2);
        let wakes_at = if is_held_up { self.turn + self.chance.below(HELD_UP_MAX) } else { 0 };
        let flight = Flight { claim, lane, lease, is_revoked, wakes_at, stage: Stage::Claimed };
        if is_spent {
            self.give_up(flight.claim, "every attempt ended with its process").await?;
        } else {
            self.flights.push(flight);
        }
        Ok(true)
    }

    /// Lets one performer take its next step, or loses it.
    async fn fly_on(&mut self) -> Lawful {
        let awake: Vec<usize> =
            (0..self.flights.len()).filter(|index| self.flights[*index].wakes_at <= self.turn).collect();
        if awake.is_empty() {
            return Ok(());
        }
        let index = *self.chance.pick(&awake);
        if self.flights[index].lease == Lease::Lapsed && self.chance.one_in(4) {
            let lost = self.flights.swap_remove(index);
            if matches!(lost.stage, Stage::Acted(_)) {
                self.coverage.note_fault("an answer lost");
            }
            return Ok(());
        }
        self.step_flight(index).await
    }

    pub async fn step_flight(&mut self, index: usize) -> Lawful {
        let mut flight = self.flights.swap_remove(index);
        match std::mem::replace(&mut flight.stage, Stage::Claimed) {
            Stage::Acted(answer) => self.settle(flight, answer).await,
            stage => {
                flight.stage = self.perform(&flight, stage).await?;
                self.flights.push(flight);
                Ok(())
            }
        }
    }

    async fn settle(&mut self, flight: Flight, answer: Answer) -> Lawful {
        let Flight { claim, lane, .. } = flight;
        match answer {
            Answer::Say(told) => self.answer(told, claim.attempt).await,
            Answer::Nothing => {
                self.door.finish(&claim.attempt).await;
                Ok(())
            }
            Answer::NotNow => {
                self.coverage.note_fault("an attempt that failed");
                if claim.attempt.number >= self.weather.attempts_max(lane) {
                    return self.give_up(claim, "it failed again and again").await;
                }
                let after = Duration::from_secs(1 << claim.attempt.number);
                self.door.put_off(&claim.attempt, after).await;
                Ok(())
            }
        }
    }

    async fn give_up(&mut self, claim: Claim, why: &str) -> Lawful {
        self.coverage.note_fault("attempts spent");
        match buried(&claim.debt, why) {
            Some(told) => self.answer(told, claim.attempt).await,
            None => {
                self.door.bury(&claim.attempt).await;
                Ok(())
            }
        }
    }

    async fn answer(&mut self, told: Told, attempt: Attempt) -> Lawful {
        match self.tell(told.clone(), Cause::Effect(attempt.clone())).await? {
            Reply::Done => self.answers.push((told, attempt)),
            Reply::Superseded => self.coverage.note_fault("an answer of one who was taken over"),
            Reply::Repeated => return Err(breach(ONCE, format!("{told:?} was known before it was told"))),
            Reply::Refused(why) => return Err(breach(ANSWERS, format!("{told:?}: {why}"))),
        }
        Ok(())
    }

    /// Somebody says something, under an id that may come again.
    pub async fn deliver(&mut self, told: Told) -> Lawful<Reply> {
        let cause = Cause::Delivery(DeliveryId::new(format!("said:{}", self.n_events)));
        self.n_events += 1;
        let reply = self.tell(told.clone(), cause.clone()).await?;
        if let Reply::Done = reply {
            self.deliveries.push((told, cause));
        }
        Ok(reply)
    }

    /// Applies one event and judges the step.
    pub async fn tell(&mut self, told: Told, cause: Cause) -> Lawful<Reply> {
        self.n_events += 1;
        let reply = match &told {
            Told::Task(id, event) => {
                let settled = self.door.apply_task(*id, event, &cause).await;
                self.recall(&told, &cause, &settled);
                if let Settled::Done { before, after } = &settled {
                    self.judge_task(before, event, after)?;
                }
                Reply::from(settled)
            }
            Told::Queue(event) => {
                let settled = self.door.apply_queue(event, &cause).await;
                self.recall(&told, &cause, &settled);
                if let Settled::Done { before, after } = &settled {
                    self.judge_queue(before, event, after)?;
                }
                if let (Settled::Done { .. }, QueueEvent::Enqueued { .. }) = (&settled, event) {
                    let tasks = self.all_tasks().await;
                    self.door.queue().await.map_or(Ok(()), |queue| judge_agreement(&tasks, &queue))?;
                }
                Reply::from(settled)
            }
        };
        Ok(reply)
    }

    fn judge_task(&mut self, before: &Task, event: &TaskEvent, after: &Step<Task>) -> Lawful {
        self.coverage.note(event);
        self.note_task_step(after);
        if after.effects.contains(&TaskEffect::StopSession) {
            let is_session = |effect: &TaskEffect| matches!(effect, TaskEffect::StartSession { .. });
            self.revoke(|debt| matches!(debt, Debt::Task(id, effect) if *id == before.id && is_session(effect)));
        }
        if after.effects.contains(&TaskEffect::StopTrial) {
            let is_trial = |effect: &TaskEffect| matches!(effect, TaskEffect::Try { .. });
            self.revoke(|debt| matches!(debt, Debt::Task(id, effect) if *id == before.id && is_trial(effect)));
        }
        self.history.judge_task(before, event, after)
    }

    fn revoke(&mut self, is_meant: impl Fn(&Debt) -> bool) {
        let meant = self.flights.iter_mut().filter(|flight| is_meant(&flight.claim.debt));
        meant.for_each(|flight| flight.is_revoked = true);
    }

    pub fn note_task_step(&mut self, after: &Step<Task>) {
        self.coverage.note(&after.state.state);
        for effect in &after.effects {
            self.coverage.note(effect);
            if let TaskEffect::Announce(announcement) = effect {
                self.coverage.note(announcement);
            }
        }
    }

    fn judge_queue(&mut self, before: &Queue, event: &QueueEvent, after: &Step<Queue>) -> Lawful {
        self.coverage.note_queue_step(event, after);
        for effect in &after.effects {
            let QueueEffect::CancelChecks { run } = effect else { continue };
            let is_check =
                |effect: &QueueEffect| matches!(effect, QueueEffect::AwaitChecks { run: of, .. } if of == run);
            self.revoke(|debt| matches!(debt, Debt::Queue(effect) if is_check(effect)));
        }
        self.history.judge_queue(&mut self.repo, before, event, after)?;
        self.plan_again(&after.state)
    }

    /// A look that is stale changes no fact, so all that the queue does about it is to plan once more.
    fn plan_again(&self, queue: &Queue) -> Lawful {
        let nowhere: Sha = "f".repeat(40).parse().expect("40 hexadecimal digits");
        let stale = QueueEvent::TargetMoved { seen: Some(nowhere.clone()), head: nowhere };
        let again = (self.door.rules().queue)(queue.clone(), &stale, self.door.now());
        match again {
            Ok(again) if again.effects.is_empty() && is_same(&again.state, queue) => Ok(()),
            Ok(again) => Err(breach(PLANNED, format!("it proposes {:?}", again.effects))),
            Err(why) => Err(breach(ANSWERS, why.to_string())),
        }
    }

    /// A delivery comes again, an answer is given again, or an old answer is heard under another name.
    async fn repeat_something(&mut self) -> Lawful {
        let (n_deliveries, n_answers) = (self.deliveries.len(), self.answers.len());
        if n_deliveries > 0 && self.chance.one_in(3) {
            self.coverage.note_fault("a delivery doubled");
            let (told, cause) = self.deliveries[self.chance.below(n_deliveries)].clone();
            return match self.tell(told.clone(), cause).await? {
                Reply::Repeated => Ok(()),
                reply => Err(breach(ONCE, format!("{told:?} came twice: {reply:?}"))),
            };
        }
        if n_answers == 0 {
            return Ok(());
        }
        let newest = self.chance.one_in(2);
        let index = if newest { n_answers - 1 } else { self.chance.below(n_answers) };
        let (told, attempt) = self.answers[index].clone();
        if self.chance.one_in(2) {
            self.coverage.note_fault("an answer doubled");
            return match self.tell(told.clone(), Cause::Effect(attempt)).await? {
                Reply::Repeated | Reply::Superseded => Ok(()),
                reply => Err(breach(ONCE, format!("{told:?} was answered twice: {reply:?}"))),
            };
        }
        self.coverage.note_fault("an old answer heard anew");
        self.hear_anew(&told).await
    }

    /// What was answered once is late for ever.
    async fn hear_anew(&mut self, told: &Told) -> Lawful {
        let (rules, now) = (self.door.rules(), self.door.now());
        let is_changed = match told {
            // The card is where it was said to be; outcomes and reminders are told apart by their delivery alone.
            Told::Task(
                _,
                TaskEvent::CardPosted { .. }
                | TaskEvent::EntryEjected { .. }
                | TaskEvent::DeadlinePassed { deadline: Deadline { then: Then::Remind { .. }, .. } },
            ) => false,
            Told::Task(id, event) => {
                let Some(task) = self.door.task(*id).await else { return Ok(()) };
                let step = (rules.task)(task.clone(), event, now);
                step.is_ok_and(|step| step.state != task || !step.effects.is_empty())
            }
            Told::Queue(event) => {
                let Some(queue) = self.door.queue().await else { return Ok(()) };
                let step = (rules.queue)(queue.clone(), event, now);
                // A probe is about commits alone: whoever asks the same again is answered.
                let is_asked =
                    matches!(event, QueueEvent::Probed { of, .. } if queue.probing.asked.as_ref() == Some(of));
                let is_changed = |step: &Step<Queue>| !is_same(&step.state, &queue) || !step.effects.is_empty();
                step.is_ok_and(|step| !is_asked && !is_other_hour(&queue, &step.state) && is_changed(&step))
            }
        };
        if is_changed { Err(breach(LATE, format!("{told:?} was heard again"))) } else { Ok(()) }
    }

    pub async fn all_tasks(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for number in 1..=self.n_tasks {
            tasks.extend(self.door.task(TaskId::new(number)).await);
        }
        tasks
    }

    pub async fn look_at_debts(&mut self) -> Lawful {
        let (tasks, queue) = (self.all_tasks().await, self.door.queue().await);
        judge_debts(&tasks, queue.as_ref(), &self.door.debts().await)
    }

    fn recall<M: Machine>(&mut self, told: &Told, cause: &Cause, settled: &Settled<M>) {
        let how = match settled {
            Settled::Done { .. } => "",
            Settled::Repeated => " (repeated)",
            Settled::Superseded => " (superseded)",
            Settled::Refused(_) => " (refused)",
        };
        if self.weather.is_told {
            let line = match told {
                Told::Task(id, event) => format!("{id} {event:?}{how} by {cause}"),
                Told::Queue(event) => format!("queue {event:?}{how} by {cause}"),
            };
            self.note(&line);
        }
    }

    pub fn note(&mut self, line: &str) {
        if self.weather.is_told {
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(format!("{:>4} {line}", self.n_events));
        }
    }
}

/// What one turn may be.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    Claim,
    Fly,
    Speak,
    Submit,
    Push,
    Look,
    Meddle,
    Repeat,
    Wait,
    Crash,
}

impl<M: Machine> From<Settled<M>> for Reply {
    fn from(settled: Settled<M>) -> Self {
        match settled {
            Settled::Done { .. } => Self::Done,
            Settled::Repeated => Self::Repeated,
            Settled::Superseded => Self::Superseded,
            Settled::Refused(why) => Self::Refused(why),
        }
    }
}

impl<D> Drop for Play<D> {
    /// A machine's own assertion ends a history with a panic; then the events are shown all the same.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lines: String = self.recent.iter().map(|line| format!("  {line}\n")).collect();
            eprintln!("the last events before the panic:\n{lines}");
        }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}
