//! Answers those who only look: what there is, where it stands, what it waits for, and what came of it.

use std::time::Duration;

use agents::checkpoint;
use agents::task::view::{self, TaskLine};
use agents::task::{Task, TaskState, Work};
use domain::policy::{About, Asked, Decision, Place, Verb, who_may};
use domain::{Rejected, TaskId};
use forge::Repository;
use mergeq::queue::{Queue, QueueView};
use store::Table;

use super::command::TaskVerb;
use super::context::beginning;
use super::hindrance::{Hindrance, cut};
use super::intake::{Answer, Intake, Trouble};
use super::interpret::{right_to, risk_of};
use super::messenger::Heard;
use super::{render, resolve};

/// For how long an ended task is told among one's own.
const A_DAY: Duration = Duration::from_secs(86_400);
/// How many tasks a list shows.
const LIST_MAX: i64 = 20;
/// How many lines of a log a chat shows: a screen of a telephone; the command line and the page show more.
const LOG_LINES_MAX: i64 = 20;
/// How many characters of each.
const LOG_LINE_CHARS_MAX: usize = 200;
/// How much of a difference a chat shows, in bytes: what every platform takes in one message.
const DIFF_BYTES_MAX: usize = 3_500;
/// How much of what an agent was given to read is shown, in bytes: what every platform takes in one message.
const CONTEXT_BYTES_MAX: usize = 3_000;
/// How many of a task's newest checkpoints a chat shows.
const STEPS_MAX: usize = 20;

