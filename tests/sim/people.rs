//! People: they ask, approve what they saw or what is no longer so, change their minds, and push past the queue.

use std::collections::BTreeSet;
use std::time::Duration;

use agents::task::{PlanEdit, PlanMode, Request, Task, TaskEvent, TaskState, Terms, Waits, WordKind};
use domain::{Cause, DeliveryId, EntryId, MessageRef, Person, TaskId, ThreadRef};
use mergeq::queue::{Entry, Freeze, Hold, Limits, Pause, Policy, Priority, Queue, QueueEvent};

use crate::coverage::Named;
use crate::door::{Door, Told};
use crate::laws::{Lawful, Product, breach};
use crate::play::{ONCE, Play, Reply};
use crate::repo::Nature;
use crate::weather::any_policy;

const PEOPLE: [&str; 3] = ["ana", "ben", "cleo"];

impl<D: Door> Play<D> {
    fn anybody(&mut self) -> Person {
        self.chance.pick(&PEOPLE).parse().expect("a name")
    }

    /// Somebody asks for a change, now and then twice under one id.
    pub async fn submit(&mut self) -> Lawful {
        if self.n_tasks >= self.weather.n_tasks {
            return Ok(());
        }
        let is_rush = self.weather.is_rush;
        let day = Duration::from_secs(86_400);
        let request = Request {
            text: "change something".to_owned(),
            repo: "web".parse().expect("a name"),
            target: "main".parse().expect("a branch"),
            agent: "scripted".to_owned(),
            model: None,
            plan: self.chance.weigh(&[
                (if is_rush { 1 } else { 4 }, PlanMode::Ask),
                (2, PlanMode::Auto),
                (2, PlanMode::Off),
            ]),
            merges_itself: is_rush || self.chance.one_in(2),
            requester: self.anybody(),
            thread: ThreadRef::console("t"),
            message: None,
            budget_micros: None,
            repo_because: String::new(),
            context: String::new(),
            receipt: "0 messages".to_owned(),
            pictures: None,
            waits: Waits {
                approval: day,
                approval_reminder: day / 2,
                review: 2 * day,
                answer: day,
                answer_reminder: day / 4,
            },
        };
        let cause = Cause::Delivery(DeliveryId::new(format!("asked:{}", self.n_tasks)));
        if let Some(step) = self.door.submit(&request, &cause).await {
            self.n_tasks += 1;
            self.note(&format!("{} is asked for with plan={:?}", step.state.id, request.plan));
            self.coverage.note(&TaskEvent::Submitted { request: request.clone() });
            self.note_task_step(&step);
        }
        if self.chance.one_in(8) {
            self.coverage.note_fault("a delivery doubled");
            let again = self.door.submit(&request, &cause).await;
            if let Some(twin) = again {
                return Err(breach(ONCE, format!("{} was asked for once", twin.state.id)));
            }
        }
        Ok(())
    }

    /// Somebody says something to a task.
    pub async fn let_people_speak(&mut self) -> Lawful {
        if self.n_tasks == 0 {
            return Ok(());
        }
        let id = TaskId::new(1 + self.chance.below(usize::try_from(self.n_tasks).expect("few")) as u64);
        let Some(task) = self.door.task(id).await else { return Ok(()) };
        let event = if self.chance.one_in(25) { self.any_words(&task) } else { self.fitting_words(&task) };
        let Some(event) = event else { return Ok(()) };
        if let TaskEvent::PlanApproved { version, hash, .. } = &event {
            self.history.words.push((id, *version, hash.clone()));
        }
        let variant = event.variant();
        if let Reply::Refused(why) = self.deliver(Told::Task(id, event)).await? {
            assert!(!why.why.is_empty() && !why.next.is_empty(), "{variant} was refused without a next step");
        }
        Ok(())
    }

