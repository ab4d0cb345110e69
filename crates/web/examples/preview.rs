//! Serves the pages over a made-up day of work, for looking at them: `cargo run -p web --example preview [PORT]`.
//! Nothing of it is real: no agent runs and no repository is behind it. Ctrl-C ends it.

#![expect(clippy::unwrap_used, reason = "the made-up day is that of the tests")]

#[path = "../tests/pages/day.rs"]
mod day;
#[path = "../tests/pages/office.rs"]
mod office;

use tokio_util::sync::CancellationToken;
use web::{WebSettings, WebState, router, serve};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let office = office::Office::open().await;
    day::live_a_day(&office).await;
    let (store, repositories) = (office.store.clone(), office.repositories.clone());
    let state = WebState { store, repositories, settings: WebSettings::default() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    tokio::select! {
        ended = serve(listener, router(state), CancellationToken::new()) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
