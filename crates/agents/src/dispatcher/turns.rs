//! The two turns of a session: to plan, where nothing is writable, and to work.

use std::path::Path;

use domain::TaskId;
use domain::policy::Assessment;
use forge::Signature;
use store::Store;
use tokio::sync::mpsc;

use super::{Dispatcher, Run, Trouble};
use crate::cage::ProgressSink;
use crate::checks::Inspected;
use crate::session::SessionError;
use crate::task::{Approved, Demand, Ground, Task, TaskEvent, TaskState, Terms, Work};
use crate::workspace::Workspace;
use crate::{checkpoint, money, prompt};

impl Dispatcher {
    pub(super) async fn plan(&self, run: &Run<'_>, feedback: &[String]) -> Result<TaskEvent, Trouble> {
        let workspace = self.ready_tree(run, Ground::Target).await?;
        let prompt = prompt::for_plan(&run.task.request, feedback, &run.task.said);
        let (steer, steering) = mpsc::channel(1);
        let mut around = self.around(run, &workspace).await?;
        let planning = run.agent.plan(self.session(run, &workspace, &prompt, (steering, &around)));
        let planned = self.attend(run, (steer, &around), planning).await;
        around.close().await;
        let planned = planned?;
        if self.was_capped(run, &around.observer).await? || run.liaison.has_open_question().await? {
            return Ok(TaskEvent::SessionParked { session: run.number });
        }
        let draft = around.observer.explain(planned)?;
        let terms = terms_of(&self.rules.load().tiers().tier_of(&draft.paths));
        Ok(TaskEvent::PlanProposed { session: run.number, draft, terms })
    }

    pub(super) async fn work(&self, run: &Run<'_>, approved: Option<&Approved>) -> Result<TaskEvent, Trouble> {
        let workspace = self.ready_tree(run, run.ground).await?;
        let prompt = prompt::for_work(&run.task.request, approved, &run.task.said);
        let (steer, steering) = mpsc::channel(1);
        let mut around = self.around(run, &workspace).await?;
        let session = self.session(run, &workspace, &prompt, (steering, &around));
        let working = run.agent.work(session, approved.map(|approved| &approved.plan));
        let worked = self.attend(run, (steer, &around), working).await;
        let hosts = around.close().await;
        let worked = worked?;
        around.observer.keep_use().await?;
        self.keep_tree(run, &workspace, worked.as_ref().err()).await?;
        if self.was_capped(run, &around.observer).await? || run.liaison.has_open_question().await? {
            return Ok(TaskEvent::SessionParked { session: run.number });
        }
        let worked = around.observer.explain(worked)?;
        let author = author_of(run.task, &self.store);
        let head = self.workspaces.commit(&workspace, &run.task.title(), &author).await?;
        let Some(head) = head else {
            return Ok(TaskEvent::NothingChanged { session: run.number, answer: worked.answer });
        };
        let inspected = self.checks.inspect(run.repository, &head, &*run.log, run.stop.clone()).await;
        let inspected = inspected.map_err(|why| Trouble::Checks(why.to_string()))?;
        if run.stop.is_cancelled() {
            return Err(SessionError::Stopped.into());
        }
        let (demand, checks) = match inspected {
            Inspected::Read { gate, runs } => (Demand::from(&gate), runs),
            Inspected::Unreadable(error) => return Err(Trouble::Unreadable(error.to_string())),
        };
        let changes = run.repository.mirror.changes(&workspace.base, &head).await?;
        let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
        let Terms { tier, because } = terms_of(&self.rules.load().tiers().tier_of(&paths));
        let work = Work {
            approved: approved.cloned(),
            accepted_by: None,
            base: workspace.base.clone(),
            head,
            changes,
            tier,
            tier_because: because,
            checks,
            demand,
            cage: worked.cage,
            hosts,
            cost_micros: self.cost_of(run.task.id).await?,
        };
        Ok(TaskEvent::WorkFinished { session: run.number, work })
    }

    /// Keeps what the turn left in the tree, so that another session can go on from there. A session that was stopped for
    /// good, or by the end of the process, leaves nothing to go on from.
    async fn keep_tree(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        trouble: Option<&SessionError>,
    ) -> Result<(), Trouble> {
        let task = self.store.load::<Task>(&run.task.id).await?;
        let is_paused = task.is_some_and(|task| matches!(task.state, TaskState::Pausing { .. }));
        match trouble {
            Some(SessionError::Stopped) if !is_paused && run.stop.is_cancelled() => return Ok(()),
            Some(_) | None => {}
        }
        let kept = self.checkpoints.take(workspace, &format!("after session {}", run.number)).await;
        match (kept, trouble) {
            (Ok(kept), _) => {
                let changes = run.repository.mirror.changes(&workspace.base, &kept.commit).await?;
                self.desks.claims.touch(run.task, changes.iter().map(|change| Path::new(&change.path)));
                Ok(())
            }
            // Its own trouble says more than what it left behind.
            (Err(error), Some(_)) => {
                run.log.line(&format!("what session {} left could not be kept: {error}", run.number));
                Ok(())
            }
            (Err(error), None) => Err(error.into()),
        }
    }

    async fn ready_tree(&self, run: &Run<'_>, ground: Ground) -> Result<Workspace, Trouble> {
        let (task, branch) = (run.task.id, run.task.branch());
        let kept = match ground {
            Ground::Target => None,
            Ground::Newest => checkpoint::latest(run.repository, task).await?,
            Ground::Checkpoint { number } => {
                let found = checkpoint::find(run.repository, task, number).await?;
                Some(found.ok_or(Trouble::NoCheckpoint(number))?)
            }
        };
        let workspace = match kept {
            Some(kept) => self.workspaces.create_at(task, run.repository, &kept, &branch).await?,
            None => {
                let base = tokio::select! {
                    head = run.repository.forge.target_head() => head?,
                    () = run.stop.cancelled() => return Err(SessionError::Stopped.into()),
                };
                self.workspaces.create(task, run.repository, &base, &branch).await?
            }
        };
        let environment = self.setups.ready(run.repository, &workspace.base, &*run.log, &run.stop).await?;
        run.log.line(&format!("agent {} begins (session {})", run.task.request.agent, run.number));
        run.log.keep().await;
        Ok(workspace.with_environment(environment))
    }

    /// What the task has cost by now, where that is known.
    async fn cost_of(&self, task: TaskId) -> Result<Option<u64>, Trouble> {
        let total = money::total_of(&self.store, task).await?;
        Ok(total.filter(|total| total.n_priced > 0).map(|total| total.cost_micros))
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
