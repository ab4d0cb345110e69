//! What an agent may read of its task's thread while it works: the words of people, without secrets.

use std::sync::Arc;

use agents::tools::{Spoken, Threads};
use async_trait::async_trait;
use domain::ThreadRef;

use super::context::redact;
use super::messenger::Messenger;

/// Reads threads for agents.
pub struct Reader {
    /// Where they are.
    pub messenger: Arc<dyn Messenger>,
}

#[async_trait]
impl Threads for Reader {
    async fn read(&self, thread: &ThreadRef, count_max: usize) -> Result<Vec<Spoken>, String> {
        let lines = self.messenger.newest(thread, count_max).await.map_err(|error| error.to_string())?;
        let people = lines.into_iter().filter(|line| !line.is_bot);
        Ok(people.map(|line| Spoken { by: line.author, text: redact(&line.text).0 }).collect())
    }
}
