//! The grammar of what people may say. Deterministic: no model reads commands, and nothing is guessed.
//!
//! A message counts when it begins with the mention (`@agent …`) or is a bare command: a verb alone, or a verb followed
//! by a task. Everything else is talk between people, kept only as context. With a mention, words that are no command
//! are a request.

use domain::{RepoName, TaskId};
use serde::{Deserialize, Serialize};

use super::defaults::{self, Wanted};
use super::help;
use super::options::{self, Options};
use super::ordering::{self, EntryOrder, QueueOrder};

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Talk between people.
    Talk,
    /// A request for a task.
    Ask {
        /// The words without mention and options.
        text: String,
        /// The options.
        options: Options,
    },
    /// Something about a task; the one in focus when none is named.
    OnTask(Deed),
    /// What can be said, or more of one command.
    Help {
        /// Which.
        word: Option<String>,
    },
    /// The tasks of the thread, or one of them.
    Status {
        /// Which.
        task: Option<TaskId>,
    },
    /// The tasks of whoever asks, wherever they are.
    Mine,
    /// What holds in this channel.
    Settings,
    /// Let something hold in this channel.
    SetDefaults(Wanted),
    /// Begin a request that lacked its repository.
    Start {
        /// The message that asked.
        message: String,
        /// The repository.
        repo: RepoName,
    },
    /// What was printed for a task.
    Log {
        /// Which.
        task: Option<TaskId>,
    },
    /// What its agent was given to read of the thread.
    Context {
        /// Which.
        task: Option<TaskId>,
    },
    /// The difference that a task's change makes.
    Diff {
        /// Which.
        task: Option<TaskId>,
    },
    /// The states of a task's tree that were kept.
    Checkpoints {
        /// Which.
        task: Option<TaskId>,
    },
    /// The merge queue.
    Queue,
    /// Something to a merge queue.
    Order {
        /// Whose.
        repo: Option<RepoName>,
        /// What.
        order: QueueOrder,
    },
    /// Something to a merge queue about one task in it.
    OrderEntry {
        /// Which.
        task: TaskId,
        /// What.
        order: EntryOrder,
    },
    /// Why something is as it is, or why I may not.
    Why {
        /// Of which task.
        task: Option<TaskId>,
        /// About which right, when the question is "why can't I".
        deed: Option<TaskVerb>,
    },
    /// Not to be understood, with the reason.
    Unclear {
        /// Why.
        why: String,
        /// What to say instead.
        next: String,
    },
}

/// Something that a person wants done to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What.
    pub verb: TaskVerb,
    /// Which.
    pub task: Option<TaskId>,
    /// The words after it.
    pub words: String,
}

/// What can be done to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskVerb {
    /// Approve its plan, or accept its change.
    Approve,
    /// Ask for another version.
    Revise,
    /// Change the steps of its plan.
    Edit,
    /// Turn it down.
    Reject,
    /// Answer its question.
    Answer,
    /// Say something to its session.
    Steer,
    /// Say something to its session, which ends what it does now.
    Interrupt,
    /// Stop its session, to go on later.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Take the work back to a checkpoint.
    Rollback,
    /// Send it to the merge queue.
    Merge,
    /// Find out whether its change would land.
    Try,
    /// Take it out of the merge queue.
    Dequeue,
    /// Stop it.
    Stop,
    /// Run it again.
    Retry,
    /// Hear of it only when somebody is needed.
    Mute,
    /// Hear of it again.
    Unmute,
}

impl TaskVerb {
    /// All of them, in the order in which the help shows them.
    pub const ALL: [Self; 17] = [
        Self::Approve,
        Self::Revise,
        Self::Edit,
        Self::Reject,
        Self::Answer,
        Self::Steer,
        Self::Interrupt,
        Self::Pause,
        Self::Resume,
        Self::Rollback,
        Self::Merge,
        Self::Try,
        Self::Dequeue,
        Self::Stop,
        Self::Retry,
        Self::Mute,
        Self::Unmute,
    ];

