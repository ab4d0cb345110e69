//! Reaching a running instance from the command line: which one, as whom, and how its answers are printed.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use domain::TaskId;
use serde_json::json;

use super::exit::{Exit, Refused};
use crate::clock::fresh_name;
use crate::control::client::Client;
use crate::control::wire::{Answer, Ask, Welcome};
use crate::place::PlaceArgs;
use crate::terminal::row::{UNSHOWABLE, steers};

/// The thread to which commands about tasks belong: nobody talks there.
const THREAD: &str = "command-line";
/// How often a log that is followed is looked at: as often as a person notices.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many lines of a log are fetched at once.
const LOG_LINES: i64 = 1_000;

/// Who gives an order.
#[derive(Args, Clone, Debug, Default)]
pub struct Speaker {
    /// Act as this person of the config; without it the one named as your login, or the only one there is
    #[arg(long = "as", value_name = "NAME", env = "DOWNBEAT_AS", hide_env_values = true)]
    pub name: Option<String>,
}

/// What is printed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Form {
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// Who gives an order, and what is printed of it.
#[derive(Args, Clone, Debug, Default)]
pub struct Voice {
    #[command(flatten)]
    speaker: Speaker,
    #[command(flatten)]
    form: Form,
}

/// A connection to the instance that the command is for.
pub async fn connect(place: &PlaceArgs) -> anyhow::Result<(Client, PathBuf)> {
    let state = place.running_state().await?;
    Ok((Client::connect(&state).await?, state))
}

impl Speaker {
    /// Which of these people it is: whoever is named, else the one named as the login, else the only one. None when that
    /// does not settle it; an error's text when nobody has the name.
    pub fn find<'p>(&self, people: &[&'p str]) -> Result<Option<&'p str>, String> {
        let known = |name: &str| people.iter().copied().find(|person| *person == name);
        if let Some(name) = &self.name {
            let unknown = || format!("the config knows no `{name}`; it knows {}", people.join(", "));
            return known(name).map(Some).ok_or_else(unknown);
        }
        let login = crate::place::login();
        let only = || people.first().copied().filter(|_| people.len() == 1);
        Ok(login.and_then(|login| known(&login)).or_else(only))
    }

    /// The person, as the instance knows them. Nobody is guessed: a name that is not known is told at once.
    pub fn choose(&self, welcome: &Welcome) -> anyhow::Result<String> {
        let people: Vec<_> = welcome.people.iter().map(String::as_str).collect();
        let found = self.find(&people).map_err(|unknown| refused(Exit::Refused, unknown))?;
        let unsettled = || format!("say who you are with --as NAME; the config knows {}", people.join(", "));
        found.map(str::to_owned).ok_or_else(|| refused(Exit::Usage, unsettled()))
    }
}

/// Gives an order in the words of the chat, and prints what came of it; `done` when that says nothing itself.
pub async fn order(place: &PlaceArgs, voice: &Voice, words: String, done: &str) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    let person = voice.speaker.choose(&client.welcome)?;
    // What an order is about stands behind its verb.
    let about = words.split(' ').nth(1).and_then(|word| word.parse().ok());
    let ask = Ask::Order { delivery: fresh_name(), person, words, thread: THREAD.to_owned() };
    let answer = match client.ask(&ask).await? {
        Answer::Done { text, task } => Answer::Done { text, task: task.or(about) },
        other => other,
    };
    tell(answer, done, voice.form)
}

/// Prints what was done; `done` when the answer says nothing itself.
pub fn tell(answer: Answer, done: &str, form: Form) -> anyhow::Result<Exit> {
    match answer {
        Answer::Done { text, task } => {
            let said = if text.is_empty() { done } else { &text };
            match form.json {
                true => print(&format!("{:#}\n", json!({ "task": task, "said": said }))),
                false => print(&harmless(&format!("{said}\n"))),
            }
            Ok(Exit::Done)
        }
        other => Err(not_done(other)),
    }
}

/// Asks for a task in a thread of the console, and prints its id.
pub async fn request(place: &PlaceArgs, voice: &Voice, thread: String, words: &str) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    let person = voice.speaker.choose(&client.welcome)?;
    anyhow::ensure!(!words.trim().is_empty(), Refused { exit: Exit::Usage, why: "say what should change".to_owned() });
    let words = format!("{} {words}", client.welcome.mention);
    let ask = Ask::Order { delivery: fresh_name(), person, words, thread: thread.clone() };
    match client.ask(&ask).await? {
        Answer::Done { task: Some(id), .. } => {
            let done = format!("{id} is asked for in #{thread}; follow it with `downbeat task show {id}`");
            tell(Answer::Done { task: Some(id), text: done }, "", voice.form)
        }
        // The words were a command and no request.
        other => tell(other, "", voice.form),
    }
}

/// Asks for something and prints it.
pub async fn show(place: &PlaceArgs, form: Form, ask: &Ask) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    match client.ask(ask).await? {
        Answer::Found { text, value } => {
            match form.json {
                true => print(&format!("{}\n", serde_json::to_string_pretty(&value)?)),
                false => print(&harmless(&text)),
            }
            Ok(Exit::Done)
        }
        other => Err(not_done(other)),
    }
}

/// Follows a task's log to its end, or prints what there is of it.
#[expect(clippy::disallowed_methods, reason = "a display that follows looks now and then; nothing is decided by it")]
pub async fn follow_log(place: &PlaceArgs, id: TaskId, form: Form, stays: bool) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    let (mut after, mut is_over) = (0, !stays);
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let (text, value) = match client.ask(&Ask::Log { id, after, count_max: LOG_LINES }).await? {
            Answer::Found { text, value } => (text, value),
            other => return Err(not_done(other)),
        };
        let lines = value.as_array().map(Vec::as_slice).unwrap_or_default();
        if form.json {
            lines.iter().for_each(|line| print(&format!("{line}\n")));
        } else {
            print(&harmless(&text));
        }
        match lines.last().and_then(|line| line["n"].as_i64()) {
            Some(newest) => after = newest,
            None if is_over => return Ok(Exit::Done),
            None => {
                look.tick().await;
                // Asked before the lines that follow, so that none which came until the end is left out.
                is_over = has_ended(&mut client, id).await?;
            }
        }
    }
}

async fn has_ended(client: &mut Client, id: TaskId) -> anyhow::Result<bool> {
    match client.ask(&Ask::Task { id }).await? {
        Answer::Found { value, .. } => Ok(value["ended"].as_bool().unwrap_or(true)),
        other => Err(not_done(other)),
    }
}

/// What a person reads when an answer is not what was asked for.
pub fn not_done(answer: Answer) -> anyhow::Error {
    match answer {
        Answer::Refused { why, next } if next.is_empty() => refused(Exit::Refused, why),
        Answer::Refused { why, next } => refused(Exit::Refused, format!("{why}. {next}.")),
        Answer::Failed { why } => refused(Exit::Failed, why),
        other @ (Answer::Hello(_) | Answer::Done { .. } | Answer::Found { .. }) => {
            refused(Exit::Failed, format!("the running downbeat answered beside the point: {other:?}"))
        }
    }
}

fn refused(exit: Exit, why: String) -> anyhow::Error {
    anyhow::Error::new(Refused { exit, why: harmless(&why) })
}

/// What people, agents and files wrote, without what could steer the terminal of whoever reads it.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if steers(c) && !matches!(c, '\n' | '\t') { UNSHOWABLE } else { c }).collect()
}

/// Prints to standard output. Whoever reads a pipe may have gone, which is their right.
pub fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
