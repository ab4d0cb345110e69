//! What is heard of a session while it runs: its use is kept and priced, a cap asks people, and a session that comes to
//! nothing is told so, then ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Dispatcher, Run, Trouble};
use crate::UNPOISONED;
use crate::board::Board;
use crate::money::{Meter, Settled, Spender};
use crate::session::event::{AgentEvent, ErrorClass, ToolCall, ToolKind};
use crate::session::people::Steer;
use crate::session::watch::{Advice, StopCause, Watch, WatchSettings};
use crate::session::{SessionError, Witness};
use crate::task::Task;
use crate::tools::Claims;

/// Hears one session, and ends it where that is due.
pub(super) struct Observer {
    task: Task,
    /// Where people see what it does.
    board: Arc<Board>,
    /// Where other tasks see which files it changes.
    claims: Arc<Claims>,
    meter: Meter,
    spender: Spender,
    watch: Mutex<Watch>,
    /// Ends the session alone; its task's own stop ends it too.
    pub(super) stop: CancellationToken,
    /// Why the session was ended, for people.
    ended_for: Mutex<Option<String>>,
    /// What the watch would have the agent hear.
    nudge: watch::Sender<Option<String>>,
}

impl Observer {
    /// What a session came to; one that was ended from here says why.
    pub(super) fn explain<T>(&self, came_to: Result<T, SessionError>) -> Result<T, SessionError> {
        let why = self.ended_for.lock().expect(UNPOISONED).clone();
        match (came_to, why) {
            (Err(_), Some(why)) => Err(SessionError::Failed(why)),
            (came_to, _) => came_to,
        }
    }

    /// Keeps what was used so far. It is owed whatever becomes of the turn.
    pub(super) async fn keep_use(&self) -> Result<(), Trouble> {
        Ok(self.meter.keep().await.map(drop)?)
    }

    /// Says to the agent what the watch would have it hear, should there be something.
    pub(super) async fn pass_nudge(&self, steer: mpsc::Sender<Steer>) {
        let mut nudges = self.nudge.subscribe();
        let text = nudges.wait_for(Option::is_some).await.ok().and_then(|text| text.clone());
        if let Some(text) = text {
            // A session that is over needs no word any more.
            let _ = steer.send(Steer::Nudge { text }).await;
        }
    }
}

impl Witness for Observer {
    fn event(&self, event: &AgentEvent) {
        self.meter.hear(event);
        self.board.hear(self.task.id, event);
        if let AgentEvent::ToolCall(ToolCall { kind: ToolKind::Edit, paths, .. }) = event {
            self.claims.touch(&self.task, paths.iter().map(PathBuf::as_path));
        }
        let advice = {
            let mut watch = self.watch.lock().expect(UNPOISONED);
            watch.hear(event)
        };
        let (cause, why) = match advice {
            Some(Advice::Stop { cause, why }) => (cause, why),
            Some(Advice::Nudge { words }) => return drop(self.nudge.send_replace(Some(words))),
            None => return,
        };
        // The conversation ends by itself then, and knows what a person has to do.
        let is_told = matches!(cause, StopCause::Model(ErrorClass::Auth | ErrorClass::Quota | ErrorClass::Refused));
        if !is_told {
            *self.ended_for.lock().expect(UNPOISONED) = Some(why);
            self.stop.cancel();
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.board.clear(self.task.id);
    }
}

impl Dispatcher {
    /// One who hears the session that begins now.
    pub(super) fn observer(&self, run: &Run<'_>) -> Observer {
        let request = &run.task.request;
        let spender = Spender {
            task: run.task.id,
            session: format!("{}:{}", run.attempt.effect, run.attempt.number),
            agent: request.agent.clone(),
            person: request.requester.clone(),
            repo: request.repo.clone(),
            thread: request.thread.clone(),
            budget: request.budget_micros,
        };
        Observer {
            task: run.task.clone(),
            board: self.board.clone(),
            claims: self.desks.claims.clone(),
            meter: Meter::new(self.ledger.clone(), spender.clone()),
            spender,
            watch: Mutex::new(Watch::new(WatchSettings::default())),
            stop: run.stop.child_token(),
            ended_for: Mutex::default(),
            nudge: watch::Sender::default(),
        }
    }

    /// Keeps what the session uses while it runs, and ends its turn when a cap is reached.
    pub(super) async fn meter(&self, observer: &Observer) -> Result<(), Trouble> {
        observer.meter.until_reached().await?;
        observer.stop.cancel();
        Ok(())
    }

    /// After the turn: whether it was ended by a cap, about which people are asked now. Their answer, like every answer,
    /// begins the next session.
    pub(super) async fn was_capped(&self, run: &Run<'_>, observer: &Observer) -> Result<bool, Trouble> {
        observer.keep_use().await?;
        let was_stopped = observer.stop.is_cancelled() && !run.stop.is_cancelled();
        if !was_stopped || observer.explain(Err::<(), _>(SessionError::Stopped)) != Err(SessionError::Stopped) {
            return Ok(false);
        }
        match self.ledger.ask_when_reached(&observer.spender, &*run.liaison).await? {
            Settled::GoOn | Settled::Waits => Ok(true),
            Settled::Stop { why } => Err(SessionError::Failed(why).into()),
        }
    }
}
