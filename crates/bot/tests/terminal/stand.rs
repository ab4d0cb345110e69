//! A running instance, as far as a chat terminal sees one: it greets, keeps messages, and shows them to watchers.

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use domain::Clock;
use downbeat::chat::console::{BOT, ConsoleMessage, NumberedChoice};
use downbeat::chat::messenger::Choice;
use downbeat::clock::SystemClock;
use downbeat::control::socket::{SOCKET, TOKEN};
use downbeat::control::wire::{Answer, Ask, RunningTask, Shown, Welcome};
use serde::Serialize;

use crate::watched::Watched;

/// What lies beside the socket.
const WORD: &str = "a word";

pub struct Stand {
    state: PathBuf,
    kept: Watched<Kept>,
}

#[derive(Default)]
struct Kept {
    messages: Vec<ConsoleMessage>,
    /// Everything that was said, with the name of its delivery, however often.
    said: Vec<(String, String)>,
    watchers: Vec<UnixStream>,
    connections: Vec<UnixStream>,
    /// The words after which it goes away without an answer.
    dies_of: Option<String>,
}

impl Stand {
    pub fn open(state: &Path) -> Self {
        let stand = Self { state: state.to_owned(), kept: Watched::new(Kept::default()) };
        stand.open_again();
        stand
    }

    pub fn open_again(&self) {
        std::fs::write(self.state.join(TOKEN), WORD).unwrap();
        let listener = UnixListener::bind(self.state.join(SOCKET)).unwrap();
        let kept = self.kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                kept.change(|kept| kept.connections.push(stream.try_clone().unwrap()));
                std::thread::spawn(move || attend(&stream, &kept));
            }
        });
    }

    pub fn close(&self) {
        std::fs::remove_file(self.state.join(SOCKET)).unwrap();
        self.kept.change(Kept::hang_up);
    }

    pub fn dies_of(&self, words: &str) {
        self.kept.change(|kept| kept.dies_of = Some(words.to_owned()));
    }

    pub fn posts(&self, author: &str, text: &str) -> ConsoleMessage {
        self.kept.change(|kept| kept.post("main", author, text, &[]))
    }

    pub fn posts_in(&self, thread: &str, author: &str, text: &str) {
        self.kept.change(|kept| kept.post(thread, author, text, &[]));
    }

    pub fn asks(&self, text: &str, labels: &[&str]) -> ConsoleMessage {
        self.kept.change(|kept| kept.post("main", BOT, text, labels))
    }

    pub fn edits(&self, message: &ConsoleMessage) {
        self.kept.change(|kept| {
            let there = kept.messages.iter_mut().find(|there| (&there.thread, there.n) == (&message.thread, message.n));
            *there.unwrap() = message.clone();
            kept.show(&Shown::Edited(message.clone()));
        });
    }

    pub fn runs(&self, tasks: Vec<RunningTask>) {
        self.kept.change(|kept| kept.show(&Shown::Running { tasks }));
    }

    /// Waits until something was said so often, and gives back under which names.
    pub fn heard(&self, words: &str, count: usize) -> Vec<String> {
        let names = |kept: &Kept| -> Vec<String> {
            kept.said.iter().filter(|(_, said)| said == words).map(|(delivery, _)| delivery.clone()).collect()
        };
        let mut heard = Vec::new();
        let was_heard = self.kept.wait(|kept| {
            heard = names(kept);
            heard.len() >= count
        });
        assert!(was_heard, "{words:?} was heard {} times and not {count}", heard.len());
        heard
    }

    pub fn said(&self) -> Vec<String> {
        self.kept.change(|kept| kept.said.iter().map(|(_, words)| words.clone()).collect())
    }

    pub fn waits_for_watchers(&self) {
        assert!(self.kept.wait(|kept| !kept.watchers.is_empty()), "nobody watches");
    }
}

impl Kept {
    fn hang_up(&mut self) {
        self.watchers.clear();
        self.connections.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    fn post(&mut self, thread: &str, author: &str, text: &str, labels: &[&str]) -> ConsoleMessage {
        let here = self.messages.iter().filter(|message| message.thread == thread);
        let n = 1 + i64::try_from(here.count()).unwrap();
        let first =
            1 + self.messages.iter().flat_map(|message| &message.choices).map(|choice| choice.n).max().unwrap_or(0);
        let offer =
            |(n, label): (i64, &&str)| NumberedChoice { n, is_open: true, choice: Choice::new(label, "approve T-1") };
        let message = ConsoleMessage {
            thread: thread.to_owned(),
            n,
            card: text.split(" · ").next().filter(|_| text.contains(" · ")).and_then(|task| task.parse().ok()),
            author: author.to_owned(),
            text: text.to_owned(),
            choices: (first..).zip(labels).map(offer).collect(),
            reactions: Vec::new(),
            at: SystemClock.now(),
        };
        self.messages.push(message.clone());
        self.show(&Shown::Posted(message.clone()));
        message
    }

    fn show(&mut self, shown: &Shown) {
        self.watchers.retain_mut(|stream| tell(stream, shown));
    }
}

fn tell(mut stream: &UnixStream, what: &impl Serialize) -> bool {
    let line = serde_json::to_string(what).unwrap() + "\n";
    stream.write_all(line.as_bytes()).is_ok()
}

fn attend(stream: &UnixStream, kept: &Watched<Kept>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let done = Answer::Done { text: String::new(), task: None };
        match serde_json::from_str(&line).unwrap() {
            Ask::Hello { token, .. } => {
                assert_eq!(token, WORD);
                tell(stream, &Answer::Hello(Box::new(welcome())));
            }
            Ask::Watch { thread, backlog } => kept.change(|kept| {
                tell(stream, &done);
                let past = kept.messages.iter().filter(|message| Some(&message.thread) == thread.as_ref());
                let past: Vec<_> = past.cloned().collect();
                past.into_iter().rev().take(backlog).rev().all(|message| tell(stream, &Shown::Posted(message)));
                kept.watchers.push(stream.try_clone().unwrap());
            }),
            Ask::Say { delivery, thread, person, text } => kept.change(|kept| {
                let is_new = kept.said.iter().all(|(known, _)| *known != delivery);
                kept.said.push((delivery, text.clone()));
                if kept.dies_of.as_ref() == Some(&text) {
                    kept.dies_of = None;
                    kept.hang_up();
                    kept.post(&thread, &person, &text, &[]);
                    return;
                }
                if text.starts_with("approve T-9") {
                    let (why, next) = ("There is no task T-9".to_owned(), "Say `status` to see them".to_owned());
                    tell(stream, &Answer::Refused { why, next });
                    return;
                }
                if is_new {
                    kept.post(&thread, &person, &text, &[]);
                }
                tell(stream, &done);
            }),
            other => panic!("a terminal asks for {other:?}"),
        }
    }
}

fn welcome() -> Welcome {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Welcome {
        mention: "@agent".to_owned(),
        people: names(&["ana", "ben"]),
        repos: names(&["web", "api"]),
        agents: names(&["claude"]),
        threads: names(&["main", "web"]),
        ..Welcome::default()
    }
}
