//! `downbeat queue`: the merge queues from the command line.

use clap::Subcommand;
use domain::TaskId;

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
    /// Close a queue to all that is below a priority; whatever waits keeps its place
    Freeze {
        /// Why, for those who wait
        #[arg(long, value_name = "WHY")]
        because: String,
        /// The lowest priority that may still land
        #[arg(long, value_name = "PRIORITY", default_value = "high", value_parser = ["normal", "high", "first"])]
        below: String,
        /// The repository whose queue is meant, where there are several
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Open a queue again that is frozen
    Thaw {
        /// The repository whose queue is meant, where there are several
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Put right what the audit of a landing found; the queue has stopped for it
    Restore {
        /// The repository whose queue is meant, where there are several
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Let a task come sooner or later
    Prioritise {
        /// The task, such as `T-1`
        task: TaskId,
        /// How soon it is wanted
        #[arg(value_parser = ["low", "normal", "high", "first"])]
        priority: String,
        /// Why; whoever goes first needs a reason
        #[arg(long, value_name = "WHY")]
        because: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Keep a task from being tested and landed; it keeps its place, and others pass it
    Hold {
        /// The task, such as `T-1`
        task: TaskId,
        /// Why, for those who wait
        #[arg(long, value_name = "WHY")]
        because: String,
        #[command(flatten)]
        voice: Voice,
    },
    /// Let a task go on that is held
    Release {
        /// The task, such as `T-1`
        task: TaskId,
        #[command(flatten)]
        voice: Voice,
    },
    /// Take a task out of the queue; its branch stays
    Remove(Named),
    /// Send a ready task to the queue
    Merge(Named),
    /// Play all strategies on the same changes, made up or recorded, and compare what they land
    Simulate(Box<SimulateArgs>),
}

/// Runs one of them.
pub async fn run(command: QueueCommand, place: &PlaceArgs) -> anyhow::Result<Exit> {
    match command {
        QueueCommand::Show { form } => show(place, form, &Ask::Queues).await,
        QueueCommand::Pause { repo, voice } => order(place, &voice, about("pause", repo), "paused").await,
        QueueCommand::Resume { repo, voice } => order(place, &voice, about("resume", repo), "going on").await,
        QueueCommand::Freeze { because, below, repo, voice } => {
            let words = format!("{} below={below} because {because}", about("freeze", repo));
            order(place, &voice, words, "frozen").await
        }
        QueueCommand::Thaw { repo, voice } => order(place, &voice, about("thaw", repo), "open to everybody").await,
        QueueCommand::Restore { repo, voice } => {
            order(place, &voice, about("restore", repo), "putting its target right").await
        }
        QueueCommand::Prioritise { task, priority, because, voice } => {
            let because = because.map(|why| format!(" because {why}")).unwrap_or_default();
            order(place, &voice, format!("prioritise {task} {priority}{because}"), "is in another place").await
        }
        QueueCommand::Hold { task, because, voice } => {
            order(place, &voice, format!("hold {task} because {because}"), "is held").await
        }
        QueueCommand::Release { task, voice } => order(place, &voice, format!("release {task}"), "goes on").await,
        QueueCommand::Remove(named) => on_task("dequeue", &named, place, "leaves the merge queue").await,
        QueueCommand::Merge(named) => on_task("merge", &named, place, "is in the merge queue").await,
        QueueCommand::Simulate(args) => rehearsal::run(&args, place).await,
    }
}

fn about(word: &str, repo: Option<String>) -> String {
    repo.map_or_else(|| word.to_owned(), |repo| format!("{word} repo={repo}"))
}
