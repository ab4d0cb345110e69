//! All chat platforms as one: each message goes to the platform of its thread.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{MessageRef, Person, Platform, ThreadRef};

use super::messenger::{ChatError, Depth, Line, Messenger, Said};

/// The platforms of one installation.
pub struct Switchboard {
    /// The console, which is always there.
    pub console: Arc<dyn Messenger>,
    /// Slack, where it is configured.
    pub slack: Option<Arc<dyn Messenger>>,
}

impl Switchboard {
    fn to(&self, thread: &ThreadRef) -> Result<&dyn Messenger, ChatError> {
        match thread.platform {
            Platform::Console => Ok(&*self.console),
            Platform::Slack => self.slack.as_deref().ok_or_else(|| {
                ChatError::Away(format!("{thread} is in Slack, and the config has no `slack` any more; put it back"))
            }),
        }
    }
}

#[async_trait]
impl Messenger for Switchboard {
    async fn post(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError> {
        self.to(thread)?.post(thread, key, said).await
    }

    async fn thread_for(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<ThreadRef, ChatError> {
        self.to(thread)?.thread_for(thread, key, said).await
    }

    async fn whisper(&self, thread: &ThreadRef, to: &Person, key: &str, said: &Said) -> Result<(), ChatError> {
        self.to(thread)?.whisper(thread, to, key, said).await
    }

    async fn edit(&self, message: &MessageRef, said: &Said) -> Result<(), ChatError> {
        self.to(&message.thread)?.edit(message, said).await
    }

    async fn react(&self, message: &MessageRef, emoji: &str) -> Result<(), ChatError> {
        self.to(&message.thread)?.react(message, emoji).await
    }

    async fn history(&self, before: &MessageRef, count_max: usize, depth: Depth) -> Result<Vec<Line>, ChatError> {
        self.to(&before.thread)?.history(before, count_max, depth).await
    }

    async fn newest(&self, thread: &ThreadRef, count_max: usize) -> Result<Vec<Line>, ChatError> {
        self.to(thread)?.newest(thread, count_max).await
    }

    async fn key_of(&self, message: &MessageRef) -> Result<Option<String>, ChatError> {
        self.to(&message.thread)?.key_of(message).await
    }
}
