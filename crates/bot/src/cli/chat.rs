//! `downbeat chat`: a terminal on a running instance.

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::instance::{Speaker, connect};
use crate::place::{PlaceArgs, user_dir};
use crate::terminal::{Attach, Left, attach};

/// Who talks where.
#[derive(Args, Clone, Debug)]
pub struct ChatArgs {
    #[command(flatten)]
    speaker: Speaker,
    /// The console's thread to come to; `/thread NAME` changes it later
    #[arg(long, value_name = "NAME", default_value = "main")]
    thread: String,
}

/// Talks until the person leaves, or until the lines of a pipe have been said and answered.
pub async fn run(args: ChatArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let (client, state) = connect(place).await?;
    let person = args.speaker.choose(&client.welcome)?;
    let greeting = vec![format!("You are {person} in #{}. /help tells what the keys do; Ctrl-D leaves.", args.thread)];
    drop(client);
    let left = attach(Attach {
        state,
        person: person.parse()?,
        thread: args.thread,
        greeting,
        history: history(),
        notices: None,
        stop: CancellationToken::new(),
    });
    Ok(match left.await? {
        Left::Asked | Left::Stopped | Left::Terminated | Left::InputEnded { n_unsaid: 0 } => Exit::Done,
        Left::InputEnded { .. } => Exit::Refused,
    })
}

/// Where the terminals of this user keep what was said; nowhere when there is no place for it.
pub fn history() -> Option<PathBuf> {
    Some(user_dir("XDG_STATE_HOME", ".local/state").ok()?.join("history"))
}
