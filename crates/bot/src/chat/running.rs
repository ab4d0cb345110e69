//! What is going on: one line for each task that is at work or waits for something other than a person.
//!
//! Asked about once a second while somebody watches, so it reads a handful of bounded lists and no histories.

use std::collections::HashMap;

use agents::setup;
use agents::task::Task;
use agents::task::view::{self, RunningLine};
use domain::{EntryId, RepoName, ThreadRef, Timestamp};
use mergeq::QueueDesk;
use mergeq::queue::{Queue, progress_of};
use store::{Debt, Store, StoreError, Table};

use super::hindrance::{Hindrance, cut};
use crate::control::wire::RunningTask;

/// How many tasks are told: more lines than any terminal shows beside its conversation.
const TASKS_MAX: i64 = 50;
/// How many effects are looked at for one kind of machine; past it the lines say less, and stay true.
const DEBTS_MAX: i64 = 1_000;
/// How many characters of a printed line are shown.
const SAID_CHARS_MAX: usize = 120;

/// The tasks that are at work or wait for something other than a person, oldest first, at most 50.
pub async fn running(store: &Store, desk: &QueueDesk) -> Result<Vec<RunningTask>, StoreError> {
    let lines = view::running(store, TASKS_MAX).await?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let around = Around {
        queues: queues_of(store, desk, &lines).await?,
        owed_to_tasks: store.debts_at_work(Task::KIND, DEBTS_MAX).await?,
        owed_to_queues: store.debts_at_work(Queue::KIND, DEBTS_MAX).await?,
        now: store.now(),
    };
    let shown = lines.into_iter().map(|line| RunningTask {
        task: line.id,
        doing: around.doing(&line),
        thread: name_of(&line.thread),
        title: line.title,
        since: line.since,
    });
    Ok(shown.collect())
}

/// The queues of the repositories whose changes are on their way into one.
async fn queues_of(
    store: &Store,
    desk: &QueueDesk,
    lines: &[RunningLine],
) -> Result<HashMap<String, Queue>, StoreError> {
    let mut queues = HashMap::new();
    for line in lines.iter().filter(|line| line.state == "merging") {
        let id = line.repo.parse::<RepoName>().ok().and_then(|repo| desk.queue_of(&repo));
        let Some(id) = id.filter(|_| !queues.contains_key(&line.repo)) else { continue };
        if let Some(queue) = store.load::<Queue>(&id).await? {
            queues.insert(line.repo.clone(), queue);
        }
    }
    Ok(queues)
}

/// What the lines are told from.
struct Around {
    queues: HashMap<String, Queue>,
    owed_to_tasks: Vec<Debt>,
    owed_to_queues: Vec<Debt>,
    now: Timestamp,
}

impl Around {
    fn doing(&self, line: &RunningLine) -> String {
        match line.state.as_str() {
            "queued" => self.session(line, "about to begin"),
            "planning" => self.session(line, "planning"),
            "working" => self.session(line, "working"),
            "asking" => "waiting for an answer".to_owned(),
            "pausing" => "pausing".to_owned(),
            "publishing" => self.owed(line, "publish").unwrap_or_else(|| "publishing its branch".to_owned()),
            "merging" => self.in_queue(line),
            _ => "stopping".to_owned(),
        }
    }

    fn session(&self, line: &RunningLine, verb: &str) -> String {
        let n_busy = self.owed_to_tasks.iter().filter(|debt| debt.lane == "session" && debt.is_leased).count();
        match self.hindrance(line, "session") {
            Some(Hindrance::NoSession { .. }) if n_busy == 0 => "about to begin".to_owned(),
            Some(hindrance @ Hindrance::NoSession { .. }) => {
                format!("{} ({n_busy} {} busy)", hindrance.at(self.now), if n_busy == 1 { "is" } else { "are" })
            }
            Some(hindrance) => hindrance.at(self.now),
            None => match setting_up(line) {
                Some(said) => format!("setting up the environment · {said}"),
                None => with_said(verb, line, line.since),
            },
        }
    }

    fn hindrance(&self, line: &RunningLine, lane: &str) -> Option<Hindrance> {
        let own = line.id.to_string();
        let owed = self.owed_to_tasks.iter().rfind(|debt| debt.lane == lane && debt.machine == own);
        let said_at = line.last_line.as_ref().map(|said| said.at);
        owed.and_then(|debt| Hindrance::of(debt, said_at, self.now))
    }

    fn owed(&self, line: &RunningLine, lane: &str) -> Option<String> {
        self.hindrance(line, lane).map(|hindrance| hindrance.at(self.now))
    }

    fn in_queue(&self, line: &RunningLine) -> String {
        if let Some(handing_over) = self.owed(line, "merge") {
            return handing_over;
        }
        let entry = EntryId::from(line.id);
        let found = self.queues.get(&line.repo).and_then(|queue| Some((queue, progress_of(queue, &entry)?)));
        let Some((queue, progress)) = found else { return "entering the merge queue".to_owned() };
        let place = format!("in the merge queue · {progress}");
        let run = queue.run_of(&entry);
        let hindrance = Hindrance::in_queue(queue, run, &self.owed_to_queues, self.now);
        match (hindrance, run, &queue.pause) {
            (Some(hindrance), _, _) => format!("{place} · {}", hindrance.at(self.now)),
            (None, None, Some(pause)) => format!("{place} · {pause}"),
            (None, Some(run), _) => with_said(&place, line, run.since),
            (None, None, None) => place,
        }
    }
}

/// What it does, and what was printed last while it did so.
fn with_said(doing: &str, line: &RunningLine, since: Timestamp) -> String {
    let said = line.last_line.as_ref().filter(|said| said.at >= since).map(|said| cut(&said.text, SAID_CHARS_MAX));
    said.filter(|said| !said.is_empty()).map_or_else(|| doing.to_owned(), |said| format!("{doing} · {said}"))
}

/// What its setup printed last, while it runs.
fn setting_up(line: &RunningLine) -> Option<String> {
    let said = line.last_line.as_ref().filter(|said| said.at >= line.since)?;
    said.text.strip_prefix(setup::SAID).map(|said| cut(said, SAID_CHARS_MAX))
}

fn name_of(thread: &str) -> String {
    thread.parse::<ThreadRef>().map_or_else(|_| thread.to_owned(), |thread| thread.name)
}

#[cfg(test)]
mod tests {
    use agents::task::view::LastLine;

    use super::*;

    #[test]
    fn a_setup_that_runs_is_told_with_what_it_printed_last() {
        let said_at = |at: i64, text: &str| {
            let last_line = Some(LastLine { text: text.to_owned(), at: Timestamp::from_ms(at) });
            let [state, repo, title, thread] = ["working", "web", "fix it", "t"].map(str::to_owned);
            let id = "T-1".parse().unwrap();
            setting_up(&RunningLine { id, state, repo, title, thread, since: Timestamp::from_ms(5), last_line })
        };
        assert_eq!(said_at(5, "setup: added 31 packages").as_deref(), Some("added 31 packages"));
        assert_eq!(said_at(4, "setup: of the session before"), None);
        assert_eq!(said_at(5, "agent coder begins (session 1)"), None);
    }
}
