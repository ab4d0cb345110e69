//! What is said on the console, as rows for a terminal or a file. Pure but for remembering what was shown.
//!
//! A card is edited often and read seldom, so an edit is held back until the console is quiet for a moment: only the
//! newest one of a card is shown, and none when a message about the same task says it better. A message that was shown
//! before is not shown again, so a watcher that lost its connection may simply be told the newest ones once more.

use std::collections::{BTreeMap, HashMap};

use domain::TaskId;

use super::row::{Row, Tone};
use crate::chat::console::{BOT, ConsoleEvent, ConsoleMessage, NumberedChoice};

/// The column in which words begin; names stand right-aligned before it.
pub const MARGIN: usize = 8;
/// The line in which a card's facts begin, below its title and where it stands.
const FACTS: usize = 2;
/// How many of a thread's newest messages are remembered: as many as the console searches for a choice.
const KNOWN_MAX: usize = 200;

/// Turns console events into rows.
#[derive(Debug, Default)]
pub struct Transcript {
    threads: HashMap<String, BTreeMap<i64, Known>>,
    held: Vec<ConsoleMessage>,
}

#[derive(Debug)]
struct Known {
    message: ConsoleMessage,
    /// The words that were last shown of it.
    shown: String,
}

impl Transcript {
    /// The rows that are to be shown at once.
    pub fn take_in(&mut self, event: &ConsoleEvent) -> Vec<Row> {
        match event {
            ConsoleEvent::Posted(message) => self.take_post(message),
            ConsoleEvent::Edited(message) => {
                self.take_edit(message);
                Vec::new()
            }
            ConsoleEvent::Reacted(_) => Vec::new(),
        }
    }

    fn take_post(&mut self, message: &ConsoleMessage) -> Vec<Row> {
        let last = self.last_of(&message.thread);
        if last.is_some_and(|last| message.n <= last) {
            self.take_repetition(message);
            return Vec::new();
        }
        if message.author == BOT {
            self.held.retain(|held| !held.card.is_some_and(|task| mentions(&message.text, task)));
        }
        let mut rows = Vec::new();
        if let Some(n) = last.map(|last| message.n - last - 1).filter(|n| *n > 0) {
            rows.push(Row::of(Tone::Quiet, &format!("{:MARGIN$}… {n} messages of #{} went by", "", message.thread)));
        }
        rows.extend(posted(message, self.stands_for(message).as_deref()));
        let known = self.threads.entry(message.thread.clone()).or_default();
        known.insert(message.n, Known { message: message.clone(), shown: message.text.clone() });
        if known.len() > KNOWN_MAX {
            known.pop_first();
        }
        rows
    }

    /// The message is told again; only what became of it meanwhile is news.
    fn take_repetition(&mut self, message: &ConsoleMessage) {
        let known = self.threads.get(&message.thread).and_then(|known| known.get(&message.n));
        if known.is_some_and(|known| known.message != *message) {
            self.take_edit(message);
        }
    }

    fn take_edit(&mut self, message: &ConsoleMessage) {
        self.held.retain(|card| (&card.thread, card.n) != (&message.thread, message.n));
        self.held.push(message.clone());
        if let Some(known) = self.known_of(message) {
            known.message = message.clone();
        }
    }

    fn known_of(&mut self, message: &ConsoleMessage) -> Option<&mut Known> {
        self.threads.get_mut(&message.thread)?.get_mut(&message.n)
    }

    /// The number of the newest message of a thread that was shown.
    pub fn last_of(&self, thread: &str) -> Option<i64> {
        self.threads.get(thread)?.keys().next_back().copied()
    }

    /// Forgets what was shown of a thread, so that it is shown again.
    pub fn forget(&mut self, thread: &str) {
        self.threads.remove(thread);
        self.held.retain(|card| card.thread != thread);
    }

    /// The messages of a thread that still ask something, newest first. A choice stays open when what it asks has been
    /// decided, so a task's announcement ends what its earlier ones asked; a question about no task lasts until the
    /// next words of ours.
    pub fn asking(&self, thread: &str) -> Vec<&ConsoleMessage> {
        let ours = self.newest(thread).filter(|message| message.author == BOT && message.card.is_none());
        let (mut told, mut asking) = (Vec::new(), Vec::new());
        for (age, message) in ours.enumerate() {
            let task = announced(message);
            let is_last = task.map_or(age == 0, |task| !told.contains(&task));
            told.extend(task);
            if is_last && message.choices.iter().any(|offered| offered.is_open) {
                asking.push(message);
            }
        }
        asking
    }

