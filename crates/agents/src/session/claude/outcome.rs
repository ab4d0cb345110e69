//! What a result of Claude Code means. It says `success` of a turn that an error ended, so every sign is looked at.

use serde_json::Value;

use super::super::event::{AgentEvent, ErrorClass, StopReason, Usage};
use super::super::fault::class_of;
use super::super::protocol::{Ending, Goal, Move};
use super::Claude;
use super::lines::{kind_of, text_at};
use crate::session::event::ToolKind;

/// An error of the model, as a line tells it.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub class: ErrorClass,
    pub why: String,
}

impl Trouble {
    /// A request that is tried again.
    pub(super) fn of_retry(value: &Value) -> Self {
        let status = value.pointer("/error_status").and_then(Value::as_u64);
        let error = text_at(value, "/error").replace('_', " ");
        let attempt = value.pointer("/attempt").and_then(Value::as_u64).unwrap_or(0);
        let said = status.map(|status| format!(" ({status})")).unwrap_or_default();
        // A request without a status never came to an answer.
        let class = if status.is_none() && error == "unknown" { ErrorClass::Network } else { class_of(status, &error) };
        Self { class, why: format!("{error}{said}, attempt {attempt}") }
    }

    pub(super) fn retrying(self) -> AgentEvent {
        AgentEvent::Retrying { class: self.class, why: self.why }
    }

    /// A message that is no message of the model but the end of a request.
    pub(super) fn of_message(value: &Value) -> Option<Self> {
        let is_error = value.pointer("/is_api_error_message").and_then(Value::as_bool).unwrap_or(false)
            || text_at(value, "/message/model") == "<synthetic>" && value.pointer("/error").is_some();
        if !is_error {
            return None;
        }
        let words = super::lines::blocks(value).map(|block| text_at(block, "/text")).collect::<Vec<_>>().join(" ");
        let status = value.pointer("/api_error_status").and_then(Value::as_u64);
        let class = class_of(status, &format!("{} {words}", text_at(value, "/error")));
        Some(Self { class, why: words })
    }
}

/// What was used since the session began, by model.
pub(super) fn used_in(value: &Value) -> impl Iterator<Item = Usage> {
    let models = value.pointer("/modelUsage").and_then(Value::as_object);
    models.into_iter().flatten().map(|(model, used)| {
        let count = |name: &str| used.get(name).and_then(Value::as_u64).unwrap_or(0);
        let dollars = used.get("costUSD").and_then(Value::as_f64);
        Usage {
            model: model.clone(),
            input: count("inputTokens"),
            cache_read: count("cacheReadInputTokens"),
            cache_write: count("cacheCreationInputTokens"),
            output: count("outputTokens"),
            cost_micros: dollars.filter(|cost| *cost >= 0.0).map(|cost| (cost * 1e6).round() as u64),
        }
    })
}

/// How the conversation ends with this result.
pub(super) fn ending_of(value: &Value, claude: &mut Claude) -> Ending {
    let said = text_at(value, "/result");
    let is_error = value.pointer("/is_error").and_then(Value::as_bool).unwrap_or(false);
    let subtype = text_at(value, "/subtype");
    if is_error || subtype != "success" {
        return broken(value, claude);
    }
    if text_at(value, "/stop_reason") == "refusal" {
        return Ending::Broke { class: ErrorClass::Refused, why: said.to_owned() };
    }
    match (claude.brief.goal, claude.plan.take()) {
        (Goal::Plan, Some(plan)) => Ending::Planned(plan),
        (Goal::Plan, None) => Ending::Planned(said.to_owned()),
        (Goal::Work, _) => denied_edit(value, claude).unwrap_or_else(|| Ending::Done(said.to_owned())),
    }
}

/// An edit that nobody of ours refused and that was refused nevertheless: the work is not what it says.
fn denied_edit(value: &Value, claude: &Claude) -> Option<Ending> {
    let denials = value.pointer("/permission_denials").and_then(Value::as_array)?;
    let is_fault = |denial: &&Value| {
        kind_of(text_at(denial, "/tool_name")) == ToolKind::Edit
            && !claude.refused.contains(text_at(denial, "/tool_use_id"))
    };
    let denial = denials.iter().find(is_fault)?;
    let path = text_at(denial, "/tool_input/file_path");
    Some(Ending::fault(format!("was not allowed by its own settings to edit {path}")))
}

fn broken(value: &Value, claude: &mut Claude) -> Ending {
    let errors = value.pointer("/errors").and_then(Value::as_array).into_iter().flatten();
    let errors = errors.filter_map(Value::as_str).collect::<Vec<_>>().join("; ");
    if errors.contains("No conversation found") {
        return Ending::Forgotten;
    }
    if let Some(Trouble { class, why }) = claude.trouble.take() {
        return Ending::Broke { class, why };
    }
    let said = [text_at(value, "/result"), &errors].into_iter().find(|said| !said.is_empty());
    let subtype = text_at(value, "/subtype").replace('_', " ");
    let why = said.map_or_else(|| format!("ended with {subtype}"), str::to_owned);
    let status = value.pointer("/api_error_status").and_then(Value::as_u64);
    Ending::Broke { class: class_of(status, &why), why }
}

/// The event that goes before an end.
pub(super) fn last_word(value: &Value, ending: &Ending) -> Option<Move> {
    let reason = match ending {
        Ending::Planned(_) | Ending::Done(_) if text_at(value, "/stop_reason") == "max_tokens" => StopReason::Limit,
        Ending::Planned(_) | Ending::Done(_) => StopReason::Done,
        Ending::Interrupted => StopReason::Interrupted,
        Ending::Forgotten => return None,
        Ending::Broke { class, why } => {
            return Some(Move::Tell(AgentEvent::Broke { class: *class, why: why.clone() }));
        }
    };
    Some(Move::Tell(AgentEvent::TurnEnded { reason, text: text_at(value, "/result").to_owned() }))
}

/// A request of ours that it does not grant: without its greeting there is no conversation.
pub(super) fn refused_control(value: &Value) -> Option<Ending> {
    let is_greeting = text_at(value, "/response/request_id") == "downbeat-1";
    let is_error = text_at(value, "/response/subtype") == "error";
    (is_greeting && is_error).then(|| Ending::fault(format!("did not begin: {}", text_at(value, "/response/error"))))
}
