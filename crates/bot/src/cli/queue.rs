//! `downbeat queue`: the merge queues from the command line.

use clap::Subcommand;

use super::exit::Exit;
use super::instance::{Form, Voice, order, show};
use super::rehearsal::{self, SimulateArgs};
use super::task::{Named, on_task};
use crate::control::wire::Ask;
use crate::place::PlaceArgs;

/// What can be done with the merge queues.
#[derive(Subcommand, Clone, Debug)]
pub enum QueueCommand {
    /// Show who is in line, who is tested together, and what left lately
    Show {
        #[command(flatten)]
        form: Form,
    },
    /// Start no new runs; what is landing lands
    Pause {
        /// The repository whose queue is meant, where there are several
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Start runs again
    Resume {
        /// The repository whose queue is meant, where there are several
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Take a task out of the queue; its branch stays
    Remove(Named),
    /// Send a ready task to the queue
    Merge(Named),
    /// Play all strategies on the same made-up changes, and compare what they land
    Simulate(SimulateArgs),
}

/// Runs one of them.
pub async fn run(command: QueueCommand, place: &PlaceArgs) -> anyhow::Result<Exit> {
    match command {
        QueueCommand::Show { form } => show(place, form, &Ask::Queues).await,
        QueueCommand::Pause { repo, voice } => order(place, &voice, about("pause", repo), "paused").await,
        QueueCommand::Resume { repo, voice } => order(place, &voice, about("resume", repo), "going on").await,
        QueueCommand::Remove(named) => on_task("dequeue", &named, place, "leaves the merge queue").await,
        QueueCommand::Merge(named) => on_task("merge", &named, place, "is in the merge queue").await,
        QueueCommand::Simulate(args) => rehearsal::run(&args),
    }
}

fn about(word: &str, repo: Option<String>) -> String {
    repo.map_or_else(|| word.to_owned(), |repo| format!("{word} repo={repo}"))
}
