//! Whether the process lives, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;
use domain::time::humanize;

use crate::WebState;
use crate::reads;

/// Answers whenever the process can answer at all.
pub(crate) async fn report_alive() -> &'static str {
    "alive\n"
}

/// Answers 200 when the database answers in time, and otherwise 503 with what is wrong.
pub(crate) async fn report_ready(State(state): State<WebState>) -> (StatusCode, String) {
    let limit = state.settings.ready_time_max;
    let why = match tokio::time::timeout(limit, reads::touch(&state.store)).await {
        Ok(Ok(())) => return (StatusCode::OK, "ready\n".to_owned()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("database: no answer within {}", humanize(limit)),
    };
    tracing::warn!("web: not ready: {why}");
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"))
}