    /// What helps the task on, most of the time.
    fn fitting_words(&mut self, task: &Task) -> Option<TaskEvent> {
        let by = self.anybody();
        let (words, why) = ("keep the old name".to_owned(), String::new());
        match &task.state {
            TaskState::AwaitingApproval { plan, .. } => Some(match self.chance.below(26) {
                0..20 => {
                    let hash = self.chance.one_in(2).then(|| plan.hash.clone());
                    TaskEvent::PlanApproved { by, version: plan.version, hash }
                }
                20 | 21 => self.stale_approval(task, by)?,
                24 | 25 => {
                    let steps = vec![format!("step {}", self.chance.below(3))];
                    let terms = Terms { tier: plan.tier, because: plan.tier_because.clone() };
                    let edit = PlanEdit { steps, ..PlanEdit::default() };
                    TaskEvent::PlanEdited { by, version: plan.version - u32::from(self.chance.one_in(4)), edit, terms }
                }
                22 => TaskEvent::RevisionRequested { by, feedback: words },
                _ => TaskEvent::Refused { by, why },
            }),
            TaskState::Departed { work, .. } => Some(match self.chance.below(6) {
                0..4 => TaskEvent::DepartureAccepted { by, head: work.head.clone() },
                4 => TaskEvent::RevisionRequested { by, feedback: words },
                _ => TaskEvent::Refused { by, why },
            }),
            TaskState::InReview { .. } => Some(match self.chance.below(20) {
                0..17 => TaskEvent::MergeRequested { by },
                17 => TaskEvent::RevisionRequested { by, feedback: words },
                18 => TaskEvent::TrialRequested { by },
                _ => TaskEvent::RetryRequested { by, agent: None, model: None },
            }),
            TaskState::Merging { .. } => match self.chance.below(40) {
                0 | 2 | 3 => Some(TaskEvent::DequeueRequested { by }),
                1 => Some(TaskEvent::StopRequested { by }),
                _ => None,
            },
            TaskState::Failed { .. } | TaskState::Cancelled { .. } => {
                self.chance.one_in(3).then_some(TaskEvent::RetryRequested { by, agent: None, model: None })
            }
            TaskState::Asking { open, .. } | TaskState::Parked { open, .. } => {
                let answered = TaskEvent::InputGiven { by: by.clone(), question: Some(open.number), text: words };
                (!self.chance.one_in(3)).then_some(answered).or_else(|| self.guidance(by))
            }
            TaskState::Pausing { .. } | TaskState::Paused { .. } => Some(match self.chance.below(4) {
                0 => return self.guidance(by),
                _ => TaskEvent::ResumeRequested { by },
            }),
            TaskState::Queued { .. } | TaskState::Planning { .. } | TaskState::Working { .. } => {
                match self.chance.below(80) {
                    0 => Some(TaskEvent::StopRequested { by }),
                    1..8 => self.guidance(by),
                    _ => None,
                }
            }
            TaskState::Publishing { .. }
            | TaskState::Cancelling { .. }
            | TaskState::Merged { .. }
            | TaskState::Answered { .. } => None,
        }
    }

    /// What people say to a session.
    fn guidance(&mut self, by: Person) -> Option<TaskEvent> {
        let text = "use tabs".to_owned();
        let message = MessageRef { thread: ThreadRef::console("t"), id: self.chance.below(3).to_string() };
        Some(match self.chance.below(14) {
            12 => TaskEvent::Suggested { by, text },
            13 => TaskEvent::RequestWithdrawn { by },
            0 => TaskEvent::PauseRequested { by },
            1 => TaskEvent::RolledBack { by, checkpoint: 1, text },
            2 => TaskEvent::Steered { by, text, kind: WordKind::Interruption, message: None },
            3 => TaskEvent::RequestCorrected { by, text: format!("change {} things", self.chance.below(9)) },
            4 => TaskEvent::RemarkCorrected { by, message, text: "use spaces".to_owned() },
            5 => TaskEvent::RemarkWithdrawn { by, message },
            _ => TaskEvent::Steered { by, text, kind: WordKind::Remark, message: Some(message) },
        })
    }

    /// Whatever comes to mind.
    fn any_words(&mut self, task: &Task) -> Option<TaskEvent> {
        let by = self.anybody();
        Some(match self.chance.below(15) {
            0 => return self.stale_approval(task, by),
            1 => TaskEvent::RevisionRequested { by, feedback: String::new() },
            2 => TaskEvent::Refused { by, why: "no".to_owned() },
            3 => {
                let heads = &self.history.published;
                let head = heads.get(self.chance.below(heads.len().max(1)))?.clone();
                TaskEvent::DepartureAccepted { by, head }
            }
            4 => TaskEvent::MergeRequested { by },
            5 => TaskEvent::DequeueRequested { by },
            6 => TaskEvent::StopRequested { by },
            7 => TaskEvent::RetryRequested { by, agent: None, model: Some("another".to_owned()) },
            8 => TaskEvent::InputGiven { by, question: Some(1), text: "yes".to_owned() },
            9 => TaskEvent::InputGiven { by, question: None, text: "yes".to_owned() },
            10 => TaskEvent::ResumeRequested { by },
            11 => return self.guidance(by),
            12 => TaskEvent::Muted { by },
            13 => TaskEvent::Unmuted { by },
            _ => TaskEvent::RevisionRequested { by, feedback: "again".to_owned() },
        })
    }

    /// The approval of a plan that was shown once, maybe of another version by now, maybe of another task.
    fn stale_approval(&mut self, task: &Task, by: Person) -> Option<TaskEvent> {
        let (_, version, hash) = self.shown.get(self.chance.below(self.shown.len().max(1)))?.clone();
        let version = if self.chance.one_in(2) { version } else { task.plans };
        Some(TaskEvent::PlanApproved { by, version, hash: Some(hash) })
    }

