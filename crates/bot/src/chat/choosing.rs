//! Which repository a request is about: by rule, and asked with a button each where the rules do not settle it.

use agents::task::view;
use domain::policy::Verb;
use domain::{Cause, DeliveryId, MessageRef, Rejected, RepoName, TaskId, ThreadRef};

use super::channel::{Channel, ChannelId, Defaults};
use super::command::{self, Command};
use super::context::redact;
use super::conversation::{Conversation, ConversationEvent, ThreadId};
use super::intake::{Answer, Intake, Trouble};
use super::messenger::{Choice, Heard, Said};
use super::options::Options;

/// How many repositories are offered: as many as one tells apart at a glance.
const GUESSES_MAX: usize = 3;
/// How many of a channel's newest tasks are looked at for what is worked on there.
const TASKS_LOOKED_AT: i64 = 50;

/// The repository that is meant, or those that may be.
pub(super) enum Meant {
    /// This one.
    One {
        /// Which.
        repo: RepoName,
        /// Why, in words that fit in brackets after its name.
        because: &'static str,
    },
    /// One of these, the likeliest first.
    Several(Vec<Guess>),
}

/// A repository that may be meant.
pub(super) struct Guess {
    repo: RepoName,
    /// Why it may be, as a person is told; absent where nothing speaks for it.
    because: Option<String>,
}

impl Intake {
    /// The defaults of the channel of a thread.
    pub(super) async fn defaults_in(&self, thread: &ThreadRef) -> Result<Defaults, Trouble> {
        let channel = self.store.load::<Channel>(&ChannelId(thread.channel())).await?;
        Ok(channel.map(|channel| channel.defaults).unwrap_or_default())
    }

    /// The repository of a request: named, else the thread's newest task's, else the channel's default, else the only one
    /// that may be worked on there.
    pub(super) async fn repository_meant(
        &self,
        named: Option<&RepoName>,
        thread: &ThreadRef,
        words: &str,
    ) -> Result<Meant, Trouble> {
        let known: Vec<_> = self.repositories.iter().map(|repository| repository.name.clone()).collect();
        let is_known = |name: &&RepoName| known.contains(name);
        if let Some(named) = named {
            let all = known.iter().map(RepoName::as_str).collect::<Vec<_>>().join(", ");
            let unknown = || Rejected::new(format!("I do not know the repository {named}"), format!("I know {all}"));
            let repo = Some(named).filter(is_known).cloned().ok_or_else(unknown)?;
            return Ok(Meant::One { repo, because: "named" });
        }
        let recent = view::in_thread(&self.store, thread, TASKS_LOOKED_AT).await?;
        if let Some(repo) = recent.iter().find_map(|task| known.iter().find(|name| name.as_str() == task.repo)) {
            return Ok(Meant::One { repo: repo.clone(), because: "as before in this thread" });
        }
        if let Some(chosen) = self.defaults_in(thread).await?.repo.filter(|chosen| known.contains(&chosen.value)) {
            return Ok(Meant::One { repo: chosen.value, because: "the default here" });
        }
        let rules = self.rules.load();
        let allowed: Vec<_> = known.iter().filter(|repo| rules.grounds().allow(&thread.channel(), repo)).collect();
        match (&allowed[..], &known[..]) {
            (_, []) => {
                Err(Rejected::new("No repository is configured", "Add one to the config under `[repos.NAME]`").into())
            }
            (_, [only]) => Ok(Meant::One { repo: only.clone(), because: "the only one" }),
            ([only], _) => Ok(Meant::One { repo: (*only).clone(), because: "the only one here" }),
            ([], [first, ..]) => Ok(Meant::One { repo: first.clone(), because: "none is worked on from here" }),
            (allowed, _) => Ok(Meant::Several(self.guesses(allowed, thread, words).await?)),
        }
    }

