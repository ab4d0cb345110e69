//! The machine of one thread: it holds what was heard until it is answered.
//!
//! A platform delivers a message more than once, and the process may die between hearing and answering. So a message
//! is first an event here, which makes it an owed effect; the answer is another event. What is kept of a thread is
//! only counts: its words are the platform's, its history is this machine's journal.

use std::fmt;

use domain::{Machine, MessageRef, Person, Rejected, Step, ThreadRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::messenger::{Heard, Said};

mod table;

pub use table::STATEMENTS;

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Where.
    pub thread: ThreadRef,
    /// How many messages were heard.
    pub heard: u64,
    /// How many of them were answered, with words or with none.
    pub answered: u64,
    /// The newest requests that lacked a repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<Heard>,
}

/// How many requests without a repository a thread keeps: the newest, because nobody goes back further.
const UNDECIDED_MAX: usize = 10;

impl Conversation {
    /// A thread in which nothing was said yet.
    pub fn new(thread: ThreadRef) -> Self {
        Self { thread, heard: 0, answered: 0, undecided: Vec::new() }
    }
}

/// What can happen in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConversationEvent {
    /// Somebody wrote.
    MessageHeard {
        /// What.
        heard: Heard,
    },
    /// What somebody wrote was acted upon.
    MessageAnswered {
        /// Which message.
        message: MessageRef,
        /// The words to reply with; none when the act speaks for itself.
        reply: Option<Said>,
        /// The emoji that says it was seen.
        reaction: Option<String>,
        /// The one person whom the words are for, where nobody else saw what they did.
        #[serde(default)]
        only_to: Option<Person>,
        /// The request itself, where it waits for its repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undecided: Option<Box<Heard>>,
    },
}

/// What a thread owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConversationEffect {
    /// Lane `intake`: understand a message and act on it.
    Interpret {
        /// The message.
        heard: Heard,
    },
    /// Lane `chat`: reply.
    Reply {
        /// The words.
        said: Said,
        /// The one person whom they are for.
        #[serde(default)]
        only_to: Option<Person>,
    },
    /// Lane `chat`: put an emoji on a message.
    React {
        /// Which.
        message: MessageRef,
        /// The emoji.
        emoji: String,
    },
}

impl Machine for Conversation {
    type Id = ThreadId;
    type Event = ConversationEvent;
    type Effect = ConversationEffect;

    fn step(mut self, event: &ConversationEvent, _now: Timestamp) -> Result<Step<Self>, Rejected> {
        match event {
            ConversationEvent::MessageHeard { heard } => {
                self.heard += 1;
                Ok(Step::owing(self, [ConversationEffect::Interpret { heard: heard.clone() }]))
            }
            ConversationEvent::MessageAnswered { message, reply, reaction, only_to, undecided } => {
                self.answered += 1;
                self.undecided.extend(undecided.as_deref().cloned());
                let n_old = self.undecided.len().saturating_sub(UNDECIDED_MAX);
                self.undecided.drain(..n_old);
                let reaction =
                    reaction.clone().map(|emoji| ConversationEffect::React { message: message.clone(), emoji });
                let only_to = only_to.clone();
                let reply = reply.clone().map(|said| ConversationEffect::Reply { said, only_to });
                Ok(Step::owing(self, reaction.into_iter().chain(reply).collect::<Vec<_>>()))
            }
        }
    }
}

/// The id of a thread's machine: the thread itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadId(pub ThreadRef);

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use domain::{DeliveryId, Timestamp};
    use store::Table;

    use super::super::messenger::Via;
    use super::*;

    fn heard(n: u32) -> ConversationEvent {
        let thread = ThreadRef::console("t");
        let message = MessageRef { thread, id: n.to_string() };
        let author = "ana".parse().expect("a name");
        let (delivery, at) = (DeliveryId::new(n.to_string()), Timestamp::from_ms(0));
        ConversationEvent::MessageHeard {
            heard: Heard { delivery, message, author, text: "hi".to_owned(), at, via: Via::Words },
        }
    }

    #[test]
    fn what_is_heard_is_owed_an_answer() {
        let quiet = Conversation::new(ThreadRef::console("t"));
        let step = quiet.step(&heard(1), Timestamp::from_ms(0)).expect("hearing is never refused");
        assert_eq!(step.state.state(), "answering");
        let [ConversationEffect::Interpret { heard }] = &step.effects[..] else { panic!("{:?}", step.effects) };
        let answer = ConversationEvent::MessageAnswered {
            message: heard.message.clone(),
            reply: Some(Said::words("hello")),
            reaction: Some("👀".to_owned()),
            only_to: None,
            undecided: None,
        };
        let step = step.state.step(&answer, Timestamp::from_ms(0)).expect("answering is never refused");
        assert_eq!(step.state.state(), "quiet");
        assert_eq!(step.effects.len(), 2);
    }
}
