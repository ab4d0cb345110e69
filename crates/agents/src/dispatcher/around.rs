//! What stands around a turn beside its tree: its people, its way out, its tools, and who hears it.

use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::observer::Observer;
use super::{Dispatcher, Run, Trouble};
use crate::egress::{AllowList, Guest, OpenGate, SESSIONS_LIST};
use crate::session::people::Steer;
use crate::session::{Models, Session, SessionError, Unattended};
use crate::tools::Desk;
use crate::workspace::Workspace;

/// What an agent is told when its turn begins.
pub(super) struct Briefing<'a> {
    /// What to do.
    pub(super) prompt: &'a str,
    /// What its tree is to one that is resumed.
    pub(super) since: &'a str,
}

/// What stands around one turn.
pub(super) struct Around {
    pub(super) observer: Observer,
    /// Open for as long as the turn goes on; closed when this is dropped.
    gate: Option<OpenGate>,
    /// The desk of its tools, for an agent that can use them.
    desk: Option<Desk>,
    transcript: PathBuf,
}

impl Around {
    /// Closes the way out, whose sums go into the log, and says which hosts were reached beside those of models.
    pub(super) async fn close(&mut self) -> Vec<String> {
        let Some(gate) = self.gate.take() else { return Vec::new() };
        let reached = gate.reached();
        gate.close().await;
        reached.borrow().iter().cloned().collect()
    }
}

impl Dispatcher {
    /// What stands around the turn that begins now. The hosts that it reaches are noted in a file, where they count.
    pub(super) async fn around(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        noted: Option<PathBuf>,
    ) -> Result<Around, Trouble> {
        Ok(Around {
            observer: self.observer(run),
            gate: self.open_gate(run, workspace, noted).await?,
            desk: if run.agent.talks() { Some(self.open_desk(run, workspace)?) } else { None },
            transcript: self.transcripts.of(run.task.id),
        })
    }

    /// The way out of an agent that has any. One whose model nobody has a key for has none, and says so.
    async fn open_gate(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        noted: Option<PathBuf>,
    ) -> Result<Option<OpenGate>, SessionError> {
        let (wanted, known) = (run.agent.providers(), self.egress.providers());
        let models: Vec<_> = wanted.iter().filter(|name| known.contains(name)).cloned().collect();
        if !run.agent.reaches_hosts() || models.is_empty() && !wanted.is_empty() {
            return Ok(None);
        }
        let guest = Guest {
            repo: run.task.request.repo.clone(),
            dir: workspace.private().to_owned(),
            allow: AllowList::default(),
            models,
            people: Some((run.task.id, run.liaison.clone())),
            list: SESSIONS_LIST,
            noted,
            sink: run.log.clone(),
        };
        let failed = |error: io::Error| SessionError::Surroundings(format!("the way out cannot be opened: {error}"));
        self.egress.open(guest).await.map_err(failed).map(Some)
    }

    fn open_desk(&self, run: &Run<'_>, workspace: &Workspace) -> Result<Desk, SessionError> {
        let opened = self.desks.open(run.task.clone(), run.liaison.clone(), run.log.clone(), workspace.private());
        opened.map_err(|error| SessionError::Surroundings(format!("the agent's tools cannot be offered: {error}")))
    }

    /// The session of a turn in this tree.
    pub(super) fn session<'a>(
        &self,
        run: &'a Run<'_>,
        workspace: &'a Workspace,
        Briefing { prompt, since }: Briefing<'a>,
        (steering, around): (mpsc::Receiver<Steer>, &'a Around),
    ) -> Session<'a> {
        let (request, model) = (run.task.request.text.as_str(), run.task.request.model.as_deref());
        let (stop, time_max) = (around.observer.stop.clone(), self.time_max);
        let (gate, transcript) = (around.gate.as_ref().map(OpenGate::door), Some(around.transcript.as_path()));
        let tools = around.desk.as_ref().map(Desk::offer);
        let models: &dyn Models = around.gate.as_ref().map_or(&Unattended, |gate| gate);
        let unattended = Session::unattended(workspace, prompt, &*run.log);
        let (witness, people) = (&around.observer, &*run.liaison);
        Session {
            since,
            request,
            model,
            stop,
            time_max,
            people,
            models,
            witness,
            steering,
            gate,
            tools,
            transcript,
            ..unattended
        }
    }

    /// Lets an agent's turn go on to its end, with its people and its tools within reach. What was said before stands in
    /// its prompt.
    pub(super) async fn attend<T>(
        &self,
        run: &Run<'_>,
        (steer, around): (mpsc::Sender<Steer>, &Around),
        turn: impl Future<Output = T>,
    ) -> Result<T, Trouble> {
        run.liaison.tell(run.task.untold()).await?;
        let turn = async {
            match &around.desk {
                Some(desk) => desk.serve_during(turn).await,
                None => turn.await,
            }
        };
        let mut turn = std::pin::pin!(turn);
        let nudging = async {
            around.observer.pass_nudge(steer.clone()).await;
            Ok(())
        };
        let listening = async { run.liaison.listen(steer.clone()).await.map_err(Trouble::from) };
        let reporting = async {
            match &around.gate {
                Some(gate) => run.liaison.report_hosts(gate.reached()).await.map_err(Trouble::from),
                None => Ok(()),
            }
        };
        let metering = self.meter(&around.observer);
        let beside = async { tokio::try_join!(listening, nudging, reporting, metering).map(drop) };
        let fault = tokio::select! {
            ended = &mut turn => return Ok(ended),
            beside = beside => beside.err(),
        };
        if fault.is_some() {
            around.observer.stop.cancel();
        }
        // Whatever broke: nobody goes on while its agent may still write.
        let ended = turn.await;
        fault.map_or(Ok(ended), Err)
    }
}
