//! What agents by ACP say that a turn used. The protocol has no settled words for it yet, so each says it in its own.

use serde_json::Value;

use super::super::event::Usage;
use super::super::protocol::{Memory, Meter};

/// Agents whose figures go on over a session, where the others tell those of the turn.
const ADDS_UP: [&str; 1] = ["Copilot"];

/// Under which name the total cost of a session is kept; it is no model.
const COST: &str = "";

/// Counts what a session uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    meter: Meter,
    /// What the session cost at the end of the last turn, and what it costs now, in millionths of a dollar.
    counted: u64,
    spent: u64,
    adds_up: bool,
}

impl Ledger {
    /// Goes on from what was spent before; figures of tokens begin anew with each process.
    pub(super) fn from(memory: Option<&Memory>) -> Self {
        let spent = memory.and_then(|memory| memory.used.get(COST)?.cost_micros).unwrap_or(0);
        Self { counted: spent, spent, ..Self::default() }
    }

    /// What is kept of it.
    pub(super) fn kept(&self, session: &str) -> Memory {
        let cost = Usage { cost_micros: Some(self.counted), ..Usage::default() };
        let used = (self.counted > 0).then(|| (COST.to_owned(), cost)).into_iter().collect();
        Memory { session: session.to_owned(), used, model: None }
    }

    /// The agent's name decides how its figures are read.
    pub(super) fn is_of(&mut self, agent: &str) {
        self.adds_up = ADDS_UP.contains(&agent);
    }

    /// The session costs so much now.
    pub(super) fn costs(&mut self, micros: u64) {
        self.spent = micros;
    }

    /// What the turn of this answer used, by model.
    pub(super) fn of_turn(&mut self, answer: &Value, model: &str) -> Vec<Usage> {
        let by_model = answer.pointer("/_meta/quota/model_usage").and_then(Value::as_array).into_iter().flatten();
        let mut used: Vec<Usage> =
            by_model.map(|one| counts(&one["token_count"], one["model"].as_str().unwrap_or(model))).collect();
        if let (true, Some(total)) = (used.is_empty(), answer.get("usage")) {
            let total = counts(total, model);
            used = if self.adds_up { self.meter.since(total).into_iter().collect() } else { vec![total] };
        }
        // A total that fell began again.
        let cost = if self.spent < self.counted { self.spent } else { self.spent - self.counted };
        self.counted = self.spent;
        if cost > 0 {
            if used.is_empty() {
                used.push(Usage { model: model.to_owned(), ..Usage::default() });
            }
            used[0].cost_micros = Some(cost);
        }
        used.retain(|used| *used != Usage { model: used.model.clone(), ..Usage::default() });
        used
    }
}

fn counts(tokens: &Value, model: &str) -> Usage {
    let count = |names: &[&str]| names.iter().find_map(|name| tokens[name].as_u64()).unwrap_or(0);
    let cache_read = count(&["cachedReadTokens", "cachedInputTokens"]);
    let cache_write = count(&["cachedWriteTokens"]);
    let (input, output) = (count(&["inputTokens", "input_tokens"]), count(&["outputTokens", "output_tokens"]));
    // Where the cached tokens are among the input, the total has them once.
    let among = tokens["totalTokens"].as_u64() == Some(input + output);
    let input = if among { input.saturating_sub(cache_read + cache_write) } else { input };
    Usage { model: model.to_owned(), input, cache_read, cache_write, output, cost_micros: None }
}

/// Whether the answer tells that the model was used at all.
pub(super) fn is_told(answer: &Value) -> bool {
    answer.get("usage").is_some() || answer.pointer("/_meta/quota").is_some()
}
