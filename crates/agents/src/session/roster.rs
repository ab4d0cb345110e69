//! The agents of an installation, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::Rejected;

use super::agent::{Agent, AgentSettings};
use super::command::CommandAgent;
use super::driven::DrivenAgent;
use super::profile::Driver;
use super::recipe::RecipeAgent;
use super::scripted::ScriptedAgent;
use crate::cage::Cage;
use crate::task::PlanMode;

/// Bytes of a model's name; the longest of a cloud have about a hundred.
const MODEL_BYTES_MAX: usize = 200;

/// Who can do the work. A reload of the config replaces them; a session that runs keeps its own.
pub struct Roster {
    cage: Cage,
    by_name: ArcSwap<BTreeMap<String, Arc<dyn Agent>>>,
}

impl Roster {
    /// The agents that the config describes.
    pub fn new(settings: BTreeMap<String, AgentSettings>, cage: &Cage) -> Self {
        let roster = Self { cage: cage.clone(), by_name: ArcSwap::default() };
        roster.replace(settings);
        roster
    }

    /// Puts the agents that the config describes now in the place of those that it described before.
    pub fn replace(&self, settings: BTreeMap<String, AgentSettings>) {
        let cage = &self.cage;
        let by_name = settings.into_iter().map(|(name, settings)| {
            let agent: Arc<dyn Agent> = match settings {
                AgentSettings::Command { command, plan, env } => {
                    Arc::new(CommandAgent::new(&name, cage.clone(), command, plan, env))
                }
                AgentSettings::Claude(settings) => {
                    Arc::new(DrivenAgent::new(&name, cage.clone(), Driver::Claude, settings))
                }
                AgentSettings::Codex(settings) => {
                    Arc::new(DrivenAgent::new(&name, cage.clone(), Driver::Codex, settings))
                }
                AgentSettings::Acp(settings) => Arc::new(DrivenAgent::new(&name, cage.clone(), Driver::Acp, settings)),
                AgentSettings::Recipe {} => Arc::new(RecipeAgent::new(&name, cage.clone())),
                AgentSettings::Scripted { script } => Arc::new(ScriptedAgent::new(&name, cage.clone(), script)),
            };
            (name, agent)
        });
        self.by_name.store(Arc::new(by_name.collect()));
    }

    /// The agent of this name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Agent>> {
        self.by_name.load().get(name).cloned()
    }

    /// The names of all of them.
    pub fn names(&self) -> Vec<String> {
        self.by_name.load().keys().cloned().collect()
    }

    /// Whether there is such an agent and it can run under this plan mode.
    pub fn may_run(&self, name: &str, plan: PlanMode) -> Result<(), Rejected> {
        let unknown =
            || Rejected::new(format!("There is no agent called {name}"), format!("I know {}", self.names().join(", ")));
        self.get(name).ok_or_else(unknown)?.may_run(plan)
    }

    /// Whether an agent that may run can be told this model.
    pub fn may_use(&self, name: &str, model: Option<&str>) -> Result<(), Rejected> {
        let (Some(agent), Some(model)) = (self.get(name), model) else { return Ok(()) };
        if !agent.takes_models() {
            let next = "Leave `model=` out, or name another agent".to_owned();
            return Err(Rejected::new(format!("The agent {name} has no choice of models"), next));
        }
        let is_sign = |c: char| c.is_ascii_alphanumeric() || "-_.:/@[]".contains(c);
        let is_name = model.starts_with(|c: char| c.is_ascii_alphanumeric()) && model.chars().all(is_sign);
        if is_name && model.len() <= MODEL_BYTES_MAX {
            return Ok(());
        }
        let next = format!("Name one as the agent {name} does, such as `model=opus`");
        Err(Rejected::new("That is no name of a model", next))
    }
}
