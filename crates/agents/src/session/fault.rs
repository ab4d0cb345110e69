//! What kind of error a model's refusal is, and what that means for the session.

use super::agent::SessionError;
use super::event::ErrorClass;

/// The class of an error, by its HTTP status where there is one, else by its words.
pub(super) fn class_of(status: Option<u64>, words: &str) -> ErrorClass {
    let words = words.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if says(&["credit balance", "insufficient_quota", "current quota", "billing", "usage limit", "out of credit"]) {
        return ErrorClass::Quota;
    }
    if says(&OVERFLOW) {
        return ErrorClass::Context;
    }
    match status {
        Some(401 | 403) => ErrorClass::Auth,
        Some(402) => ErrorClass::Quota,
        Some(408) => ErrorClass::Network,
        Some(413) => ErrorClass::Context,
        Some(429) => ErrorClass::Rate,
        Some(400..500) => ErrorClass::Refused,
        // Gemini CLI says 500 of a model that there is not.
        Some(500..) if says(&["does not exist"]) => ErrorClass::Refused,
        Some(500..) => ErrorClass::Overload,
        Some(_) | None => by_words(&words),
    }
}

/// Words by which they tell that a conversation is too long.
const OVERFLOW: [&str; 7] = [
    "context window",
    "context_length",
    "context length",
    "prompt is too long",
    "prompt as too long",
    "too many tokens",
    "maximum number of tokens",
];

/// Words by which agents tell an error that has no status, the first that fits.
const WORDS: [(ErrorClass, &[&str]); 5] = [
    (
        ErrorClass::Auth,
        &[
            "api key",
            "api_key",
            "api-key",
            "authentication",
            "unauthorized",
            "not logged in",
            "login",
            "oauth",
            "environment variable",
        ],
    ),
    (ErrorClass::Rate, &["rate limit", "rate_limit", "too many requests", "429"]),
    (
        ErrorClass::Network,
        &[
            "network",
            "connect",
            "timed out",
            "timeout",
            "econn",
            "fetch failed",
            "dns",
            "stream",
            "socket",
            "unreachable",
        ],
    ),
    (ErrorClass::Overload, &["overloaded", "high demand", "internal server error", "server_error", "at capacity"]),
    (
        ErrorClass::Refused,
        &["refus", "policy", "not found", "invalid_request", "invalid request", "does not exist", "may not exist"],
    ),
];

fn by_words(words: &str) -> ErrorClass {
    let fits = |(_, any): &&(ErrorClass, &[&str])| any.iter().any(|part| words.contains(part));
    WORDS.iter().find(fits).map_or(ErrorClass::Agent, |(class, _)| *class)
}

/// Whether trying again by itself can change nothing.
pub(super) fn is_final(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Auth | ErrorClass::Quota | ErrorClass::Refused | ErrorClass::Context => true,
        ErrorClass::Rate | ErrorClass::Overload | ErrorClass::Network | ErrorClass::Agent => false,
    }
}

/// What an error means for the session: what a person must do, or that it is put off.
pub(super) fn session_error(class: ErrorClass, why: &str, provider: &str) -> SessionError {
    let why = without_gate(why);
    match class {
        // Some do not say why.
        ErrorClass::Auth if why.is_empty() => SessionError::Failed(format!(
            "is not let in by its model; set a key that works for `providers.{provider}`, then retry"
        )),
        ErrorClass::Auth => SessionError::Failed(format!(
            "is not let in by its model: {why}; set a key that works for `providers.{provider}`, then retry"
        )),
        ErrorClass::Quota => SessionError::Failed(format!(
            "has no credit left with {provider}: {why}; add some, or retry with another agent"
        )),
        ErrorClass::Refused => SessionError::Failed(format!(
            "was refused by its model: {why}; reword the request, or say `retry` with `model=NAME` and another model"
        )),
        ErrorClass::Context => SessionError::Failed(format!(
            "filled its model's window: {why}; ask for less at once, or retry with a larger model"
        )),
        ErrorClass::Rate => SessionError::PutOff(format!("{provider} allows no more requests just now: {why}")),
        ErrorClass::Overload => SessionError::PutOff(format!("{provider} is overloaded: {why}")),
        ErrorClass::Network => SessionError::PutOff(format!("{provider} does not answer: {why}")),
        ErrorClass::Agent => SessionError::Failed(why),
    }
}

/// What an agent says without its sentences about our own gate: advice to look at it helps nobody.
fn without_gate(why: &str) -> String {
    let sentences = why.trim().split_inclusive(". ").filter(|sentence| !sentence.contains("127.0.0.1:"));
    sentences.collect::<String>().trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_status_and_by_words() {
        let cases = [
            (Some(401), "invalid x-api-key", ErrorClass::Auth),
            (Some(400), "Your credit balance is too low", ErrorClass::Quota),
            (Some(429), "You exceeded your current quota", ErrorClass::Quota),
            (Some(429), "slow down", ErrorClass::Rate),
            (Some(400), "prompt is too long: 200001 tokens", ErrorClass::Context),
            (Some(404), "model: nope", ErrorClass::Refused),
            (Some(529), "", ErrorClass::Overload),
            (Some(500), "model: nope does not exist", ErrorClass::Refused),
            (None, "There's an issue with the selected model (nope). It may not exist", ErrorClass::Refused),
            (None, "We’re currently experiencing high demand", ErrorClass::Overload),
            (None, "fetch failed", ErrorClass::Network),
            (None, "server_error API Error: Connection to the API was lost (ECONNRESET)", ErrorClass::Network),
            (None, "Not logged in · Please run /login", ErrorClass::Auth),
            (None, "Missing environment variable: `OPENAI_API_KEY`", ErrorClass::Auth),
            (None, "No conversation found", ErrorClass::Agent),
            // OpenCode, Gemini CLI, and Copilot CLI.
            (None, "invalid x-api-key", ErrorClass::Auth),
            (
                Some(400),
                "The input token count (2500000) exceeds the maximum number of tokens allowed",
                ErrorClass::Context,
            ),
            (None, "The provider rejected the prompt as too long, but automatic recovery failed", ErrorClass::Context),
        ];
        for (status, words, class) in cases {
            assert_eq!(class_of(status, words), class, "{status:?} {words}");
        }
    }

    #[test]
    fn what_a_person_must_do_is_said_and_what_passes_is_put_off() {
        expect_test::expect![
            "is not let in by its model: bad key; set a key that works for `providers.openai`, then retry"
        ]
        .assert_eq(&session_error(ErrorClass::Auth, "bad key.", "openai").to_string());
        expect_test::expect!["openai allows no more requests just now: slow down"]
            .assert_eq(&session_error(ErrorClass::Rate, "slow down", "openai").to_string());
        let blamed = "API Error: 500 out of order. If it persists, check your inference gateway (127.0.0.1:8787)";
        expect_test::expect!["anthropic is overloaded: API Error: 500 out of order"]
            .assert_eq(&session_error(ErrorClass::Overload, blamed, "anthropic").to_string());
        assert!(matches!(session_error(ErrorClass::Overload, "x", "y"), SessionError::PutOff(_)));
        assert_eq!(session_error(ErrorClass::Agent, "broke", "y"), SessionError::Failed("broke".into()));
    }
}
