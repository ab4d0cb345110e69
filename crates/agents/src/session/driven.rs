//! A real agent as an [`Agent`]: Claude Code and Codex, driven in their own languages, and every other one by ACP.

use async_trait::async_trait;
use domain::Rejected;

use super::acp::{Acp, Modes};
use super::agent::{Agent, Session, SessionError, Worked};
use super::claude::Claude;
use super::codex::Codex;
use super::dialogue::{Dialogue, Spoken};
use super::event::ErrorClass;
use super::fault::session_error;
use super::launch::{Launch, ProgramSettings};
use super::markdown::plan_of_agent;
use super::memory;
use super::permission::Leave;
use super::profile::Driver;
use super::protocol::{Brief, Ending, Goal, Memory, Protocol};
use super::turn::{ANSWER_CHARS_MAX, last_chars};
use crate::cage::{Access, Cage};
use crate::task::{Plan, PlanDraft, PlanMode};

/// An agent that is talked with.
pub struct DrivenAgent {
    driver: Driver,
    launch: Launch,
    cage: Cage,
}

impl DrivenAgent {
    /// The agent `name` of the config.
    pub fn new(name: &str, cage: Cage, driver: Driver, settings: ProgramSettings) -> Self {
        Self { driver, launch: Launch::new(name, driver, settings), cage }
    }

    fn brief(&self, session: &Session<'_>, goal: Goal, memory: Option<Memory>) -> Brief {
        let model = session.model.or(self.launch.model());
        let since = if memory.is_some() { session.since } else { "" };
        Brief {
            goal,
            prompt: format!("{since}{}", session.prompt),
            tree: session.workspace.tree().display().to_string(),
            model: model.map(str::to_owned),
            memory,
            leave: if self.launch.asks() { Leave::Looking } else { Leave::Caged },
        }
    }

    /// The conversation, resumed where there was one; one that the agent has forgotten begins anew.
    async fn converse(&self, session: &mut Session<'_>, goal: Goal) -> Result<Spoken, SessionError> {
        let private = session.workspace.private();
        let remembered = memory::recall(private, &self.launch.name);
        let was_resumed = remembered.is_some();
        let mut spoken = self.talk(session, self.brief(session, goal, remembered)).await?;
        if spoken.ending == Ending::Forgotten && was_resumed {
            session.progress.line("its session of before is gone; it begins anew");
            memory::forget(private);
            spoken = self.talk(session, self.brief(session, goal, None)).await?;
        }
        if matches!(spoken.ending, Ending::Broke { class: ErrorClass::Context, .. }) {
            // Whoever goes on in a conversation that is full fills it again.
            memory::forget(private);
        }
        Ok(spoken)
    }

    async fn talk(&self, session: &mut Session<'_>, brief: Brief) -> Result<Spoken, SessionError> {
        let access = match brief.goal {
            Goal::Plan => Access::ReadOnly,
            Goal::Work => Access::ReadWrite,
        };
        let more = match self.driver {
            Driver::Claude => Claude::arguments(&brief, session.tools.as_ref()),
            Driver::Codex => Codex::arguments(session.tools.as_ref()),
            Driver::Acp => Acp::arguments(self.launch.profile.tools_by, session.tools.as_ref()),
        };
        let order = self.launch.with_model(session.model).order(&self.cage, session, access, more).await?;
        let mut protocol: Box<dyn Protocol> = match self.driver {
            Driver::Claude => Box::new(Claude::new(brief)),
            Driver::Codex => Box::new(Codex::new(brief)),
            Driver::Acp => {
                let modes = Modes { plan: self.launch.plan_mode().into(), work: self.launch.work_mode().into() };
                Box::new(Acp::new(brief, session.tools.clone(), modes, self.launch.profile.meta))
            }
        };
        let (private, name) = (session.workspace.private(), self.launch.name.as_str());
        let mut remember = |memory: Memory| memory::keep(private, name, memory);
        let dialogue = Dialogue::new(session, &mut *protocol, &mut remember);
        Box::pin(dialogue.hold(&self.cage, order, session)).await
    }

    /// What a conversation without a good end means.
    fn failure(&self, ending: Ending, session: &Session<'_>) -> SessionError {
        match ending {
            Ending::Broke { class, why } => {
                let seen = session.models.trouble().filter(|_| class == ErrorClass::Agent);
                session_error(seen.unwrap_or(class), &why, self.launch.provider())
            }
            Ending::Forgotten => SessionError::Failed("does not know its own session".to_owned()),
            Ending::Interrupted => SessionError::Failed("was interrupted, and nobody said how to go on".to_owned()),
            Ending::Planned(_) | Ending::Done(_) => {
                SessionError::Failed("ended in another mode than it began".to_owned())
            }
        }
    }
}

#[async_trait]
impl Agent for DrivenAgent {
    fn title(&self) -> String {
        self.launch.title()
    }

    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected> {
        match plan {
            PlanMode::Ask | PlanMode::Auto | PlanMode::Off => Ok(()),
        }
    }

    fn providers(&self) -> Vec<String> {
        // One of nobody's has its models where it will, among the hosts that are listed.
        Some(self.launch.provider()).filter(|name| !name.is_empty()).into_iter().map(str::to_owned).collect()
    }

    fn takes_models(&self) -> bool {
        true
    }

    fn reaches_hosts(&self) -> bool {
        true
    }

    fn talks(&self) -> bool {
        true
    }

    async fn plan(&self, mut session: Session<'_>) -> Result<PlanDraft, SessionError> {
        match self.converse(&mut session, Goal::Plan).await?.ending {
            Ending::Planned(text) => plan_of_agent(&text),
            other => Err(self.failure(other, &session)),
        }
    }

    async fn work(&self, mut session: Session<'_>, _approved: Option<&Plan>) -> Result<Worked, SessionError> {
        let Spoken { ending, ended } = self.converse(&mut session, Goal::Work).await?;
        match ending {
            Ending::Done(text) => Ok(Worked {
                answer: last_chars(&text, ANSWER_CHARS_MAX),
                cage: ended.level.as_ref().map(ToString::to_string).unwrap_or_default(),
            }),
            other => Err(self.failure(other, &session)),
        }
    }
}
