//! `downbeat task`: tasks from the command line.

use clap::{Args, Subcommand};
use domain::TaskId;

use super::exit::Exit;
use super::instance::{Form, Voice, follow_log, order, request, show};
use crate::control::wire::Ask;
use crate::place::PlaceArgs;

/// What can be done with tasks.
#[derive(Subcommand, Clone, Debug)]
pub enum TaskCommand {
    /// Ask for a change, as `@agent` does in a thread
    ///
    /// Options of a request may stand among the words: repo=NAME branch=NAME agent=NAME model=NAME plan=ask|auto|off
    /// merge=ask|auto.
    #[command(visible_alias = "new")]
    Ask {
        /// What should change
        #[arg(required = true)]
        words: Vec<String>,
        /// The console's thread in which its card appears
        #[arg(long, value_name = "NAME", default_value = "main")]
        thread: String,
        #[command(flatten)]
        voice: Voice,
    },
    /// List tasks: those that need a person first, then those that run
    List {
        /// List the ended ones as well
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Show one task: its state, plan, change, checks and history
    Show {
        /// The task, as `T-1`
        id: TaskId,
        #[command(flatten)]
        form: Form,
    },
    /// Approve a plan, or accept a change that is riskier than its plan
    ///
    /// Without --plan and --hash the newest one is meant. Name what you saw to be sure that it is what you approve.
    Approve(Approval),
    /// Ask for another version of the plan, or of the change
    Revise {
        /// The task, as `T-1`
        id: TaskId,
        /// What should be different
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Turn a plan or a change down
    Reject {
        /// The task, as `T-1`
        id: TaskId,
        /// Why
        words: Vec<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Answer the question that a task's agent asks
    Answer {
        /// The task, as `T-1`
        id: TaskId,
        /// One of its choices, or your words
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Say something to a task's agent, which hears it at its next chance
    Steer {
        /// The task, as `T-1`
        id: TaskId,
        /// What it should know
        #[arg(required = true)]
        words: Vec<String>,
        /// Have it end what it does now
        #[arg(long)]
        interrupt: bool,
        #[command(flatten)]
        voice: Voice,
    },
    /// Stop a task's agent and keep what it has done
    Pause(Named),
    /// Let a paused task go on
    Resume(Named),
    /// Take a task's work back to a checkpoint and let it go on from there
    Rollback {
        /// The task, as `T-1`
        id: TaskId,
        /// The checkpoint, as `task checkpoints` numbers them
        #[arg(value_name = "N")]
        checkpoint: u32,
        /// What should be different from there on
        words: Vec<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Stop a task
    Stop(Named),
    /// Run a task again
    Retry {
        /// The task, as `T-1`
        id: TaskId,
        /// With this agent instead
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// With this model instead
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        #[command(flatten)]
        voice: Voice,
    },
    /// Make and test a ready task as it would land now, without landing it
    Try(Named),
    /// Send a ready task to the merge queue
    Merge(Named),
    /// Print what a task's agent and checks printed
    Log {
        /// The task, as `T-1`
        id: TaskId,
        /// Go on until the task has ended
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Print the difference that a task's change makes, or that its tree had made by a checkpoint
    Diff {
        /// The task, as `T-1`
        id: TaskId,
        /// The checkpoint, as `task checkpoints` numbers them
        #[arg(value_name = "N")]
        checkpoint: Option<u32>,
        /// Compare with this checkpoint instead of with where the tree began
        #[arg(long, value_name = "N", requires = "checkpoint")]
        since: Option<u32>,
        #[command(flatten)]
        form: Form,
    },
    /// List the states of a task's tree that were kept, one after each turn of its agent
    Checkpoints {
        /// The task, as `T-1`
        id: TaskId,
        #[command(flatten)]
        form: Form,
    },
}

/// A task, and who acts on it.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The task, as `T-1`
    pub id: TaskId,
    #[command(flatten)]
    pub voice: Voice,
}

/// What exactly is approved.
#[derive(Args, Clone, Debug)]
pub struct Approval {
    #[command(flatten)]
    named: Named,
    /// The version of the plan that you read
    #[arg(long, value_name = "N")]
    plan: Option<u32>,
    /// The beginning of the hash that you read
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// The task's id once more, which the riskiest tier asks for
    #[arg(long, value_name = "ID")]
    again: Option<TaskId>,
}

impl Approval {
    fn words(&self) -> String {
        let seen = [
            self.plan.map(|version| format!(" v{version}")),
            self.hash.as_ref().map(|hash| format!(" #{}", hash.trim_start_matches('#'))),
            self.again.map(|id| format!(" {id}")),
        ];
        format!("approve {}{}", self.named.id, seen.into_iter().flatten().collect::<String>())
    }
}

/// Runs one of them.
pub async fn run(command: TaskCommand, place: &PlaceArgs) -> anyhow::Result<Exit> {
    use TaskCommand as T;
    match command {
        T::Ask { words, thread, voice } => request(place, &voice, thread, &words.join(" ")).await,
        T::List { all, form } => show(place, form, &Ask::Tasks { all }).await,
        T::Show { id, form } => show(place, form, &Ask::Task { id }).await,
        T::Approve(approval) => {
            let Named { id, voice } = &approval.named;
            order(place, voice, approval.words(), &format!("{id} is approved")).await
        }
        T::Revise { id, words, voice } => {
            let done = format!("{id} is sent back with your words");
            order(place, &voice, format!("revise {id} {}", words.join(" ")), &done).await
        }
        T::Reject { id, words, voice } => {
            order(place, &voice, format!("reject {id} {}", words.join(" ")), &format!("{id} is rejected")).await
        }
        T::Stop(named) => on_task("stop", &named, place, "is being stopped").await,
        T::Answer { id, words, voice } => {
            order(place, &voice, format!("answer {id} {}", words.join(" ")), &format!("{id} has your answer")).await
        }
        T::Steer { id, words, interrupt, voice } => {
            let verb = if interrupt { "interrupt" } else { "steer" };
            let done = format!("{id} is told at its next chance");
            order(place, &voice, format!("{verb} {id} {}", words.join(" ")), &done).await
        }
        T::Pause(named) => on_task("pause", &named, place, "is being paused").await,
        T::Resume(named) => on_task("resume", &named, place, "goes on").await,
        T::Rollback { id, checkpoint, words, voice } => {
            let done = format!("{id} goes on from checkpoint {checkpoint}");
            order(place, &voice, format!("rollback {id} {checkpoint} {}", words.join(" ")), &done).await
        }
        T::Retry { id, agent, model, voice } => {
            let with = [agent.map(|name| format!(" agent={name}")), model.map(|name| format!(" model={name}"))];
            let words = format!("retry {id}{}", with.into_iter().flatten().collect::<String>());
            order(place, &voice, words, &format!("{id} runs again")).await
        }
        T::Try(named) => on_task("try", &named, place, "is being tried; its thread hears what comes of it").await,
        T::Merge(named) => on_task("merge", &named, place, "is in the merge queue").await,
        T::Log { id, follow, form } => follow_log(place, id, form, follow).await,
        T::Diff { id, checkpoint, since, form } => show(place, form, &Ask::Diff { id, checkpoint, since }).await,
        T::Checkpoints { id, form } => show(place, form, &Ask::Checkpoints { id }).await,
    }
}

/// One word about one task; `done` says what it is now.
pub async fn on_task(word: &str, named: &Named, place: &PlaceArgs, done: &str) -> anyhow::Result<Exit> {
    let Named { id, voice } = named;
    order(place, voice, format!("{word} {id}"), &format!("{id} {done}")).await
}
