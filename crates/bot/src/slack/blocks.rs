//! From what is said to a Slack message. Pure: the same words give the same blocks.
//!
//! A message reads from top to bottom: whom it calls, its title and where it stands, the steps or the list, named
//! values, small facts, and at last what people may click. Where a workspace has Slack's own plan blocks, steps and
//! lists become those; everything else is the same.

use std::borrow::Cow;

use domain::Person;
use serde_json::{Value, json};

use super::kit::{self, cut, escape, mention};
use super::limits::{BUTTON_TEXT_MAX, Kind, violations};
use crate::chat::messenger::{Part, Said};

mod actions;
mod page;
pub mod steps;

use actions::Row;
pub(super) use actions::button;
use page::Page;
use steps::Steps;

/// What a message needs from where it goes.
pub struct Frame<'a> {
    /// Whether the workspace has plan blocks.
    pub native: bool,
    /// Where the steps of a task at work stand.
    pub steps: Steps,
    /// The Slack user that a person is, where they are one.
    pub mention: &'a dyn Fn(&Person) -> Option<String>,
    /// The value of a button that stands for a command.
    pub sign: &'a dyn Fn(&str) -> String,
}

/// A message as Slack takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What a notification shows; with the first post alone, because an edit with it is marked as one.
    pub text: String,
    /// What the thread shows.
    pub blocks: Vec<Value>,
}

/// How much a message may say, in characters, from the first that is tried to the last: Slack refuses blocks beyond a
/// length that depends on what is in them. Nothing that breaks a limit is sent.
const ROOMS: [usize; 4] = [6_000, 3_000, 1_200, 300];
/// How long a notification is: what a telephone shows of one.
const NOTIFICATION_MAX: usize = 200;

/// Lays out a message; of one that fits in no room, its first line is all that is said.
pub fn message(said: &Said, frame: &Frame) -> Message {
    let called = said.calls.as_ref().and_then(|person| (frame.mention)(person));
    let row = actions::row(said, frame.sign);
    let lay_out =
        |room: &usize| lay_out(said, called.as_deref(), Page::new(*room, frame.native, frame.steps), row.clone());
    let text = notification(said, called.as_deref());
    let fits = |blocks: &Vec<Value>| violations(Kind::Message, &json!({ "text": text, "blocks": blocks })).is_empty();
    let blocks = ROOMS.iter().map(lay_out).find(fits).unwrap_or_else(|| vec![kit::context(&text)]);
    Message { text, blocks }
}

/// The first lines: what it is about and where it stands.
fn notification(said: &Said, called: Option<&str>) -> String {
    let first = |part: &Part| match part {
        Part::Title(text) | Part::Now(text) | Part::Words(text) | Part::Code { text, .. } => Some(kit::line(text)),
        Part::Field { name, value } => Some(kit::line(&format!("{name}: {value}"))),
        Part::Steps(lines) | Part::Todo(lines) | Part::Facts(lines) => lines.first().map(|line| kit::line(line)),
    };
    let parts = called_by_mention(said, called);
    let lines: Vec<_> = parts
        .iter()
        .take(2)
        .filter_map(first)
        .map(|line| line.trim_end_matches(':').to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let text = match lines.join(": ") {
        text if text.is_empty() => "See the thread.".to_owned(),
        text => cut(&text, NOTIFICATION_MAX),
    };
    called.map(|user| format!("{} ", mention(user))).unwrap_or_default() + &escape(&text)
}

fn lay_out(said: &Said, called: Option<&str>, mut page: Page, row: Row) -> Vec<Value> {
    if let Some(user) = called {
        let text = json!({ "type": "mrkdwn", "text": mention(user), "verbatim": true });
        page.block(json!({ "type": "section", "text": text }));
    }
    for part in called_by_mention(said, called).iter() {
        page.part(part);
    }
    page.end(said.rest.as_deref(), row)
}

/// The parts without the name with which they begin, where the mention says it already.
fn called_by_mention<'a>(said: &'a Said, called: Option<&str>) -> Cow<'a, [Part]> {
    let bare = |title: &str| {
        let name = said.calls.as_ref().filter(|_| called.is_some())?;
        Some(Part::Title(title.strip_prefix(name.as_str())?.strip_prefix(", ")?.to_owned()))
    };
    match said.parts.split_first() {
        Some((Part::Title(title), rest)) => match bare(title) {
            Some(title) => Cow::Owned(std::iter::once(title).chain(rest.iter().cloned()).collect()),
            None => Cow::Borrowed(&said.parts),
        },
        _ => Cow::Borrowed(&said.parts),
    }
}

/// A button's label on one line.
fn label(text: &str) -> String {
    match kit::line(text) {
        line if line.is_empty() => "…".to_owned(),
        line => cut(&line, BUTTON_TEXT_MAX),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
