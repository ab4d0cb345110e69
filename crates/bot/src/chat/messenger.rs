//! The seam to chat platforms.

use async_trait::async_trait;
use domain::{DeliveryId, MessageRef, Person, ThreadRef, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

/// A message that somebody wrote, or something that they did to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The platform's id of this delivery; a redelivery repeats it.
    pub delivery: DeliveryId,
    /// The message itself; the one that was clicked on, reacted to, edited or withdrawn, where it is that.
    pub message: MessageRef,
    /// Who wrote it.
    pub author: Person,
    /// Their words, or the command that a click stands for.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// In which way.
    #[serde(default)]
    pub via: Via,
}

/// In which way somebody said something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// They wrote it.
    #[default]
    Words,
    /// They clicked on a choice of a message of ours, or filled in the form that it opened.
    Choice,
    /// They put an emoji on a message.
    Reaction,
    /// They gave a command of the platform, which stands in no thread.
    Command,
    /// They changed a message.
    Edit {
        /// What it said before, where the platform tells.
        was: Option<String>,
    },
    /// They took a message back.
    Withdrawal,
}

impl Via {
    /// Whether an answer is for their eyes alone, where the platform can do that: nobody else saw what they did.
    pub fn is_quiet(&self) -> bool {
        match self {
            Self::Choice | Self::Reaction | Self::Command => true,
            Self::Words | Self::Edit { .. } | Self::Withdrawal => false,
        }
    }
}

/// A message to say. Platforms lay it out as well as they can; [`Said::text`] is the plainest of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What it says, from top to bottom.
    pub parts: Vec<Part>,
    /// What people may answer with one click.
    pub choices: Vec<Choice>,
    /// What people may do at any time, as words can too: buttons where a platform has them, and nowhere else.
    pub controls: Vec<Choice>,
    /// The command that shows what a platform had to leave out of a long message.
    pub rest: Option<String>,
    /// The one person who is called by it.
    pub calls: Option<Person>,
    /// How soon it has to be seen.
    pub urgency: Urgency,
    /// How its task goes, where it is a card: for platforms that show that beside the message.
    pub course: Option<Course>,
}

/// How a task goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Who asked for it, and so follows it most closely.
    pub requester: Person,
    /// How far it is.
    pub stage: Stage,
    /// What its agent means to do, as it was last; a card tells it only while it is worked on.
    pub steps: Vec<String>,
}

/// How far a task is, as far as whoever looks at its thread has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// It has ended.
    Over,
    /// Nothing is done: its turn comes later.
    Queued,
    /// A person has to do something.
    NeedsHuman,
    /// An agent makes its plan.
    Planning,
    /// It is worked on.
    Working,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// What the message is about, in one line.
    Title(String),
    /// Where it stands, in one line: what the eye looks for.
    Now(String),
    /// Words, one paragraph a line.
    Words(String),
    /// The steps of a plan, numbered from one.
    Steps(Vec<String>),
    /// What an agent means to do, and how far it is.
    Todo(Vec<String>),
    /// A list or value with its name.
    Field {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// Small facts, the least of all.
    Facts(Vec<String>),
    /// Something to be read as it is.
    Code {
        /// The language, as Markdown names it; may be empty.
        language: String,
        /// The text.
        text: String,
    },
}

/// How many steps of a plan a message shows before it says how many more there are: more nobody reads in a thread.
pub const STEPS_SHOWN_MAX: usize = 10;

/// How soon a message has to be seen. The later of two goes out first where not everything can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Urgency {
    /// How far something is.
    Progress,
    /// Something has changed.
    #[default]
    Change,
    /// Something is over.
    End,
    /// A person has to do something, or waits for this answer.
    NeedsHuman,
}

impl Said {
    /// Words without choices.
    pub fn words(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Words(text.into())], ..Self::default() }
    }

    /// Words with choices.
    pub fn offering(text: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self { choices, ..Self::words(text) }
    }

    /// The same once nobody has to answer it any more: what became of it comes first, and the choices go.
    pub fn closed(self, outcome: impl Into<String>) -> Self {
        let parts = std::iter::once(Part::Now(outcome.into())).chain(self.parts).collect();
        Self { parts, urgency: Urgency::Change, ..Self::default() }
    }

    /// The same with other words in every part; its commands stay as they are.
    pub fn reworded(&self, words: impl Fn(&str) -> String) -> Self {
        let steps = |course: &Course| course.steps.iter().map(|step| words(step)).collect();
        let course = self.course.as_ref().map(|course| Course { steps: steps(course), ..course.clone() });
        Self { parts: self.parts.iter().map(|part| part.reworded(&words)).collect(), course, ..self.clone() }
    }

    /// All of it as plain words. What a title with a colon speaks of follows on its line.
    pub fn text(&self) -> String {
        let gap = |before: &Part| if matches!(before, Part::Title(title) if title.ends_with(':')) { " " } else { "\n" };
        let gaps = std::iter::once("").chain(self.parts.iter().map(gap));
        gaps.zip(&self.parts).map(|(gap, part)| gap.to_owned() + &part.text()).collect()
    }
}

