//! The board: which tasks need a person, which run, which ended, and the merge queues.

use agents::task::Task;
use domain::{EntryId, Timestamp};
use serde::Serialize;
use store::{StoreError, Table};

use crate::WebState;
use crate::moment::Moment;
use crate::queues::{QueueCard, Queues};
use crate::reads::{self, Section};
use crate::standing::Standing;

/// One task in a list.
#[derive(Debug, Serialize)]
pub(crate) struct TaskCard {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The name of the state, as programs know it.
    pub(crate) state: &'static str,
    #[serde(flatten)]
    pub(crate) standing: Standing,
    pub(crate) repo: String,
    pub(crate) target: String,
    pub(crate) requester: String,
    pub(crate) agent: String,
    pub(crate) thread: String,
    pub(crate) created: Moment,
    pub(crate) changed: Moment,
}

/// The tasks of one section; `count` is more than `tasks` when the list is cut.
#[derive(Debug, Serialize)]
pub(crate) struct TaskList {
    pub(crate) count: i64,
    pub(crate) tasks: Vec<TaskCard>,
}

/// Everything on the board.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) now: Timestamp,
    pub(crate) needs_person: TaskList,
    pub(crate) running: TaskList,
    pub(crate) ended: TaskList,
    pub(crate) queues: Vec<QueueCard>,
}

impl Board {
    /// The board as it is now. Its parts are read one after the other, so a task on the move may be missed once.
    pub(crate) async fn read(state: &WebState) -> Result<Self, StoreError> {
        let now = state.store.now();
        let queues = Queues::read(state, now).await?;
        let counts = reads::task_counts(&state.store).await?;
        let reader = Reader { state, now, queues: &queues, counts };
        let needs_person = reader.list(Section::NeedsPerson).await?;
        let running = reader.list(Section::Running).await?;
        let ended = reader.list(Section::Ended).await?;
        Ok(Self { now, needs_person, running, ended, queues: queues.cards })
    }

    /// How many entries are in all queues.
    pub(crate) fn queued(&self) -> usize {
        self.queues.iter().map(|queue| queue.count).sum()
    }
}

struct Reader<'a> {
    state: &'a WebState,
    now: Timestamp,
    queues: &'a Queues,
    counts: Vec<(String, i64)>,
}

impl Reader<'_> {
    async fn list(&self, section: Section) -> Result<TaskList, StoreError> {
        let store = &self.state.store;
        let mut tasks = Vec::new();
        for (id, changed_at) in reads::tasks_of(store, section, self.state.settings.tasks_max).await? {
            // Two reads of one task may see two versions; one that has moved on belongs to another section by now.
            let task = store.load::<Task>(&id).await?.filter(|task| Section::of(Table::state(task)) == section);
            tasks.extend(task.map(|task| self.card(&task, changed_at)));
        }
        let count = self.counts.iter().filter(|(state, _)| Section::of(state) == section).map(|(_, n)| n).sum();
        Ok(TaskList { count, tasks })
    }

    fn card(&self, task: &Task, changed_at: Timestamp) -> TaskCard {
        let request = &task.request;
        TaskCard {
            id: task.id.to_string(),
            title: task.title(),
            state: Table::state(task),
            standing: Standing::of(task, self.queues.places.get(&EntryId::from(task.id))),
            repo: request.repo.to_string(),
            target: request.target.to_string(),
            requester: request.requester.to_string(),
            agent: request.agent.clone(),
            thread: request.thread.to_string(),
            created: Moment::new(task.created_at, self.now),
            changed: Moment::new(changed_at, self.now),
        }
    }
}
