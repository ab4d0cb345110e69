//! Lets the people of the story speak when they have seen what they wait for, and shows everything on the screen.

use std::sync::Arc;

use domain::{Person, ThreadRef};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::story::{Line, Says};
use crate::chat::console::{ConsoleEvent, ConsoleMessage};
use crate::screen::{Look, Screen};
use crate::serve::System;

/// Where the story is played.
pub(super) struct Stage<'a> {
    system: Arc<System>,
    screen: &'a mut Screen,
    thread: ThreadRef,
}

/// Everything that was shown, for people to act upon.
#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    messages: Vec<ConsoleMessage>,
}

impl Seen {
    fn take_in(&mut self, look: Look) {
        self.lines.extend(look.lines);
        match look.event {
            Some(ConsoleEvent::Posted(message)) => self.messages.push(message),
            Some(ConsoleEvent::Edited(message) | ConsoleEvent::Reacted(message)) => {
                if let Some(there) = self.messages.iter_mut().find(|there| there.n == message.n) {
                    *there = message;
                }
            }
            None => {}
        }
    }

    fn has(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }

    fn has_all(&self, words: &[&'static str]) -> bool {
        words.iter().all(|words| self.has(words))
    }

    /// The number of the button, if it is still offered.
    fn button(&self, of: &str, label: &str) -> Option<i64> {
        let message = self.messages.iter().rev().find(|message| message.text.contains(of))?;
        message.choices.iter().find(|offered| offered.is_open && offered.choice.label == label).map(|offered| offered.n)
    }
}

impl<'a> Stage<'a> {
    pub(super) fn new(system: Arc<System>, screen: &'a mut Screen) -> Self {
        Self { system, screen, thread: ThreadRef::console("demo") }
    }

    /// Plays the lines until everything of `curtain` was seen; says what was not.
    pub(super) async fn act(&mut self, lines: Vec<Line>, curtain: &[&'static str]) -> anyhow::Result<Vec<String>> {
        let mut shown = self.system.console.watch();
        let mut seen = Seen::default();
        let mut quiet = Quiet::default();
        for line in lines {
            while !seen.has_all(&line.upon) {
                if !self.look(&mut shown, &mut seen, &mut quiet).await? {
                    return Ok(missing(&seen, &line.upon));
                }
            }
            self.speak(&line, &seen).await?;
        }
        while !seen.has_all(curtain) {
            if !self.look(&mut shown, &mut seen, &mut quiet).await? {
                return Ok(missing(&seen, curtain));
            }
        }
        self.screen.settle();
        Ok(Vec::new())
    }

    async fn speak(&self, line: &Line, seen: &Seen) -> anyhow::Result<()> {
        let who: Person = line.who.parse()?;
        let says = match line.says {
            Says::Words(words) => words.to_owned(),
            Says::Button { of, label } => {
                let number = seen.button(of, label);
                number.ok_or_else(|| anyhow::anyhow!("{who} finds no button {label:?} under {of:?}"))?.to_string()
            }
        };
        self.system.console.say(&self.thread, &who, &says).await?;
        Ok(())
    }

    /// Shows the next thing; false when nothing is left to come.
    async fn look(
        &mut self,
        shown: &mut Receiver<ConsoleEvent>,
        seen: &mut Seen,
        quiet: &mut Quiet,
    ) -> anyhow::Result<bool> {
        match self.screen.look(shown).await {
            Ok(look) => {
                let is_quiet = look.event.is_none() && look.lines.is_empty();
                seen.take_in(look);
                if !is_quiet {
                    quiet.end();
                    return Ok(true);
                }
                Ok(!quiet.is_final(&self.system).await?)
            }
            Err(RecvError::Lagged(n)) => anyhow::bail!("{n} messages of the console were missed"),
            Err(RecvError::Closed) => Ok(false),
        }
    }
}

fn missing(seen: &Seen, wanted: &[&'static str]) -> Vec<String> {
    wanted.iter().filter(|words| !seen.has(words)).map(|words| format!("nobody ever read \"{words}\"")).collect()
}

/// Tells a pause from the end: several looks in a row with nothing said and nothing owed.
#[derive(Default)]
struct Quiet {
    looks: u32,
}

impl Quiet {
    const LOOKS: u32 = 6;

    fn end(&mut self) {
        self.looks = 0;
    }

    async fn is_final(&mut self, system: &System) -> anyhow::Result<bool> {
        let owed = system.store.owed_now().await?;
        self.looks = if owed == 0 { self.looks + 1 } else { 0 };
        Ok(self.looks >= Self::LOOKS)
    }
}