impl Part {
    fn reworded(&self, words: &impl Fn(&str) -> String) -> Self {
        let all = |texts: &[String]| texts.iter().map(|text| words(text)).collect();
        match self {
            Self::Title(text) => Self::Title(words(text)),
            Self::Now(text) => Self::Now(words(text)),
            Self::Words(text) => Self::Words(words(text)),
            Self::Steps(steps) => Self::Steps(all(steps)),
            Self::Todo(lines) => Self::Todo(all(lines)),
            Self::Field { name, value } => Self::Field { name: name.clone(), value: words(value) },
            Self::Facts(facts) => Self::Facts(all(facts)),
            code @ Self::Code { .. } => code.clone(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Title(text) | Self::Now(text) | Self::Words(text) => text.clone(),
            Self::Steps(steps) => {
                let shown = (1..).zip(steps).take(STEPS_SHOWN_MAX).map(|(n, step)| format!("{n}. {step}"));
                let more = steps.len().saturating_sub(STEPS_SHOWN_MAX);
                let rest = (more > 0).then(|| format!("… and {more} more steps"));
                shown.chain(rest).collect::<Vec<_>>().join("\n")
            }
            Self::Todo(lines) => lines.join("\n"),
            Self::Field { name, value } => format!("{name}: {value}"),
            Self::Facts(facts) => facts.join(" · "),
            Self::Code { language, text } => format!("```{language}\n{text}\n```"),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    /// Reads what an earlier version wrote as well, which knew words alone.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(default)]
            text: Option<String>,
            #[serde(default)]
            parts: Vec<Part>,
            choices: Vec<Choice>,
            #[serde(default)]
            controls: Vec<Choice>,
            #[serde(default)]
            rest: Option<String>,
            #[serde(default)]
            calls: Option<Person>,
            #[serde(default)]
            urgency: Urgency,
            #[serde(default)]
            course: Option<Course>,
        }
        let Written { text, parts, choices, controls, rest, calls, urgency, course } =
            Written::deserialize(deserializer)?;
        let parts = text.map(Part::Words).into_iter().chain(parts).collect();
        Ok(Self { parts, choices, controls, rest, calls, urgency, course })
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What it reads.
    pub label: String,
    /// The command that it stands for; what is asked for follows it.
    pub says: String,
    /// How it looks.
    #[serde(default)]
    pub look: Look,
    /// What it asks for first.
    #[serde(default)]
    pub asks: Asks,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// As any.
    #[default]
    Plain,
    /// As what most people choose.
    Go,
    /// As what cannot be taken back.
    Danger,
}

/// What a button asks for before its command is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asks {
    /// Nothing: a click says it all.
    #[default]
    Nothing,
    /// Words.
    Words {
        /// The question above the field.
        prompt: String,
    },
    /// The steps of a plan, one field each.
    Steps {
        /// As they are.
        steps: Vec<String>,
    },
}

impl Choice {
    /// A button that reads `label` and stands for `says`.
    pub fn new(label: &str, says: impl Into<String>) -> Self {
        Self { label: label.to_owned(), says: says.into(), look: Look::Plain, asks: Asks::Nothing }
    }

    /// The same, with this look.
    pub fn looking(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// The same, asking for this first.
    pub fn asking(self, asks: Asks) -> Self {
        Self { asks, ..self }
    }
}

/// One line of a thread's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How people call whoever wrote it.
    pub author: String,
    /// Who that is; none for a program, and where the platform does not tell.
    pub by: Option<Person>,
    /// Whether a program wrote it.
    pub is_bot: bool,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
    /// What is attached.
    pub files: Vec<Attachment>,
    /// Where it stands, when it is not a line of the thread itself but was linked from one.
    pub linked_from: Option<String>,
}

/// A file that somebody attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, as they gave it.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What is in it, as far as it was fetched.
    pub content: Content,
}

/// What is in an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A picture, as its bytes.
    Picture(Vec<u8>),
    /// Nothing that was fetched.
    LeftOut {
        /// Why.
        why: String,
    },
}

/// A chat platform did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// It cannot be reached; later it may.
    #[error("{0}")]
    Away(String),
    /// It will not, however often it is asked.
    #[error("{0}")]
    Refused(String),
}

/// How much of a thread is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Who said what.
    Words,
    /// What is attached to it as well.
    Files,
}

/// A chat platform.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Posts a message; with a key that was used before, gives back the message that was posted then.
    async fn post(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<MessageRef, ChatError>;

    /// The thread in which a request is talked about: its own, or one that is opened with these words where it stands in
    /// none. With a key that was used before, the thread that was opened then.
    async fn thread_for(&self, thread: &ThreadRef, key: &str, said: &Said) -> Result<ThreadRef, ChatError>;

    /// Says something to one person alone where the platform can, and to the thread where it cannot.
    async fn whisper(&self, thread: &ThreadRef, to: &Person, key: &str, said: &Said) -> Result<(), ChatError>;

    /// Replaces a message's words and choices.
    async fn edit(&self, message: &MessageRef, said: &Said) -> Result<(), ChatError>;

    /// Puts an emoji on a message; once, however often it is asked.
    async fn react(&self, message: &MessageRef, emoji: &str) -> Result<(), ChatError>;

    /// The newest `count_max` lines of a thread up to and without `before`, oldest first.
    async fn history(&self, before: &MessageRef, count_max: usize, depth: Depth) -> Result<Vec<Line>, ChatError>;

    /// The words of the newest `count_max` lines of a thread, oldest first.
    async fn newest(&self, thread: &ThreadRef, count_max: usize) -> Result<Vec<Line>, ChatError>;

    /// The key under which a message of ours was posted; none for other people's.
    async fn key_of(&self, message: &MessageRef) -> Result<Option<String>, ChatError>;
}
