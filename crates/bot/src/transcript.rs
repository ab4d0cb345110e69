//! What happens on the console, as lines for a terminal or a file. Pure but for remembering what was shown.
//!
//! A card is edited often and read seldom, so an edit is held back until the console is quiet for a moment: only the
//! newest one of a card is shown, and none when a message about the same task says it better.

use std::collections::HashMap;

use crate::chat::console::{BOT, ConsoleEvent, ConsoleMessage};

/// The column in which words begin; names stand right-aligned before it.
const MARGIN: usize = 8;

/// Turns console events into lines.
#[derive(Debug, Default)]
pub struct Transcript {
    shown: HashMap<Key, String>,
    held: Vec<ConsoleMessage>,
    choices: HashMap<Key, String>,
}

type Key = (String, i64);

impl Transcript {
    /// The lines that are to be shown at once.
    pub fn take_in(&mut self, event: &ConsoleEvent) -> Vec<String> {
        match event {
            ConsoleEvent::Posted(message) => {
                self.shown.insert(key(message), message.text.clone());
                if message.author == BOT {
                    self.held.retain(|card| !message.text.contains(subject(card)));
                }
                let mut lines = posted(message);
                self.explain_number(message, &mut lines);
                self.remember_choices(message);
                lines
            }
            ConsoleEvent::Edited(message) => {
                self.held.retain(|card| key(card) != key(message));
                self.held.push(message.clone());
                self.remember_choices(message);
                Vec::new()
            }
            ConsoleEvent::Reacted(_) => Vec::new(),
        }
    }

    fn remember_choices(&mut self, message: &ConsoleMessage) {
        let offered = message.choices.iter();
        self.choices.extend(offered.map(|offered| ((message.thread.clone(), offered.n), offered.choice.says.clone())));
    }

    /// Whoever reads along sees what a number stands for.
    fn explain_number(&self, message: &ConsoleMessage, lines: &mut [String]) {
        let said = message.text.trim().parse().ok();
        if let (Some(n), Some(line)) = (said, lines.first_mut())
            && let Some(says) = self.choices.get(&(message.thread.clone(), n))
        {
            *line = format!("{line}  ({})", says.split(" #").next().unwrap_or_default());
        }
    }

    /// The lines that were held back; called when nothing was said for a moment.
    pub fn settle(&mut self) -> Vec<String> {
        let held = std::mem::take(&mut self.held);
        held.into_iter()
            .filter_map(|card| {
                let was = self.shown.insert(key(&card), card.text.clone());
                edited(&card, was.as_deref())
            })
            .collect()
    }
}

fn key(message: &ConsoleMessage) -> Key {
    (message.thread.clone(), message.n)
}

/// What a card is about: its title begins with the task.
fn subject(card: &ConsoleMessage) -> &str {
    card.text.split(" · ").next().unwrap_or_default()
}

fn posted(message: &ConsoleMessage) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, line) in message.text.lines().enumerate() {
        let name = if n == 0 { message.author.as_str() } else { "" };
        lines.push(format!("{name:>width$}  {line}", width = MARGIN - 2).trim_end().to_owned());
    }
    let open: Vec<_> = message.choices.iter().filter(|offered| offered.is_open).collect();
    if !open.is_empty() {
        let offered: Vec<_> = open.iter().map(|offered| format!("[{}] {}", offered.n, offered.choice.label)).collect();
        lines.push(format!("{:MARGIN$}{}", "", offered.join("   ")));
    }
    lines
}

/// The lines of a card that are new; where it stands, when the card is from before we were watching.
fn edited(card: &ConsoleMessage, was: Option<&str>) -> Option<String> {
    let before: Vec<_> = was.unwrap_or(&card.text).lines().collect();
    let is_news = |(n, line): &(usize, &str)| if was.is_some() { !before.contains(line) } else { *n == 1 };
    let news: Vec<_> = card.text.lines().enumerate().filter(is_news).map(|(_, line)| line).collect();
    let words = format!("{:>width$}  {} {}", "·", subject(card), news.join(" · "), width = MARGIN - 2);
    (!news.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::console::NumberedChoice;
    use crate::chat::messenger::Choice;

    fn message(n: i64, text: &str) -> ConsoleMessage {
        let choices = vec![NumberedChoice { n: 3, is_open: true, choice: Choice::new("Merge", "merge T-1") }];
        let (thread, author, at) = ("t".to_owned(), BOT.to_owned(), domain::Timestamp::from_ms(0));
        ConsoleMessage { thread, n, card: None, author, text: text.to_owned(), choices, reactions: Vec::new(), at }
    }

    #[test]
    fn the_newest_edit_of_a_card_is_shown_once_it_is_quiet() {
        let mut transcript = Transcript::default();
        let card = |now: &str| message(1, &format!("T-1 · fix it\n{now}\nasked by ana"));
        let first = transcript.take_in(&ConsoleEvent::Posted(card("planning")));
        assert_eq!(first, ["   bot  T-1 · fix it", "        planning", "        asked by ana", "        [3] Merge"]);
        assert!(transcript.take_in(&ConsoleEvent::Edited(card("waiting"))).is_empty());
        assert!(transcript.take_in(&ConsoleEvent::Edited(card("working"))).is_empty());
        assert_eq!(transcript.settle(), ["     ·  T-1 working"]);
        assert!(transcript.settle().is_empty());
    }

    #[test]
    fn a_card_from_before_a_restart_shows_where_it_stands() {
        let mut transcript = Transcript::default();
        transcript.take_in(&ConsoleEvent::Edited(message(1, "T-1 · fix it\nworking\nasked by ana")));
        assert_eq!(transcript.settle(), ["     ·  T-1 working"]);
    }

    #[test]
    fn a_message_about_a_task_takes_the_place_of_its_card() {
        let mut transcript = Transcript::default();
        transcript.take_in(&ConsoleEvent::Posted(message(1, "T-1 · fix it\nworking")));
        transcript.take_in(&ConsoleEvent::Edited(message(1, "T-1 · fix it\nready")));
        transcript.take_in(&ConsoleEvent::Posted(message(2, "T-1 is ready")));
        assert!(transcript.settle().is_empty());
    }
}
