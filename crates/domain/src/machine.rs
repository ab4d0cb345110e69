//! The engine room: a machine is a plain value whose `step` takes what happened and returns the new state and what
//! is now owed to the world. Nothing in a `step` awaits, logs, reads a clock or makes an id.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DeliveryId, EffectId, Person, Timestamp};

/// A lifecycle as a pure value.
pub trait Machine: Sized {
    /// What names one instance.
    type Id;
    /// What happened, in the past tense.
    type Event;
    /// What to do now, in the imperative.
    type Effect;

    /// Returns the state after `event`, with the effects that are now owed.
    ///
    /// A late event (an answer from a session that was replaced, say) is not rejected: it returns the same state and
    /// no effects. `Rejected` is for a person who asked for something that may not be.
    fn step(self, event: &Self::Event, now: Timestamp) -> Result<Step<Self>, Rejected>;
}

/// A state plus the effects that follow from reaching it.
#[derive(Debug)]
pub struct Step<M: Machine> {
    /// The state after the event.
    pub state: M,
    /// What is now owed, in order.
    pub effects: Vec<M::Effect>,
}

impl<M: Machine> Step<M> {
    /// A step that owes nothing.
    pub fn quiet(state: M) -> Self {
        Self { state, effects: Vec::new() }
    }

    /// A step that owes `effects`.
    pub fn owing(state: M, effects: impl Into<Vec<M::Effect>>) -> Self {
        Self { state, effects: effects.into() }
    }
}

/// A person asked for something that may not be. Its text is what they read in chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Why not, as a sentence without a full stop.
    pub why: String,
    /// What the person can do instead, as a sentence without a full stop.
    pub next: String,
}

impl Rejected {
    /// A refusal with its reason and the next step; both are demanded, because a refusal without one helps nobody.
    pub fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}.", self.why, self.next)
    }
}

impl std::error::Error for Rejected {}

/// Why an event is applied. The first two make it apply at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something arrived from outside, under an id that its sender repeats on redelivery.
    Delivery(DeliveryId),
    /// An owed effect was performed, under this attempt's fencing token.
    Effect(Attempt),
    /// A person at the command line or the web page did it. Recorded only.
    Person(Person),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery(id) => write!(f, "delivery:{id}"),
            Self::Effect(attempt) => write!(f, "effect:{}", attempt.effect),
            Self::Person(person) => write!(f, "person:{person}"),
        }
    }
}

/// One claim of one owed effect. The token fences: a performer whose lease was taken over can finish nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The effect that is being performed; also the idempotency key handed to the outside world.
    pub effect: EffectId,
    /// How many times the effect was claimed, this time included.
    pub number: u32,
    /// What proves that the claim still holds.
    pub token: String,
}
