//! Joins the two contexts that do not know each other: a table of translations, no decisions.
//!
//! Lane `merge` carries what a task wants to the queue; lane `report` carries what the queue says to the task. Either
//! way the effect's id is the delivery, so that telling it twice is telling it once.

use std::collections::BTreeSet;
use std::time::Duration;

use agents::task::{self, Task, TaskEffect, TaskEvent, TaskState, Trouble, Work};
use async_trait::async_trait;
use domain::{Cause, DeliveryId, EntryId, QueueId, TaskId};
use forge::{ForgeError, LaneName, Repositories};
use mergeq::queue::{
    Change, Company, FailedCheck, News, Outcome, Place, Priority, Proof, Queue, QueueEffect, QueueEvent, Why,
};
use mergeq::{QueueDesk, what_is_missing};
use store::{ApplyError, Owed, Performed, Performer, Store, StoreError};

use crate::chat::render::last_line;
use crate::signpost::Signpost;

/// How much of a request goes into the commit: more is a document, and the task keeps it.
const MESSAGE_CHARS_MAX: usize = 3_000;

/// Performs lane `merge`: task → queue.
pub struct Enqueuer {
    /// Where events go.
    pub store: Store,
    /// The queues.
    pub desk: QueueDesk,
    /// Where it is looked which lanes a change touches.
    pub repositories: Repositories,
}

impl Enqueuer {
    async fn tell_queue(&self, owed: &Owed<Task>) -> Result<Performed<TaskEvent>, ApplyError> {
        let task = self.store.load::<Task>(&owed.machine).await?;
        let Some(task) = task else { return Ok(Performed::Finished) };
        let entry = EntryId::from(task.id);
        let event = if let TaskEffect::Enqueue { work } = &owed.effect {
            let mut change = change_of(&task, work, self.lanes_of(&task, work).await);
            self.drop_landed(&mut change.depends_on).await?;
            QueueEvent::Enqueued { change }
        } else if let TaskEffect::Withdraw { by } = &owed.effect {
            QueueEvent::Withdrawn { entry, by: by.clone() }
        } else if let TaskEffect::Readmit { work } = &owed.effect {
            let (head, started_from) = (work.head.clone(), Some(work.base.clone()));
            let lanes = self.lanes_of(&task, work).await;
            QueueEvent::Repaired { entry, head, started_from, approved_by: work.approver().cloned(), lanes }
        } else if let TaskEffect::GiveUpRepair { why } = &owed.effect {
            QueueEvent::RepairFailed { entry, why: why.clone() }
        } else {
            return Ok(Performed::Finished);
        };
        let is_enqueue = matches!(event, QueueEvent::Enqueued { .. });
        match self.desk.tell(&task.request.repo, event, delivery_of(owed.attempt.effect.as_str())).await {
            Ok(_) => Ok(Performed::Finished),
            Err(ApplyError::Rejected(rejected)) if is_enqueue => {
                let why = format!("{}. {}", rejected.why, rejected.next);
                Ok(Performed::GiveUp(TaskEvent::EntryEjected { why }))
            }
            // The entry has its outcome already, and the report of it is on its way.
            Err(ApplyError::Rejected(_)) => Ok(Performed::Finished),
            Err(error) => Err(error),
        }
    }

    /// The lanes that the work touches, as the target names them; none where that cannot be told, and then it waits for
    /// everybody.
    async fn lanes_of(&self, task: &Task, work: &Work) -> BTreeSet<LaneName> {
        let Some(repository) = self.repositories.get(&task.request.repo) else { return BTreeSet::new() };
        let Ok(Some(head)) = repository.mirror.known_head().await else { return BTreeSet::new() };
        match repository.mirror.lanes_at(&head).await {
            Ok(lanes) => lanes.of(work.changes.iter().map(|change| &change.path)),
            Err(error) => {
                tracing::warn!(task.id = %task.id, "its lanes cannot be told, so it waits for everybody: {error}");
                BTreeSet::new()
            }
        }
    }

