//! The pages: each puts a view into its template.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use domain::{TaskId, Timestamp};

use crate::WebState;
use crate::board::{Board, TaskList};
use crate::costs::Costs;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::task_view::TaskView;

/// What frames every page.
struct Frame {
    title: String,
    /// When the page was made; none where nothing was read for it.
    made: Option<Moment>,
}

impl Frame {
    fn new(title: String, now: Timestamp) -> Self {
        Self { title, made: Some(Moment::new(now, now)) }
    }
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    frame: Frame,
    board: Board,
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    frame: Frame,
    task: TaskView,
}

#[derive(Template)]
#[template(path = "costs.html")]
struct CostsPage {
    frame: Frame,
    costs: Costs,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    failure: &'a Failure,
}

/// A section of the board, as its part of the template wants it.
struct BoardSection<'a> {
    name: &'static str,
    key: &'static str,
    empty: &'static str,
    list: &'a TaskList,
}

impl BoardPage {
    fn headline(&self) -> String {
        match self.board.needs_person.count {
            0 => "Nothing needs a person".to_owned(),
            1 => "One task needs a person".to_owned(),
            n => format!("{n} tasks need a person"),
        }
    }

    fn live(&self) -> [BoardSection<'_>; 2] {
        let empty = "Nobody has to approve, accept or merge anything.";
        [
            BoardSection { name: "Needs a person", key: "needs-person", empty, list: &self.board.needs_person },
            BoardSection { name: "Running", key: "running", empty: "No task runs.", list: &self.board.running },
        ]
    }

    fn over(&self) -> [BoardSection<'_>; 1] {
        [BoardSection { name: "Ended", key: "ended", empty: "No task has ended yet.", list: &self.board.ended }]
    }
}

pub(crate) async fn show_board(State(state): State<WebState>) -> Result<Response, Failure> {
    let board = Board::read(&state).await?;
    render(&BoardPage { frame: Frame::new("Board".to_owned(), board.now), board })
}

pub(crate) async fn show_task(State(state): State<WebState>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = id.parse::<TaskId>().map_err(|error| Failure::not_a_task(&error))?;
    let task = TaskView::read(&state, id).await?.ok_or_else(|| Failure::no_such_task(id))?;
    render(&TaskPage { frame: Frame::new(format!("{id} · {}", task.title), task.now), task })
}

pub(crate) async fn show_costs(State(state): State<WebState>) -> Result<Response, Failure> {
    let now = state.store.now();
    let costs = Costs::read(&state.store, now).await?;
    render(&CostsPage { frame: Frame::new("Costs".to_owned(), now), costs })
}

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/style.css"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../../assets/icon.svg"))
}

/// Gives a failure the form that the path asks for.
pub(crate) async fn tell_failure(request: Request, next: Next) -> Response {
    let wants_json = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let told = if wants_json {
        let Failure { heading, why, next, .. } = &failure;
        Json(serde_json::json!({ "error": { "what": heading, "why": why, "next": next } })).into_response()
    } else {
        let frame = Frame { title: failure.heading.clone(), made: None };
        let page = FailurePage { frame, failure: &failure }.render();
        page.map_or_else(|_| failure.why.clone().into_response(), |html| Html(html).into_response())
    };
    let (mut parts, body) = told.into_parts();
    parts.status = failure.status;
    // A refused method names the methods that would do.
    parts.headers.extend(response.headers_mut().remove("allow").map(|value| (axum::http::header::ALLOW, value)));
    Response::from_parts(parts, body)
}

fn render(page: &impl Template) -> Result<Response, Failure> {
    page.render().map(|html| Html(html).into_response()).map_err(|error| Failure::unrenderable(&error))
}
