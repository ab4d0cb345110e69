//! The view: everything that a chat terminal knows. Pure: what is heard and what is typed go in, rows for the
//! transcript, wishes and the live region come out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::Timestamp;

use super::completion::{Candidate, Vocabulary};
use super::edit::EditLine;
use super::history::History;
use super::link::{Followed, Heard, MISSED_MAX, PAST, Saying, refusal};
use super::row::{Row, Tone};
use super::transcript::{MARGIN, Transcript, task_of};
use crate::chat::console::{ConsoleEvent, ConsoleMessage};
use crate::control::wire::{Answer, RunningTask, Shown, Welcome};

/// How long an edit of a card is held back, in case a better one follows.
pub const SETTLE_AFTER: Duration = Duration::from_millis(250);

/// What the terminal is to do for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Say this.
    Say(Saying),
    /// Show the past and the future of this thread.
    Follow(Followed),
    /// Try to connect now.
    Connect,
    /// Paint everything anew.
    Repaint,
    /// Go.
    Leave,
}

/// How the instance is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Reach {
    /// Not tried yet.
    #[default]
    Unknown,
    /// We watch.
    Watching,
    /// Not at all.
    Lost {
        /// When it is tried again.
        again_at: Timestamp,
    },
}

/// What Tab found.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) candidates: Vec<Candidate>,
    /// Tab was pressed again.
    pub(super) is_listed: bool,
}

/// A search in the history.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) words: String,
    /// How many newer matches were passed over.
    pub(super) nth: usize,
}

/// Everything that a chat terminal knows.
#[derive(Debug, Default)]
pub struct View {
    pub(super) person: String,
    pub(super) thread: String,
    pub(super) shows_all: bool,
    pub(super) reach: Reach,
    pub(super) welcome: Welcome,
    pub(super) transcript: Transcript,
    pub(super) running: Vec<RunningTask>,
    /// How many messages came in other threads.
    pub(super) unread: BTreeMap<String, i64>,
    pub(super) edit: EditLine,
    pub(super) history: History,
    pub(super) search: Option<Search>,
    pub(super) offer: Option<Offer>,
    /// One line for the person, until the next key.
    pub(super) note: Option<String>,
    /// What was said and is not answered yet.
    pub(super) unanswered: VecDeque<Saying>,
    /// The thread of the last row, when every thread is shown.
    last_thread: String,
    changed_at: Timestamp,
    rows: Vec<Row>,
    wishes: Vec<Wish>,
}

impl View {
    /// The view of a person who comes to a thread.
    pub fn new(person: &str, thread: &str, history: History) -> Self {
        let (person, thread) = (person.to_owned(), thread.to_owned());
        Self { person, last_thread: thread.clone(), thread, history, ..Self::default() }
    }