    async fn guesses(&self, allowed: &[&RepoName], thread: &ThreadRef, words: &str) -> Result<Vec<Guess>, Trouble> {
        let recent = view::newest(&self.store, TASKS_LOOKED_AT).await?;
        let is_here = |of: &str| of.parse::<ThreadRef>().is_ok_and(|of| of.channel() == thread.channel());
        let worked_on = |repo: &RepoName| -> Option<TaskId> {
            recent.iter().find(|task| task.repo == repo.as_str() && is_here(&task.thread)).map(|task| task.id)
        };
        let mut ranked: Vec<(u8, Guess)> = allowed
            .iter()
            .map(|repo| match (names(words, repo), worked_on(repo)) {
                (true, _) => (0, Guess { repo: (*repo).clone(), because: Some("your words name it".to_owned()) }),
                (false, Some(task)) => {
                    (1, Guess { repo: (*repo).clone(), because: Some(format!("{task} here is about it")) })
                }
                (false, None) => (2, Guess { repo: (*repo).clone(), because: None }),
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok(ranked.into_iter().map(|(_, guess)| guess).collect())
    }

    /// Asks which repository is meant. The request is kept, and a click begins it.
    pub(super) async fn ask_which(&self, heard: &Heard, guesses: &[Guess]) -> Result<Answer, Trouble> {
        let said = which(heard, guesses);
        let undecided = true;
        if heard.via.is_quiet() {
            return Ok(Answer { reply: Some(said), undecided, ..Answer::default() });
        }
        // Under a key of its own, so that its buttons close once it is settled.
        self.messenger.post(&heard.message.thread, &which_key(heard), &said).await?;
        Ok(Answer { undecided, ..Answer::seen() })
    }

    /// The request of this message, while it lacks its repository.
    pub(super) async fn undecided(&self, message: &MessageRef) -> Result<Option<Heard>, Trouble> {
        let conversation = self.store.load::<Conversation>(&ThreadId(message.thread.clone())).await?;
        let undecided = conversation.map(|conversation| conversation.undecided).unwrap_or_default();
        Ok(undecided.into_iter().find(|undecided| undecided.message == *message))
    }

    /// Tells the thread what became of a request that lacked its repository; once under this name.
    pub(super) async fn tell_undecided(
        &self,
        event: ConversationEvent,
        name: &str,
        message: &MessageRef,
    ) -> Result<(), Trouble> {
        let cause = Cause::Delivery(DeliveryId::new(format!("{name}:{}:{}", message.thread, message.id)));
        self.store.apply::<Conversation>(&ThreadId(message.thread.clone()), event, cause).await?;
        Ok(())
    }

    /// Begins a request that lacked its repository; once, however often somebody says which it is.
    pub(super) async fn start_in(&self, heard: &Heard, message: &str, repo: RepoName) -> Result<Answer, Trouble> {
        self.may(heard, Verb::Ask)?;
        let message = MessageRef { thread: heard.message.thread.clone(), id: message.to_owned() };
        let original = self.undecided(&message).await?;
        let answer = match (self.asked_by(&message).await?, &original) {
            (Some(task), _) => Answer::words(format!("{task} has begun with that already.")),
            (None, Some(original)) => self.begin_in(heard, original, &repo).await?,
            (None, None) => {
                let next = format!("Say it again with `repo={repo}`");
                return Err(Rejected::new("That request is not open any more", next).into());
            }
        };
        if original.is_some() {
            let event = ConversationEvent::Decided {
                message: message.clone(),
                outcome: format!("{} said: {repo}.", heard.author),
            };
            self.tell_undecided(event, "decided", &message).await?;
        }
        Ok(Answer { reaction: None, ..answer })
    }

    async fn begin_in(&self, heard: &Heard, original: &Heard, repo: &RepoName) -> Result<Answer, Trouble> {
        if original.author != heard.author {
            let why = format!("{} asked for that, and only they say what it is about", original.author);
            return Err(Rejected::new(why, format!("Ask for it yourself, with `repo={repo}`")).into());
        }
        let Command::Ask { text, options } = command::parse(&original.text, &self.settings.load().mention) else {
            let (id, thread) = (&original.message.id, &original.message.thread);
            return Err(Trouble::Other(format!("message {id} of {thread} is no request any more")));
        };
        let options = Options { repo: Some(repo.clone()), ..options };
        let delivery = DeliveryId::new(format!("start:{}", original.delivery));
        self.ask(original, text, options, &delivery).await
    }
}

/// What is asked where the rules do not settle it.
pub(super) const QUESTION: &str = "Which repository is this about?";

/// The key of the question that a request without a repository led to.
pub(super) fn which_key(heard: &Heard) -> String {
    format!("which:{}:{}", heard.message.thread, heard.message.id)
}

fn which(heard: &Heard, guesses: &[Guess]) -> Said {
    let id = &heard.message.id;
    let (shown, more) = guesses.split_at(guesses.len().min(GUESSES_MAX));
    let mut lines = vec![QUESTION.to_owned()];
    let reason = |guess: &Guess| guess.because.as_ref().map(|because| format!("{}: {because}", guess.repo));
    lines.extend(shown.iter().filter_map(reason));
    let more: Vec<_> = more.iter().map(|guess| guess.repo.as_str()).collect();
    lines.push(match (&more[..], shown) {
        ([], _) => "Press one, or say it again with `repo=NAME`.".to_owned(),
        (more, _) => {
            format!("Press one, or say it again with `repo=NAME`; I also know {}.", redact(&more.join(", ")).0)
        }
    });
    let choices = shown.iter().map(|guess| Choice::new(guess.repo.as_str(), format!("start {id} repo={}", guess.repo)));
    Said::offering(lines.join("\n"), choices.collect())
}

/// Whether the words name a repository, whole or by the last part of its name.
fn names(words: &str, repo: &RepoName) -> bool {
    let short = repo.as_str().rsplit('/').next().unwrap_or_default();
    let mut named = words.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.')));
    named.any(|word| word.eq_ignore_ascii_case(repo.as_str()) || word.eq_ignore_ascii_case(short))
}
