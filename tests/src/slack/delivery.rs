//! What is owed to the app: events, interactions and commands, until they are acknowledged or lost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::record::Ack;
use super::state::{APP, Order, State, now};

/// What kind of thing is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An event: sent again when nobody acknowledges it.
    Event,
    /// What a person did: once, and they see when nobody answers.
    Interaction,
    /// A slash command, likewise.
    Command,
}

/// How far a delivery is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It goes out at this time.
    Waiting(Instant),
    /// It went out, and is given up for this attempt at this time.
    Sent(Instant),
    /// It was acknowledged, with this answer.
    Acknowledged(Option<Value>),
    /// Nobody acknowledged it: why.
    Lost(String),
}

/// Something that is owed to the app.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number, from 0: its place in the list.
    pub id: usize,
    /// What kind it is.
    pub kind: Kind,
    /// What it is: `app_mention`, `message.channels`, `block_actions`, `/agent` …
    pub what: String,
    /// In which workspace.
    pub team: String,
    /// What is delivered, without an envelope.
    pub payload: Value,
    /// How often it was sent before.
    pub attempt: usize,
    /// Why it is sent again.
    pub reason: &'static str,
    /// How far it is.
    pub progress: Progress,
    /// When it went out last, and over which socket.
    pub sent: Option<(Instant, Option<u64>)>,
    /// Every acknowledgement.
    pub acks: Vec<Ack>,
}

/// What has to be sent over HTTP.
pub struct Post {
    /// Which delivery.
    pub id: usize,
    /// Where to.
    pub url: String,
    /// What kind.
    pub kind: Kind,
    /// The payload.
    pub payload: Value,
    /// Which attempt, from 0, and why there is another.
    pub attempt: (usize, &'static str),
}

impl State {
    /// Owes the app an event, if it subscribed to it.
    pub fn owe_event(&mut self, team: &str, what: &str, event: Value) {
        if !self.settings.events.contains(&what) {
            return;
        }
        let payload = self.callback(team, event);
        self.owe(Kind::Event, what, team, payload);
    }

    /// An event as it is delivered.
    pub fn callback(&mut self, team: &str, event: Value) -> Value {
        let n = self.next("event");
        let bot = self.team(team).map(|owner| owner.bot.user.clone());
        json!({
            "token": "verification-of-nobody", "team_id": team, "context_team_id": team, "context_enterprise_id": null,
            "api_app_id": APP, "event": event, "type": "event_callback", "event_id": format!("Ev0{n:08}"),
            "event_time": now().as_secs(), "is_ext_shared_channel": false, "event_context": format!("4-context-{n}"),
            "authorizations": [{
                "enterprise_id": null, "team_id": team, "user_id": bot, "is_bot": true,
                "is_enterprise_install": false,
            }],
        })
    }

    /// Owes the app a delivery, and says which.
    pub fn owe(&mut self, kind: Kind, what: &str, team: &str, payload: Value) -> usize {
        let id = self.deliveries.len();
        self.deliveries.push(Delivery {
            id,
            kind,
            what: what.to_owned(),
            team: team.to_owned(),
            payload,
            attempt: 0,
            reason: "",
            progress: Progress::Waiting(Instant::now()),
            sent: None,
            acks: Vec::new(),
        });
        self.open_deliveries.insert(id);
        id
    }

    /// Sends what is due, and says what goes over HTTP and when to look again.
    pub fn dispatch(&mut self, now: Instant) -> (Vec<Post>, Option<Instant>) {
        let mut posts = Vec::new();
        for id in self.open_deliveries.clone() {
            if matches!(self.deliveries[id].progress, Progress::Sent(until) if until <= now) {
                self.retry(id, "timeout");
            }
        }
        for id in self.due(now) {
            posts.extend(self.send(id, now));
        }
        let looks = self.open_deliveries.iter().filter_map(|id| match self.deliveries[*id].progress {
            Progress::Waiting(at) | Progress::Sent(at) => Some(at),
            Progress::Acknowledged(_) | Progress::Lost(_) => None,
        });
        let next = looks.filter(|at| *at > now).min();
        (posts, next)
    }

    /// What goes out now: nothing while reordering waits for more, and then all of it backwards.
    fn due(&mut self, now: Instant) -> Vec<usize> {
        let is_due = |id: &usize| matches!(self.deliveries[*id].progress, Progress::Waiting(at) if at <= now);
        let mut due: Vec<usize> = self.open_deliveries.iter().copied().filter(is_due).collect();
        if let Some(n) = self.reordering {
            if due.len() < n {
                return Vec::new();
            }
            due.reverse();
            self.reordering = None;
        }
        due
    }

