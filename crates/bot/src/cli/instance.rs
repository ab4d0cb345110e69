//! Reaching a running instance from the command line: which one, as whom, and how its answers are printed.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use domain::TaskId;

use super::exit::{Exit, Refused};
use crate::clock::fresh_name;
use crate::control::client::Client;
use crate::control::wire::{Answer, Ask, Welcome};
use crate::place::PlaceArgs;

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

/// A connection to the instance that the command is for.
pub async fn connect(place: &PlaceArgs) -> anyhow::Result<(Client, PathBuf)> {
    let state = place.running_state().await?;
    Ok((Client::connect(&state).await?, state))
}

impl Speaker {
    /// The person, as the instance knows them. Nobody is guessed: a name that is not known is told at once.
    pub fn choose(&self, welcome: &Welcome) -> anyhow::Result<String> {
        let known = |name: &str| welcome.people.iter().any(|person| person == name);
        let people = welcome.people.join(", ");
        match &self.name {
            Some(name) if known(name) => return Ok(name.clone()),
            Some(name) => {
                return Err(refused(Exit::Refused, format!("the config knows no `{name}`; it knows {people}")));
            }
            None => {}
        }
        let login = crate::place::login();
        match (&welcome.people[..], login) {
            (_, Some(login)) if known(&login) => Ok(login),
            ([only], _) => Ok(only.clone()),
            _ => Err(refused(Exit::Usage, format!("say who you are with --as NAME; the config knows {people}"))),
        }
    }
}

/// Gives an order in the words of the chat, and prints what came of it; `done` when that says nothing itself.
pub async fn order(place: &PlaceArgs, speaker: &Speaker, words: String, done: &str) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    let person = speaker.choose(&client.welcome)?;
    let ask = Ask::Order { delivery: fresh_name(), person, words, thread: THREAD.to_owned() };
    match client.ask(&ask).await? {
        Answer::Done { text, .. } => {
            print(&harmless(&format!("{}\n", if text.is_empty() { done } else { &text })));
            Ok(Exit::Done)
        }
        other => Err(not_done(other)),
    }
}

/// Asks for a task in a thread of the console, and prints its id.
pub async fn request(place: &PlaceArgs, speaker: &Speaker, thread: String, words: &str) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    let person = speaker.choose(&client.welcome)?;
    anyhow::ensure!(!words.trim().is_empty(), Refused { exit: Exit::Usage, why: "say what should change".to_owned() });
    let words = format!("{} {words}", client.welcome.mention);
    let ask = Ask::Order { delivery: fresh_name(), person, words, thread: thread.clone() };
    match client.ask(&ask).await? {
        Answer::Done { task: Some(id), .. } => {
            print(&format!("{id} is asked for in #{thread}; follow it with `downbeat task show {id}`\n"));
            Ok(Exit::Done)
        }
        // The words were a command and no request.
        Answer::Done { text, .. } => {
            print(&harmless(&format!("{text}\n")));
            Ok(Exit::Done)
        }
        other => Err(not_done(other)),
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
    let mut after = 0;
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
            None if !stays || has_ended(&mut client, id).await? => return Ok(Exit::Done),
            None => drop(look.tick().await),
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
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// Prints to standard output. Whoever reads a pipe may have gone, which is their right.
pub fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
