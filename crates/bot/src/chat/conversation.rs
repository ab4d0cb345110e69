//! The machine of one thread: it holds what was heard until it is answered.
//!
//! A platform delivers a message more than once, and the process may die between hearing and answering. So a message
//! is first an event here, which makes it an owed effect; the answer is another event. What is kept of a thread is
//! only counts: its words are the platform's, its history is this machine's journal.

use std::fmt;
use std::time::Duration;

use domain::{Machine, MessageRef, Person, Rejected, Step, ThreadRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::messenger::{Heard, Said};

mod table;
mod timer;

pub use table::STATEMENTS;
pub use timer::DecisionTimer;

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
    /// How often bots have called since a person said something.
    #[serde(default, skip_serializing_if = "is_none")]
    pub hops: u32,
}

fn is_none(hops: &u32) -> bool {
    *hops == 0
}

/// How many requests without a repository a thread keeps: the newest, because nobody goes back further.
const UNDECIDED_MAX: usize = 10;

impl Conversation {
    /// A thread in which nothing was said yet.
    pub fn new(thread: ThreadRef) -> Self {
        Self { thread, heard: 0, answered: 0, undecided: Vec::new(), hops: 0 }
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
        undecided: Option<Box<Undecided>>,
    },
    /// A bot called.
    BotCalled,
    /// A person said something after bots had called.
    PersonSpoke,
    /// A request that waited for its repository waits no more.
    Decided {
        /// The request's message.
        message: MessageRef,
        /// What became of it, for the question that asked.
        outcome: String,
    },
    /// Whoever asked changed a request that waits for its repository.
    RequestCorrected {
        /// Its message.
        message: MessageRef,
        /// What it says now.
        text: String,
    },
}

/// A request that lacks its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// The request itself.
    #[serde(flatten)]
    pub heard: Heard,
    /// How long it waits for it; for ever in what was kept before.
    #[serde(default)]
    pub within: Option<Duration>,
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
    /// Lane `chat`: take the buttons off the question for a repository, and say what came of it.
    CloseAsked {
        /// The request.
        heard: Heard,
        /// What became of it.
        outcome: String,
    },
    /// Lane `timer`: say when nobody has decided in time.
    AwaitDecision {
        /// The request's message.
        message: MessageRef,
        /// Until when.
        until: Timestamp,
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

    fn step(mut self, event: &ConversationEvent, now: Timestamp) -> Result<Step<Self>, Rejected> {
        match event {
            ConversationEvent::MessageHeard { heard } => {
                self.heard += 1;
                Ok(Step::owing(self, [ConversationEffect::Interpret { heard: heard.clone() }]))
            }
            ConversationEvent::MessageAnswered { message, reply, reaction, only_to, undecided } => {
                self.answered += 1;
                let deciding = undecided.as_deref().map(|undecided| self.keep_undecided(undecided, now));
                let reaction =
                    reaction.clone().map(|emoji| ConversationEffect::React { message: message.clone(), emoji });
                let only_to = only_to.clone();
                let reply = reply.clone().map(|said| ConversationEffect::Reply { said, only_to });
                let owed = reaction.into_iter().chain(reply).chain(deciding.into_iter().flatten());
                Ok(Step::owing(self, owed.collect::<Vec<_>>()))
            }
            ConversationEvent::BotCalled => {
                self.hops = self.hops.saturating_add(1);
                Ok(Step::quiet(self))
            }
            ConversationEvent::PersonSpoke => Ok(Step::quiet(Self { hops: 0, ..self })),
            ConversationEvent::Decided { message, outcome } => {
                let closed = self.undecided.iter().position(|heard| heard.message == *message);
                let closing = closed.and_then(|n| closing(self.undecided.remove(n), outcome));
                Ok(Step::owing(self, Vec::from_iter(closing)))
            }
            ConversationEvent::RequestCorrected { message, text } => {
                let corrected = self.undecided.iter_mut().find(|heard| heard.message == *message);
                if let Some(heard) = corrected {
                    heard.text.clone_from(text);
                }
                Ok(Step::quiet(self))
            }
        }
    }
}

impl Conversation {
    /// Keeps one more request that lacks its repository. Where there are too many, the oldest is waited for no more.
    fn keep_undecided(&mut self, Undecided { heard, within }: &Undecided, now: Timestamp) -> Vec<ConversationEffect> {
        self.undecided.push(heard.clone());
        let n_old = self.undecided.len().saturating_sub(UNDECIDED_MAX);
        let outcome = format!("{UNDECIDED_MAX} newer requests wait here. Say it again with `repo=NAME`.");
        let closed = self.undecided.drain(..n_old).filter_map(|old| closing(old, &outcome));
        let message = heard.message.clone();
        let end = within.map(|within| ConversationEffect::AwaitDecision { message, until: now + within });
        closed.chain(end).collect()
    }
}

/// Where it was asked in a message that everybody sees, that one loses its buttons.
fn closing(heard: Heard, outcome: &str) -> Option<ConversationEffect> {
    let outcome = outcome.to_owned();
    (!heard.via.is_quiet()).then_some(ConversationEffect::CloseAsked { heard, outcome })
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
