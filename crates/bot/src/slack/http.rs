//! Signed requests: the other way in, for installations that Slack can reach.
//!
//! A request without a signature that is right and younger than five minutes changes nothing. Source:
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>.

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::time::humanize;
use domain::{Clock, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::{SlackEventSignatureVerifier, SlackEventSignatureVerifierError};

use crate::clock::SystemClock;

use super::door::Door;
use super::events::{Arrived, of_callback, of_command, of_interaction};

/// The largest body that is read: a message of Slack's own limit with its blocks, twice.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What the way in is called where connections are shown.
const NAME: &str = "http";

/// What answering takes.
#[derive(Clone)]
struct Endpoint {
    door: Door,
    verifier: SlackEventSignatureVerifier,
}

/// The endpoint `/slack/events`, for events, buttons and commands alike.
pub fn router(door: Door, signing_secret: &SecretString) -> Router {
    let secret = SlackSigningSecret::new(signing_secret.expose_secret().to_owned());
    let endpoint = Endpoint { door, verifier: SlackEventSignatureVerifier::new(&secret) };
    Router::new().route("/slack/events", post(take)).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(endpoint)
}

async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = header(SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER);
    let signed_at = header(SlackEventSignatureVerifier::SLACK_SIGNED_TIMESTAMP);
    let Ok(text) = std::str::from_utf8(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    if let Err(error) = endpoint.verifier.verify(signature, text, signed_at) {
        endpoint.door.status.note_ignored("a request that Slack did not sign just now");
        tracing::warn!("a request to /slack/events is refused: {}", refusal(&error, signed_at, SystemClock.now()));
        return StatusCode::UNAUTHORIZED.into_response();
    }
    endpoint.door.status.note_event(NAME);
    let payload = match payload_of(header("content-type"), &body).await {
        Some(payload) => payload,
        None => {
            // Slack would only send it again.
            tracing::warn!("{} bytes came from Slack that cannot be read; they are ignored", body.len());
            endpoint.door.status.note_ignored("a request that cannot be read");
            return StatusCode::OK.into_response();
        }
    };
    if payload["type"] == "url_verification" {
        return payload["challenge"].as_str().unwrap_or_default().to_owned().into_response();
    }
    let Some(me) = endpoint.door.me.load_full() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let people = &endpoint.door.people;
    let arrived = match (payload["type"].as_str(), payload.get("command")) {
        (Some("event_callback"), _) => of_callback(&payload, &me, people),
        (_, Some(_)) => of_command(&payload, &me, people, endpoint.door.store.now()),
        (Some("app_rate_limited"), _) => {
            tracing::warn!(
                "Slack holds back events: more than 30,000 in an hour; what is missed is looked for in the history"
            );
            Arrived::Nothing("Slack holds back events")
        }
        _ => of_interaction(&payload),
    };
    match endpoint.door.take(arrived).await {
        Ok(None) => StatusCode::OK.into_response(),
        Ok(Some(answer)) => axum::Json(answer).into_response(),
        Err(error) => {
            tracing::warn!("an event from Slack was not kept and will come again: {error}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Why a request is not believed, and what to do about it. The signature is looked at before the time.
fn refusal(error: &SlackEventSignatureVerifierError, signed_at: &str, now: Timestamp) -> String {
    let is_forged = matches!(error, SlackEventSignatureVerifierError::WrongSignatureError(_));
    match signed_at.parse::<i64>() {
        Ok(seconds) if !is_forged => {
            let signed = Timestamp::from_ms(seconds.saturating_mul(1_000));
            let apart = humanize(now.since(signed).max(signed.since(now)));
            format!(
                "it was signed at {}, which is {apart} from this machine's clock, {}; five minutes are allowed. Let the machine \
                 follow the time: timedatectl set-ntp true",
                signed.of_day(),
                now.of_day()
            )
        }
        _ => "it was signed with another secret than `slack.signing_secret`, or not by Slack; the secret is under \"Basic \
              Information\" of the app"
            .to_owned(),
    }
}

/// Events come as JSON, commands as a form, and everything else as JSON in a form.
async fn payload_of(content_type: &str, body: &Bytes) -> Option<Value> {
    if content_type.starts_with("application/json") {
        return serde_json::from_slice(body).ok();
    }
    let request = Request::post("/").header("content-type", content_type).body(body.clone().into()).ok()?;
    let Form(fields) = Form::<HashMap<String, String>>::from_request(request, &()).await.ok()?;
    match fields.get("payload") {
        Some(payload) => serde_json::from_str(payload).ok(),
        None => serde_json::to_value(fields).ok(),
    }
}
