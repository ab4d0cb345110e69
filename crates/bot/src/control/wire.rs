//! What is said on the control socket: one JSON object a line, either way.
//!
//! Every connection begins with [`Ask::Hello`]. An ask gets one [`Answer`], but for [`Ask::Watch`], after whose answer
//! the connection carries [`Shown`] lines until either side hangs up. Whoever may open the socket and read the token
//! beside it is believed who they say they are: the modes of the files are the authentication.

use agents::money::Grouping;
use domain::{TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chat::console::ConsoleMessage;
use crate::slack::status::Standing;

/// The version of this language. A client of another version is told so and hangs up.
pub const VERSION: u32 = 1;

/// The longest line, either way. 8 MiB: the largest answer is a difference, of which a mebibyte may grow sixfold as JSON.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// First on every connection.
    Hello {
        /// The language that the client speaks.
        version: u32,
        /// What lies beside the socket, where no caged program may read.
        token: String,
    },
    /// Follows the console from now on, after the newest messages of `thread`, oldest first, as [`Shown::Posted`].
    Watch {
        /// The thread whose past is wanted; none for all threads without their past.
        thread: Option<String>,
        /// How much of it; at most 200.
        backlog: usize,
    },
    /// Says words in a thread of the console. When it is answered, it is kept and owed a reply.
    Say {
        /// A name made up by the client, repeated when it does not know whether it was heard.
        delivery: String,
        /// The thread's name.
        thread: String,
        /// Who speaks.
        person: String,
        /// Their words; a number answers the button of that number.
        text: String,
    },
    /// Carries out one command at once, as `approve T-1`, and answers with what came of it.
    Order {
        /// A name made up by the client, repeated when it does not know whether it was carried out.
        delivery: String,
        /// Who orders.
        person: String,
        /// The command, in the words of the chat.
        words: String,
        /// The thread that it belongs to.
        thread: String,
    },
    /// The tasks, by what they wait for.
    Tasks {
        /// Those that have ended as well.
        all: bool,
    },
    /// Everything about one task.
    Task {
        /// Which.
        id: TaskId,
    },
    /// What a task's agent printed, from line `after` on.
    Log {
        /// Which task.
        id: TaskId,
        /// The last line that is known already; 0 at first.
        after: i64,
        /// At most so many lines.
        count_max: i64,
    },
    /// The difference that a task's change makes, or that its tree had made by a checkpoint.
    Diff {
        /// Which task.
        id: TaskId,
        /// The checkpoint's number; none for the change itself.
        #[serde(default)]
        checkpoint: Option<u32>,
        /// The checkpoint that it is compared with; none for where the tree began.
        #[serde(default)]
        since: Option<u32>,
    },
    /// The states of a task's tree that were kept.
    Checkpoints {
        /// Which task.
        id: TaskId,
    },
    /// What agents used.
    Costs {
        /// By what to sum up.
        by: Grouping,
        /// How far back, in seconds.
        within_s: u64,
    },
    /// The merge queues.
    Queues,
    /// Reads the config again.
    Reload,
}

/// What comes of an ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Ask::Hello`].
    Hello(Box<Welcome>),
    /// It is done; the words are what the chat would say, and may be empty.
    Done {
        /// For people.
        text: String,
        /// The task that came of it.
        task: Option<TaskId>,
    },
    /// What was asked for: `text` for people, `value` for programs.
    Found {
        /// For people.
        text: String,
        /// For programs.
        value: serde_json::Value,
    },
    /// A person asked for something that may not be.
    Refused {
        /// What and why.
        why: String,
        /// What they can do next.
        next: String,
    },
    /// It could not be done, or the ask is none.
    Failed {
        /// Why, and what to do.
        why: String,
    },
}

/// Who is spoken to, and what can be named there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The instance's release.
    pub release: String,
    /// The process.
    pub pid: u32,
    /// The name by which people call, `@agent`.
    pub mention: String,
    /// Who is known, by name.
    pub people: Vec<String>,
    /// What can be worked on.
    pub repos: Vec<String>,
    /// Who can do the work.
    pub agents: Vec<String>,
    /// The console's threads, the liveliest first.
    pub threads: Vec<String>,
    /// The address of the page.
    pub page: String,
    /// Slack, where it is configured.
    #[serde(default)]
    pub slack: Option<Standing>,
}

/// What a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shown", rename_all = "kebab-case")]
pub enum Shown {
    /// A message appeared.
    Posted(ConsoleMessage),
    /// A message changed.
    Edited(ConsoleMessage),
    /// An emoji was put on a message.
    Reacted(ConsoleMessage),
    /// What is going on, whenever that changes; all of it, so that the newest one is enough.
    Running {
        /// The tasks that are at work or wait for something other than a person, oldest first.
        tasks: Vec<RunningTask>,
    },
    /// The watcher was too slow, and so many events went by.
    Missed {
        /// How many.
        n: u64,
    },
}

/// One task that is at work, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTask {
    /// Which.
    pub task: TaskId,
    /// Where it was asked: the name of the console's thread, or the whole reference of another platform's.
    pub thread: String,
    /// The request's first line.
    pub title: String,
    /// What it does or waits for, as `working · cargo test …`, `waits for a free session (4 are busy)` or
    /// `tries again in 12 s: the remote does not answer`.
    pub doing: String,
    /// Since when it has been at that.
    pub since: Timestamp,
}
