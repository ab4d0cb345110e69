//! One turn of an agent by ACP: what it says piece by piece, the calls that are under way, and what its end means.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::event::{AgentEvent, ErrorClass, StopReason, ToolCall};
use super::super::fault::class_of;
use super::super::protocol::{Ending, Goal, Move};
use super::schema::{Call, Change, Stopped, stopped};
use super::{Acp, usage};

/// Calls of one turn that are remembered; more are not told.
const CALLS_MAX: usize = 2_000;
/// Bytes of a message that is still being said after which it is told, so that none fills the memory.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// What Copilot CLI says last in a turn that an error ended; it then calls the turn a good one.
pub(super) const ERROR: &str = "Error: ";

/// A turn that is under way.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// What is being said: whether it is a thought, the agent's id of the message, and the words up to now.
    saying: Option<(bool, String, String)>,
    /// Its last words that are whole.
    said: String,
    /// The plan that it proposed.
    pub plan: Option<String>,
    /// What it would have to hear, should the turn end over something that was refused by rule.
    pub refused: Option<String>,
    calls: BTreeMap<String, Call>,
    /// The calls as they were told last.
    told: BTreeMap<String, ToolCall>,
}

impl Turn {
    /// A piece of a message.
    pub(super) fn hear_words(&mut self, text: &str, message: &str) -> Vec<Move> {
        self.hear_piece(false, text, message)
    }

    /// A piece of a thought.
    pub(super) fn hear_thought(&mut self, text: &str) -> Vec<Move> {
        self.hear_piece(true, text, "")
    }

    fn hear_piece(&mut self, is_thought: bool, text: &str, message: &str) -> Vec<Move> {
        let goes_on = |(thought, id, words): &(bool, String, String)| {
            *thought == is_thought && id == message && words.len() < WORDS_BYTES_MAX
        };
        let moves = if self.saying.as_ref().is_some_and(goes_on) { Vec::new() } else { self.finish_words() };
        let (_, _, words) = self.saying.get_or_insert_with(|| (is_thought, message.to_owned(), String::new()));
        words.push_str(text);
        moves
    }

    /// Tells what was being said.
    fn finish_words(&mut self) -> Vec<Move> {
        let Some((is_thought, _, text)) = self.saying.take() else { return Vec::new() };
        if text.trim().is_empty() {
            return Vec::new();
        }
        if is_thought {
            return vec![Move::Tell(AgentEvent::Thought { text })];
        }
        self.said.clone_from(&text);
        vec![Move::Tell(AgentEvent::Said { text })]
    }

    /// An event after what was being said.
    pub(super) fn then(&mut self, event: AgentEvent) -> Vec<Move> {
        let mut moves = self.finish_words();
        moves.push(Move::Tell(event));
        moves
    }

    /// Notes what is new about a call.
    pub(super) fn note(&mut self, change: Change) -> Option<&Call> {
        let id = change.id();
        if self.calls.len() >= CALLS_MAX && !self.calls.contains_key(&id) {
            return None;
        }
        let call = self.calls.entry(id.clone()).or_insert_with(|| Call::new(id));
        call.change(change);
        Some(call)
    }

    /// Tells a call, unless nothing but its output has changed: that is told with its end.
    pub(super) fn tell(&mut self, call: ToolCall) -> Vec<Move> {
        let shown = |call: &ToolCall| (call.title.clone(), call.kind, call.status, call.paths.clone());
        if self.told.get(&call.id).is_some_and(|before| shown(before) == shown(&call)) {
            return Vec::new();
        }
        self.told.insert(call.id.clone(), call.clone());
        self.then(AgentEvent::ToolCall(call))
    }
}

