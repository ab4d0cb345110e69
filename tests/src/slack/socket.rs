//! Socket Mode: connections that open with a ticket, carry envelopes, and break when a test says so.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::desk::Desk;
use super::state::{APP, Connection, Order, State};

/// Envelopes that wait for one socket; a test sends none as fast as it can to one that hangs.
const ORDERS_MAX: usize = 20_000;
/// How many sockets an app may have.
const CONNECTIONS_MAX: usize = 10;

/// Accepts connections for ever.
pub async fn serve(desk: Arc<Desk>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(Arc::clone(&desk), stream));
    }
}

async fn converse(desk: Arc<Desk>, stream: TcpStream) {
    let mut opened = None;
    #[expect(clippy::result_large_err, reason = "the library's own way to refuse a handshake")]
    let admit = |request: &Request, response: Response| {
        let ticket = request.uri().query().unwrap_or_default().split('&').find_map(|it| it.strip_prefix("ticket="));
        opened = ticket.and_then(|ticket| desk.change(|state| admit(state, ticket)));
        if opened.is_some() { Ok(response) } else { Err(refused()) }
    };
    let accepted = tokio_tungstenite::accept_hdr_async(stream, admit).await;
    let (Ok(mut socket), Some((id, orders))) = (accepted, opened) else { return };
    carry(&desk, &mut socket, id, orders).await;
    desk.change(|state| state.forget_connection(id));
}

fn refused() -> ErrorResponse {
    let mut response = ErrorResponse::new(Some("this link was used, or there never was one".to_owned()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

fn admit(state: &mut State, ticket: &str) -> Option<(u64, mpsc::Receiver<Order>)> {
    let is_full = state.connections.len() >= CONNECTIONS_MAX;
    if is_full || !state.tickets.remove(ticket) {
        return None;
    }
    let id = state.next("connection");
    let (orders, received) = mpsc::channel(ORDERS_MAX);
    let hello = json!({
        "type": "hello", "num_connections": state.connections.len() + 1, "connection_info": { "app_id": APP },
        "debug_info": { "host": "applink-of-nobody", "build_number": 10, "approximate_connection_time": 18_060 },
    });
    orders.try_send(Order::Say(hello.to_string())).ok()?;
    state.connections.push(Connection { id, orders, is_leaving: false });
    Some((id, received))
}

/// Carries what is ordered out and what is acknowledged in, until one side ends.
async fn carry(desk: &Desk, socket: &mut WebSocketStream<TcpStream>, id: u64, mut orders: mpsc::Receiver<Order>) {
    let ping_every = desk.look(|state| state.settings.ping_every);
    loop {
        let turn = async {
            tokio::select! {
                order = orders.recv() => Turn::Order(order.unwrap_or(Order::Close)),
                heard = socket.next() => Turn::Heard(heard.and_then(Result::ok)),
            }
        };
        match tokio::time::timeout(ping_every, turn).await.unwrap_or(Turn::Quiet) {
            Turn::Quiet => {
                if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
            }
            Turn::Order(Order::Say(text)) => {
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            Turn::Order(Order::Close) => {
                let _ = socket.close(None).await;
                return;
            }
            Turn::Order(Order::Drop) => return,
            Turn::Order(Order::Reset) => {
                let _ = socket.get_ref().set_zero_linger();
                return;
            }
            Turn::Order(Order::Hang) => hang(&mut orders).await,
            Turn::Heard(Some(Message::Text(text))) => acknowledge(desk, id, &text),
            Turn::Heard(Some(Message::Close(_)) | None) => return,
            Turn::Heard(Some(_)) => {}
        }
    }
}

enum Turn {
    Order(Order),
    Heard(Option<Message>),
    Quiet,
}

/// Says, answers and reads nothing, until it is told to break.
async fn hang(orders: &mut mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Say(_) | Order::Hang => {}
            Order::Close | Order::Drop | Order::Reset => return,
        }
    }
}

fn acknowledge(desk: &Desk, connection: u64, text: &str) {
    let Ok(ack) = serde_json::from_str::<Value>(text) else { return };
    let Some(envelope) = ack["envelope_id"].as_str() else { return };
    let answer = ack.get("payload").filter(|payload| !payload.is_null()).cloned();
    desk.change(|state| state.acknowledge_envelope(envelope, connection, answer));
}

/// Where a listener listens.
pub fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a listener has an address")
}