impl Intake {
    pub(super) async fn show_task(&self, heard: &Heard, id: TaskId) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let task = self.find(id).await?;
        let around = self.notifier.surroundings(&task).await?;
        Ok(Answer { reply: Some(render::card(&task, &around)), ..Answer::default() })
    }

    /// The tasks of the thread, oldest first, each with who has to do what.
    pub(super) async fn list_tasks(&self, heard: &Heard) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let tasks = view::in_thread(&self.store, &heard.message.thread, LIST_MAX).await?;
        if tasks.is_empty() {
            return Ok(Answer::words("No tasks in this thread yet. Say `@agent` and what should change."));
        }
        let mut lines = Vec::new();
        for TaskLine { id, .. } in tasks.iter().rev() {
            let Some(task) = self.store.load::<Task>(id).await? else { continue };
            let next = self.next_move(&task).map(|next| format!(" · {next}")).unwrap_or_default();
            let (title, requester) = (task.title(), &task.request.requester);
            lines.push(format!("{id} · {title} (by {requester}) · {}{next}", task.state_in_words()));
        }
        Ok(Answer::words(lines.join("\n")))
    }

    /// The tasks of whoever asks, in whatever thread: those that wait for somebody, those under way, those that ended today.
    pub(super) async fn list_mine(&self, heard: &Heard) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let mine = view::of_person(&self.store, &heard.author, self.store.now() - A_DAY, LIST_MAX).await?;
        if mine.is_empty() {
            return Ok(Answer::words("You have no tasks. Say `@agent` and what should change."));
        }
        let mut groups =
            [("Needs somebody", Vec::new()), ("Running", Vec::new()), ("Done in the last day", Vec::new())];
        for line in &mine {
            let TaskLine { id, thread, .. } = line;
            let Some(task) = self.store.load::<Task>(id).await? else { continue };
            let next = self.next_move(&task).map(|next| format!(" · {next}")).unwrap_or_default();
            let place =
                if *thread == heard.message.thread.to_string() { String::new() } else { format!(" · in {thread}") };
            let of = if line.is_ended() { 2 } else { usize::from(!line.needs_person()) };
            groups[of].1.push(format!("{id} · {} · {}{place}{next}", task.title(), task.state_in_words()));
        }
        let full = groups.into_iter().filter(|(_, lines)| !lines.is_empty());
        Ok(Answer::words(
            full.map(|(name, lines)| format!("{name}:\n{}", lines.join("\n"))).collect::<Vec<_>>().join("\n"),
        ))
    }

    /// Who can move a task that waits for a person, and what they say.
    fn next_move(&self, task: &Task) -> Option<String> {
        let verb = awaited(task)?;
        let right = right_to(verb, task);
        let (tier, paths) = risk_of(task);
        let about = About { task: task.id, requester: &task.request.requester, tier, paths: &paths };
        let nobody = || format!("nobody here may {} it", verb.word());
        let channel = task.request.thread.channel();
        let place = Place { channel: Some(&channel), repo: Some(&task.request.repo) };
        let said = who_may(&self.rules.load(), &Asked::about(right, about).at(place)).unwrap_or_else(nobody);
        Some(said.replace(&format!("`{right} "), &format!("`{} ", verb.word())))
    }

    /// Answers `why`: what the task waits for and who can move it, or the policy's own reason.
    pub(super) async fn explain(
        &self,
        heard: &Heard,
        task: Option<TaskId>,
        deed: Option<TaskVerb>,
    ) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let fits = |task: &TaskLine| !task.is_ended() || deed.is_some_and(|deed| resolve::fits(deed, task));
        let id = resolve::task("why", fits, task, &heard.message.thread, &self.store).await??;
        let task = self.find(id).await?;
        let around = self.notifier.surroundings(&task).await?;
        let now = render::now_line(&task, &around);
        let stop = if now.ends_with(['.', '?', '!']) { "" } else { "." };
        let mut lines = vec![format!("{id}: {now}{stop}")];
        match deed {
            Some(deed) => lines.push(match self.judge(heard, deed, &task, false) {
                Decision::Allowed { because } => format!("You may {} it: {because}.", deed.word()),
                Decision::Denied(rejected) => rejected.to_string(),
            }),
            None => lines.extend(self.next_move(&task).map(|next| format!("To go on: {next}."))),
        }
        Ok(Answer::words(lines.join("\n")))
    }

    pub(super) async fn show_queues(&self, heard: &Heard) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let mut lines = Vec::new();
        for repository in self.repositories.iter() {
            let Some(id) = self.desk.queue_of(&repository.name) else { continue };
            let Some(queue) = self.store.load::<Queue>(&id).await? else { continue };
            let view = QueueView::of(&queue, self.store.now());
            let hindered = view
                .pause
                .iter()
                .chain(&view.freeze)
                .chain(&view.hours)
                .map(|why| format!(", {why}"))
                .collect::<String>();
            lines.push(format!("{}: {} in line{hindered}", view.id, view.lines.len()));
            let strategy = view.strategies.iter().filter(|_| !view.lines.is_empty());
            lines.extend(strategy.map(|strategy| format!("strategy {strategy}")));
            let (debts, now) = (self.store.debts(Queue::KIND, id.as_str()).await?, self.store.now());
            let hindrance = Hindrance::in_queue(&queue, queue.runs.first(), &debts, now);
            lines.extend(hindrance.map(|hindrance| hindrance.at(now)));
            lines.extend(view.lines.iter().map(|line| {
                let notes: String = line.notes(now).iter().map(|note| format!(" · {note}")).collect();
                format!("{} {} · {}{notes}", line.entry, line.title, line.progress)
            }));
        }
        if lines.is_empty() {
            lines.push("The merge queue is empty. Say `merge T-1` when a task is ready.".to_owned());
        }
        Ok(Answer::words(lines.join("\n")))
    }

    /// The end of what was printed for a task.
    pub(super) async fn show_log(&self, heard: &Heard, task: Option<TaskId>) -> Result<Answer, Trouble> {
        let task = self.looked_at(heard, ("log", |_| true), task).await?;
        let lines = view::last_lines(&self.store, task.id, LOG_LINES_MAX).await?;
        if lines.is_empty() {
            return Ok(Answer::words(format!("Nothing was printed for {} yet.", task.id)));
        }
        // A fence in what was printed would end ours.
        let shown = lines.iter().map(|line| cut(&line.text, LOG_LINE_CHARS_MAX).replace("```", "` ` `"));
        let shown: Vec<_> = shown.collect();
        Ok(Answer::words(format!("The last lines of {}:\n```\n{}\n```", task.id, shown.join("\n"))))
    }

    /// The difference that a task's change makes, as far as a message goes.
    pub(super) async fn show_diff(&self, heard: &Heard, task: Option<TaskId>) -> Result<Answer, Trouble> {
        let task = self.looked_at(heard, ("diff", has_change), task).await?;
        let id = task.id;
        let Some(work) = change_of(&task) else {
            let why = format!("{id} has no change to show now: it is {}", task.state_in_words());
            return Err(Rejected::new(why, format!("Say `status {id}` to see where it stands")).into());
        };
        let mirror = &self.repository_of(&task)?.mirror;
        let patch = mirror.patch(&work.base, &work.head, DIFF_BYTES_MAX).await;
        let patch = patch.map_err(|error| Trouble::Other(error.to_string()))?;
        let patch = patch.trim_end().replace("```", "` ` `");
        Ok(Answer::words(format!("What {id} changes:\n```diff\n{patch}\n```")))
    }

    /// What a task's agent was given to read of the thread, for the eyes of whoever asks.
    pub(super) async fn show_context(&self, heard: &Heard, task: Option<TaskId>) -> Result<Answer, Trouble> {
        let task = self.looked_at(heard, ("context", |_| true), task).await?;
        let (id, receipt) = (task.id, &task.request.receipt);
        let shown = beginning(&task.request.context, CONTEXT_BYTES_MAX).replace("```", "` ` `");
        let text = if shown.is_empty() { String::new() } else { format!(":\n```\n{shown}\n```") };
        let words = format!("{id} has read {receipt}{text}");
        Ok(Answer { is_private: true, ..Answer::words(words) })
    }

    /// The states of a task's tree that were kept.
    pub(super) async fn show_checkpoints(&self, heard: &Heard, task: Option<TaskId>) -> Result<Answer, Trouble> {
        let task = self.looked_at(heard, ("checkpoints", |_| true), task).await?;
        let steps = checkpoint::steps(self.repository_of(&task)?, task.id).await;
        let steps = steps.map_err(|error| Trouble::Other(error.to_string()))?;
        if steps.is_empty() {
            let words = format!("{} has no checkpoint yet; one is kept after each turn of its agent.", task.id);
            return Ok(Answer::words(words));
        }
        let n_left_out = steps.len().saturating_sub(STEPS_MAX);
        let now = self.store.now();
        let mut lines: Vec<_> = steps[n_left_out..].iter().map(|step| step.in_words(now)).collect();
        lines.insert(0, format!("The checkpoints of {}; `rollback {} N` goes back to one:", task.id, task.id));
        Ok(Answer::words(lines.join("\n")))
    }

    /// Refuses a checkpoint that is not there.
    pub(super) async fn find_checkpoint(&self, task: &Task, number: u32) -> Result<(), Trouble> {
        let found = checkpoint::find(self.repository_of(task)?, task.id, number).await;
        let missing = || {
            let why = format!("{} has no checkpoint {number}", task.id);
            Rejected::new(why, format!("Say `checkpoints {}` to see what there is", task.id))
        };
        Ok(found.map_err(|error| Trouble::Other(error.to_string()))?.map(drop).ok_or_else(missing)?)
    }

    fn repository_of(&self, task: &Task) -> Result<&Repository, Trouble> {
        let vanished = || Trouble::Other(format!("the repository {} is not in the config any more", task.request.repo));
        self.repositories.get(&task.request.repo).ok_or_else(vanished)
    }

    async fn looked_at(
        &self,
        heard: &Heard,
        (word, fits): (&str, fn(&TaskLine) -> bool),
        task: Option<TaskId>,
    ) -> Result<Task, Trouble> {
        self.may(heard, Verb::View)?;
        let id = resolve::task(word, fits, task, &heard.message.thread, &self.store).await??;
        self.find(id).await
    }
}