    /// What landed, however long ago, is not to be waited for.
    async fn drop_landed(&self, depends_on: &mut Vec<EntryId>) -> Result<(), ApplyError> {
        for index in (0..depends_on.len()).rev() {
            let Ok(id) = depends_on[index].as_str().parse::<TaskId>() else { continue };
            let task = self.store.load::<Task>(&id).await?;
            if task.is_some_and(|task| matches!(task.state, TaskState::Merged { .. })) {
                depends_on.remove(index);
            }
        }
        Ok(())
    }
}

/// The change that a task wants on its target.
pub fn change_of(task: &Task, work: &Work, lanes: BTreeSet<LaneName>) -> Change {
    Change {
        id: EntryId::from(task.id),
        head: work.head.clone(),
        started_from: Some(work.base.clone()),
        title: task.title(),
        requested_by: task.request.requester.clone(),
        approved_by: work.approver().cloned(),
        message: message_of(task, work),
        company: Company::Any,
        is_repairable: true,
        priority: Priority::Normal,
        depends_on: dependencies_of(&task.request.text).into_iter().map(EntryId::from).collect(),
        lanes,
        branch: Some(task.branch()),
    }
}

/// The tasks that a request names on lines such as `Depends-On: T-2`, or `Depends-On: T-2, T-3`.
fn dependencies_of(text: &str) -> Vec<TaskId> {
    let named = text.lines().filter_map(|line| {
        let (key, named) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("depends-on").then_some(named)
    });
    named.flat_map(|named| named.split([',', ' '])).filter_map(|word| word.parse().ok()).collect()
}

/// The body of the landed commit: the plan's summary and its hash, so that the history says what was approved; without
/// a plan, what the request says beyond its title.
fn message_of(task: &Task, work: &Work) -> String {
    let approved = work
        .approved
        .as_ref()
        .map(|approved| format!("{}\n\nPlan-Hash: {}", approved.plan.draft.summary, approved.plan.hash));
    let request = &task.request.text;
    approved.unwrap_or_else(|| match request.chars().nth(MESSAGE_CHARS_MAX) {
        None if *request == task.title() => String::new(),
        None => request.clone(),
        Some(_) => request.chars().take(MESSAGE_CHARS_MAX).chain(['…']).collect(),
    })
}

fn delivery_of(effect: &str) -> Cause {
    Cause::Delivery(DeliveryId::new(effect))
}

#[async_trait]
impl Performer for Enqueuer {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        self.tell_queue(owed)
            .await
            .unwrap_or_else(|error| Performed::Retry { after: Duration::from_millis(500), why: error.to_string() })
    }

    fn bury(&self, _owed: &Owed<Task>, _why: &str) -> Option<TaskEvent> {
        None
    }
}

/// Performs lane `report`: queue → task.
pub struct Reporter {
    /// Where events go.
    pub store: Store,
    /// Where it is looked which checks are demanded.
    pub repositories: Repositories,
    /// What shows it to those who look at the change elsewhere.
    pub signpost: Signpost,
}

impl Reporter {
    async fn show(&self, id: TaskId, news: &News) -> Result<(), ForgeError> {
        match self.store.load::<Task>(&id).await {
            Ok(Some(task)) => self.signpost.show(&task, news).await,
            Ok(None) => Ok(()),
            Err(error) => Err(ForgeError::transient(error.to_string())),
        }
    }

    /// As [`event_of`], with what there is to find out about it.
    async fn event(&self, queue: &QueueId, task: TaskId, news: &News) -> Result<TaskEvent, StoreError> {
        let event = event_of(task, news);
        let (News::Overdue(overdue), TaskEvent::EntryProgressed { note: Some(note) }) = (news, &event) else {
            return Ok(event);
        };
        let missing = what_is_missing(&self.store, &self.repositories, queue, overdue).await?;
        let note = missing.map(|missing| format!("{note}; {missing}"));
        Ok(note.map_or(event, |note| TaskEvent::EntryProgressed { note: Some(note) }))
    }
}

