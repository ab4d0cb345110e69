//! The conversation's row, and where its effects go.

use domain::Timestamp;
use store::{Arg, Route, Table};

use super::{Conversation, ConversationEffect, ThreadId};

const SELECT: &str = "SELECT version, body FROM conversation WHERE id = $1";
const INSERT: &str = "INSERT INTO conversation (id, version, state, body, updated_at_ms) VALUES ($1, $2, $3, $4, $5)";
const UPDATE: &str = "UPDATE conversation SET version = $2, state = $3, body = $4, updated_at_ms = $5
    WHERE id = $1 AND version = $2 - 1";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] = &[SELECT, INSERT, UPDATE];

impl Table for Conversation {
    const KIND: &'static str = "conversation";
    const SELECT: &'static str = SELECT;
    const INSERT: &'static str = INSERT;
    const UPDATE: &'static str = UPDATE;

    fn parse_id(text: &str) -> Option<ThreadId> {
        text.parse().ok().map(ThreadId)
    }

    fn state(&self) -> &'static str {
        if self.heard == self.answered { "quiet" } else { "answering" }
    }

    fn columns(&self) -> Vec<Arg> {
        Vec::new()
    }

    fn route(id: &ThreadId, effect: &ConversationEffect, now: Timestamp) -> Route {
        let lane = match effect {
            ConversationEffect::Interpret { .. } => "intake",
            ConversationEffect::Reply { .. }
            | ConversationEffect::React { .. }
            | ConversationEffect::CloseAsked { .. } => "chat",
            ConversationEffect::AwaitDecision { until, .. } => {
                return Route::Owe { lane: "timer", group: None, due: *until };
            }
        };
        Route::Owe { lane, group: Some(id.to_string()), due: now }
    }
}
