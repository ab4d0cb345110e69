//! The conversation as text: every message, every edit, every choice. What depends on the machine or on the day is
//! replaced by stable words.

use std::collections::HashMap;
use std::path::Path;

use downbeat::chat::console::{BOT, ConsoleEvent, ConsoleMessage, NumberedChoice};

/// The column in which words begin.
const MARGIN: usize = 6;
/// The longest line that is shown whole, in bytes.
const LINE_BYTES_MAX: usize = 400;
/// The shortest run of hexadecimal digits that is a commit's name.
const SHA_CHARS_MIN: usize = 10;

/// Collects what a console shows.
pub(super) struct Record {
    home: String,
    entries: Vec<Entry>,
    /// What each message last read.
    texts: HashMap<Key, String>,
    commits: Vec<String>,
    bot_messages: usize,
}

type Key = (String, i64);

struct Entry {
    /// The message that this posts; none for an edit and for a note.
    posts: Option<Key>,
    lines: Vec<String>,
}

impl Record {
    /// A record in which `home` reads `HOME`.
    pub(super) fn new(home: &Path) -> Self {
        let home = home.display().to_string();
        Self { home, entries: Vec::new(), texts: HashMap::new(), commits: Vec::new(), bot_messages: 0 }
    }

    /// Notes something that nobody said.
    pub(super) fn note(&mut self, words: &str) {
        let lines = vec![format!("--    {}", self.stable(words))];
        self.entries.push(Entry { posts: None, lines });
    }

    pub(super) fn take_in(&mut self, event: &ConsoleEvent) {
        match event {
            ConsoleEvent::Posted(message) => self.post(message),
            ConsoleEvent::Edited(message) => self.edit(message),
            ConsoleEvent::Reacted(message) => self.react(message),
        }
    }

    pub(super) fn bot_messages(&self) -> usize {
        self.bot_messages
    }

    /// Everything since the last call.
    pub(super) fn take(&mut self) -> String {
        let text = self.text();
        self.entries.clear();
        text
    }

    pub(super) fn text(&self) -> String {
        self.entries.iter().flat_map(|entry| &entry.lines).map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn post(&mut self, message: &ConsoleMessage) {
        self.bot_messages += usize::from(message.author == BOT);
        let who = format!("{}{}: ", place(message), message.author);
        let mut lines = Vec::new();
        for (n, line) in self.stable(&message.text).lines().enumerate() {
            let who = if n == 0 { who.as_str() } else { "" };
            lines.push(format!("{who:MARGIN$}{line}"));
        }
        lines.extend(offered(&message.choices));
        self.texts.insert(key(message), message.text.clone());
        self.entries.push(Entry { posts: Some(key(message)), lines });
    }

    /// The lines of an edited message that are new.
    fn edit(&mut self, message: &ConsoleMessage) {
        let was = self.texts.insert(key(message), message.text.clone()).unwrap_or_default();
        let before: Vec<_> = was.lines().collect();
        let news: Vec<_> = message.text.lines().filter(|line| !before.contains(line)).collect();
        let (first, is_same) = first_lines(&was, &message.text);
        let subject = if is_same { first } else { first.split(':').next().unwrap_or_default() };
        let subject = subject.split(" · ").next().unwrap_or_default();
        let words = self.stable(&news.join(" · "));
        let mut lines = vec![format!("{:MARGIN$}{}[{subject}] {words}", "", place(message))];
        lines.extend(offered(&message.choices));
        self.entries.push(Entry { posts: None, lines });
    }

    /// An emoji stands at the end of the message that it was put on.
    fn react(&mut self, message: &ConsoleMessage) {
        let emoji = message.reactions.last().map_or("", String::as_str);
        let posted = self.entries.iter_mut().find(|entry| entry.posts == Some(key(message)));
        match posted.and_then(|entry| entry.lines.last_mut()) {
            Some(line) => line.push_str(&format!("  {emoji}")),
            None => self.note(&format!("{emoji} on message {}", message.n)),
        }
    }

    fn stable(&mut self, text: &str) -> String {
        let lines: Vec<_> = text.replace(&self.home, "HOME").lines().map(without_level).map(shortened).collect();
        let mut words = String::new();
        for part in lines.join("\n").split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match self.commit(word) {
                Some(n) => words.push_str(&format!("<commit {n}>{}", &part[word.len()..])),
                None => words.push_str(part),
            }
        }
        words
    }

    /// Commits are counted in the order in which they are first named.
    fn commit(&mut self, word: &str) -> Option<usize> {
        let is_sha = word.len() >= SHA_CHARS_MIN && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_sha {
            return None;
        }
        let short = &word[..SHA_CHARS_MIN];
        let known = self.commits.iter().position(|commit| commit == short);
        let index = known.unwrap_or_else(|| {
            self.commits.push(short.to_owned());
            self.commits.len() - 1
        });
        Some(index + 1)
    }
}

/// What a message began with before it was edited, and whether it still does.
fn first_lines<'a>(was: &'a str, now: &'a str) -> (&'a str, bool) {
    let first = |text: &'a str| text.lines().next().unwrap_or_default();
    if was.is_empty() { (first(now), true) } else { (first(was), first(was) == first(now)) }
}

fn key(message: &ConsoleMessage) -> Key {
    (message.thread.clone(), message.n)
}

/// The thread, where it is not the main one.
fn place(message: &ConsoleMessage) -> String {
    if message.thread == "main" { String::new() } else { format!("#{} ", message.thread) }
}

fn offered(choices: &[NumberedChoice]) -> Option<String> {
    let open: Vec<_> = choices.iter().filter(|offered| offered.is_open).collect();
    let words: Vec<_> = open.iter().map(|offered| format!("[{}] {}", offered.n, offered.choice.label)).collect();
    (!words.is_empty()).then(|| format!("{:MARGIN$}{}", "", words.join("   ")))
}

fn shortened(line: String) -> String {
    const BEGINNING: usize = 40;
    let beginning: String = line.chars().take(BEGINNING).collect();
    if line.len() <= LINE_BYTES_MAX { line } else { format!("{beginning}… {} bytes", line.len()) }
}

/// What the kernel of this machine allows a cage to do is not the conversation's concern.
fn without_level(line: &str) -> String {
    const LABEL: &str = "caged: ";
    line.find(LABEL).map_or(line.to_owned(), |at| format!("{}{LABEL}LEVEL", &line[..at]))
}
