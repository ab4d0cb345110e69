//! The views as text for terminals and as values for programs: what the command line prints.

use std::fmt::Write as _;

use agents::task::Work;
use domain::TaskId;
use serde::Serialize;
use serde_json::Value;
use store::StoreError;

use crate::WebState;
use crate::api::{QueueList, Tasks};
use crate::board::{Board, TaskCard, TaskList};
use crate::evidence::Evidence;
use crate::moment::printed;
use crate::queues::{QueueCard, Queues};
use crate::reads;
use crate::task_view::{ChangeCard, PlanCard, TaskView};

/// How wide a request may be in a list, in characters: a line of a terminal with the other columns.
const TITLE_CHARS_MAX: usize = 60;
/// How many of the last log lines a task shows; `task log` has all of them.
const LOG_LINES_MAX: usize = 8;

/// One view in two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// For people, with a line end after every line.
    pub text: String,
    /// For programs: the same as the JSON routes answer.
    pub value: Value,
}

impl Report {
    pub(crate) fn new(text: String, value: &impl Serialize) -> Self {
        Self { text, value: serde_json::to_value(value).expect("views have text keys only") }
    }
}

/// The tasks that have not ended; with `all` those that have as well.
pub async fn report_tasks(state: &WebState, all: bool) -> Result<Report, StoreError> {
    let Board { needs_person, running, mut ended, .. } = Board::read(state).await?;
    if !all {
        ended.tasks.clear();
    }
    let mut text = String::new();
    let sections = [("Needs a person", &needs_person), ("Running", &running), ("Ended", &ended)];
    for (name, list) in sections.iter().filter(|(_, list)| !list.tasks.is_empty()) {
        write_section(&mut text, name, list);
    }
    if text.is_empty() {
        text = match ended.count {
            0 => "No tasks yet. Ask for one: downbeat task ask WHAT SHOULD CHANGE\n".to_owned(),
            n => format!("No task is live; {n} have ended. See them with --all.\n"),
        };
    }
    Ok(Report::new(text, &Tasks { needs_person, running, ended }))
}

fn write_section(text: &mut String, name: &str, list: &TaskList) {
    let cells = |task: &TaskCard| {
        let title: String = task.title.chars().take(TITLE_CHARS_MAX).collect();
        [
            task.id.clone(),
            task.standing.badge.word.to_owned(),
            task.changed.relative(),
            task.requester.clone(),
            task.repo.clone(),
            title,
        ]
    };
    let rows: Vec<_> = list.tasks.iter().map(cells).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{name}");
    for row in &rows {
        let padded: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "  {}", padded.join("  ").trim_end());
    }
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if list.count > shown {
        let _ = writeln!(text, "  … and {} more", list.count - shown);
    }
}

/// Everything about one task; none when there is no such task.
pub async fn report_task(state: &WebState, id: TaskId) -> Result<Option<Report>, StoreError> {
    let Some(task) = TaskView::read(state, id).await? else { return Ok(None) };
    Ok(Some(Report::new(task_text(&task), &task)))
}

fn task_text(task: &TaskView) -> String {
    let mut text = format!("{} · {}\n{}: {}\n", task.id, task.title, task.standing.badge.word, task.standing.now);
    if let Some(words) = &task.last_words {
        write_indented(&mut text, words);
    }
    if !task.standing.commands.is_empty() {
        let commands: Vec<_> = task.standing.commands.iter().map(|say| format!("downbeat task {say}")).collect();
        let _ = writeln!(text, "next: {}", commands.join("\n      "));
    }
    if let Some(request) = &task.request {
        text.push_str("\nRequest\n");
        write_indented(&mut text, request);
    }
    text.push('\n');
    for fact in &task.facts {
        let _ = writeln!(text, "{:<11} {}", fact.name, fact.value);
    }
    task.plan.iter().for_each(|plan| write_plan(&mut text, plan));
    task.change.iter().for_each(|change| write_change(&mut text, change));
    text.push_str("\nWhat happened\n");
    for past in &task.timeline {
        let said = past.said.as_deref().and_then(|said| said.lines().next());
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        let _ = writeln!(text, "  {}  {}{said}", past.at.clock(), past.what);
    }
    if let Some(from) = task.log.len().checked_sub(1).map(|_| task.log.len().saturating_sub(LOG_LINES_MAX)) {
        let _ = writeln!(text, "\nLast lines of its log (all: downbeat task log {})", task.id);
        task.log[from..].iter().for_each(|line| write_indented(&mut text, line));
    }
    text
}

fn write_plan(text: &mut String, plan: &PlanCard) {
    let by = plan.approved_by.as_ref().map(|by| format!(", approved by {by}")).unwrap_or_default();
    let _ = writeln!(text, "\nPlan v{} #{} · risk {}{by}\n  {}", plan.version, plan.hash, plan.risk, plan.summary);
    for (n, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {step}", n + 1);
    }
    for (name, items) in [("files", &plan.paths), ("checks", &plan.checks)] {
        if !items.is_empty() {
            let _ = writeln!(text, "  {name}: {}", items.join(", "));
        }
    }
}

fn write_change(text: &mut String, change: &ChangeCard) {
    let _ = writeln!(text, "\nChange {} · {}..{} · risk {}", change.size, change.base, change.head, change.risk);
    for file in &change.files {
        let _ = writeln!(text, "  {} +{} −{}", file.path, file.added, file.removed);
    }
    if change.files_left_out > 0 {
        let _ = writeln!(text, "  … and {} more files", change.files_left_out);
    }
    for check in &change.checks {
        let _ = writeln!(text, "  check {}: {} ({})", check.name, check.badge.word, check.how);
        if check.is_red {
            write_indented(text, &check.output);
        }
    }
}

fn write_indented(text: &mut String, words: &str) {
    for line in words.lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
}

/// The merge queues of all repositories.
pub async fn report_queues(state: &WebState) -> Result<Report, StoreError> {
    let queues = Queues::read(state, state.store.now()).await?.cards;
    let text = queues.iter().map(queue_text).collect::<Vec<_>>().join("\n");
    Ok(Report::new(text, &QueueList { queues }))
}

fn queue_text(queue: &QueueCard) -> String {
    let mut text = format!("{} → {} · {}", queue.repo, queue.target, queue.badge.word);
    let _ = match &queue.paused {
        Some(why) => writeln!(text, ": {why}"),
        None => writeln!(text),
    };
    if queue.lines.is_empty() {
        text.push_str("  nobody is in line\n");
    }
    for line in &queue.lines {
        let run = line.run.as_ref().map(|run| format!(" in run {run}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}. {} {} · {}{run} · by {}, {}",
            line.position,
            line.entry,
            line.title,
            line.badge.word,
            line.requested_by,
            line.enqueued.relative()
        );
    }
    let left = queue.count.saturating_sub(queue.lines.len());
    if left > 0 {
        let _ = writeln!(text, "  … and {left} more");
    }
    for past in &queue.left {
        let _ = writeln!(text, "  {} {} {} · {}", past.ended.relative(), past.entry, past.badge.word, past.outcome);
    }
    text
}

/// One line of a log without what could steer a terminal.
pub fn printable(line: &str) -> String {
    printed(line, 1)
}

/// The change that a task made last, as its journal has it; none when it made none.
pub async fn last_change(state: &WebState, id: TaskId) -> Result<Option<Work>, StoreError> {
    let journal = reads::last_events(&state.store, id, state.settings.lines_max).await?;
    Ok(Evidence::of(&journal, 0).work)
}
