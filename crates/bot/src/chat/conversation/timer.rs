//! Performs lane `timer` for threads: a wait that is due is over.

use async_trait::async_trait;
use store::{Owed, Performed, Performer};

use super::{Conversation, ConversationEffect, ConversationEvent};

/// Tells threads that nobody said in time which repository a request is about.
pub struct DecisionTimer;

#[async_trait]
impl Performer for DecisionTimer {
    type Machine = Conversation;

    async fn perform(&self, owed: &Owed<Conversation>) -> Performed<ConversationEvent> {
        self.bury(owed, "").map_or(Performed::Finished, Performed::Done)
    }

    /// A wait whose end is never told would have none.
    fn bury(&self, owed: &Owed<Conversation>, _why: &str) -> Option<ConversationEvent> {
        let ConversationEffect::AwaitDecision { message, .. } = &owed.effect else { return None };
        let outcome = "Nobody said in time which repository this is about. Say it again with `repo=NAME`.";
        Some(ConversationEvent::Decided { message: message.clone(), outcome: outcome.to_owned() })
    }
}
