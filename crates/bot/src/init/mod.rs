//! `downbeat init`: asks what cannot be guessed, and writes the config.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use domain::{BranchName, Person, RepoName, Role};
use forge::{Git, GitSettings};

use crate::cli::exit::{Exit, Refused};
use crate::config::{git_settings, slack_member};
use crate::place::PlaceArgs;
use crate::survey::draft::{Draft, DraftCheck};
use crate::survey::{AgentCommand, FoundAgent};
use interview::{Interview, Question, nothing_written};

mod file;
mod interview;
mod repository;
mod slack;

/// The longest that a remote is waited for: a person is sitting there, and the questions go on without its answer.
const REMOTE_LIMIT: Duration = Duration::from_secs(10);

/// What is known before anything is asked. An answer that is given here is not asked for.
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// Ask nothing and take the default of every answer that is not given here
    #[arg(long)]
    pub yes: bool,
    /// The repository, as a directory or an address; without it the one of this directory
    #[arg(long, value_name = "PATH")]
    pub repo: Option<String>,
    /// What people call it
    #[arg(long)]
    pub name: Option<RepoName>,
    /// The branch that changes land on
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<BranchName>,
    /// What has to pass before a change lands, as a line for sh
    #[arg(long, value_name = "COMMAND")]
    pub check: Option<String>,
    /// The one person who works with it
    #[arg(long, value_name = "NAME")]
    pub person: Option<Person>,
    /// Their member ID in Slack, for a config with Slack in it
    #[arg(long, value_name = "MEMBER_ID", value_parser = member)]
    pub slack: Option<String>,
    /// A command that works as an agent beside the recipes, as a line for sh
    #[arg(long, value_name = "COMMAND")]
    pub agent: Option<String>,
    /// Where to write; without it downbeat.toml at the repository's root
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a config that is there
    #[arg(long)]
    pub force: bool,
}

/// Asks and writes.
pub async fn init(args: InitArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let interview = if args.yes { Interview::Defaults } else { Interview::Person };
    if interview == Interview::Person && !Interview::is_possible() {
        let why = "there is no terminal to ask at; `downbeat init --yes` takes every default, and `downbeat init --help` lists the answers that can be given";
        return Err(Refused { exit: Exit::Usage, why: why.to_owned() }.into());
    }
    let here = std::env::current_dir().context("failed to tell the current directory; change into one that exists")?;
    let scratch = tempfile::tempdir().context("failed to make a temporary directory")?;
    let git = Git::open(GitSettings { remote_limit: REMOTE_LIMIT, ..git_settings(scratch.path()) }).await?;

    let mut chosen = repository::choose(interview, &args, &git, &here).await?;
    let output = args.output.clone().or_else(|| place.config.clone());
    let output = output.map_or_else(|| file::usual_place(chosen.top.as_deref(), &here), |named| here.join(named));
    file::refuse_to_replace(&output, args.force)?;
    repository::refine(interview, &args, &git, &mut chosen).await?;
    let draft = &mut chosen.draft;
    draft.check = choose_check(interview, args.check, &draft.check)?;
    draft.people = choose_people(interview, args.person, &draft.people)?;
    let people: Vec<_> = draft.people.iter().map(|(person, _)| person.clone()).collect();
    draft.accounts = slack::choose_accounts(interview, args.slack, &people)?;
    draft.agent = choose_agent(interview, args.agent, &draft.on_path)?;
    confirm_toolchains(interview, draft)?;
    confirm_text(interview, draft, &output)?;

    file::write(&output, draft, args.force)?;
    eprintln!("{}", file::next_steps(&output, &here));
    Ok(Exit::Done)
}

fn member(text: &str) -> Result<String, String> {
    slack_member(text).map(|()| text.to_owned())
}

/// What may decide about a change, as a person chooses it.
enum CheckChoice {
    Guessed(DraftCheck),
    Own,
    Untested,
    Open,
}

impl fmt::Display for CheckChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guessed(DraftCheck::Line { command, because: Some(file) }) => {
                write!(f, "{command}  (guessed from {file})")
            }
            Self::Guessed(DraftCheck::Line { command, because: None }) => f.write_str(command),
            Self::Guessed(DraftCheck::Named | DraftCheck::Untested | DraftCheck::Open) | Self::Open => {
                f.write_str("I'll say it later: nothing lands until .downbeat/config.toml names checks")
            }
            Self::Own => f.write_str("another command"),
            Self::Untested => f.write_str("nothing: every change lands untested"),
        }
    }
}

