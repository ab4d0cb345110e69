//! The board for programs.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::WebState;
use crate::board::{Board, TaskList};
use crate::failure::Failure;
use crate::queues::{QueueCard, Queues};

/// The tasks by section, in the order of the board.
#[derive(Serialize)]
pub(crate) struct Tasks {
    needs_person: TaskList,
    running: TaskList,
    ended: TaskList,
}

/// The queues by repository.
#[derive(Serialize)]
pub(crate) struct QueueList {
    queues: Vec<QueueCard>,
}

pub(crate) async fn list_tasks(State(state): State<WebState>) -> Result<Json<Tasks>, Failure> {
    let Board { needs_person, running, ended, .. } = Board::read(&state).await?;
    Ok(Json(Tasks { needs_person, running, ended }))
}

pub(crate) async fn list_queues(State(state): State<WebState>) -> Result<Json<QueueList>, Failure> {
    let queues = Queues::read(&state, state.store.now()).await?.cards;
    Ok(Json(QueueList { queues }))
}
