//! Performs lane `session`: readies a working tree, lets the agent plan or work in it, and tells the task.
//!
//! A session that was cut short (the process died, the lease was lost, the database was away) goes on from what it left,
//! where its agent can be resumed, and else begins again: see [`ground`]. Nothing leaves the tree but the commit that is
//! made of it afterwards, and that one is kept in the mirror under the task's branch.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::policy::Rules;
use domain::{Attempt, Cause, DeliveryId, Sha};
use forge::{ForgeError, GitError, Repositories, Repository};
use store::{ApplyError, Owed, Performed, Performer, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::checkpoint::Checkpoints;
use crate::checks::{Gatekeeper, Witness};
use crate::egress::Egress;
use crate::liaison::{Bell, Liaison, Sitting};
use crate::log::TaskLog;
use crate::money::Ledger;
use crate::session::{Agent, Roster, SessionError, Transcripts};
use crate::setup::{SETUP_FILE, SetupError, Setups};
use crate::task::{Goal, Ground, Task, TaskEffect, TaskEvent, TaskState};
use crate::tools::Desks;
use crate::workspace::pictures::Pictures;
use crate::workspace::{WorkspaceError, Workspaces};

mod around;
mod ground;
mod observer;
mod repair;
mod turns;

/// The first pause after a model's service was too busy or broken; each further one is twice as long. The agent has tried
/// by itself, and services count requests by the minute, which is over with the third.
const PUT_OFF: Duration = Duration::from_secs(10);

/// What sessions need.
pub struct Dispatcher {
    /// To read tasks and keep their logs.
    pub store: Store,
    /// Where trees come from.
    pub repositories: Repositories,
    /// To assess risk.
    pub rules: Arc<ArcSwap<Rules>>,
    /// Who does the work.
    pub roster: Arc<Roster>,
    /// Where trees stand.
    pub workspaces: Workspaces,
    /// Where the pictures of requests stand.
    pub pictures: Pictures,
    /// What keeps trees after each turn.
    pub checkpoints: Checkpoints,
    /// What runs a change's checks before it is published.
    pub checks: Arc<Gatekeeper>,
    /// Who hears what they said.
    pub witness: Arc<dyn Witness>,
    /// The way out of the cage.
    pub egress: Egress,
    /// What keeps and prices what sessions use.
    pub ledger: Ledger,
    /// What makes what a repository's setup makes.
    pub setups: Setups,
    /// Where sessions show what they do.
    pub board: Arc<Board>,
    /// What opens an agent's tools.
    pub desks: Desks,
    /// Where the raw lines of agents are kept.
    pub transcripts: Transcripts,
    /// Rings when somebody said something to a task.
    pub bell: Arc<Bell>,
    /// The longest that one session may take.
    pub time_max: Duration,
    /// How long a session waits for an answer before it ends its turn.
    pub patience: Duration,
}

/// Why a session did not come to an answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("{0}")]
    Checks(String),
    #[error("the checks cannot be read: {0}")]
    Unreadable(String),
    #[error("its agent left the conflict unresolved in {}", .0.join(", "))]
    Unresolved(Vec<String>),
    #[error("checkpoint {0} is gone; say `checkpoints` to see what there is")]
    NoCheckpoint(u32),
    #[error("{0} is not in the config any more")]
    Gone(String),
    #[error("what its sessions need could not be set up: {0}")]
    Setup(String),
}

impl From<SetupError> for Trouble {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Stopped => SessionError::Stopped.into(),
            SetupError::Git(error) => error.into(),
            SetupError::Surroundings(_) => SessionError::Surroundings(error.to_string()).into(),
            SetupError::Failed(_) => Self::Setup(format!("{error}\nMend `{SETUP_FILE}` in the repository first.")),
        }
    }
}

/// One session on its way.
struct Run<'a> {
    task: &'a Task,
    number: u32,
    repository: &'a Repository,
    agent: &'a dyn Agent,
    ground: Ground,
    attempt: Attempt,
    liaison: Arc<Liaison>,
    log: Arc<TaskLog>,
    stop: CancellationToken,
}

impl Run<'_> {
    /// Where the target branch is now, unless the session is stopped first.
    async fn target_head(&self) -> Result<Sha, Trouble> {
        tokio::select! {
            head = self.repository.forge.target_head() => Ok(head?),
            () = self.stop.cancelled() => Err(SessionError::Stopped.into()),
        }
    }
}

