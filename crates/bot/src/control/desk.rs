//! Answers what is asked on the control socket. Nothing is decided here: the same policy and machines as in the chat do.

use std::sync::Arc;
use std::time::Duration;

use agents::checkpoint::{self, Difference, Step};
use agents::task::Task;
use domain::{DeliveryId, MessageRef, Person, TaskId, ThreadRef};
use forge::{Checkpoint, Repository};
use store::StoreError;
use web::{Report, WebState};

use super::wire::{Answer, Ask, RunningTask, Welcome};
use crate::chat::console::{Console, MESSAGE_BYTES_MAX, SayError};
use crate::chat::intake::Intake;
use crate::chat::messenger::{Heard, Via};
use crate::chat::order::NotCarriedOut;
use crate::chat::running::running;
use crate::reload::Reloader;
use crate::serve::System;
use crate::slack::Slack;

/// How much of a change is shown: more than anybody reads on a terminal.
const DIFF_BYTES_MAX: usize = 1 << 20;
/// How many log lines one ask gets; whoever wants more asks again.
const LOG_LINES_MAX: i64 = 1_000;

/// What the answers are made from.
pub struct ControlDesk {
    console: Console,
    intake: Intake,
    views: WebState,
    reloader: Reloader,
    slack: Option<Arc<Slack>>,
    page: String,
}

impl ControlDesk {
    /// A desk of a running system, whose page is at the address `page`.
    pub fn new(system: &System, views: WebState, reloader: Reloader, page: String) -> Self {
        let (console, intake, slack) = (system.console.clone(), system.intake.clone(), system.slack.clone());
        Self { console, intake, views, reloader, slack, page }
    }

    /// What reads the config again.
    pub fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    pub(super) fn console(&self) -> &Console {
        &self.console
    }

    pub(super) async fn welcome(&self) -> Welcome {
        let threads = self.console.threads().await.unwrap_or_else(|error| {
            tracing::warn!("the console's threads cannot be read: {error}");
            Vec::new()
        });
        let config = self.reloader.config().await;
        Welcome {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            mention: config.mention.clone(),
            people: config.people.keys().map(ToString::to_string).collect(),
            repos: config.repos.keys().map(ToString::to_string).collect(),
            agents: config.agents.keys().cloned().collect(),
            threads,
            page: self.page.clone(),
            slack: self.slack.as_ref().map(|slack| slack.status().standing()),
        }
    }

    /// What is going on; nothing when that cannot be read, because the next glance may.
    pub(super) async fn running(&self) -> Vec<RunningTask> {
        running(&self.intake.store, &self.intake.desk).await.unwrap_or_else(|error| {
            tracing::warn!("what is going on cannot be read: {error}");
            Vec::new()
        })
    }

    /// Answers everything but greetings and watches, which belong to the connection.
    pub(super) async fn answer(&self, ask: Ask) -> Answer {
        let answered = match ask {
            Ask::Say { delivery, thread, person, text } => self.say(&delivery, &thread, &person, &text).await,
            Ask::Order { delivery, person, words, thread } => self.carry_out(delivery, thread, &person, words).await,
            Ask::Tasks { all } => web::report::report_tasks(&self.views, all).await.map(found).map_err(unreadable),
            Ask::Task { id } => self.show_task(id).await,
            Ask::Log { id, after, count_max } => self.show_log(id, after, count_max).await,
            Ask::Diff { id, checkpoint: None, .. } => self.show_diff(id).await,
            Ask::Diff { id, checkpoint: Some(n), since } => self.show_state(id, n, since).await,
            Ask::Checkpoints { id } => self.show_checkpoints(id).await,
            Ask::Queues => web::report::report_queues(&self.views).await.map(found).map_err(unreadable),
            Ask::Costs { by, within_s } => {
                let within = Duration::from_secs(within_s);
                web::report_costs(&self.views.store, by, within).await.map(found).map_err(unreadable)
            }
            Ask::Reload => self.reload().await,
            Ask::Hello { .. } | Ask::Watch { .. } => Err(failed("that belongs to the beginning of a connection")),
        };
        answered.unwrap_or_else(|answer| answer)
    }

    async fn reload(&self) -> Result<Answer, Answer> {
        let reloaded = self.reloader.reload().await;
        // The whole chain of reasons: the mistakes of a config are its end.
        reloaded.map(|text| Answer::Done { text, task: None }).map_err(|error| failed(format!("{error:#}")))
    }

    async fn say(&self, delivery: &str, thread: &str, person: &str, text: &str) -> Result<Answer, Answer> {
        let (thread, person) = (place(thread)?, somebody(person)?);
        let delivery = DeliveryId::new(format!("console:{delivery}"));
        match self.console.say_once(&delivery, &thread, &person, text).await {
            Ok(()) => Ok(Answer::Done { text: String::new(), task: None }),
            Err(error @ SayError::TooLong(_)) => Err(Answer::Refused { why: error.to_string(), next: String::new() }),
            Err(error) => Err(failed(error)),
        }
    }

    async fn carry_out(&self, delivery: String, thread: String, person: &str, words: String) -> Result<Answer, Answer> {
        let (thread, author) = (place(&thread)?, somebody(person)?);
        if words.len() > MESSAGE_BYTES_MAX {
            let error = SayError::TooLong(words.len());
            return Err(Answer::Refused { why: error.to_string(), next: String::new() });
        }
        // No message of the thread: its whole past is what stands above it.
        let message = MessageRef { thread, id: "order".to_owned() };
        let at = self.views.store.now();
        let heard = Heard { delivery: DeliveryId::new(delivery), message, author, text: words, at, via: Via::Command };
        match self.intake.carry_out(&heard).await {
            Ok(done) => Ok(Answer::Done { text: done.text, task: done.task }),
            Err(NotCarriedOut::Rejected(rejected)) => Err(Answer::Refused { why: rejected.why, next: rejected.next }),
            Err(NotCarriedOut::Failed(why)) => Err(failed(why)),
        }
    }