    /// The tasks that were spoken of in a thread, the latest first.
    pub fn tasks(&self, thread: &str) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for task in self.newest(thread).flat_map(|message| words(&message.text)).filter_map(|word| word.parse().ok()) {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        tasks
    }

    fn newest(&self, thread: &str) -> impl Iterator<Item = &ConsoleMessage> {
        self.threads.get(thread).into_iter().flat_map(|known| known.values().rev()).map(|known| &known.message)
    }

    /// Whoever reads along sees what a number stands for.
    fn stands_for(&self, message: &ConsoleMessage) -> Option<String> {
        let said: i64 = message.text.trim().parse().ok()?;
        let offered =
            self.newest(&message.thread).flat_map(|message| &message.choices).find(|offered| offered.n == said)?;
        Some(offered.choice.says.split(" #").next().unwrap_or_default().to_owned())
    }

    /// The rows that were held back; called when nothing was said for a moment.
    pub fn settle(&mut self) -> Vec<Row> {
        self.settle_but(|_| false)
    }

    /// As [`Transcript::settle`], but for cards that are seen elsewhere as long as their task is at work.
    pub fn settle_but(&mut self, is_seen: impl Fn(TaskId) -> bool) -> Vec<Row> {
        let (kept, settled) =
            std::mem::take(&mut self.held).into_iter().partition(|card| card.card.is_some_and(&is_seen));
        self.held = kept;
        let settled: Vec<ConsoleMessage> = settled;
        settled.iter().filter_map(|card| self.settle_card(card)).collect()
    }

    fn settle_card(&mut self, card: &ConsoleMessage) -> Option<Row> {
        let was = self.known_of(card).map(|known| std::mem::replace(&mut known.shown, card.text.clone()));
        edited(card, was.as_deref())
    }

    /// Whether something is held back.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
}

/// The task that a message is about, when it names one.
pub fn task_of(message: &ConsoleMessage) -> Option<TaskId> {
    message.card.or_else(|| words(&message.text).find_map(|word| word.parse().ok()))
}

/// How the last words about a task begin after its id; they offer nothing.
const LAST_WORDS: [&str; 4] = ["is merged", "landed as", "ended", "nothing to change"];

