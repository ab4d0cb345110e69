//! How whoever started the service talks with it: on a terminal as everyone does, by its own control socket; otherwise
//! by lines that name their speaker, so that a service can be driven by a pipe.

use std::io::{self, IsTerminal};

use domain::{Person, ThreadRef};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cli::instance::Speaker;
use crate::cli::{chat, log};
use crate::config::Config;
use crate::screen::Screen;
use crate::serve::System;
use crate::terminal::{Attach, attach};

/// How many notices may wait until the terminal shows them; more are dropped, and they are in the log.
const NOTICES_MAX: usize = 64;

/// What is said to whoever started the service, beside the conversation.
#[derive(Clone)]
pub(super) struct Notices(Option<mpsc::Sender<String>>);

impl Notices {
    /// Shows a line, above the conversation where there is one.
    pub(super) fn say(&self, line: &str) {
        match &self.0 {
            Some(terminal) => drop(terminal.try_send(line.to_owned())),
            None => eprintln!("{line}"),
        }
    }
}

/// The conversation.
pub(super) enum Talk {
    /// A person at a terminal.
    Terminal {
        /// Who.
        person: Person,
        /// What is shown to them beside the conversation.
        notices: mpsc::Receiver<String>,
        /// What they read first.
        greeting: Vec<String>,
    },
    /// Lines of a pipe.
    Lines(Screen),
}

impl Talk {
    /// What fits the terminal, if we are on one, and the person, if it is plain who they are.
    pub(super) fn open(config: &Config, speaker: &Speaker) -> anyhow::Result<(Self, Notices)> {
        let on_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let people: Vec<_> = config.people.keys().map(Person::as_str).collect();
        let found = speaker.find(&people).map_err(anyhow::Error::msg)?;
        let Some(person) = found.filter(|_| on_terminal) else {
            return Ok((Self::Lines(Screen::open()), Notices(None)));
        };
        let person = person.parse()?;
        log::divert(&config.state.join("downbeat.log"))?;
        let (sender, notices) = mpsc::channel(NOTICES_MAX);
        Ok((Self::Terminal { person, notices, greeting: Vec::new() }, Notices(Some(sender))))
    }

    /// Shows lines before everything else.
    pub(super) fn greet(&mut self, lines: &str) {
        match self {
            Self::Terminal { greeting, .. } => greeting.extend(lines.lines().map(str::to_owned)),
            Self::Lines(screen) => screen.say(lines),
        }
    }

    /// How to speak here, for the greeting.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Terminal { person, .. } => format!("you are {person} · /help · Ctrl-D stops the service"),
            Self::Lines(_) => "say NAME: WORDS, or #THREAD NAME: WORDS".to_owned(),
        }
    }

    /// Talks until `stop` fires. A person at a terminal who leaves ends the service; the end of a pipe ends nothing.
    pub(super) async fn run(self, system: &System, config: &Config, stop: &CancellationToken) {
        match self {
            Self::Terminal { person, notices, greeting } => {
                let left = attach(Attach {
                    state: config.state.clone(),
                    person,
                    thread: "main".to_owned(),
                    greeting,
                    history: chat::history(),
                    notices: Some(notices),
                    stop: stop.clone(),
                });
                if let Err(error) = left.await {
                    eprintln!("the terminal cannot be used: {error}");
                }
                stop.cancel();
            }
            Self::Lines(mut screen) => {
                tokio::join!(show(system, &mut screen, stop), listen(system, stop));
                screen.close();
            }
        }
    }
}

/// Shows the console until the end.
async fn show(system: &System, screen: &mut Screen, stop: &CancellationToken) {
    let mut shown = system.console.watch();
    loop {
        tokio::select! {
            () = stop.cancelled() => return drop(screen.settle()),
            look = screen.look(&mut shown) => match look {
                Ok(_) => {}
                Err(RecvError::Lagged(n)) => screen.say(&format!("… {n} messages went by faster than they could be shown")),
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// Takes words from standard input.
async fn listen(system: &System, stop: &CancellationToken) {
    let mut lines = BufReader::new(tokio::io::stdin()).split(b'\n');
    loop {
        let line = tokio::select! {
            () = stop.cancelled() => return,
            line = lines.next_segment() => line,
        };
        match line {
            // A byte that is no text spoils its own place and nothing else.
            Ok(Some(line)) => say(system, &String::from_utf8_lossy(&line)).await,
            Ok(None) => return,
            Err(error) => return eprintln!("standard input cannot be read: {error}"),
        }
    }
}

async fn say(system: &System, line: &str) {
    match spoken(line) {
        Some((thread, person, words)) => {
            if let Err(error) = system.console.say(&thread, &person, words).await {
                eprintln!("not heard: {error}");
            }
        }
        None if line.trim().is_empty() => {}
        None => eprintln!("Say who speaks: `ana: @agent help`, or `#thread ana: @agent help`."),
    }
}

/// `#thread name: words`, where the thread is `main` when it is left out.
fn spoken(line: &str) -> Option<(ThreadRef, Person, &str)> {
    let (thread, rest) = match line.trim_start().strip_prefix('#') {
        Some(named) => named.split_once(' ')?,
        None => ("main", line),
    };
    let (name, words) = rest.split_once(':')?;
    let thread = format!("console/{thread}").parse().ok()?;
    Some((thread, name.trim().parse().ok()?, words.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_who_speaks_and_where() {
        let said = |line| spoken(line).map(|(thread, person, words)| format!("{thread} {person} {words}"));
        assert_eq!(said("ana: @agent fix: it"), Some("console/main ana @agent fix: it".to_owned()));
        assert_eq!(said("#web ana: hi"), Some("console/web ana hi".to_owned()));
        assert_eq!(said("no speaker here"), None);
    }
}
