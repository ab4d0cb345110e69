//! What an error of Codex means.

use serde_json::Value;

use super::super::event::{AgentEvent, ErrorClass};
use super::super::fault::class_of;
use super::super::protocol::{Ending, Move};
use super::items::text_at;

/// The class of an error as it names it itself; its HTTP status is hidden for some.
fn class_in(error: &Value) -> ErrorClass {
    let told = &error["codexErrorInfo"];
    let (name, about) = match told {
        Value::String(name) => (name.as_str(), &Value::Null),
        Value::Object(fields) => {
            fields.iter().next().map_or(("", &Value::Null), |(name, about)| (name.as_str(), about))
        }
        _ => ("", &Value::Null),
    };
    let words = [text_at(error, "/message"), text_at(error, "/additionalDetails")].join(" ");
    let status = about.pointer("/httpStatusCode").and_then(Value::as_u64);
    match (name, status) {
        ("contextWindowExceeded", _) => ErrorClass::Context,
        ("usageLimitExceeded" | "sessionBudgetExceeded", _) => ErrorClass::Quota,
        ("unauthorized", _) => ErrorClass::Auth,
        ("serverOverloaded" | "internalServerError", _) => ErrorClass::Overload,
        ("cyberPolicy" | "badRequest", None) => class_of(Some(400), &words),
        ("httpConnectionFailed" | "responseStreamConnectionFailed" | "responseStreamDisconnected", None) => {
            match class_of(None, &words) {
                ErrorClass::Agent => ErrorClass::Network,
                class => class,
            }
        }
        // An error without a name carries the provider's own answer.
        ("other", None) if words.contains("\"error\"") => class_of(Some(400), &words),
        (_, status) => class_of(status, &words),
    }
}

/// What the provider said, out of the answer that it is sometimes quoted in.
fn words_of(error: &Value, fallback: &str) -> String {
    let message = text_at(error, "/message");
    let details = text_at(error, "/additionalDetails");
    let words = if details.is_empty() { message } else { details };
    let quoted = serde_json::from_str::<Value>(words).ok();
    let quoted = quoted.as_ref().map(|answer| text_at(answer, "/error/message")).filter(|words| !words.is_empty());
    let words = quoted.unwrap_or(words);
    // The address is that of our own gate and tells nobody anything.
    let words = words.split(", url: ").next().unwrap_or(words);
    if words.is_empty() { fallback.to_owned() } else { words.to_owned() }
}

/// An error after which it tries again.
pub(super) fn retrying(error: &Value) -> AgentEvent {
    AgentEvent::Retrying { class: class_in(error), why: words_of(error, "the stream broke") }
}

/// An error after which nothing comes.
pub(super) fn broken(error: &Value, fallback: &str) -> Vec<Move> {
    let (class, why) = (class_in(error), words_of(error, fallback));
    vec![Move::Tell(AgentEvent::Broke { class, why: why.clone() }), Move::End(Ending::Broke { class, why })]
}
