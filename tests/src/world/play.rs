//! Conversations as text: who says what, and between the lines what else happens.
//!
//! ```text
//! ana: @agent add a farewell
//! #web dan: status                 in another thread than `main`
//! ana: one line\nanother line
//! -- 8 days pass                   or hours, minutes, seconds
//! -- restart                       the process dies and comes back
//! -- look                          the target branches are looked at
//! -- look out                      cards are told what is in the way of their changes, as the system does by itself too
//! -- refresh                       cards are told of long waits, as the system does by itself every few seconds
//! -- ben puts ✅ on 4              an emoji on the fourth message of the thread
//! -- ana edits 1: other words      the first message of the thread says something else now
//! -- ana deletes 1                 it is taken back
//! -- running                       what a terminal shows of each task at work
//! ```

use std::time::Duration;

use domain::{DeliveryId, MessageRef, Person, ThreadRef};

use super::World;

impl World {
    /// Plays each line and drains after it.
    #[track_caller]
    pub fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix("--") {
                Some(direction) => self.direct(direction.trim()),
                None => {
                    self.say_line(line);
                    self.drain();
                }
            }
        }
    }

    fn direct(&mut self, direction: &str) {
        self.record.note(direction);
        match direction {
            "restart" => {
                self.restart();
                self.drain();
            }
            "look" => self.look(),
            "look out" => {
                self.runtime.block_on(self.system().look_out()).expect("cards can be edited");
                self.take_in();
            }
            "refresh" => {
                self.runtime.block_on(self.system().refresh()).expect("cards can be edited");
                self.take_in();
            }
            "running" => {
                let running = self.runtime.block_on(self.system().running()).expect("the state can be read");
                for task in running {
                    // Whether an agent that dozes has said so by now depends on the machine.
                    let doing = task.doing.split(" · agent ").next().unwrap_or_default();
                    self.record.note(&format!("  {} {doing}", task.task));
                }
            }
            _ if direction.contains(" edits ") || direction.contains(" deletes ") => self.change(direction),
            _ if direction.contains(" puts ") => self.put_emoji(direction),
            _ => self.advance(duration(direction)),
        }
    }

    /// `ana edits 1: other words`, `ana deletes 1`.
    fn change(&mut self, direction: &str) {
        let (deed, text) = direction.split_once(": ").unwrap_or((direction, ""));
        let words: Vec<_> = deed.split_whitespace().collect();
        let [who, deed, n] = words[..] else { panic!("what is `{direction}`?") };
        let (message, who, text) = (message(n), person(who), text.replace("\\n", "\n"));
        let console = self.system().console.clone();
        let changed = match deed {
            "edits" => self.runtime.block_on(console.correct(&message, &who, &text)),
            _ => self.runtime.block_on(console.withdraw(&message, &who)),
        };
        changed.expect("the console takes it");
        self.drain();
    }

    /// `ben puts ✅ on 4`.
    fn put_emoji(&mut self, direction: &str) {
        let words: Vec<_> = direction.split_whitespace().collect();
        let [who, "puts", emoji, "on", n] = words[..] else { panic!("what is `{direction}`?") };
        let (message, who) = (message(n), person(who));
        let put = self.system().console.put_emoji(&message, &who, emoji);
        self.runtime.block_on(put).expect("the console takes it");
        self.drain();
    }

    /// Says one line of a script and drains nothing.
    #[track_caller]
    pub fn say_line(&mut self, line: &str) {
        let (thread, rest) = match line.strip_prefix('#') {
            Some(named) => named.split_once(' ').expect("`#thread who: words`"),
            None => ("main", line),
        };
        let (who, words) = rest.split_once(':').unwrap_or_else(|| panic!("who says `{line}`?"));
        self.say_in(thread, who, &words.trim().replace("\\n", "\n"));
    }

    /// A person says something in the thread `main`; nothing is drained.
    pub fn say(&mut self, who: &str, words: &str) {
        self.say_in("main", who, words);
    }

    fn say_in(&mut self, thread: &str, who: &str, words: &str) {
        let said = self.runtime.block_on(self.system().console.say(&ThreadRef::console(thread), &person(who), words));
        self.take_in();
        if let Err(error) = said {
            self.record.note(&format!("{who} is told: {error}"));
        }
    }

    /// A message arrives under a delivery id that may have been heard before.
    pub fn deliver(&mut self, delivery: &str, who: &str, words: &str) {
        let (delivery, thread, who) = (DeliveryId::new(delivery), ThreadRef::console("main"), person(who));
        let heard = self.system().console.say_once(&delivery, &thread, &who, words);
        self.runtime.block_on(heard).expect("the console takes it");
        self.take_in();
    }
}

/// The message of this number in the thread `main`.
fn message(n: &str) -> MessageRef {
    MessageRef { thread: ThreadRef::console("main"), id: n.to_owned() }
}

fn person(name: &str) -> Person {
    name.trim().parse().expect("a person's name")
}

/// `8 days pass`.
fn duration(direction: &str) -> Duration {
    let mut words = direction.split_whitespace();
    let n: u64 = words.next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("what is `{direction}`?"));
    let unit = match words.next().unwrap_or_default().trim_end_matches('s') {
        "day" => 86_400,
        "hour" => 3_600,
        "minute" => 60,
        "second" => 1,
        _ => panic!("what is `{direction}`?"),
    };
    Duration::from_secs(n * unit)
}
