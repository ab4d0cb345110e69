//! The two turns of a session: to plan, where nothing is writable, and to work.

use std::path::Path;

use domain::TaskId;
use domain::policy::Assessment;
use forge::Signature;
use store::Store;
use tokio::sync::mpsc;

use super::around::Briefing;
use super::ground::{Ready, keep};
use super::{Dispatcher, Run, Trouble};
use crate::cage::ProgressSink;
use crate::checks::Inspected;
use crate::session::SessionError;
use crate::task::{Approved, Demand, Ground, Task, TaskEvent, Terms, Work};
use crate::workspace::Workspace;
use crate::workspace::left::{HOSTS_FILE, Left, hosts_in};
use crate::{money, prompt};

impl Dispatcher {
    pub(super) async fn plan(&self, run: &Run<'_>, feedback: &[String]) -> Result<TaskEvent, Trouble> {
        let Ready { workspace, since, left, .. } = self.ready_tree(run, Ground::Target).await?;
        // Nothing of it can be changed, so that it is as the agent sees it to the end.
        keep(&left, &workspace)?;
        let prompt = prompt::for_plan(&run.task.request, workspace.pictures(), feedback, &run.task.said);
        let (steer, steering) = mpsc::channel(1);
        let mut around = self.around(run, &workspace, None).await?;
        let briefing = Briefing { prompt: &prompt, since: &since };
        let planning = run.agent.plan(self.session(run, &workspace, briefing, (steering, &around)));
        let planned = Box::pin(self.attend(run, (steer, &around), planning)).await;
        around.close().await;
        let planned = planned?;
        keep(&left.heard(planned.is_ok()), &workspace)?;
        if self.was_capped(run, &around.observer).await? || run.liaison.has_open_question().await? {
            return Ok(TaskEvent::SessionParked { session: run.number });
        }
        let draft = around.observer.explain(planned)?;
        let terms = terms_of(&self.rules.load().tiers().tier_of(&draft.paths));
        Ok(TaskEvent::PlanProposed { session: run.number, draft, terms })
    }

    pub(super) async fn work(&self, run: &Run<'_>, approved: Option<&Approved>) -> Result<TaskEvent, Trouble> {
        let noted = self.workspaces.private_of(run.task.id).join(HOSTS_FILE);
        // What an attempt reached that was cut short.
        run.liaison.report(&hosts_in(&noted)).await?;
        let Ready { workspace, found, since, left } = self.ready_tree(run, run.ground.clone()).await?;
        keep(&Left { seen: None, ..left.clone() }, &workspace)?;
        let pictures = workspace.pictures();
        let mut prompt = prompt::for_work(&run.task.request, pictures, approved, &run.task.said, &found);
        prompt.push_str(&self.brief_on_repair(run, &workspace).await?);
        let (steer, steering) = mpsc::channel(1);
        let mut around = self.around(run, &workspace, Some(noted)).await?;
        let briefing = Briefing { prompt: &prompt, since: &since };
        let session = self.session(run, &workspace, briefing, (steering, &around));
        let working = run.agent.work(session, approved.map(|approved| &approved.plan));
        let worked = Box::pin(self.attend(run, (steer, &around), working)).await;
        let hosts = around.close().await;
        run.liaison.report(&hosts).await?;
        let worked = worked?;
        around.observer.keep_use().await?;
        self.keep_tree(run, &workspace, left.heard(worked.is_ok()), worked.as_ref().err()).await?;
        if self.was_capped(run, &around.observer).await? || run.liaison.has_open_question().await? {
            return Ok(TaskEvent::SessionParked { session: run.number });
        }
        let worked = around.observer.explain(worked)?;
        let author = author_of(run.task, &self.store);
        let head = self.workspaces.commit(&workspace, &run.task.title(), &author).await?;
        let Some(head) = head else {
            return Ok(TaskEvent::NothingChanged { session: run.number, answer: worked.answer });
        };
        let altered = self.look_at_repair(run, &workspace, &head).await?;
        let inspected = self.checks.inspect(run.repository, &head, &*run.log, run.stop.clone()).await;
        let inspected = inspected.map_err(|why| Trouble::Checks(why.to_string()))?;
        if run.stop.is_cancelled() {
            return Err(SessionError::Stopped.into());
        }
        self.witness.hear(run.task.id, run.repository, &head, &inspected).await;
        let (demand, checks) = match inspected {
            Inspected::Read { gate, runs, environment: _ } => (Demand::from(&gate), runs),
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
            altered,
            checks,
            demand,
            cage: worked.cage,
            hosts,
            cost_micros: self.cost_of(run.task.id).await?,
        };
        Ok(TaskEvent::WorkFinished { session: run.number, work })
    }

    /// Keeps what the turn left in the tree, so that another session can go on from there. A session whose task is
    /// stopped for good, or has gone on without it, leaves nothing to go on from.
    async fn keep_tree(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        left: Left,
        trouble: Option<&SessionError>,
    ) -> Result<(), Trouble> {
        let task = self.store.load::<Task>(&run.task.id).await?;
        let goes_on = task.is_some_and(|task| task.sessions == run.number && task.goal().is_some());
        if matches!(trouble, Some(SessionError::Stopped)) && !goes_on {
            return Ok(());
        }
        let kept = self.checkpoints.take(workspace, &format!("after session {}", run.number)).await;
        match (kept, trouble) {
            (Ok(kept), _) => {
                let changes = run.repository.mirror.changes(&workspace.base, &kept.commit).await?;
                self.desks.claims.touch(run.task, changes.iter().map(|change| Path::new(&change.path)));
                keep(&Left { seen: Some(kept.commit), ..left }, workspace)
            }
            // Its own trouble says more than what it left behind.
            (Err(error), Some(_)) => {
                run.log.line(&format!("what session {} left could not be kept: {error}", run.number));
                Ok(())
            }
            (Err(error), None) => Err(error.into()),
        }
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