    /// The word that people say.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Revise => "revise",
            Self::Edit => "edit",
            Self::Reject => "reject",
            Self::Answer => "answer",
            Self::Steer => "steer",
            Self::Interrupt => "interrupt",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Rollback => "rollback",
            Self::Merge => "merge",
            Self::Try => "try",
            Self::Dequeue => "dequeue",
            Self::Stop => "stop",
            Self::Retry => "retry",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Whether these words may follow it and its task.
    fn takes(self, words: &str, is_named: bool) -> bool {
        match self {
            Self::Revise | Self::Reject | Self::Answer | Self::Steer | Self::Interrupt => true,
            Self::Edit => is_named,
            Self::Approve => words.is_empty() || is_named && approval_words_fit(words),
            Self::Rollback => is_number(split_word(words).0),
            Self::Retry => Other::read(words).is_some(),
            Self::Pause | Self::Resume => words.is_empty() && is_named,
            Self::Merge | Self::Try | Self::Dequeue | Self::Stop | Self::Mute | Self::Unmute => words.is_empty(),
        }
    }
}

/// What a retry is done with, where it is to be another agent or model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// The agent by its name in the config.
    pub agent: Option<String>,
    /// The model.
    pub model: Option<String>,
}

impl Other {
    /// After `retry T-1`: nothing, `with codex`, `agent=codex`, `model=opus`, or two of them; none when it is something
    /// else.
    pub fn read(words: &str) -> Option<Self> {
        let mut other = Self::default();
        let mut words = words.split_whitespace();
        while let Some(word) = words.next() {
            let (key, value) = match word {
                "with" => ("agent", words.next()?),
                _ => word.split_once('=')?,
            };
            match key {
                _ if value.is_empty() => return None,
                "agent" => other.agent = Some(value.to_owned()),
                "model" => other.model = Some(value.to_owned()),
                _ => return None,
            }
        }
        Some(other)
    }
}

/// Reads one message. `mention` is the name by which people call, `@agent`.
pub fn parse(text: &str, mention: &str) -> Command {
    let text = text.trim();
    if let Some(said) = text.strip_prefix(mention).filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric())) {
        let said = said.trim_start_matches([',', ':']).trim();
        return parse_command(said).or_else(|| slip_in(said)).unwrap_or_else(|| parse_request(said));
    }
    if is_number(text) {
        let why = format!("There is no choice {text} in this thread");
        return Command::Unclear { why, next: "Say `status` to see what can be answered".to_owned() };
    }
    match parse_command(text) {
        Some(Command::OnTask(Deed { task: None, words, .. })) if !words.is_empty() => Command::Talk,
        Some(Command::Why { .. }) if !text.trim_start_matches(|c: char| c.is_alphabetic()).trim().starts_with("T-") => {
            Command::Talk
        }
        Some(command) => command,
        None => slip_in(text).unwrap_or(Command::Talk),
    }
}

/// The command that the words are, if their first word is a verb and the rest fits it.
fn parse_command(said: &str) -> Option<Command> {
    let (first, rest) = split_word(said);
    let verb = first.trim_end_matches(['!', '?', '.']).to_lowercase();
    let (task, words) = task_and_words(rest);
    match verb.as_str() {
        "help" if rest.is_empty() => return Some(Command::Help { word: None }),
        "help" if help::tells_of(rest) => return Some(Command::Help { word: Some(rest.to_lowercase()) }),
        "log" if words.is_empty() => return Some(Command::Log { task }),
        "context" if words.is_empty() && task.is_some() => return Some(Command::Context { task }),
        "diff" if words.is_empty() => return Some(Command::Diff { task }),
        "checkpoints" if words.is_empty() => return Some(Command::Checkpoints { task }),
        "tasks" if rest.is_empty() => return Some(Command::Mine),
        "status" | "tasks" if words.is_empty() => return Some(Command::Status { task }),
        "settings" if rest.is_empty() => return Some(Command::Settings),
        "set" => return defaults::to_set(rest).map(Command::SetDefaults),
        "unset" => return defaults::to_unset(rest).map(Command::SetDefaults),
        "start" => return message_and_repository(rest),
        "schedules" if rest.is_empty() => return Some(no_schedules()),
        "queue" if rest.is_empty() => return Some(Command::Queue),
        "pause" | "resume" | "restore" | "thaw" if task.is_none() => return ordering::read_order(&verb, rest),
        "freeze" => return ordering::read_freeze(rest),
        "prioritise" | "prioritize" | "hold" | "release" => return ordering::read_entry_order(&verb, task?, &words),
        "tell" if task.is_some() => return Some(Command::OnTask(Deed { verb: TaskVerb::Steer, task, words })),
        "why" => return Some(Command::Why { task: first_task(rest), deed: first_deed(rest) }),
        _ => {}
    }
    let verb = TaskVerb::from_word(&verb)?;
    verb.takes(&words, task.is_some()).then_some(Command::OnTask(Deed { verb, task, words }))
}