    fn send(&mut self, id: usize, now: Instant) -> Option<Post> {
        let until = now + self.settings.ack_within;
        let delivery = &self.deliveries[id];
        let attempt = (delivery.attempt, delivery.reason);
        if let Some(url) = self.request_url.clone() {
            let post = Post { id, url, kind: delivery.kind, payload: delivery.payload.clone(), attempt };
            self.deliveries[id].sent = Some((now, None));
            // The post itself tells of its end; this is for one that never does.
            self.deliveries[id].progress = Progress::Sent(until + Duration::from_secs(60));
            return Some(post);
        }
        for copy in 0..self.n_copies {
            let envelope = envelope(&self.deliveries[id], copy);
            let Some(connection) = self.say_somewhere(id, &envelope) else {
                let is_first = self.deliveries[id].attempt == 0;
                if is_first {
                    self.lose(id, "no connection");
                } else {
                    self.retry(id, "connection_failed");
                }
                return None;
            };
            self.deliveries[id].sent = Some((now, Some(connection)));
        }
        self.deliveries[id].progress = Progress::Sent(until);
        None
    }

    /// Gives an envelope to the socket whose turn it is, another than last time where there is one.
    fn say_somewhere(&mut self, id: usize, envelope: &Value) -> Option<u64> {
        let last = self.deliveries[id].sent.and_then(|(_, connection)| connection);
        let n = self.connections.len();
        let turn = usize::try_from(self.next("turn")).unwrap_or_default();
        let order: Vec<usize> = (0..n).map(|step| (turn + step) % n).collect();
        let (again, others): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|at| Some(self.connections[*at].id) == last);
        let text = envelope.to_string();
        let takes = |at: &usize| {
            let connection = &self.connections[*at];
            !connection.is_leaving && connection.orders.try_send(Order::Say(text.clone())).is_ok()
        };
        let at = others.into_iter().chain(again).find(takes)?;
        Some(self.connections[at].id)
    }

    /// Makes another attempt later, or none.
    pub fn retry(&mut self, id: usize, reason: &'static str) {
        let delivery = &mut self.deliveries[id];
        let after = self.settings.retry_after.get(delivery.attempt).copied();
        match after.filter(|_| delivery.kind == Kind::Event) {
            Some(after) => {
                delivery.attempt += 1;
                delivery.reason = reason;
                delivery.progress = Progress::Waiting(Instant::now() + after);
            }
            None => self.lose(id, reason),
        }
    }

    /// Gives a delivery up.
    pub fn lose(&mut self, id: usize, reason: &str) {
        self.deliveries[id].progress = Progress::Lost(reason.to_owned());
        self.open_deliveries.remove(&id);
    }

    /// An envelope came back, over this socket.
    pub fn acknowledge_envelope(&mut self, envelope: &str, connection: u64, answer: Option<Value>) {
        let mut numbers = envelope.split('-').skip(1).map(|number| number.parse().ok());
        let (Some(Some(id)), Some(Some(attempt))) = (numbers.next(), numbers.next()) else { return };
        if self.n_acks_lost > 0 {
            self.n_acks_lost -= 1;
            return;
        }
        self.acknowledge(id, attempt, Some(connection), answer);
    }

    /// A delivery was acknowledged.
    pub fn acknowledge(&mut self, id: usize, attempt: usize, connection: Option<u64>, answer: Option<Value>) {
        let Some(delivery) = self.deliveries.get_mut(id) else { return };
        let latency = delivery.sent.map_or(Duration::ZERO, |(at, _)| at.elapsed());
        delivery.acks.push(Ack { what: delivery.what.clone(), connection, latency, attempt });
        if self.open_deliveries.remove(&id) {
            delivery.progress = Progress::Acknowledged(answer.clone());
            self.take_answer(id, answer);
        }
    }

    /// A socket is gone: what it was sent and did not acknowledge goes out again.
    pub fn forget_connection(&mut self, connection: u64) {
        self.connections.retain(|it| it.id != connection);
        for id in self.open_deliveries.clone() {
            let delivery = &self.deliveries[id];
            let was_its = matches!(delivery.sent, Some((_, Some(last))) if last == connection);
            if was_its && matches!(delivery.progress, Progress::Sent(_)) {
                self.retry(id, "connection_failed");
            }
        }
    }
}

/// What goes over a socket. The envelope's id tells the delivery, the attempt and the copy.
fn envelope(delivery: &Delivery, copy: usize) -> Value {
    let (kind, takes_answer) = match delivery.kind {
        Kind::Event => ("events_api", false),
        Kind::Interaction => ("interactive", delivery.what == "view_submission"),
        Kind::Command => ("slash_commands", true),
    };
    let mut envelope = json!({
        "envelope_id": format!("envelope-{}-{}-{copy}", delivery.id, delivery.attempt), "type": kind,
        "payload": delivery.payload, "accepts_response_payload": takes_answer,
    });
    if delivery.kind == Kind::Event {
        envelope["retry_attempt"] = json!(delivery.attempt);
        envelope["retry_reason"] = json!(delivery.reason);
    }
    envelope
}