impl Acp {
    /// The turn is over, as its answer tells.
    pub(super) fn end_turn(&mut self, answer: &Value) -> Vec<Move> {
        let mut turn = self.turn.take().unwrap_or_default();
        let mut moves = turn.finish_words();
        let used = self.ledger.of_turn(answer, &self.model).into_iter().map(|used| Move::Tell(AgentEvent::Used(used)));
        moves.extend(used);
        moves.push(self.remember());
        moves.extend(self.withdraw_all());
        let text = turn.said.clone();
        if let Some(then) = self.interrupted.take() {
            moves.push(Move::Tell(AgentEvent::TurnEnded { reason: StopReason::Interrupted, text }));
            moves.push(if then.is_empty() { Move::End(Ending::Interrupted) } else { self.prompt(&then) });
            return moves;
        }
        let ended = |reason| Move::Tell(AgentEvent::TurnEnded { reason, text: text.clone() });
        let is_cancelled = stopped(answer) == Some(Stopped::Cancelled);
        self.unsaid.extend(turn.refused.take().filter(|_| is_cancelled && turn.plan.is_none()));
        match stopped(answer) {
            Some(Stopped::AtItsEnd | Stopped::Cancelled) if turn.plan.is_none() && !self.unsaid.is_empty() => {
                let unsaid = std::mem::take(&mut self.unsaid).join("\n\n");
                moves.extend([ended(StopReason::Done), self.prompt(&unsaid)]);
            }
            Some(Stopped::AtItsEnd) if turn.plan.is_none() && is_failure(&turn.said, answer) => {
                let why = turn.said.trim_start_matches(ERROR).to_owned();
                moves.push(broken(class_of(None, &why), why));
            }
            Some(Stopped::AtItsEnd | Stopped::Cancelled) if turn.plan.is_some() || !is_cancelled => {
                let ending = match self.brief.goal {
                    Goal::Plan => Ending::Planned(turn.plan.unwrap_or(turn.said)),
                    Goal::Work => Ending::Done(turn.said),
                };
                moves.extend([ended(StopReason::Done), Move::End(ending)]);
            }
            Some(Stopped::AtItsEnd | Stopped::Cancelled) => moves.push(Move::End(Ending::fault("interrupted itself"))),
            Some(Stopped::AtALimit) => {
                let why = "came to the end of its model's output, or of the turns that it takes";
                moves.extend([ended(StopReason::Limit), Move::End(Ending::fault(why))]);
            }
            Some(Stopped::Refused) => {
                moves.extend([ended(StopReason::Refused), broken(ErrorClass::Refused, turn.said)]);
            }
            None => moves.push(Move::End(Ending::fault("ended its turn without saying why"))),
        }
        moves
    }

    /// The turn ended in an error.
    pub(super) fn break_turn(&mut self, error: &Value, why: &str) -> Vec<Move> {
        let mut turn = self.turn.take().unwrap_or_default();
        let mut moves = turn.finish_words();
        moves.extend(self.withdraw_all());
        if let Some(then) = self.interrupted.take() {
            moves.push(if then.is_empty() { Move::End(Ending::Interrupted) } else { self.prompt(&then) });
            return moves;
        }
        let kind = error.pointer("/data/errorKind").and_then(Value::as_str).unwrap_or_default();
        let class = class_of(status_of(error), &format!("{why} {kind}"));
        // Some tell in their last words what the error itself leaves out.
        let why = if turn.said.to_lowercase().contains("error") { turn.said } else { why.to_owned() };
        moves.push(broken(class, why));
        moves
    }
}

/// Whether a turn that ended well was ended by an error: so its last words say, and it used no model.
fn is_failure(said: &str, answer: &Value) -> bool {
    said.starts_with(ERROR) && !usage::is_told(answer)
}

/// The end of a conversation that broke.
pub(super) fn broken(class: ErrorClass, why: String) -> Move {
    Move::End(Ending::Broke { class, why })
}

/// The HTTP status that an error has in the place of a code.
pub(super) fn status_of(error: &Value) -> Option<u64> {
    error["code"].as_u64().filter(|code| (400..600).contains(code))
}

/// What an error says, without the layers around it.
pub(super) fn words_of_error(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or_default();
    let inner: Option<Value> = serde_json::from_str(message).ok();
    let said = inner.as_ref().and_then(|inner| inner.pointer("/error/message")?.as_str()).unwrap_or(message);
    let details = error.pointer("/data/details").and_then(Value::as_str).filter(|details| !details.is_empty());
    let said = said.trim_start_matches("Internal error").trim_start_matches(": ");
    match details {
        Some(details) if said.is_empty() => details.to_owned(),
        Some(details) => format!("{said}: {details}"),
        None if said.is_empty() => "broke without saying why".to_owned(),
        None => said.to_owned(),
    }
}
