//! What people say to a merge queue itself: who comes first, who is held, what it is closed to, and that it goes on.

use domain::policy::Verb;
use domain::{Cause, DeliveryId, EntryId, Person, Rejected, RepoName, TaskId};
use mergeq::queue::{Freeze, Hold, Priority, QueueEvent};
use serde::{Deserialize, Serialize};

use super::choosing::Meant;
use super::command::{Command, named_repository};
use super::intake::{Answer, Intake, Trouble};
use super::messenger::Heard;

/// An order to a merge queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueOrder {
    /// Start nothing new.
    Pause,
    /// Go on.
    Resume,
    /// Let only the urgent land.
    Freeze {
        /// Whatever is of a lower priority waits.
        below: Priority,
        /// Why.
        why: String,
    },
    /// Let everybody land again.
    Thaw,
    /// Put right what an audit found.
    Restore,
}

/// An order about one task in a merge queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryOrder {
    /// Let it come sooner or later.
    Prioritise {
        /// How soon.
        priority: Priority,
        /// Why.
        why: Option<String>,
    },
    /// Keep it from being tested and landed.
    Hold {
        /// Why.
        why: String,
    },
    /// Let it go on that was held.
    Release,
}

/// `pause`, `resume repo=web`; none when it is something else.
pub(super) fn read_order(verb: &str, rest: &str) -> Option<Command> {
    let order = match verb {
        "pause" => QueueOrder::Pause,
        "resume" => QueueOrder::Resume,
        "restore" => QueueOrder::Restore,
        "thaw" => QueueOrder::Thaw,
        _ => return None,
    };
    named_repository(rest).map(|repo| Command::Order { repo, order })
}

/// `freeze below=high because we release`, `freeze repo=web because …`; none when it is something else.
pub(super) fn read_freeze(rest: &str) -> Option<Command> {
    let (options, why) = split_reason(rest);
    let (mut repo, mut below) = (None, Priority::High);
    for option in options.split_whitespace() {
        match option.split_once('=')? {
            ("repo", name) => repo = Some(name.parse().ok()?),
            ("below", word) => below = priority_of(word).filter(|below| *below > Priority::Low)?,
            _ => return None,
        }
    }
    let Some(why) = why else {
        return Some(unclear("A freeze needs a reason", "Say `freeze because we release today`"));
    };
    Some(Command::Order { repo, order: QueueOrder::Freeze { below, why } })
}

/// `prioritise T-3 high`, `prioritise T-3 first because it mends the login`, `hold T-3 because the docs are missing`,
/// `release T-3`; none when it is something else.
pub(super) fn read_entry_order(verb: &str, task: TaskId, words: &str) -> Option<Command> {
    let (word, why) = split_reason(words);
    let word = word.trim();
    let order = match (verb, why) {
        ("release", None) if word.is_empty() => EntryOrder::Release,
        ("hold", Some(why)) if word.is_empty() => EntryOrder::Hold { why },
        ("hold", None) if word.is_empty() => {
            return Some(unclear("A hold needs a reason", &format!("Say `hold {task} because` and why")));
        }
        ("release" | "hold", _) => return None,
        (_, why) => match (priority_of(word)?, why) {
            (Priority::First, None) => {
                let next = format!("Say `prioritise {task} first because` and why");
                return Some(unclear("Whoever goes before everybody needs a reason", &next));
            }
            (priority, why) => EntryOrder::Prioritise { priority, why },
        },
    };
    Some(Command::OrderEntry { task, order })
}

fn priority_of(word: &str) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| priority.word() == word.to_lowercase())
}

/// What stands before the word `because`, and what behind it.
fn split_reason(words: &str) -> (&str, Option<String>) {
    let reason = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    match words.split_once("because ") {
        Some((before, why)) if before.is_empty() || before.ends_with(' ') => (before, reason(why)),
        Some(_) | None => (words, None),
    }
}

fn unclear(why: &str, next: &str) -> Command {
    Command::Unclear { why: why.to_owned(), next: next.to_owned() }
}

impl QueueOrder {
    fn into_event(self, by: Person) -> QueueEvent {
        match self {
            Self::Pause => QueueEvent::Paused { by },
            Self::Resume => QueueEvent::Resumed { by },
            Self::Freeze { below, why } => QueueEvent::Frozen(Freeze { below, by, why, until: None }),
            Self::Thaw => QueueEvent::Thawed { by },
            Self::Restore => QueueEvent::RestoreOrdered { by },
        }
    }

    fn said(&self) -> String {
        match self {
            Self::Pause => "paused; say `resume` to go on".to_owned(),
            Self::Resume => "going on".to_owned(),
            Self::Freeze { below, .. } => {
                format!("closed to all that is below {below}; approvals count, and `thaw` opens it again")
            }
            Self::Thaw => "open to everybody".to_owned(),
            Self::Restore => {
                "putting its target right: the commit that does it is tested, and lands before anything else".to_owned()
            }
        }
    }
}

impl EntryOrder {
    fn into_event(self, entry: EntryId, by: Person) -> QueueEvent {
        match self {
            Self::Prioritise { priority, why } => QueueEvent::Prioritised { entry, priority, by, why },
            Self::Hold { why } => QueueEvent::Held { entry, hold: Hold { by, why } },
            Self::Release => QueueEvent::Released { entry, by },
        }
    }

    fn said(&self, id: TaskId) -> String {
        match self {
            Self::Prioritise { priority: Priority::First, .. } => "is first in line".to_owned(),
            Self::Prioritise { priority, .. } => format!("has priority {priority}"),
            Self::Hold { .. } => format!("keeps its place and waits for `release {id}`"),
            Self::Release => "goes on".to_owned(),
        }
    }
}

impl Intake {
    pub(super) async fn operate_queue(
        &self,
        heard: &Heard,
        repo: Option<RepoName>,
        order: QueueOrder,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        self.may(heard, Verb::OperateQueue)?;
        let thread = &heard.message.thread;
        let Meant::One { repo, .. } = self.repository_meant(repo.as_ref(), thread, "").await? else {
            let all: Vec<_> = self.repositories.iter().map(|repository| repository.name.as_str()).collect();
            let next = format!("Name it, as in `repo={}`; I know {}", all[0], all.join(", "));
            return Err(Rejected::new("I cannot tell which repository this is about", next).into());
        };
        self.may_with(heard, Verb::OperateQueue, Some(&repo))?;
        let said = order.said();
        self.desk.tell(&repo, order.into_event(heard.author.clone()), Cause::Delivery(delivery.clone())).await?;
        Ok(Answer::words(format!("The merge queue of {repo} is {said}.")))
    }

    pub(super) async fn operate_entry(
        &self,
        heard: &Heard,
        id: TaskId,
        order: EntryOrder,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        let repo = self.find(id).await?.request.repo;
        self.may_with(heard, Verb::OperateQueue, Some(&repo))?;
        let said = order.said(id);
        let event = order.into_event(EntryId::from(id), heard.author.clone());
        self.desk.tell(&repo, event, Cause::Delivery(delivery.clone())).await?;
        Ok(Answer::words(format!("{id} {said} in the merge queue of {repo}.")))
    }
}