#[async_trait]
impl Performer for Reporter {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Report { entry, news } = &owed.effect else { return Performed::Finished };
        let Ok(id) = entry.as_str().parse::<TaskId>() else { return Performed::Finished };
        let event = match self.event(&owed.machine, id, news).await {
            Ok(event) => event,
            Err(error) => return Performed::Retry { after: Duration::from_millis(500), why: error.to_string() },
        };
        match self.store.apply::<Task>(&id, event, delivery_of(owed.attempt.effect.as_str())).await {
            Ok(_) | Err(ApplyError::Missing { .. } | ApplyError::Rejected(_)) => {}
            Err(error) => return Performed::Retry { after: Duration::from_millis(500), why: error.to_string() },
        }
        match self.show(id, news).await {
            Err(ForgeError::Transient { after, why }) => Performed::Retry { after, why },
            Ok(()) | Err(_) => Performed::Finished,
        }
    }

    fn bury(&self, _owed: &Owed<Queue>, _why: &str) -> Option<QueueEvent> {
        None
    }
}

/// What a task learns of the queue's news.
pub fn event_of(task: TaskId, news: &News) -> TaskEvent {
    match news {
        // Whoever waits may do so for a reason that was told before; whoever is at it again does not.
        News::Progressed(progress) => {
            let note = (progress.place != Place::Waiting).then(String::new);
            TaskEvent::EntryProgressed { note }
        }
        News::SteppedAside { with, paths } => {
            let with: Vec<_> = with.iter().map(EntryId::as_str).collect();
            let note = format!("waits for {}, because both change {}", with.join(" and "), paths.join(", "));
            TaskEvent::EntryProgressed { note: Some(note) }
        }
        News::Reserved { why, until } => TaskEvent::RepairRequested { trouble: trouble_of(why), until: *until },
        News::Stalled { why } => TaskEvent::EntryProgressed {
            note: Some(format!("the queue has stopped until somebody says `resume`: {why}")),
        },
        News::Held(hold) => {
            TaskEvent::EntryProgressed { note: Some(format!("{hold}; `release {task}` lets it go on")) }
        }
        News::Released => TaskEvent::EntryProgressed { note: Some(String::new()) },
        News::KeptOut { until } => {
            TaskEvent::EntryProgressed { note: Some(format!("lands when the target opens, {until}")) }
        }
        News::Overdue(overdue) => TaskEvent::EntryProgressed { note: Some(overdue.to_string()) },
        News::Unsound { why } => TaskEvent::LandingDoubted { why: why.clone() },
        News::Ended(Outcome::Merged { commit, proof }) => {
            let proof = match proof {
                Proof::Tested => task::Proof::Tested,
                Proof::AlreadyTested => task::Proof::AlreadyTested,
                Proof::Untested => task::Proof::Untested,
            };
            TaskEvent::EntryMerged { commit: commit.clone(), proof }
        }
        News::Ended(Outcome::Ejected { why }) => TaskEvent::EntryEjected {
            why: format!("{why}{}. {}", last_words(why), why.next_step(&EntryId::from(task))),
        },
        News::Ended(Outcome::Withdrawn { .. }) => TaskEvent::EntryWithdrawn,
    }
}

/// What is wrong with a change, for whoever repairs it.
fn trouble_of(why: &Why) -> Trouble {
    let (mut rivals, mut failing) = (Vec::new(), &[][..]);
    if let Why::Conflict { with, .. } = why {
        rivals = with.iter().filter_map(|entry| entry.as_str().parse().ok()).collect();
    } else if let Why::Checks { failing: checks, .. } = why {
        failing = &checks[..];
    }
    let printed: Vec<_> = failing.iter().map(|check| format!("{check}:\n{}", check.output_tail)).collect();
    let why = match failing {
        [] => why.to_string(),
        _ => format!("does not pass its checks: {why}{}", last_words(why)),
    };
    Trouble { why, rivals, printed: printed.join("\n\n") }
}

/// How its checks failed, and what they printed last.
fn last_words(why: &Why) -> String {
    let Why::Checks { failing, .. } = why else { return String::new() };
    let how = " when it was tested alone on the target";
    match printed_last(failing) {
        said if !said.is_empty() => format!("{how}: {said}"),
        _ if failing.iter().all(|check| check.failed_tests.is_empty()) => String::new(),
        _ => how.to_owned(),
    }
}

/// The last line that each failed check printed, unless its report named the tests: most often that line does.
pub(crate) fn printed_last(failing: &[FailedCheck]) -> String {
    let nameless = failing.iter().filter(|check| check.failed_tests.is_empty());
    nameless.filter_map(|check| last_line(&check.output_tail)).collect::<Vec<_>>().join("; ")
}
