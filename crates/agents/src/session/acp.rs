//! Any agent that speaks the Agent Client Protocol.

use async_trait::async_trait;
use domain::Rejected;

use super::agent::{Agent, Session, SessionError, Worked};
use super::launch::{Launch, ProgramSettings};
use super::profile::Driver;
use crate::cage::Cage;
use crate::task::{Plan, PlanDraft, PlanMode};

/// An agent by ACP.
pub struct AcpAgent {
    launch: Launch,
}

impl AcpAgent {
    /// The agent `name` of the config.
    pub fn new(name: &str, _cage: Cage, settings: ProgramSettings) -> Self {
        Self { launch: Launch::new(name, Driver::Acp, settings) }
    }

    fn missing() -> SessionError {
        SessionError::CouldNotStart("this release does not speak ACP yet".to_owned())
    }
}

#[async_trait]
impl Agent for AcpAgent {
    fn title(&self) -> String {
        self.launch.title()
    }

    fn may_run(&self, _plan: PlanMode) -> Result<(), Rejected> {
        Ok(())
    }

    fn providers(&self) -> Vec<String> {
        vec![self.launch.provider().to_owned()]
    }

    async fn plan(&self, _session: Session<'_>) -> Result<PlanDraft, SessionError> {
        Err(Self::missing())
    }

    async fn work(&self, _session: Session<'_>, _approved: Option<&Plan>) -> Result<Worked, SessionError> {
        Err(Self::missing())
    }
}
