//! What went wrong with a request, for the person who made it: what it is, and what to do next.

use std::time::Duration;

use axum::Extension;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::TaskId;
use domain::time::humanize;
use store::StoreError;

/// A request that could not be answered. As a response it is empty but for its status, and carries itself as an
/// extension; `pages::tell_failure` gives it the form that the path asks for, HTML or JSON.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// What, in a few words.
    pub(crate) heading: String,
    /// Why, as a sentence.
    pub(crate) why: String,
    /// What can be done, as a sentence.
    pub(crate) next: String,
}

impl Failure {
    fn new(status: StatusCode, heading: &str, why: String, next: &str) -> Self {
        Self { status, heading: heading.to_owned(), why, next: next.to_owned() }
    }

    pub(crate) fn no_such_page(path: &str) -> Self {
        let why = format!("There is nothing at {path}.");
        Self::new(StatusCode::NOT_FOUND, "No such page", why, "The board lists every task and queue there is.")
    }

    pub(crate) fn no_such_task(id: TaskId) -> Self {
        let why =
            format!("There is no task {id}: tasks are numbered from T-1 in the order in which they were asked for.");
        Self::new(StatusCode::NOT_FOUND, "No such task", why, "The board lists the tasks there are.")
    }

    pub(crate) fn not_a_task(error: &domain::id::NotATask) -> Self {
        Self::new(StatusCode::NOT_FOUND, "No such task", format!("{error}."), "The board lists the tasks there are.")
    }

    pub(crate) fn read_only(method: &Method, path: &str) -> Self {
        let why = format!("{method} is not possible at {path}: these pages only show.");
        let next = "Steer in chat: approve, revise, merge and stop are said in the task's thread.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Nothing can be changed here", why, next)
    }

    pub(crate) fn foreign_host(host: &str) -> Self {
        let why = format!("The request is for the host “{host}”, which is none of ours.");
        let next = "Use http://localhost with the same port, or add the name to the web hosts in the config.";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "Wrong host", why, next)
    }

    pub(crate) fn too_slow(path: &str, limit: Duration) -> Self {
        tracing::error!(path, "web: no answer within {}", humanize(limit));
        let why = format!("{path} was not ready within {}.", humanize(limit));
        let next = "Try again. If it stays so, /readyz tells how the database is doing.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "That took too long", why, next)
    }

    pub(crate) fn panicked() -> Self {
        tracing::error!("web: a page panicked");
        let why = "This page ran into a mistake of ours.".to_owned();
        let next = "The log has the details. The other pages and the work itself go on.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something broke", why, next)
    }

    pub(crate) fn unrenderable(error: &askama::Error) -> Self {
        tracing::error!(%error, "web: a page could not be rendered");
        let next = "The log has the details. The other pages and the work itself go on.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something broke", format!("The page: {error}."), next)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "web: the store could not be read");
        let next = "Try again. If it stays so, /readyz tells how the database is doing, and the log has the details.";
        let why = format!("It could not be read: {error}.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something broke", why, next)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Extension(self)).into_response()
    }
}