    /// The rows that are to be shown above the live region, once.
    pub fn take_rows(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.rows)
    }

    /// What is to be done.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Whether time changes what is seen: something runs, is held back, or is tried again.
    pub fn is_moving(&self) -> bool {
        !self.running.is_empty() || self.transcript.is_holding() || matches!(self.reach, Reach::Lost { .. })
    }

    /// Words that were said and are not answered.
    pub fn unanswered(&self) -> impl Iterator<Item = &Saying> {
        self.unanswered.iter()
    }

    /// Says a line above the live region that nobody in the chat said.
    pub fn say_aside(&mut self, line: &str) {
        self.push(Row::of(Tone::Quiet, &format!("{:>width$}  {line}", "·", width = MARGIN - 2)).hanging(MARGIN));
    }

    /// Takes in what the instance tells.
    pub fn take_heard(&mut self, heard: Heard, now: Timestamp) {
        match heard {
            Heard::Connected(welcome) => self.take_connection(welcome),
            Heard::Lost { why, again_in } => self.take_loss(&why, now + again_in),
            Heard::Answered(saying, answer) => self.take_answer(&saying, answer),
            Heard::Shown(Shown::Posted(message)) => self.take_post(message, now),
            Heard::Shown(Shown::Edited(message)) => self.take_event(&ConsoleEvent::Edited(message), now),
            Heard::Shown(Shown::Reacted(_)) => {}
            Heard::Shown(Shown::Running { tasks }) => {
                self.changed_at = now;
                self.running = tasks;
            }
            Heard::Shown(Shown::Missed { .. }) => self.follow(MISSED_MAX),
        }
    }

    /// Shows what was held back, once nothing came for a moment.
    pub fn settle(&mut self, now: Timestamp) {
        if now.since(self.changed_at) < SETTLE_AFTER {
            return;
        }
        let running: Vec<_> = self.running.iter().map(|running| running.task).collect();
        let rows = self.transcript.settle_but(|task| running.contains(&task));
        rows.into_iter().for_each(|row| self.push(row));
    }

    fn take_connection(&mut self, welcome: Welcome) {
        if matches!(self.reach, Reach::Lost { .. }) {
            self.say_aside("connected again");
        }
        let is_first = self.reach == Reach::Unknown;
        self.reach = Reach::Watching;
        if is_first && !welcome.people.is_empty() && !welcome.people.contains(&self.person) {
            let known = welcome.people.join(", ");
            self.say_aside(&format!("{} is not known here, and may only read along; known are {known}", self.person));
        }
        self.welcome = welcome;
    }

    fn take_loss(&mut self, why: &str, again_at: Timestamp) {
        if !matches!(self.reach, Reach::Lost { .. }) {
            self.say_aside(&format!("the connection is lost: {why}"));
        }
        // What ran there is not known any more.
        self.running.clear();
        self.reach = Reach::Lost { again_at };
    }

    fn take_answer(&mut self, saying: &Saying, answer: Answer) {
        self.unanswered.retain(|waiting| waiting.delivery != saying.delivery);
        let Some(why) = refusal(answer) else { return };
        let first = saying.text.lines().next().unwrap_or_default();
        self.say_aside(&format!("not said: {why}"));
        self.say_aside(&format!("it was “{}”; the arrow up brings it back", super::row::fitting(first, 60)));
    }

    fn take_post(&mut self, message: ConsoleMessage, now: Timestamp) {
        if self.shows(&message.thread) {
            return self.take_event(&ConsoleEvent::Posted(message), now);
        }
        if !self.welcome.threads.contains(&message.thread) {
            self.welcome.threads.push(message.thread.clone());
        }
        *self.unread.entry(message.thread).or_default() += 1;
    }

    fn take_event(&mut self, event: &ConsoleEvent, now: Timestamp) {
        let (ConsoleEvent::Posted(message) | ConsoleEvent::Edited(message) | ConsoleEvent::Reacted(message)) = event;
        if !self.shows(&message.thread) {
            return;
        }
        self.changed_at = now;
        let rows = self.transcript.take_in(event);
        if !rows.is_empty() && message.thread != self.last_thread {
            self.last_thread.clone_from(&message.thread);
            self.push_heading();
        }
        rows.into_iter().for_each(|row| self.push(row));
    }

    fn push_heading(&mut self) {
        let heading = format!("{:MARGIN$}#{}", "", self.last_thread);
        self.push(Row::of(Tone::Quiet, &heading));
    }

    fn shows(&self, thread: &str) -> bool {
        self.shows_all || thread == self.thread
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    /// Goes to another thread and shows its newest messages.
    pub(super) fn go_to(&mut self, thread: &str) {
        self.transcript.forget(thread);
        self.unread.remove(thread);
        self.thread = thread.to_owned();
        self.last_thread = thread.to_owned();
        self.push_heading();
        self.follow(PAST);
    }

    fn follow(&mut self, backlog: usize) {
        self.wish(Wish::Follow(Followed { thread: self.thread.clone(), backlog }));
    }

    /// The messages that ask a person something now, newest first. A task that is at work has its answer.
    pub(super) fn asking(&self) -> Vec<&ConsoleMessage> {
        let is_at_work = |task| self.running.iter().any(|running| running.task == task);
        let asking = self.transcript.asking(&self.thread).into_iter();
        asking.filter(|message| !task_of(message).is_some_and(is_at_work)).collect()
    }

    pub(super) fn vocabulary(&self) -> Vocabulary {
        let Welcome { mention, repos, agents, threads, .. } = self.welcome.clone();
        let offered = self.asking().into_iter().flat_map(|message| &message.choices).filter(|offered| offered.is_open);
        let choices = offered.map(|offered| (offered.n, offered.choice.label.clone())).collect();
        Vocabulary { mention, repos, agents, threads, tasks: self.transcript.tasks(&self.thread), choices }
    }
}