/// What was meant, where a word that is almost a command stands before a task and nothing else does.
fn slip_in(said: &str) -> Option<Command> {
    let (first, rest) = split_word(said);
    let word = first.to_lowercase();
    let task: TaskId = rest.parse().ok()?;
    let meant = help::words().find(|known| options::is_slip(&word, known))?;
    Some(Command::Unclear {
        why: format!("There is no command `{word}`"),
        next: format!("Did you mean `{meant} {task}`? Say `help` to see what there is"),
    })
}

/// After `approve T-1`: nothing, the version (`v2`), the hash (`#a91f0c12`), or the task's id once more.
fn approval_words_fit(words: &str) -> bool {
    words.split_whitespace().all(|word| {
        word.starts_with('#') || word.parse::<TaskId>().is_ok() || word.strip_prefix('v').is_some_and(is_number)
    })
}

/// Nothing, or `repo=web`; none when it is something else.
pub(super) fn named_repository(rest: &str) -> Option<Option<RepoName>> {
    if rest.is_empty() {
        return Some(None);
    }
    rest.strip_prefix("repo=")?.parse().ok().map(Some)
}

/// `17 repo=web`: which message, and what it is about.
fn message_and_repository(rest: &str) -> Option<Command> {
    let (message, repo) = split_word(rest);
    let repo = repo.strip_prefix("repo=")?.parse().ok()?;
    Some(Command::Start { message: message.to_owned(), repo })
}