    /// Somebody puts a commit on the target, of their own or of a branch that waits in the queue.
    pub async fn push_foreign(&mut self) -> Lawful {
        let waiting = self.door.queue().await.and_then(|queue| {
            let entries = &queue.entries;
            entries.get(self.chance.below(entries.len().max(1))).map(|entry| entry.change.head.clone())
        });
        if let Some(head) = waiting.filter(|_| self.chance.one_in(6)) {
            self.coverage.note_fault("a pick past the queue");
            self.note("a pick past the queue");
            self.repo.cherry_pick(&head);
            return Ok(());
        }
        let (mut atom, _) = self.any_atom();
        // A red or gateless target would stop everybody, which is true and teaches nothing.
        atom.nature = Nature::Good;
        let target = self.repo.target.clone();
        if let Some(commit) = self.repo.commit(&target, atom, None) {
            self.coverage.note_fault("a push by somebody else");
            self.note("a push by somebody else");
            self.repo.push_foreign(commit);
        }
        self.history.judge_target(&self.repo)
    }

    /// The reconciler, in its three moments: what the queue knows, what is true, and telling it.
    pub async fn look_at_target(&mut self) -> Lawful {
        if self.looks.is_empty() || self.chance.one_in(4) {
            if let Some(queue) = self.door.queue().await {
                self.looks.push((queue.head, None));
            }
            return Ok(());
        }
        let index = self.chance.below(self.looks.len());
        match self.looks.swap_remove(index) {
            (seen, None) => self.looks.push((seen, Some(self.repo.target.clone()))),
            (seen, Some(head)) if seen.as_ref() != Some(&head) => {
                self.deliver(Told::Queue(QueueEvent::TargetMoved { seen, head })).await?;
            }
            (_, Some(_)) => {}
        }
        Ok(())
    }

    /// Somebody takes the queue itself in hand, or an agent comes back with a repair.
    pub async fn meddle(&mut self) -> Lawful {
        let Some(queue) = self.door.queue().await else { return Ok(()) };
        let repaired = if self.chance.one_in(3) { self.repair(&queue) } else { None };
        let event = repaired.or_else(|| self.any_measure(&queue));
        match event {
            Some(event) => self.deliver(Told::Queue(event)).await.map(drop),
            None => Ok(()),
        }
    }

    fn any_measure(&mut self, queue: &Queue) -> Option<QueueEvent> {
        let by = self.anybody();
        let entry = queue.entries.get(self.chance.below(queue.entries.len().max(1)));
        let entry = entry.map(|entry| entry.change.id.clone());
        let why = || "so that it is seen".to_owned();
        if matches!(queue.pause, Some(Pause::Unsound { .. })) && self.chance.one_in(2) {
            return Some(QueueEvent::RestoreOrdered { by });
        }
        Some(match self.chance.below(29) {
            0 | 1 => QueueEvent::Paused { by },
            20 | 21 => {
                let priority = *self.chance.pick(&Priority::ALL);
                QueueEvent::Prioritised { entry: entry?, priority, by, why: Some(why()) }
            }
            22 => QueueEvent::Frozen(Freeze { below: *self.chance.pick(&Priority::ALL), by, why: why(), until: None }),
            23..26 => QueueEvent::Thawed { by },
            26 => QueueEvent::Held { entry: entry?, hold: Hold { by, why: why() } },
            27 | 28 => QueueEvent::Released { entry: entry?, by },
            2..8 => QueueEvent::Resumed { by },
            8 | 9 => {
                let changed = any_policy(&mut self.chance);
                let Limits { entries_max, message_bytes_max, .. } = queue.policy.limits;
                let limits = Limits { entries_max, message_bytes_max, ..changed.limits };
                QueueEvent::PolicyChanged { policy: Policy { limits, ..changed } }
            }
            10 => {
                self.history.withdrawn.extend(entry.clone());
                QueueEvent::Withdrawn { entry: entry?, by }
            }
            11 => self.move_branch(queue, entry?),
            _ => {
                let minutes = *self.chance.pick(&[1, 10, 300]);
                QueueEvent::Reserved { entry: entry?, until: self.door.now() + Duration::from_secs(60 * minutes) }
            }
        })
    }

    fn move_branch(&mut self, queue: &Queue, entry: EntryId) -> QueueEvent {
        let (atom, clash) = self.any_atom();
        let target = self.repo.target.clone();
        let head = self.repo.commit(&target, atom, clash);
        let stays = || queue.entry(&entry).map(|entry| entry.change.head.clone());
        let head = head.or_else(stays).expect("the entry is in the queue");
        self.history.moved.push((entry.clone(), head.clone()));
        QueueEvent::HeadMoved { entry, head }
    }

    /// Somebody reserved an entry by hand, and comes back with a repaired commit.
    fn repair(&mut self, queue: &Queue) -> Option<QueueEvent> {
        let is_by_hand = |entry: &&Entry| !entry.is_ready() && !entry.change.is_repairable;
        let entry = queue.entries.iter().find(is_by_hand)?.change.id.clone();
        let (atom, clash) = self.any_atom();
        let base = self.repo.target.clone();
        let head = self.repo.commit(&base, atom, clash)?;
        let task: TaskId = entry.as_str().parse().ok()?;
        let product = Product { task, session: 0, plan: None };
        self.history.produced.insert(head.clone(), product);
        Some(QueueEvent::Repaired { entry, head, started_from: Some(base), approved_by: None, lanes: BTreeSet::new() })
    }
}
