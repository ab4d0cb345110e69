//! One message in which steps stand: what is known of it, and what is done next. Pure.

use serde_json::Value;

use crate::slack::blocks::steps::Progress;

/// A message in which steps stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The key of the card that they are of.
    pub card: String,
    /// Its channel.
    pub channel: String,
    /// Its thread there.
    pub thread_ts: String,
    /// The account to which Slack shows it live.
    pub recipient: String,
    /// Its own time stamp, once Slack has named it.
    pub ts: Option<String>,
    /// How it can be changed.
    pub phase: Phase,
    /// What Slack was told; none where nobody knows.
    pub shown: Option<Progress>,
    /// What Slack is to be told.
    pub wanted: Option<Progress>,
}

/// How the message can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is to be begun.
    Beginning,
    /// It grows.
    Open,
    /// It is edited like any other.
    Over,
    /// It is not there: the steps stand on the card.
    Refused,
}

impl Phase {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Beginning, "beginning"), (Self::Open, "open"), (Self::Over, "over"), (Self::Refused, "refused")];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(phase, _)| *phase == self).map_or("refused", |(_, word)| word)
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(phase, _)| *phase)
    }
}

/// What brings Slack closer to what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// To see whether it was begun.
    Find,
    /// To begin it with these pieces.
    Begin(Vec<Value>),
    /// To add these.
    Append(Vec<Value>),
    /// To end it with these; with none where an edit has to say the rest.
    Stop(Option<Vec<Value>>),
    /// To edit it.
    Edit,
    /// Nothing: it is as wanted.
    Settle,
}

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) stream: Stream,
    /// Whether nobody knows if Slack has begun it: it did not answer, or we died before we noted that.
    pub(super) is_unanswered: bool,
    /// Whether Slack takes its beginning only later: until then the card has the steps.
    pub(super) is_late: bool,
    /// Its place in the line.
    pub(super) n: u64,
}

impl Held {
    pub(super) fn new(stream: Stream, n: u64) -> Self {
        Self { stream, is_unanswered: false, is_late: false, n }
    }

    /// Whether the steps stand there and not on the card.
    pub(super) fn carries(&self) -> bool {
        match self.stream.phase {
            Phase::Beginning => !self.is_late,
            Phase::Open | Phase::Over => true,
            Phase::Refused => false,
        }
    }

    /// Whether nothing of it is owed or expected.
    pub(super) fn is_done(&self) -> bool {
        let Stream { phase, shown, wanted, .. } = &self.stream;
        let is_settled = wanted.is_none() && !self.is_unanswered;
        match phase {
            Phase::Refused => true,
            Phase::Beginning => is_settled,
            Phase::Over => is_settled && !shown.as_ref().is_some_and(|shown| shown.is_live),
            Phase::Open => false,
        }
    }

    /// What comes next; none where nothing is to be done. Pure.
    pub(super) fn next(&self) -> Option<Next> {
        let Stream { phase, shown, wanted, card, .. } = &self.stream;
        if *phase == Phase::Beginning && self.is_unanswered {
            return Some(Next::Find);
        }
        let wanted = wanted.as_ref()?;
        let pieces = wanted.pieces_since(shown.as_ref(), &mark(card));
        match (phase, wanted.is_live, pieces) {
            (Phase::Refused, _, _) => None,
            (Phase::Beginning, true, Some(pieces)) => Some(Next::Begin(pieces)),
            // Its session ended before it began.
            (Phase::Beginning, _, _) => Some(Next::Settle),
            (Phase::Open, true, Some(pieces)) if pieces.is_empty() => Some(Next::Settle),
            (Phase::Open, true, Some(pieces)) => Some(Next::Append(pieces)),
            (Phase::Open, _, pieces) => Some(Next::Stop(pieces)),
            (Phase::Over, _, _) if shown.as_ref() == Some(wanted) => Some(Next::Settle),
            (Phase::Over, _, _) => Some(Next::Edit),
        }
    }
}

/// What the ids of a card's steps begin with, by which its stream is found again.
pub(super) fn mark(card: &str) -> String {
    format!("{card}:")
}

/// What a message is to show, where that is news: what is worked on; else how far it came, where there is a message. Pure.
pub(super) fn wish(known: Option<&Stream>, live: Option<Progress>, last: Option<Progress>) -> Option<Progress> {
    let told = known.and_then(|known| known.wanted.clone().or(known.shown.clone()));
    let wanted = match (live, known) {
        (_, Some(Stream { phase: Phase::Refused, .. })) => return None,
        (Some(live), _) => live,
        // It was never begun.
        (None, Some(Stream { ts: None, wanted: None, .. })) => return None,
        (None, Some(_)) => last.or(told.clone())?.at_rest(),
        (None, None) => return None,
    };
    (told.as_ref() != Some(&wanted)).then_some(wanted)
}

#[cfg(test)]
mod tests;