fn no_schedules() -> Command {
    let (why, next) = ("There are no schedules yet", "Ask for a task when it is due");
    Command::Unclear { why: why.to_owned(), next: next.to_owned() }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_request(said: &str) -> Command {
    if said.is_empty() {
        return Command::Help { word: None };
    }
    match options::split(said) {
        Ok((text, _)) if text.is_empty() => Command::Unclear {
            why: "That has options but no request".to_owned(),
            next: "Say what should change, as in `@agent fix the login redirect repo=web`".to_owned(),
        },
        Ok((text, options)) => Command::Ask { text, options },
        Err(rejected) => Command::Unclear { why: rejected.why, next: rejected.next },
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn task_and_words(rest: &str) -> (Option<TaskId>, String) {
    let (first, words) = split_word(rest);
    match first.trim_end_matches([':', ',']).parse() {
        Ok(task) => (Some(task), words.to_owned()),
        Err(_) => (None, rest.to_owned()),
    }
}

fn first_task(rest: &str) -> Option<TaskId> {
    rest.split_whitespace().find_map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).parse().ok())
}

fn first_deed(rest: &str) -> Option<TaskVerb> {
    rest.split_whitespace().find_map(|word| TaskVerb::from_word(&word.trim_matches(['?', '.', ',']).to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> String {
        match parse(text, "@agent") {
            Command::Talk => "talk".to_owned(),
            Command::Ask { text, options } => format!("ask {text:?} {options}"),
            Command::OnTask(Deed { verb, task, words }) => {
                let task = task.map_or("?".to_owned(), |task| task.to_string());
                format!("{} {task} {words:?}", verb.word())
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_mention_with_words_is_a_request() {
        assert_eq!(says("@agent fix the login redirect"), r#"ask "fix the login redirect" "#);
        assert_eq!(says("@agent, fix it repo=acme/web plan=off"), r#"ask "fix it" repo=acme/web plan=off"#);
        assert_eq!(says("@agent merge the two config loaders"), r#"ask "merge the two config loaders" "#);
        assert_eq!(says("@agents are great"), "talk");
        assert_eq!(says("@agent"), "Help { word: None }");
        assert_eq!(says("@agent  \n "), "Help { word: None }");
        assert_eq!(says(" \n\t "), "talk");
    }

    /// [4]
    #[test]
    fn a_bare_verb_counts_only_alone_or_with_a_task() {
        assert_eq!(says("approve"), r#"approve ? """#);
        assert_eq!(says("Approve T-3"), r#"approve T-3 """#);
        assert_eq!(says("approve T-3 v2 #a91f0c12"), r##"approve T-3 "v2 #a91f0c12""##);
        assert_eq!(says("approve T-3 T-3"), r#"approve T-3 "T-3""#);
        assert_eq!(says("stop doing that, ben"), "talk");
        assert_eq!(says("revise the whole thing?"), "talk");
        assert_eq!(says("revise T-2 keep the old name"), r#"revise T-2 "keep the old name""#);
        assert_eq!(says("@agent revise keep the old name"), r#"revise ? "keep the old name""#);
        assert_eq!(says("why not?"), "talk");
        assert_eq!(says("I approve of this"), "talk");
    }

    #[test]
    fn a_session_is_answered_steered_and_paused_by_its_task() {
        assert_eq!(says("answer T-3 q2 the old name"), r#"answer T-3 "q2 the old name""#);
        assert_eq!(says("@agent answer yes"), r#"answer ? "yes""#);
        assert_eq!(says("answer me, ben"), "talk");
        assert_eq!(says("tell T-3 to use tabs"), r#"steer T-3 "to use tabs""#);
        assert_eq!(says("@agent tell me how the login works"), r#"ask "tell me how the login works" "#);
        assert_eq!(says("interrupt T-3"), r#"interrupt T-3 """#);
        assert_eq!(says("pause T-3"), r#"pause T-3 """#);
        assert_eq!(says("pause"), "Order { repo: None, order: Pause }");
        assert_eq!(says("pause T-3 and have a coffee"), "talk");
        assert_eq!(says("rollback T-3 2 without the cache"), r#"rollback T-3 "2 without the cache""#);
        assert_eq!(says("@agent rollback the release"), r#"ask "rollback the release" "#);
        assert_eq!(says("retry T-3 with codex model=large"), r#"retry T-3 "with codex model=large""#);
        assert_eq!(says("@agent retry the failing upload"), r#"ask "retry the failing upload" "#);
    }

    /// [4]
    #[test]
    fn a_slip_before_a_task_is_asked_about() {
        for (said, meant) in [
            ("aprove T-1", "approve T-1"),
            ("@agent aprove T-1", "approve T-1"),
            ("mereg T-2", "merge T-2"),
            ("Stattus T-3", "status T-3"),
        ] {
            assert!(says(said).contains(&format!("Did you mean `{meant}`?")), "{said}: {}", says(said));
        }
        for talk in ["aprove", "aprove it", "improve T-1", "mergers T-1 and T-2", "helpp me"] {
            assert_eq!(says(talk), "talk");
        }
        assert_eq!(says("@agent aprove the budget"), r#"ask "aprove the budget" "#);
    }

    #[test]
    fn help_is_asked_for_alone_or_with_a_command() {
        assert_eq!(says("help Approve"), r#"Help { word: Some("approve") }"#);
        assert_eq!(says("help me"), "talk");
        assert_eq!(says("@agent help the newcomers"), r#"ask "help the newcomers" "#);
        assert_eq!(says("log T-2"), "Log { task: Some(TaskId(2)) }");
        assert_eq!(says("diff"), "Diff { task: None }");
        assert_eq!(says("log out please"), "talk");
    }

    #[test]
    fn a_channels_defaults_are_set_by_pairs_alone() {
        assert_eq!(says("@agent settings"), "Settings");
        assert!(says("@agent set repo=web budget=5").starts_with("SetDefaults"));
        assert!(says("@agent unset repo").starts_with("SetDefaults"));
        assert_eq!(says("@agent set up the repo"), r#"ask "set up the repo" "#);
        assert_eq!(says("set the table"), "talk");
        assert!(says("start 17.5 repo=web").starts_with("Start"));
        assert_eq!(says("@agent start the server"), r#"ask "start the server" "#);
        assert_eq!(says("tasks"), "Mine");
        assert_eq!(says("edit T-1 v2\nfirst\nsecond"), r#"edit T-1 "v2\nfirst\nsecond""#);
        assert_eq!(says("@agent edit the readme"), r#"ask "edit the readme" "#);
    }

    #[test]
    fn questions_are_understood() {
        assert_eq!(says("@agent why can't I approve T-4?"), "Why { task: Some(TaskId(4)), deed: Some(Approve) }");
        assert_eq!(says("why T-4"), "Why { task: Some(TaskId(4)), deed: None }");
        assert_eq!(says("✅"), "talk");
    }

    #[test]
    fn an_unknown_option_that_looks_like_a_known_one_is_reported() {
        assert_eq!(
            says("@agent fix it repoo=web"),
            "Unclear { why: \"There is no option `repoo`\", next: \"Did you mean `repo=web`? I know agent, branch, budget, merge, model, plan and repo\" }"
        );
        assert!(says("@agent fix it plna=off").contains("`plan=off`"));
        assert_eq!(says("@agent set timeout=5 in the config"), r#"ask "set timeout=5 in the config" "#);
        assert!(says("@agent fix it plan=perhaps").contains("`plan=perhaps`"));
    }
}