    async fn show_task(&self, id: TaskId) -> Result<Answer, Answer> {
        let report = web::report::report_task(&self.views, id).await.map_err(unreadable)?;
        report.map(found).ok_or_else(|| no_such_task(id))
    }

    async fn show_log(&self, id: TaskId, after: i64, count_max: i64) -> Result<Answer, Answer> {
        let count_max = count_max.clamp(1, LOG_LINES_MAX);
        let lines = self.views.store.log_after("task", &id.to_string(), after, count_max).await.map_err(unreadable)?;
        if lines.is_empty() {
            self.find(id).await?;
        }
        let text = lines.iter().map(|line| format!("{}\n", web::report::printable(&line.line))).collect();
        let value =
            lines.iter().map(|line| serde_json::json!({ "n": line.n, "at_ms": line.at.as_ms(), "line": line.line }));
        Ok(Answer::Found { text, value: value.collect() })
    }

    async fn find(&self, id: TaskId) -> Result<Task, Answer> {
        let task = self.views.store.load::<Task>(&id).await.map_err(unreadable)?;
        task.ok_or_else(|| no_such_task(id))
    }

    async fn show_diff(&self, id: TaskId) -> Result<Answer, Answer> {
        let task = self.find(id).await?;
        let Some(work) = web::report::last_change(&self.views, id).await.map_err(unreadable)? else {
            let next = format!("See where it stands with `downbeat task show {id}`");
            return Err(Answer::Refused { why: format!("{id} has made no change"), next });
        };
        let repository = self.repository_of(&task)?;
        let text = repository.mirror.patch(&work.base, &work.head, DIFF_BYTES_MAX).await.map_err(failed)?;
        let value = serde_json::json!({ "base": work.base, "head": work.head, "changes": work.changes, "patch": text });
        Ok(Answer::Found { text, value })
    }

    async fn show_checkpoints(&self, id: TaskId) -> Result<Answer, Answer> {
        let task = self.find(id).await?;
        let steps = checkpoint::steps(self.repository_of(&task)?, id).await.map_err(failed)?;
        let now = self.views.store.now();
        let mut text = match steps.len() {
            0 => format!("{id} has no checkpoint; one is kept after each turn of its agent.\n"),
            _ => format!("{id}: `downbeat task diff {id} N` shows what was changed by then.\n"),
        };
        text.extend(steps.iter().map(|step| format!("{}\n", web::report::printable(&step.in_words(now)))));
        let value = steps.iter().map(|Step { checkpoint: one, changes }| {
            serde_json::json!({ "n": one.n, "commit": one.commit, "base": one.base, "words": one.words,
                "at_ms": one.at.as_ms(), "changes": changes })
        });
        Ok(Answer::Found { text, value: value.collect() })
    }

    async fn show_state(&self, id: TaskId, n: u32, since: Option<u32>) -> Result<Answer, Answer> {
        let task = self.find(id).await?;
        let repository = self.repository_of(&task)?;
        let to = find_checkpoint(repository, id, n).await?;
        let from = match since {
            Some(n) => find_checkpoint(repository, id, n).await?.commit,
            None => to.base.clone(),
        };
        let Difference { changes, patch } = checkpoint::diff(repository, &from, &to.commit).await.map_err(failed)?;
        let value = serde_json::json!({ "base": from, "head": to.commit, "changes": changes, "patch": patch });
        Ok(Answer::Found { text: patch, value })
    }

    fn repository_of(&self, task: &Task) -> Result<&Repository, Answer> {
        let (id, name) = (task.id, &task.request.repo);
        let gone = || failed(format!("the repository {name} of {id} is not in the config any more"));
        self.views.repositories.get(name).ok_or_else(gone)
    }
}

async fn find_checkpoint(repository: &Repository, id: TaskId, n: u32) -> Result<Checkpoint, Answer> {
    let found = checkpoint::find(repository, id, n).await.map_err(failed)?;
    let next = format!("See what there is with `downbeat task checkpoints {id}`");
    found.ok_or_else(|| Answer::Refused { why: format!("{id} has no checkpoint {n}"), next })
}

fn found(report: Report) -> Answer {
    Answer::Found { text: report.text, value: report.value }
}

fn failed(why: impl ToString) -> Answer {
    Answer::Failed { why: why.to_string() }
}

fn unreadable(error: StoreError) -> Answer {
    failed(error)
}

fn no_such_task(id: TaskId) -> Answer {
    let next = "See what there is with `downbeat task list --all`".to_owned();
    Answer::Refused { why: format!("There is no task {id}"), next }
}

fn somebody(name: &str) -> Result<Person, Answer> {
    name.parse().map_err(failed)
}

fn place(thread: &str) -> Result<ThreadRef, Answer> {
    let fits =
        (1..=64).contains(&thread.chars().count()) && !thread.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits {
        return Ok(ThreadRef::console(thread));
    }
    let next = "A thread's name has 1 to 64 characters and no spaces".to_owned();
    Err(Answer::Refused { why: format!("`{thread}` is not a thread's name"), next })
}