fn choose_check(interview: Interview, named: Option<String>, guess: &DraftCheck) -> anyhow::Result<DraftCheck> {
    if let Some(command) = named {
        anyhow::ensure!(!command.trim().is_empty(), "--check is empty; leave it out, or name a command");
        return Ok(DraftCheck::Line { command, because: None });
    }
    let mut options = match guess {
        DraftCheck::Named => {
            interview.tell("  What has to pass before a change lands is in its .downbeat/config.toml.");
            return Ok(DraftCheck::Named);
        }
        DraftCheck::Line { .. } => vec![CheckChoice::Guessed(guess.clone())],
        DraftCheck::Untested | DraftCheck::Open => Vec::new(),
    };
    if options.is_empty() && interview == Interview::Defaults {
        return Ok(DraftCheck::Open);
    }
    options.extend([CheckChoice::Own, CheckChoice::Untested, CheckChoice::Open]);
    let question = Question {
        asks: "What has to pass before a change lands?",
        help: "it runs in a sandbox on exactly the files that would land",
    };
    Ok(match interview.choose(question, options)? {
        CheckChoice::Guessed(guess) => guess,
        CheckChoice::Untested => DraftCheck::Untested,
        CheckChoice::Open => DraftCheck::Open,
        CheckChoice::Own => {
            let question = Question { asks: "Which command?", help: "a line for sh, run at the repository's root" };
            let command = interview.text(question, "make check", |_| Ok(()))?;
            DraftCheck::Line { command, because: None }
        }
    })
}

/// A role as a person chooses it.
struct RoleChoice(Role);

impl fmt::Display for RoleChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = match self.0 {
            Role::Viewer => "looks",
            Role::Requester => "asks, and approves their own plans of low risk",
            Role::Approver => "approves and merges other people's tasks",
            Role::Operator => "pauses the queue and stops any task",
            Role::Admin => "does everything",
        };
        write!(f, "{:<10} {may}", self.0.to_string())
    }
}

type Somebody = (Person, BTreeSet<Role>);

fn choose_people(interview: Interview, named: Option<Person>, found: &[Somebody]) -> anyhow::Result<Vec<Somebody>> {
    if let Some(person) = named {
        return Ok(vec![(person, [Role::Admin].into())]);
    }
    let me = found.first().map_or("me", |(person, _)| person.as_str());
    let question = Question { asks: "What is your name here?", help: "you are the admin: you may do everything" };
    let mut people: Vec<Somebody> = Vec::new();
    let rule = |name: &str| name.parse::<Person>().map(drop).map_err(|error| error.to_string());
    people.push((interview.text(question, me, rule)?.parse()?, [Role::Admin].into()));
    loop {
        let question = Question {
            asks: if people.len() == 1 { "Who else works with it?" } else { "Who else?" },
            help: "a name, or Enter for nobody; alone, you approve your own risky changes",
        };
        let known: Vec<String> = people.iter().map(|(person, _)| person.to_string()).collect();
        let name = interview.text(question, "", move |name| match name {
            "" => Ok(()),
            _ if known.iter().any(|one| one == name) => Err(format!("`{name}` is there already")),
            _ => rule(name),
        })?;
        if name.is_empty() {
            return Ok(people);
        }
        let asks = format!("What may {name} do?");
        let question = Question { asks: &asks, help: "space marks, Enter takes what is marked" };
        let roles = [Role::Viewer, Role::Requester, Role::Approver, Role::Operator, Role::Admin].map(RoleChoice);
        let chosen = interview.choose_some(question, roles.into(), &[1, 2])?;
        people.push((name.parse()?, chosen.into_iter().map(|choice| choice.0).collect()));
    }
}

fn choose_agent(
    interview: Interview,
    named: Option<String>,
    on_path: &[FoundAgent],
) -> anyhow::Result<Option<AgentCommand>> {
    for found in on_path {
        interview.tell(&format!("  {} is at {}.", found.standing(), found.path.display()));
    }
    let question = Question {
        asks: "Which command works as an agent?",
        help: "a line for sh that gets the request on standard input; Enter for none: the repository's recipes",
    };
    let line = named.map_or_else(|| interview.text(question, "", |_| Ok(())), Ok)?;
    Ok((!line.trim().is_empty()).then(|| AgentCommand::of_line(&line, &crate::survey::Surroundings::ours())))
}

fn confirm_toolchains(interview: Interview, draft: &mut Draft) -> anyhow::Result<()> {
    let mut confirmed = Vec::new();
    for toolchain in std::mem::take(&mut draft.toolchains) {
        let asks = format!("May agents and checks read {}?", toolchain.name);
        let paths: Vec<_> = toolchain.read.iter().map(|path| path.display().to_string()).collect();
        let help = format!("it lies below your home, and the sandbox hides that: {}", paths.join(", "));
        if interview.confirm(Question { asks: &asks, help: &help })? {
            confirmed.push(toolchain);
        }
    }
    draft.toolchains = confirmed;
    Ok(())
}

fn confirm_text(interview: Interview, draft: &Draft, output: &Path) -> anyhow::Result<()> {
    let text: String = draft.text().lines().map(|line| format!("  {line}\n")).collect();
    interview.tell(&format!("\n{}", hidden(&text, draft)));
    let asks = format!("Write this to {}?", output.display());
    let question = Question { asks: &asks, help: "you can change it with any editor" };
    if interview.confirm(question)? { Ok(()) } else { Err(nothing_written()) }
}

/// The text without the password that the remote's address may carry.
fn hidden(text: &str, draft: &Draft) -> String {
    text.replace(draft.remote.with_credentials(), &draft.remote.to_string())
}
