//! The task's row, and where its effects go.

use domain::{Machine, TaskId, Timestamp};
use store::{Arg, Route, Table};

use super::{Deadline, Task, TaskEffect, TaskState};

const SELECT: &str = "SELECT version, body FROM task WHERE id = $1";
const INSERT: &str = "INSERT INTO task
    (id, version, state, body, updated_at_ms, number, thread, repo, title, requester, created_at_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const UPDATE: &str = "UPDATE task SET version = $2, state = $3, body = $4, updated_at_ms = $5, number = $6,
    thread = $7, repo = $8, title = $9, requester = $10, created_at_ms = $11 WHERE id = $1 AND version = $2 - 1";

/// The SQL texts of this file and of the view.
pub const STATEMENTS: &[&str] = &[
    SELECT,
    INSERT,
    UPDATE,
    super::view::LIST,
    super::view::IN_THREAD,
    super::view::WITH_CHANGE,
    super::view::RUNNING,
    super::view::LAST_LINE,
    super::view::LOG_END,
    super::view::OF_PERSON,
    super::view::COUNT_LIVE,
    super::view::LIVE,
];

/// How many characters of a request make its title.
const TITLE_MAX: usize = 72;

impl Table for Task {
    const KIND: &'static str = "task";
    const SELECT: &'static str = SELECT;
    const INSERT: &'static str = INSERT;
    const UPDATE: &'static str = UPDATE;

    fn parse_id(text: &str) -> Option<TaskId> {
        text.parse().ok()
    }

    fn state(&self) -> &'static str {
        match &self.state {
            TaskState::Queued { .. } => "queued",
            TaskState::Planning { .. } => "planning",
            TaskState::AwaitingApproval { .. } => "awaiting-approval",
            TaskState::Working { .. } => "working",
            TaskState::Asking { .. } => "asking",
            TaskState::Parked { .. } => "parked",
            TaskState::Pausing { .. } => "pausing",
            TaskState::Paused { .. } => "paused",
            TaskState::Departed { .. } => "departed",
            TaskState::Publishing { .. } => "publishing",
            TaskState::InReview { .. } => "in-review",
            TaskState::Merging { .. } => "merging",
            TaskState::Cancelling { .. } => "cancelling",
            TaskState::Merged { .. } => "merged",
            TaskState::Answered { .. } => "answered",
            TaskState::Cancelled { .. } => "cancelled",
            TaskState::Failed { .. } => "failed",
        }
    }

    fn columns(&self) -> Vec<Arg> {
        vec![
            Arg::Int(i64::try_from(self.id.number()).unwrap_or(i64::MAX)),
            self.request.thread.to_string().into(),
            self.request.repo.as_str().into(),
            self.title().into(),
            self.request.requester.as_str().into(),
            self.created_at.into(),
        ]
    }

    fn route(id: &TaskId, effect: &<Self as Machine>::Effect, now: Timestamp) -> Route {
        let own = Some(id.to_string());
        let owe = |lane, group, due| Route::Owe { lane, group, due };
        match effect {
            TaskEffect::StartSession { .. } => owe("session", own, now),
            TaskEffect::StopSession => Route::Revoke { lane: "session", group: id.to_string() },
            TaskEffect::Try { .. } => owe("try", own, now),
            TaskEffect::StopTrial => Route::Revoke { lane: "try", group: id.to_string() },
            TaskEffect::Publish { .. } | TaskEffect::CleanUp => owe("publish", own, now),
            TaskEffect::PostCard
            | TaskEffect::EditCard
            | TaskEffect::Announce(_)
            | TaskEffect::CloseQuestion { .. }
            | TaskEffect::CloseOffer { .. } => owe("chat", own, now),
            TaskEffect::Enqueue { .. }
            | TaskEffect::Withdraw { .. }
            | TaskEffect::Readmit { .. }
            | TaskEffect::GiveUpRepair { .. } => owe("merge", own, now),
            TaskEffect::AwaitDeadline(Deadline { at_ms, .. }) => owe("timer", None, Timestamp::from_ms(*at_ms)),
        }
    }
}

impl Task {
    /// The request's first line, shortened to what a list can show.
    pub fn title(&self) -> String {
        let line = self.request.text.lines().next().unwrap_or_default().trim();
        if line.chars().count() <= TITLE_MAX {
            return line.to_owned();
        }
        let cut: String = line.chars().take(TITLE_MAX - 1).collect();
        format!("{}…", cut.trim_end())
    }
}
