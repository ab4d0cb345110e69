//! The agents of an installation, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Rejected;

use super::agent::{Agent, AgentSettings};
use super::command::CommandAgent;
use super::recipe::RecipeAgent;
use super::scripted::ScriptedAgent;
use crate::cage::Cage;
use crate::task::PlanMode;

/// Who can do the work.
pub struct Roster {
    by_name: BTreeMap<String, Arc<dyn Agent>>,
}

impl Roster {
    /// The agents that the config describes.
    pub fn new(settings: BTreeMap<String, AgentSettings>, cage: &Cage) -> Self {
        let by_name = settings.into_iter().map(|(name, settings)| {
            let agent: Arc<dyn Agent> = match settings {
                AgentSettings::Command { command, plan, env } => {
                    Arc::new(CommandAgent::new(&name, cage.clone(), command, plan, env))
                }
                AgentSettings::Recipe {} => Arc::new(RecipeAgent::new(&name, cage.clone())),
                AgentSettings::Scripted { script } => Arc::new(ScriptedAgent::new(&name, cage.clone(), script)),
            };
            (name, agent)
        });
        Self { by_name: by_name.collect() }
    }

    /// The agent of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Agent>> {
        self.by_name.get(name)
    }

    /// Whether there is such an agent and it can run under this plan mode.
    pub fn may_run(&self, name: &str, plan: PlanMode) -> Result<(), Rejected> {
        let known = || self.by_name.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let unknown = || Rejected::new(format!("There is no agent called {name}"), format!("I know {}", known()));
        self.get(name).ok_or_else(unknown)?.may_run(plan)
    }
}
