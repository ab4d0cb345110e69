//! The two turns of a session: to plan, where nothing is writable, and to work.

use std::io;
use std::path::PathBuf;

use domain::TaskId;
use domain::policy::Assessment;
use forge::Signature;
use store::Store;
use tokio::sync::mpsc;

use super::observer::Observer;
use super::{Dispatcher, Run, Trouble};
use crate::cage::ProgressSink;
use crate::checks::Inspected;
use crate::egress::{AllowList, Guest, OpenGate};
use crate::session::people::Steer;
use crate::session::{Session, SessionError};
use crate::task::{Approved, Demand, Ground, Task, TaskEvent, TaskState, Terms, Work};
use crate::workspace::Workspace;
use crate::{checkpoint, money, prompt};

/// What stands around one turn beside its tree.
struct Around {
    observer: Observer,
    /// Open for as long as the turn goes on; closed when this is dropped.
    gate: Option<OpenGate>,
    transcript: PathBuf,
}

impl Dispatcher {
    pub(super) async fn plan(&self, run: &Run<'_>, feedback: &[String]) -> Result<TaskEvent, Trouble> {
        let workspace = self.ready_tree(run, Ground::Target).await?;
        let prompt = prompt::for_plan(&run.task.request, feedback, &run.task.said);
        let (steer, steering) = mpsc::channel(1);
        let around = self.around(run, &workspace).await?;
        let planning = run.agent.plan(self.session(run, &workspace, &prompt, (steering, &around)));
        let planned = self.attend(run, (steer, &around), planning).await?;
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
        let around = self.around(run, &workspace).await?;
        let session = self.session(run, &workspace, &prompt, (steering, &around));
        let working = run.agent.work(session, approved.map(|approved| &approved.plan));
        let worked = self.attend(run, (steer, &around), working).await?;
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
            hosts: Vec::new(),
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
            (Ok(_), _) => Ok(()),
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
        run.log.line(&format!("agent {} begins (session {})", run.task.request.agent, run.number));
        run.log.keep().await;
        Ok(workspace)
    }

    fn session<'a>(
        &self,
        run: &'a Run<'_>,
        workspace: &'a Workspace,
        prompt: &'a str,
        (steering, around): (mpsc::Receiver<Steer>, &'a Around),
    ) -> Session<'a> {
        let request = run.task.request.text.as_str();
        let (stop, time_max) = (around.observer.stop.clone(), self.time_max);
        let (gate, transcript) = (around.gate.as_ref().map(OpenGate::socket), Some(around.transcript.as_path()));
        let unattended = Session::unattended(workspace, prompt, &*run.log);
        let (witness, people) = (&around.observer, &*run.liaison);
        Session { request, stop, time_max, people, witness, steering, gate, transcript, ..unattended }
    }

    /// Lets an agent's turn go on to its end, with its people within reach. What was said before stands in its prompt.
    async fn attend<T>(
        &self,
        run: &Run<'_>,
        (steer, around): (mpsc::Sender<Steer>, &Around),
        turn: impl Future<Output = T>,
    ) -> Result<T, Trouble> {
        run.liaison.tell(run.task.untold()).await?;
        let mut turn = std::pin::pin!(turn);
        let listening = async { run.liaison.listen(steer).await.map_err(Trouble::from) };
        let beside = async { tokio::try_join!(listening, self.meter(&around.observer)).map(drop) };
        tokio::select! {
            ended = &mut turn => return Ok(ended),
            faults = beside => faults?,
        }
        Ok(turn.await)
    }

    /// What stands around the turn that begins now.
    async fn around(&self, run: &Run<'_>, workspace: &Workspace) -> Result<Around, Trouble> {
        let known = self.egress.providers();
        let models: Vec<_> = run.agent.providers().into_iter().filter(|name| known.contains(name)).collect();
        let gate = if models.is_empty() { None } else { Some(self.open_gate(run, workspace, models).await?) };
        let failed = |error: io::Error| SessionError::Surroundings(format!("{}: {error}", self.transcripts.display()));
        tokio::fs::create_dir_all(&self.transcripts).await.map_err(failed)?;
        Ok(Around {
            observer: self.observer(run),
            gate,
            transcript: self.transcripts.join(format!("{}.jsonl", run.task.id)),
        })
    }

    async fn open_gate(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        models: Vec<String>,
    ) -> Result<OpenGate, SessionError> {
        let guest = Guest {
            task: run.task.id,
            repo: run.task.request.repo.clone(),
            dir: workspace.private().to_owned(),
            allow: AllowList::default(),
            models,
            people: Some(run.liaison.clone()),
            sink: run.log.clone(),
        };
        let failed = |error: io::Error| SessionError::Surroundings(format!("the way out cannot be opened: {error}"));
        self.egress.open(guest).await.map_err(failed)
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
