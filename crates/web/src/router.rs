//! What can be asked for, and the limits under which it is answered.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use forge::Repositories;
use store::Store;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::failure::Failure;
use crate::{api, guard, health, pages};

/// What the pages are made from.
#[derive(Clone)]
pub struct WebState {
    /// Where tasks and queues are read.
    pub store: Store,
    /// Whose queues are shown.
    pub repositories: Repositories,
    /// The limits.
    pub settings: WebSettings,
}

/// Under which names the pages are served, and how much of everything.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Names under which browsers reach us, beside `localhost`, `127.0.0.1` and `[::1]`; without a port.
    pub hosts: Vec<String>,
    /// How long one request may take. 10 s: the store itself gives up a connection after that.
    pub request_time_max: Duration,
    /// How long the database may take to answer the readiness probe. 2 s: probes are repeated every few seconds.
    pub ready_time_max: Duration,
    /// The longest body of a request. 16 KiB: nothing here reads one, and later forms are short.
    pub body_bytes_max: usize,
    /// Tasks shown of each section of the board. 100: more is a list that nobody reads to its end.
    pub tasks_max: i64,
    /// Entries shown of each queue, and events shown of each task. 200: a queue or story longer than that is searched
    /// by other means.
    pub lines_max: i64,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            request_time_max: Duration::from_secs(10),
            ready_time_max: Duration::from_secs(2),
            body_bytes_max: 16 << 10,
            tasks_max: 100,
            lines_max: 200,
        }
    }
}

/// Everything that can be asked for.
///
/// The health routes answer to any `Host`, because a probe calls by address, and they tell nothing of the work.
pub fn router(state: WebState) -> Router {
    let body_bytes_max = state.settings.body_bytes_max;
    let health = Router::new().route("/healthz", get(health::report_alive)).route("/readyz", get(health::report_ready));
    Router::new()
        .route("/", get(pages::show_board))
        .route("/tasks/{id}", get(pages::show_task))
        .route("/costs", get(pages::show_costs))
        .route("/api/costs", get(api::show_costs))
        .route("/api/tasks", get(api::list_tasks))
        .route("/api/tasks/{id}", get(api::show_task))
        .route("/api/queue", get(api::list_queues))
        .route("/style.css", get(pages::style))
        .route("/icon.svg", get(pages::icon))
        .fallback(refuse_path)
        .layer(middleware::from_fn_with_state(state.clone(), guard::refuse_foreign_host))
        .merge(health)
        .method_not_allowed_fallback(refuse_method)
        .layer(RequestBodyLimitLayer::new(body_bytes_max))
        .layer(middleware::from_fn_with_state(state.clone(), bound_time))
        .layer(CatchPanicLayer::custom(|_| Failure::panicked().into_response()))
        .layer(middleware::from_fn(pages::tell_failure))
        .layer(middleware::map_response(guard::add_security_headers))
        .with_state(state)
}

async fn refuse_path(uri: Uri) -> Failure {
    Failure::no_such_page(uri.path())
}

async fn refuse_method(method: Method, uri: Uri) -> Failure {
    Failure::read_only(&method, uri.path())
}

async fn bound_time(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let limit = state.settings.request_time_max;
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::too_slow(&path, limit).into_response(),
    }
}
