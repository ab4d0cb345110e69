//! Bots that call: each call is a hop, and after a few of them in one thread a person has to say something there. Two programs
//! that answer each other would never end.

use domain::{Cause, DeliveryId};

use super::command::{self, Command};
use super::conversation::{Conversation, ConversationEvent, ThreadId};
use super::intake::{Answer, Intake, Trouble};
use super::messenger::{Heard, Via};

/// How often bots are heard in a thread before a person says something there: a request, what went wrong, and one more try.
const HOPS_MAX: u32 = 3;

impl Intake {
    /// Counts what bots say to us, once each. An answer means that it is not acted upon.
    pub(super) async fn count_hop(&self, heard: &Heard, delivery: &DeliveryId) -> Result<Option<Answer>, Trouble> {
        let id = ThreadId(heard.message.thread.clone());
        let hops = async || -> Result<u32, Trouble> {
            Ok(self.store.load::<Conversation>(&id).await?.map_or(0, |conversation| conversation.hops))
        };
        let is_bot = self.rules.load().is_bot(&heard.author);
        let cause = Cause::Delivery(DeliveryId::new(format!("hop:{delivery}")));
        if !is_bot {
            if hops().await? > 0 {
                self.store.apply::<Conversation>(&id, ConversationEvent::PersonSpoke, cause).await?;
            }
            return Ok(None);
        }
        let talks = command::parse(&heard.text, &self.settings.load().mention) == Command::Talk;
        if heard.via != Via::Words || talks {
            return Ok(Some(Answer::default()));
        }
        self.store.apply::<Conversation>(&id, ConversationEvent::BotCalled, cause).await?;
        let (n, bot) = (hops().await?, &heard.author);
        if n <= HOPS_MAX {
            return Ok(None);
        }
        tracing::warn!(thread = %id, "{bot} called, and bots have called {HOPS_MAX} times here; it is not heard");
        let words = format!(
            "Bots have called me {HOPS_MAX} times here with nobody in between, so I do not listen to {bot} until a person says \
             something in this thread."
        );
        Ok(Some(if n == HOPS_MAX + 1 { Answer::words(words) } else { Answer::default() }))
    }
}
