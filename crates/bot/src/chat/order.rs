//! Carries out one command at once, for a caller who waits: the same grammar, policy and machines as a message in a
//! thread, but the answer goes back to the caller.

use domain::{DeliveryId, Rejected, TaskId};

use super::command::{self, Command};
use super::intake::{Intake, Trouble};
use super::messenger::Heard;

/// What came of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// What the chat would say; empty when the act speaks for itself.
    pub text: String,
    /// The task that was asked for.
    pub task: Option<TaskId>,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotCarriedOut {
    /// The person may not, or it cannot be done as things stand.
    #[error("{0}")]
    Rejected(Rejected),
    /// The database or the chat failed.
    #[error("{0}")]
    Failed(String),
}

impl Intake {
    /// Carries out the command that `heard` is, at most once under its delivery.
    pub async fn carry_out(&self, heard: &Heard) -> Result<CarriedOut, NotCarriedOut> {
        let command = command::parse(&heard.text, &self.settings.load().mention);
        if command == Command::Talk {
            let rejected = Rejected::new(format!("`{}` is no command", heard.text), "Say `help` to see what there is");
            return Err(NotCarriedOut::Rejected(rejected));
        }
        // A name of its own: the message's own delivery belongs to what keeps messages.
        let delivery = DeliveryId::new(format!("order:{}", heard.delivery));
        let answer = self.obey(heard, command, &delivery).await.map_err(|trouble| match trouble {
            Trouble::Rejected(rejected) => NotCarriedOut::Rejected(rejected),
            other => NotCarriedOut::Failed(other.to_string()),
        })?;
        Ok(CarriedOut { text: answer.reply.map(|said| said.text()).unwrap_or_default(), task: answer.task })
    }
}
