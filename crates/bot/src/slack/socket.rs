//! Socket Mode: the library opens the connections, pings them and opens them anew; here an envelope becomes what happened.
//!
//! An envelope is acknowledged when what it tells is kept, and not before: what is not acknowledged Slack sends again, over
//! another connection. The library hands over envelopes as they are, so that one that nobody understands is told by name
//! and acknowledged, and never comes back.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};
use slack_morphism::clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory};
use slack_morphism::listener::SlackClientEventsListenerEnvironment;
use slack_morphism::{SlackClientSocketModeConfig, SlackSocketModeClientListener, SlackSocketModeWssClientId};
use tokio_util::sync::CancellationToken;

use super::client::{Client, token_of};
use super::door::Door;
use super::events::{Arrived, of_callback, of_command, of_interaction};

/// Seconds between two pings of a connection.
const PING_EVERY_S: u64 = 5;
/// How many pings without an answer make a connection a dead one: it is noticed within 20 seconds.
const PINGS_LOST_MAX: u64 = 3;
/// Seconds between two attempts to open a connection that could not be opened.
const REOPEN_AFTER_S: u64 = 5;

/// Listens until `stop` fires.
pub async fn listen(client: &Client, app_token: &SecretString, connections: u32, door: Door, stop: CancellationToken) {
    let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.library()));
    let manager = client.library().http_api.connector.new_clients_manager(environment);
    let config = SlackClientSocketModeConfig::new()
        .with_max_connections_count(connections)
        .with_initial_backoff_in_seconds(0)
        .with_reconnect_timeout_in_seconds(REOPEN_AFTER_S)
        .with_ping_interval_in_seconds(PING_EVERY_S)
        .with_ping_failure_threshold_times(PINGS_LOST_MAX);
    let listener = Arc::new(Listener { door, manager: OnceLock::new() });
    // The listener asks the manager to open a connection anew, and the manager holds the listener.
    let _ = listener.manager.set(Arc::downgrade(&manager));
    if let Err(error) = manager.register_new_token(&config, token_of(app_token), listener).await {
        tracing::error!("Slack's sockets cannot be opened: {error}");
        return;
    }
    manager.start().await;
    stop.cancelled().await;
    manager.shutdown().await;
}

/// Hears envelopes.
struct Listener {
    door: Door,
    manager: OnceLock<std::sync::Weak<dyn SlackSocketModeClientsManager + Send + Sync>>,
}

impl Listener {
    async fn reopen(&self, connection: &SlackSocketModeWssClientId) {
        self.door.status.note_closed(&name_of(connection));
        if let Some(manager) = self.manager.get().and_then(std::sync::Weak::upgrade) {
            manager.restart_client(connection).await;
        }
    }

    /// What an envelope tells; the error is a reason for Slack to send it again.
    async fn take(&self, kind: &str, payload: &Value) -> Result<Option<Value>, String> {
        // Until we know who we are, nothing can be told; Slack sends it again.
        let me = self.door.me.load_full().ok_or("the workspace is not known yet")?;
        let people = &self.door.people;
        let arrived = match kind {
            "events_api" => of_callback(payload, &me, people),
            "interactive" => of_interaction(payload),
            "slash_commands" => of_command(payload, &me, people, self.door.store.now()),
            other => {
                tracing::info!("an envelope of the kind {other} came from Slack, and nothing is made of it");
                Arrived::Nothing("an envelope of a kind that is not known")
            }
        };
        self.door.take(arrived).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, connection: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let name = name_of(connection);
        let Ok(envelope) = serde_json::from_str::<Value>(&body) else {
            tracing::warn!("{} bytes came from Slack that are no JSON; they are ignored", body.len());
            self.door.status.note_ignored("an envelope that is no JSON");
            return None;
        };
        let kind = envelope["type"].as_str().unwrap_or_default();
        match kind {
            "hello" => {
                self.door.status.note_open(&name);
                // Slack keeps nothing while no connection is open.
                self.door.look.notify_one();
                return None;
            }
            "disconnect" => {
                let reason = envelope["reason"].as_str().unwrap_or("no reason given");
                if reason == "link_disabled" {
                    tracing::error!(
                        "Socket Mode is turned off for the app; turn it on, or set `slack.transport = \"http\"`"
                    );
                }
                self.reopen(connection).await;
                return None;
            }
            _ => {}
        }
        self.door.status.note_event(&name);
        let id = envelope["envelope_id"].as_str()?.to_owned();
        match self.take(kind, &envelope["payload"]).await {
            Ok(None) => Some(json!({ "envelope_id": id }).to_string()),
            Ok(Some(answer)) => Some(json!({ "envelope_id": id, "payload": answer }).to_string()),
            Err(why) => {
                tracing::warn!("an event from Slack was not kept and will come again: {why}");
                None
            }
        }
    }

    async fn on_error(&self, error: Box<dyn std::error::Error + Send + Sync>) {
        tracing::warn!("a connection to Slack is in trouble: {error}");
    }

    async fn on_disconnect(&self, connection: &SlackSocketModeWssClientId) {
        self.reopen(connection).await;
    }
}

fn name_of(connection: &SlackSocketModeWssClientId) -> String {
    format!("socket {}", connection.initial_index + 1)
}