/// What a task waits for somebody to say.
fn awaited(task: &Task) -> Option<TaskVerb> {
    match &task.state {
        TaskState::AwaitingApproval { .. } | TaskState::Departed { .. } => Some(TaskVerb::Approve),
        TaskState::InReview { pull_request, sent_back: None } if pull_request.work.may_land() => Some(TaskVerb::Merge),
        TaskState::InReview { .. } | TaskState::Failed { .. } => Some(TaskVerb::Retry),
        TaskState::Asking { .. } | TaskState::Parked { .. } => Some(TaskVerb::Answer),
        TaskState::Paused { .. } => Some(TaskVerb::Resume),
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::Working { .. }
        | TaskState::Pausing { .. }
        | TaskState::Publishing { .. }
        | TaskState::Merging { .. }
        | TaskState::Cancelling { .. }
        | TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. } => None,
    }
}

fn has_change(task: &TaskLine) -> bool {
    matches!(task.state.as_str(), "departed" | "publishing" | "in-review" | "merging")
}

fn change_of(task: &Task) -> Option<&Work> {
    match &task.state {
        TaskState::Departed { work, .. } | TaskState::Publishing { work } => Some(work),
        TaskState::InReview { pull_request, .. } | TaskState::Merging { pull_request, .. } => Some(&pull_request.work),
        TaskState::Queued { .. }
        | TaskState::Planning { .. }
        | TaskState::AwaitingApproval { .. }
        | TaskState::Working { .. }
        | TaskState::Asking { .. }
        | TaskState::Parked { .. }
        | TaskState::Pausing { .. }
        | TaskState::Paused { .. }
        | TaskState::Cancelling { .. }
        | TaskState::Merged { .. }
        | TaskState::Answered { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Failed { .. } => None,
    }
}