/// The task whose news a message is: `T-1 is ready …`, `T-1, nothing …` or `Plan v1 for T-1: …`. What is only said
/// about a task, as a refusal is, is none.
fn announced(message: &ConsoleMessage) -> Option<TaskId> {
    let first_line = message.text.lines().next()?;
    let (start, rest) = first_line.split_once([' ', ',', ':'])?;
    match start {
        "Plan" => words(rest).find_map(|word| word.parse().ok()),
        _ if rest.starts_with('·') => None,
        _ => {
            let is_last = LAST_WORDS.iter().any(|words| rest.trim_start().starts_with(words));
            start.parse().ok().filter(|_| is_last || !message.choices.is_empty())
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty())
}

fn mentions(text: &str, task: TaskId) -> bool {
    words(text).any(|word| word.parse() == Ok(task))
}

/// What an edited message is about: a task, else what its title says.
fn subject(message: &ConsoleMessage) -> String {
    let title = || message.text.lines().next().and_then(|line| line.split(" · ").next()).unwrap_or_default();
    task_of(message).map_or_else(|| title().to_owned(), |task| task.to_string())
}

/// The tone of a person's name.
pub fn tone_of(name: &str) -> Tone {
    if name == BOT { Tone::Quiet } else { Tone::Name(name.bytes().map(usize::from).sum()) }
}

fn posted(message: &ConsoleMessage, stands_for: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (n, line) in message.text.lines().enumerate() {
        let name = if n == 0 { message.author.as_str() } else { "" };
        let tone = match (message.card, n) {
            (None, _) => Tone::Plain,
            (Some(_), 0) => Tone::Strong,
            (Some(_), _) => Tone::Quiet,
        };
        let row = Row::of(tone_of(&message.author), &format!("{name:>width$}", width = MARGIN - 2));
        rows.push(row.and(tone, &format!("  {line}")).hanging(MARGIN));
    }
    if let Some(says) = stands_for
        && let Some(row) = rows.pop()
    {
        rows.push(row.and(Tone::Quiet, &format!("  ({says})")));
    }
    let offered = offered(message, Tone::Quiet);
    if !offered.is_empty() {
        let margin = Row::of(Tone::Plain, &" ".repeat(MARGIN)).hanging(MARGIN);
        rows.push(offered.into_iter().fold(margin, Row::join));
    }
    rows
}

/// The choices of a message that are open, each with the space after it; their numbers in this tone.
pub fn offered(message: &ConsoleMessage, tone: Tone) -> Vec<Row> {
    let open: Vec<_> = message.choices.iter().filter(|offered| offered.is_open).collect();
    let gap = |n: usize| if n + 1 < open.len() { "   " } else { "" };
    let show = |(n, offered): (usize, &&NumberedChoice)| {
        let number = Row::of(tone, &format!("[{}]", offered.n));
        number.and(Tone::Plain, &format!(" {}{}", offered.choice.label, gap(n)))
    };
    open.iter().enumerate().map(show).collect()
}

/// The lines of a card that are new, and of its facts those that are; where it stands, when the card is from before we
/// were watching.
fn edited(card: &ConsoleMessage, was: Option<&str>) -> Option<Row> {
    let before: Vec<_> = was.unwrap_or(&card.text).lines().collect();
    let facts_before: Vec<_> = before.iter().skip(FACTS).flat_map(|line| line.split(" · ")).collect();
    let is_news = |(n, line): &(usize, &str)| if was.is_some() { !before.contains(line) } else { *n == 1 };
    let lines = card.text.lines().enumerate().filter(is_news).flat_map(|(n, line)| match n {
        ..FACTS => vec![line],
        FACTS.. => line.split(" · ").filter(|fact| !facts_before.contains(fact)).collect(),
    });
    let news: Vec<_> = lines.collect();
    let words = format!("{:>width$}  {} {}", "·", subject(card), news.join(" · "), width = MARGIN - 2);
    (!news.is_empty()).then(|| Row::of(Tone::Quiet, &words).hanging(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::messenger::Choice;

    fn message(n: i64, text: &str) -> ConsoleMessage {
        let choices = vec![NumberedChoice { n: 3, is_open: true, choice: Choice::new("Merge", "merge T-1") }];
        let (thread, author, at) = ("t".to_owned(), BOT.to_owned(), domain::Timestamp::from_ms(0));
        ConsoleMessage { thread, n, card: None, author, text: text.to_owned(), choices, reactions: Vec::new(), at }
    }

    fn post(transcript: &mut Transcript, message: ConsoleMessage) -> Vec<String> {
        transcript.take_in(&ConsoleEvent::Posted(message)).iter().map(Row::plain).collect()
    }

    fn settled(transcript: &mut Transcript) -> Vec<String> {
        transcript.settle().iter().map(Row::plain).collect()
    }

    #[test]
    fn the_newest_edit_of_a_card_is_shown_once_it_is_quiet() {
        let mut transcript = Transcript::default();
        let card = |now: &str| message(1, &format!("T-1 · fix it\n{now}\nasked by ana"));
        let first = post(&mut transcript, card("planning"));
        assert_eq!(first, ["   bot  T-1 · fix it", "        planning", "        asked by ana", "        [3] Merge"]);
        assert!(transcript.take_in(&ConsoleEvent::Edited(card("waiting"))).is_empty());
        assert!(transcript.take_in(&ConsoleEvent::Edited(card("working"))).is_empty());
        assert_eq!(settled(&mut transcript), ["     ·  T-1 working"]);
        assert!(transcript.settle().is_empty());
    }

    #[test]
    fn of_the_facts_of_a_card_only_the_new_ones_are_shown() {
        let mut transcript = Transcript::default();
        post(&mut transcript, message(1, "T-1 · fix it\nworking\nasked by ana · caged: strong"));
        let edit = message(1, "T-1 · fix it\npublishing\nasked by ana · caged: strong · cost $0.01");
        transcript.take_in(&ConsoleEvent::Edited(edit));
        assert_eq!(settled(&mut transcript), ["     ·  T-1 publishing · cost $0.01"]);
    }

    #[test]
    fn a_card_from_before_a_restart_shows_where_it_stands() {
        let mut transcript = Transcript::default();
        transcript.take_in(&ConsoleEvent::Edited(message(1, "T-1 · fix it\nworking\nasked by ana")));
        assert_eq!(settled(&mut transcript), ["     ·  T-1 working"]);
    }

    #[test]
    fn a_message_about_a_task_takes_the_place_of_its_card_and_of_no_other() {
        let mut transcript = Transcript::default();
        let card =
            |now: &str| ConsoleMessage { card: "T-1".parse().ok(), ..message(1, &format!("T-1 · fix it\n{now}")) };
        post(&mut transcript, card("working"));
        transcript.take_in(&ConsoleEvent::Edited(card("ready")));
        post(&mut transcript, message(2, "T-12 is ready"));
        assert!(transcript.is_holding());
        post(&mut transcript, message(3, "T-1 is ready"));
        assert!(transcript.settle().is_empty());
    }

    #[test]
    fn what_came_of_a_question_is_shown_beside_its_task_whatever_follows() {
        let mut transcript = Transcript::default();
        post(&mut transcript, message(1, "ana, T-1 asks: red · or blue?\nWhat it has done is kept."));
        transcript.take_in(&ConsoleEvent::Edited(message(1, "ana, T-1 asks: red · or blue?\nana answered: blue")));
        post(&mut transcript, message(2, "Plan v1 for T-1: one"));
        assert_eq!(settled(&mut transcript), ["     ·  T-1 ana answered: blue"]);
    }

    #[test]
    fn a_question_lasts_until_its_task_has_other_news() {
        let mut transcript = Transcript::default();
        let quiet = |n, text: &str| ConsoleMessage { choices: Vec::new(), ..message(n, text) };
        post(&mut transcript, message(1, "Plan v1 for T-1: one"));
        post(&mut transcript, message(2, "Plan v1 for T-2: two"));
        post(&mut transcript, quiet(3, "You may not approve T-1. Ask ben."));
        post(
            &mut transcript,
            quiet(4, "T-1 is R2: its id has to be typed twice to approve it. Say `approve T-1 T-1`."),
        );
        let asking = |transcript: &Transcript| -> Vec<i64> {
            transcript.asking("t").into_iter().map(|message| message.n).collect()
        };
        assert_eq!(asking(&transcript), [2, 1]);
        post(&mut transcript, message(5, "T-1 is ready on downbeat/T-1"));
        assert_eq!(asking(&transcript), [5, 2]);
        post(&mut transcript, quiet(6, "T-1 is merged into main as 0123abc."));
        assert_eq!(asking(&transcript), [2]);
    }

    #[test]
    fn what_is_told_again_is_shown_once_and_a_gap_is_said() {
        let mut transcript = Transcript::default();
        post(&mut transcript, message(1, "one"));
        assert!(post(&mut transcript, message(1, "one")).is_empty());
        post(&mut transcript, message(2, "T-1 · two\nworking"));
        assert!(post(&mut transcript, message(2, "T-1 · two\nready")).is_empty());
        assert_eq!(settled(&mut transcript), ["     ·  T-1 ready"]);
        let after = post(&mut transcript, message(5, "five"));
        assert_eq!(after[..2], ["        … 2 messages of #t went by", "   bot  five"]);
    }

    #[test]
    fn whoever_reads_along_sees_what_a_number_stands_for() {
        let mut transcript = Transcript::default();
        post(&mut transcript, message(1, "T-1 is ready"));
        let said = ConsoleMessage { author: "ana".to_owned(), choices: Vec::new(), ..message(2, "3") };
        assert_eq!(post(&mut transcript, said), ["   ana  3  (merge T-1)"]);
    }

    #[test]
    fn a_card_that_is_seen_at_work_is_held_until_its_task_rests() {
        let mut transcript = Transcript::default();
        let card =
            |now: &str| ConsoleMessage { card: "T-1".parse().ok(), ..message(1, &format!("T-1 · fix it\n{now}")) };
        post(&mut transcript, card("planning"));
        transcript.take_in(&ConsoleEvent::Edited(card("working")));
        assert!(transcript.settle_but(|_| true).is_empty());
        assert_eq!(settled(&mut transcript), ["     ·  T-1 working"]);
    }
}
