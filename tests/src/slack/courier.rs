//! Brings what is owed: over sockets, or by signed HTTP posts with their retries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::args::encoded;
use super::delivery::{Kind, Post};
use super::desk::Desk;
use super::state::{SIGNING_SECRET, now};

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: u64 = 1_000_000;

/// An answer to an HTTP post.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// What it says.
    pub body: String,
}

/// Brings what is owed, for ever.
pub async fn run(desk: Arc<Desk>) {
    loop {
        let (posts, next) = desk.dispatch(Instant::now());
        for post in posts {
            tokio::spawn(bring(Arc::clone(&desk), post));
        }
        match next {
            Some(at) => {
                let _ = tokio::time::timeout_at(at.into(), desk.wake.notified()).await;
            }
            None => desk.wake.notified().await,
        }
    }
}

async fn bring(desk: Arc<Desk>, post: Post) {
    let (kind, body) = written(&post);
    let (attempt, reason) = post.attempt;
    let mut headers = signed(SIGNING_SECRET, now().as_secs(), &body);
    headers.push(("content-type", kind.to_owned()));
    if attempt > 0 {
        headers.push(("x-slack-retry-num", attempt.to_string()));
        headers.push(("x-slack-retry-reason", reason.to_owned()));
    }
    let patience = desk.look(|state| state.settings.ack_within);
    let answer = tokio::time::timeout(patience, send(&post.url, &headers, &body)).await;
    desk.change(|state| match answer {
        Err(_) => state.retry(post.id, "http_timeout"),
        Ok(Err(_)) => state.retry(post.id, "connection_failed"),
        Ok(Ok(answer)) if (200..300).contains(&answer.status) => {
            let said = serde_json::from_str(&answer.body).ok().filter(|said: &Value| !said.is_null());
            let said = said.or_else(|| (!answer.body.is_empty()).then(|| Value::String(answer.body.clone())));
            state.acknowledge(post.id, attempt, None, said);
        }
        Ok(Ok(answer)) if answer.head.contains("x-slack-no-retry: 1") => state.lose(post.id, "no retry wanted"),
        Ok(Ok(_)) => state.retry(post.id, "http_error"),
    });
}

/// The body, and what it calls itself.
fn written(post: &Post) -> (&'static str, String) {
    let form = "application/x-www-form-urlencoded";
    match post.kind {
        Kind::Event => ("application/json", post.payload.to_string()),
        Kind::Interaction => (form, format!("payload={}", encoded(&post.payload.to_string()))),
        Kind::Command => {
            let fields = post.payload.as_object().into_iter().flatten();
            let pair = |(name, value): (&String, &Value)| format!("{name}={}", encoded(value.as_str().unwrap_or("")));
            (form, fields.map(pair).collect::<Vec<_>>().join("&"))
        }
    }
}

/// Slack's headers of authenticity for a body sent at this second.
pub fn signed(secret: &str, timestamp: u64, body: &str) -> Vec<(&'static str, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a MAC takes a key of any length");
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    vec![("x-slack-request-timestamp", timestamp.to_string()), ("x-slack-signature", format!("v0={hex}"))]
}

/// Posts to an address of loopback.
pub async fn send(url: &str, headers: &[(&str, String)], body: &str) -> std::io::Result<Answer> {
    let rest = url.strip_prefix("http://").ok_or_else(|| std::io::Error::other("only plain http to loopback"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).await?;
    let mut request = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\naccept: */*\r\n\
         user-agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other("no HTTP answer"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let head = head.to_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
    Ok(Answer { status, head, body })
}

fn unchunked(body: &str) -> String {
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|_| size > 0) else { break };
        whole.push_str(chunk);
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Patience with an address that is asked whether it takes events.
pub const CHALLENGE_WITHIN: Duration = Duration::from_secs(3);
