//! What goes wrong when a test wants it: with sockets, with envelopes, with calls.

use std::time::Duration;

use serde_json::{Value, json};

use super::SlackServer;
use super::courier::{self, Answer, CHALLENGE_WITHIN};
use super::fault::Failure;
use super::state::{Order, SIGNING_SECRET, State, now};

impl SlackServer {
    /// Closes a socket properly.
    pub fn close_socket(&self, connection: u64) {
        self.order(connection, Order::Close);
    }

    /// Drops a socket without a word of the protocol.
    pub fn drop_socket(&self, connection: u64) {
        self.order(connection, Order::Drop);
    }

    /// Breaks a socket: the other side sees a reset.
    pub fn reset_socket(&self, connection: u64) {
        self.order(connection, Order::Reset);
    }

    /// Lets a socket hang: it stays open, takes envelopes, and neither sends them nor answers a ping.
    pub fn hang_socket(&self, connection: u64) {
        self.order(connection, Order::Hang);
    }

    /// A socket that the other side closed a moment ago is left alone.
    fn order(&self, connection: u64, order: Order) {
        self.desk.change(|state| {
            let Some(found) = state.connections.iter_mut().find(|it| it.id == connection) else { return };
            // A socket that hangs looks to us like any other.
            found.is_leaving |= !matches!(order, Order::Hang | Order::Say(_));
            let _ = found.orders.try_send(order);
        });
    }

    /// Says on a socket that it will end: `warning`, `refresh_requested` or `link_disabled`. It stays open.
    pub fn warn_socket(&self, connection: u64, reason: &str) {
        let debug = json!({ "host": "applink-of-nobody" });
        self.say_on(connection, &json!({ "type": "disconnect", "reason": reason, "debug_info": debug }).to_string());
    }

    /// Says this on a socket: an envelope of a kind that nobody knows, or no JSON at all.
    pub fn say_on(&self, connection: u64, text: &str) {
        self.order(connection, Order::Say(text.to_owned()));
    }

    /// From now on each event comes in this many envelopes.
    pub fn duplicate(&self, n_copies: usize) {
        self.desk.change(|state| state.n_copies = n_copies);
    }

    /// Holds the next `n` deliveries back and then sends them in reverse.
    pub fn reorder(&self, n: usize) {
        self.desk.change(|state| state.reordering = Some(n));
    }

    /// Loses the next `n` acknowledgements, so that their envelopes come again.
    pub fn lose_acks(&self, n: usize) {
        self.desk.change(|state| state.n_acks_lost = n);
    }

    /// Fails the next calls of a method, one each; the word `apps.connections.open` refuses sockets.
    pub fn fail(&self, method: &str, failures: impl IntoIterator<Item = Failure>) {
        self.desk.change(|state| state.failures.entry(method.to_owned()).or_default().extend(failures));
    }

    /// Refuses the next `n` calls of a method with 429.
    pub fn storm(&self, method: &str, n: usize, retry_after: u64) {
        self.fail(method, vec![Failure::RateLimited(retry_after); n]);
    }

    /// Ends what is left of the faults of calls.
    pub fn calm(&self) {
        self.desk.change(|state| state.failures.clear());
    }

    /// Takes a scope away from the bot's token.
    pub fn take_scope(&self, scope: &str) {
        self.desk.change(|state| state.teams[0].bot.scopes.remove(scope));
    }

    /// Sends events by HTTP from now on, where the address answers the challenge as it should.
    pub fn send_to(&self, url: &str) -> Result<(), String> {
        let challenge = format!("challenge-{}", self.desk.change(|state| state.next("challenge")));
        let asked = json!({ "token": "verification-of-nobody", "challenge": challenge, "type": "url_verification" });
        let answer = self.post_signed(url, &asked).map_err(|error| format!("{url} cannot be reached: {error}"))?;
        let is_json = serde_json::from_str::<Value>(&answer.body).is_ok_and(|said| said["challenge"] == challenge);
        if answer.status != 200 || !(is_json || answer.body.trim() == challenge) {
            return Err(format!("{url} did not answer the challenge: {} {}", answer.status, answer.body));
        }
        self.desk.change(|state| state.request_url = Some(url.to_owned()));
        Ok(())
    }

    /// Posts a payload as Slack would, properly signed.
    pub fn post_signed(&self, url: &str, payload: &Value) -> std::io::Result<Answer> {
        let body = payload.to_string();
        let mut headers = courier::signed(SIGNING_SECRET, now().as_secs(), &body);
        headers.push(("content-type", "application/json".to_owned()));
        post(url, &headers, &body)
    }

    /// Posts a payload with another secret, or as if it were this old.
    pub fn post_forged(&self, url: &str, payload: &Value, forged: (&str, Duration)) -> std::io::Result<Answer> {
        let body = payload.to_string();
        let (secret, age) = forged;
        let mut headers = courier::signed(secret, (now() - age).as_secs(), &body);
        headers.push(("content-type", "application/json".to_owned()));
        post(url, &headers, &body)
    }

    /// Changes anything else of the state.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.desk.change(change)
    }
}

/// Posts from a thread of its own, which has a runtime wherever the caller is.
fn post(url: &str, headers: &[(&'static str, String)], body: &str) -> std::io::Result<Answer> {
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let send = async { tokio::time::timeout(CHALLENGE_WITHIN, courier::send(url, headers, body)).await };
            runtime.block_on(send).map_err(|_| std::io::Error::other("no answer in 3 s"))?
        });
        sending.join().expect("the sender does not panic")
    })
}
