//! The board for programs.

use axum::Json;
use axum::extract::{Path, State};
use domain::TaskId;
use serde::Serialize;

use crate::WebState;
use crate::board::{Board, TaskList};
use crate::costs::Costs;
use crate::failure::Failure;
use crate::queues::{QueueCard, Queues};
use crate::task_view::TaskView;

/// The tasks by section, in the order of the board.
#[derive(Serialize)]
pub(crate) struct Tasks {
    pub(crate) needs_person: TaskList,
    pub(crate) running: TaskList,
    pub(crate) ended: TaskList,
}

/// The queues by repository.
#[derive(Serialize)]
pub(crate) struct QueueList {
    pub(crate) queues: Vec<QueueCard>,
}

pub(crate) async fn list_tasks(State(state): State<WebState>) -> Result<Json<Tasks>, Failure> {
    let Board { needs_person, running, ended, .. } = Board::read(&state).await?;
    Ok(Json(Tasks { needs_person, running, ended }))
}

pub(crate) async fn show_task(
    State(state): State<WebState>,
    Path(id): Path<String>,
) -> Result<Json<TaskView>, Failure> {
    let id = id.parse::<TaskId>().map_err(|error| Failure::not_a_task(&error))?;
    Ok(Json(TaskView::read(&state, id).await?.ok_or_else(|| Failure::no_such_task(id))?))
}

pub(crate) async fn show_costs(State(state): State<WebState>) -> Result<Json<Costs>, Failure> {
    Ok(Json(Costs::read(&state.store, state.store.now()).await?))
}

pub(crate) async fn list_queues(State(state): State<WebState>) -> Result<Json<QueueList>, Failure> {
    let queues = Queues::read(&state, state.store.now()).await?.cards;
    Ok(Json(QueueList { queues }))
}
