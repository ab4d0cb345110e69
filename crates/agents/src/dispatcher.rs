//! Performs lane `session`: readies a working tree, lets the agent plan or work in it, and tells the task.
//!
//! A session that was cut short (the process died, the lease was lost) is started again from a fresh tree, so a second
//! attempt does not build on half an edit. Nothing leaves the tree but the commit that is made of it afterwards, and
//! that one is kept in the mirror under the task's branch.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::policy::{Assessment, Rules};
use domain::{Cause, DeliveryId};
use forge::{ForgeError, GitError, Repositories, Repository, Signature};
use store::{ApplyError, Owed, Performed, Performer, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::cage::ProgressSink;
use crate::checks::{Gatekeeper, Inspected};
use crate::log::TaskLog;
use crate::prompt;
use crate::session::{Agent, Roster, Session, SessionError};
use crate::task::{Approved, Demand, Goal, Task, TaskEffect, TaskEvent, TaskState, Terms, Work};
use crate::workspace::{Workspace, WorkspaceError, Workspaces};

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
    /// What runs a change's checks before it is published.
    pub checks: Arc<Gatekeeper>,
    /// The longest that one session may take.
    pub time_max: Duration,
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
    #[error("{0} is not in the config any more")]
    Gone(String),
}

/// One session on its way.
struct Run<'a> {
    task: &'a Task,
    number: u32,
    repository: &'a Repository,
    agent: &'a dyn Agent,
    log: TaskLog,
    stop: CancellationToken,
}

impl Dispatcher {
    async fn run(&self, owed: &Owed<Task>, number: u32, goal: &Goal) -> Result<Option<TaskEvent>, Trouble> {
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
        let started = DeliveryId::new(format!("{}:started", owed.attempt.effect));
        let event = TaskEvent::SessionStarted { session: number };
        self.store.apply::<Task>(&task.id, event, Cause::Delivery(started)).await?;
        let (log, stop) = (TaskLog::of(&self.store, [task.id]), owed.revoked.clone());
        let run = Run { task: &task, number, repository, agent: &*agent, log, stop };
        let answer = match goal {
            Goal::Plan { feedback } => run.log.keep_during(Box::pin(self.plan(&run, feedback))).await?,
            Goal::Work { approved } => run.log.keep_during(Box::pin(self.work(&run, approved.as_ref()))).await?,
        };
        Ok(Some(answer))
    }

    async fn ready_tree(&self, run: &Run<'_>) -> Result<Workspace, Trouble> {
        let base = tokio::select! {
            head = run.repository.forge.target_head() => head?,
            () = run.stop.cancelled() => return Err(SessionError::Stopped.into()),
        };
        let workspace = self.workspaces.create(run.task.id, run.repository, &base, &run.task.branch()).await?;
        run.log.line(&format!("agent {} begins (session {})", run.task.request.agent, run.number));
        run.log.keep().await;
        Ok(workspace)
    }

    async fn plan(&self, run: &Run<'_>, feedback: &[String]) -> Result<TaskEvent, Trouble> {
        let workspace = self.ready_tree(run).await?;
        let prompt = prompt::for_plan(&run.task.request, feedback);
        let draft = run.agent.plan(self.session(run, &workspace, &prompt)).await?;
        let terms = terms_of(&self.rules.load().tiers().tier_of(&draft.paths));
        Ok(TaskEvent::PlanProposed { session: run.number, draft, terms })
    }

    async fn work(&self, run: &Run<'_>, approved: Option<&Approved>) -> Result<TaskEvent, Trouble> {
        let workspace = self.ready_tree(run).await?;
        let prompt = prompt::for_work(&run.task.request, approved);
        let session = self.session(run, &workspace, &prompt);
        let worked = run.agent.work(session, approved.map(|approved| &approved.plan)).await?;
        let number = run.number;
        let author = author_of(run.task, &self.store);
        let head = self.workspaces.commit(&workspace, &run.task.title(), &author).await?;
        let Some(head) = head else {
            return Ok(TaskEvent::NothingChanged { session: number, answer: worked.answer });
        };
        let checks = self
            .checks
            .inspect(run.repository, &head, &run.log, run.stop.clone())
            .await
            .map_err(|why| Trouble::Checks(why.to_string()))?;
        if run.stop.is_cancelled() {
            return Err(SessionError::Stopped.into());
        }
        let (demand, checks) = match checks {
            Inspected::Read { gate, runs } => (Demand::from(&gate), runs),
            Inspected::Unreadable(error) => {
                return Err(Trouble::Unreadable(error.to_string()));
            }
        };
        let changes = run.repository.mirror.changes(&workspace.base, &head).await?;
        let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
        let Terms { tier, because } = terms_of(&self.rules.load().tiers().tier_of(&paths));
        let (base, approved) = (workspace.base.clone(), approved.cloned());
        let accepted_by = None;
        let work = Work {
            approved,
            accepted_by,
            base,
            head,
            changes,
            tier,
            tier_because: because,
            checks,
            demand,
            cage: worked.cage,
        };
        Ok(TaskEvent::WorkFinished { session: number, work })
    }

    fn session<'a>(&self, run: &'a Run<'_>, workspace: &'a Workspace, prompt: &'a str) -> Session<'a> {
        let request = run.task.request.text.as_str();
        let (stop, time_max) = (run.stop.clone(), self.time_max);
        Session { request, stop, time_max, ..Session::unattended(workspace, prompt, &run.log) }
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
        let is_cancelling = matches!(task.state, TaskState::Cancelling { .. });
        match trouble {
            // A session is stopped by its task, by a lost lease, or because the process ends; only the first is an answer.
            Trouble::Session(SessionError::Stopped) if is_cancelling => {
                Performed::Done(TaskEvent::SessionStopped { session: number })
            }
            Trouble::Session(SessionError::Stopped) => retry("the session was interrupted".to_owned()),
            Trouble::Session(SessionError::Surroundings(why) | SessionError::PutOff(why))
            | Trouble::Forge(ForgeError::Transient { why, .. }) => retry(why),
            Trouble::Store(error) => retry(error.to_string()),
            Trouble::Apply(error) => retry(error.to_string()),
            Trouble::Checks(why) => retry(why),
            Trouble::Session(error) => failed(format!("the agent {} {error}", task.request.agent)),
            error @ (Trouble::Unreadable(_)
            | Trouble::Forge(_)
            | Trouble::Git(_)
            | Trouble::Workspace(_)
            | Trouble::Gone(_)) => failed(error.to_string()),
        }
    }
}

fn terms_of(assessment: &Assessment) -> Terms {
    Terms { tier: assessment.tier, because: assessment.to_string() }
}

/// The change's author: the agent did it, for the person who asked.
fn author_of(task: &Task, store: &Store) -> Signature {
    let name = format!("{} for {}", task.request.agent, task.request.requester);
    Signature { name, email: "agent@downbeat.invalid".to_owned(), at: store.now() }
}

#[async_trait]
impl Performer for Dispatcher {
    type Machine = Task;

    async fn perform(&self, owed: &Owed<Task>) -> Performed<TaskEvent> {
        let TaskEffect::StartSession { session, goal } = &owed.effect else { return Performed::Finished };
        match Box::pin(self.run(owed, *session, goal)).await {
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
