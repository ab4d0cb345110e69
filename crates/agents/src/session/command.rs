//! The `command` agent: any program. It gets the prompt on standard input and in the file that `DOWNBEAT_PROMPT_FILE`
//! names, and starts at the root of the tree. What it changes there is the work; whether it commits makes no difference.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Rejected;

use super::agent::{Agent, Session, SessionError, Worked};
use super::answer::plan_in;
use super::turn::{Turn, as_work};
use crate::cage::{Access, Cage};
use crate::task::{Plan, PlanDraft, PlanMode};

/// Any program as an agent.
pub struct CommandAgent {
    name: String,
    cage: Cage,
    command: Vec<String>,
    plan: Option<Vec<String>>,
    env: BTreeMap<String, String>,
}

impl CommandAgent {
    /// The agent `name` of the config. Without a `plan` command it cannot run under plan=ask or plan=auto.
    pub fn new(
        name: &str,
        cage: Cage,
        command: Vec<String>,
        plan: Option<Vec<String>>,
        env: BTreeMap<String, String>,
    ) -> Self {
        Self { name: name.to_owned(), cage, command, plan, env }
    }

    fn turn(&self, command: &[String], access: Access) -> Turn<'_> {
        Turn { cage: &self.cage, command: command.to_vec(), access, env: self.env.clone(), read: Vec::new() }
    }
}

#[async_trait]
impl Agent for CommandAgent {
    fn title(&self) -> String {
        format!("{} (command)", self.name)
    }

    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected> {
        match (plan, &self.plan) {
            (PlanMode::Off, _) | (PlanMode::Ask | PlanMode::Auto, Some(_)) => Ok(()),
            (PlanMode::Ask | PlanMode::Auto, None) => Err(Rejected::new(
                format!("The agent {} has no command that plans", self.name),
                format!("Set `agents.{}.plan` in the config, ask with plan=off, or name another agent", self.name),
            )),
        }
    }

    fn takes_models(&self) -> bool {
        true
    }

    fn reaches_hosts(&self) -> bool {
        true
    }

    async fn plan(&self, session: Session<'_>) -> Result<PlanDraft, SessionError> {
        let Some(command) = &self.plan else {
            let why = format!("`agents.{}.plan` is not in the config", self.name);
            return Err(SessionError::CouldNotStart(why));
        };
        plan_in(&self.turn(command, Access::ReadOnly).run(&session).await?.stdout)
    }

    async fn work(&self, session: Session<'_>, _approved: Option<&Plan>) -> Result<Worked, SessionError> {
        Ok(as_work(&self.turn(&self.command, Access::ReadWrite).run(&session).await?))
    }
}