impl Dispatcher {
    async fn run(&self, owed: &Owed<Task>) -> Result<Option<TaskEvent>, Trouble> {
        let TaskEffect::StartSession { session: number, goal, ground } = &owed.effect else { return Ok(None) };
        let (number, ground) = (*number, ground.clone());
        let Some(task) = self.store.load::<Task>(&owed.machine).await? else { return Ok(None) };
        if task.sessions != number {
            return Ok(None);
        }
        if owed.revoked.is_cancelled() {
            return Err(SessionError::Stopped.into());
        }
        let request = &task.request;
        let repository = self.repositories.get(&request.repo);
        let repository = repository.ok_or_else(|| Trouble::Gone(format!("the repository {}", request.repo)))?;
        let agent = self.roster.get(&request.agent);
        let agent = agent.ok_or_else(|| Trouble::Gone(format!("the agent {}", request.agent)))?;
        let still = || SessionError::Surroundings("an attempt of before is still ending".to_owned());
        let _tree_is_ours = self.workspaces.occupy(task.id).ok_or_else(still)?;
        let started = DeliveryId::new(format!("{}:started", owed.attempt.effect));
        let event = TaskEvent::SessionStarted { session: number };
        self.store.apply::<Task>(&task.id, event, Cause::Delivery(started)).await?;
        let (log, stop) = (Arc::new(TaskLog::of(&self.store, [task.id])), owed.revoked.clone());
        let sitting = Sitting { task: task.id, session: number, attempt: owed.attempt.clone(), stop: stop.clone() };
        let liaison = Arc::new(Liaison::new(self.store.clone(), self.bell.clone(), self.patience, sitting));
        let run = Run {
            task: &task,
            number,
            repository,
            agent: &*agent,
            ground,
            attempt: owed.attempt.clone(),
            liaison,
            log,
            stop,
        };
        let answer = match goal {
            Goal::Plan { feedback } => run.log.keep_during(Box::pin(self.plan(&run, feedback))).await?,
            Goal::Work { approved } => run.log.keep_during(Box::pin(self.work(&run, approved.as_ref()))).await?,
        };
        Ok(Some(answer))
    }

    /// What a session that did not answer means for the task.
    async fn judge(&self, owed: &Owed<Task>, number: u32, trouble: Trouble) -> Performed<TaskEvent> {
        let failed = |why: String| Performed::GiveUp(TaskEvent::SessionFailed { session: number, why });
        let retry = |why: String| Performed::Retry { after: Duration::from_secs(1), why };
        let task = match self.store.load::<Task>(&owed.machine).await {
            Ok(Some(task)) => task,
            Ok(None) => return Performed::Finished,
            Err(error) => return retry(error.to_string()),
        };
        if task.sessions != number {
            return Performed::Finished;
        }
        let is_wished = matches!(task.state, TaskState::Cancelling { .. } | TaskState::Pausing { .. });
        match trouble {
            // A session is stopped by its task, by a lost lease, or because the process ends; only the first is an answer.
            Trouble::Session(SessionError::Stopped) if is_wished => {
                Performed::Done(TaskEvent::SessionStopped { session: number })
            }
            Trouble::Session(SessionError::Stopped) => retry("the session was interrupted".to_owned()),
            Trouble::Session(SessionError::PutOff(why)) => Performed::Retry { after: PUT_OFF, why },
            Trouble::Session(SessionError::Surroundings(why)) | Trouble::Forge(ForgeError::Transient { why, .. }) => {
                retry(why)
            }
            Trouble::Git(error) | Trouble::Workspace(WorkspaceError::Git(error)) if error.is_for_want_of_room() => {
                retry(error.to_string())
            }
            Trouble::Store(error) => retry(error.to_string()),
            Trouble::Apply(error) => retry(error.to_string()),
            Trouble::Checks(why) => retry(why),
            Trouble::Session(error) => failed(format!("the agent {} {error}", task.request.agent)),
            error @ (Trouble::Unreadable(_)
            | Trouble::Forge(_)
            | Trouble::Git(_)
            | Trouble::Workspace(_)
            | Trouble::NoCheckpoint(_)
            | Trouble::Unresolved(_)
            | Trouble::Gone(_)
            | Trouble::Setup(_)) => failed(error.to_string()),
        }
    }
}

#[async_trait]
impl Performer for Dispatcher {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        let TaskEffect::StartSession { session, .. } = &owed.effect else { return Performed::Finished };
        match Box::pin(self.run(owed)).await {
            Ok(Some(event)) => Performed::Done(event),
            Ok(None) => Performed::Finished,
            Err(trouble) => self.judge(owed, *session, trouble).await,
        }
    }

    fn bury(&self, owed: &Owed<Task>, why: &str) -> Option<TaskEvent> {
        let TaskEffect::StartSession { session, .. } = &owed.effect else { return None };
        Some(TaskEvent::SessionFailed { session: *session, why: why.to_owned() })
    }
}
