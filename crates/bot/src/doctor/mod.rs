//! `downbeat doctor`: really uses everything that an instance needs, and says what works and what to do where it does not.
//!
//! Nothing is left behind: what is tried happens in a directory of its own below the state directory. While an instance
//! runs there, what would disturb it is left out. A remote that does not answer costs a few seconds and hinders nothing else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agents::cage::Cage;
use anyhow::Context as _;
use clap::Args;
use forge::{Git, GitSettings};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::instance::{Form, print};
use crate::config::{Config, ConfigError, git_settings};
use crate::control::client::Client;
use crate::control::wire::Welcome;
use crate::place::{PlaceArgs, Source};
use crate::up::{Installation, cage_of};
use finding::{Finding, Group, Verdict, summary};

mod agent;
mod caged;
mod database;
mod finding;
mod instance;
mod machine;
mod people;
mod repository;
mod slack;
mod turn;

/// The longest that one call to a remote may take: a person waits for all of it.
const REMOTE_LIMIT: Duration = Duration::from_secs(6);
/// The longest that a running instance may take to greet: it is on this machine.
const GREETING_LIMIT: Duration = Duration::from_secs(2);

/// How it is told.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Also have the agents answer one turn each, or those that are named
    ///
    /// Each works as in a session: in the sandbox, with its model behind the gate, in a repository of its own that goes
    /// afterwards. It costs what a few words cost.
    #[arg(long, value_name = "AGENT", num_args = 0..)]
    turn: Option<Vec<String>>,
    /// Also say something in this channel of Slack, and take it back
    #[arg(long, value_name = "CHANNEL")]
    slack_probe: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// What is examined.
struct Site {
    installation: Installation,
    git: Git,
    cage: Cage,
    /// A directory of our own.
    scratch: PathBuf,
    running: Option<Welcome>,
}

impl Site {
    fn config(&self) -> &Config {
        self.installation.config()
    }
}

/// What has been found so far; shown as it comes, unless a program reads it.
struct Report {
    form: Form,
    has_colors: bool,
    group: Option<Group>,
    findings: Vec<Finding>,
}

impl Report {
    fn open(form: Form) -> Self {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let has_colors = on_terminal && std::env::var_os("NO_COLOR").is_none();
        Self { form, has_colors, group: None, findings: Vec::new() }
    }

    fn tell(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.form.json {
                if self.group != Some(finding.group) {
                    let space = if self.group.is_some() { "\n" } else { "" };
                    print(&format!("{space}{}\n", finding.group));
                    self.group = Some(finding.group);
                }
                print(&finding.text(self.has_colors));
            }
            self.findings.push(finding);
        }
    }

    fn close(self) -> Exit {
        match self.form.json {
            true => print(&format!("{:#}\n", json!({ "findings": self.findings }))),
            false => print(&format!("\n{}\n", summary(&self.findings))),
        }
        let failed = self.findings.iter().any(|finding| finding.verdict == Verdict::Fail);
        if failed { Exit::Failed } else { Exit::Done }
    }
}

/// Tries everything. Only what fails makes the exit code 1.
pub async fn examine(args: DoctorArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let mut report = Report::open(args.form);
    let source = place.source()?;
    let usual = place.state_of(&source)?;
    let missing = machine::missing(&usual);
    let found = Installation::find(place, None).await;
    let state = found.as_ref().map_or(&usual, |installation| &installation.config().state).clone();
    let made = if state == usual { missing } else { machine::missing(&state) };
    let running = greet(&state).await;
    let looked = machine::look(&state, made, found.as_ref().ok().map(Installation::config));
    let (desk, findings) = looked.context("failed to make a temporary directory")?;
    let scratch = desk.path().to_owned();
    let git = Git::open(GitSettings { remote_limit: REMOTE_LIMIT, ..git_settings(&scratch) }).await;
    report.tell(vec![machine::git(git.as_ref(), &scratch).await]);
    report.tell(findings);
    report.tell(vec![instance::holder(&state, running.as_ref())]);
    report.tell(config(&found, &source));
    if let (Ok(installation), Ok(git)) = (found, git) {
        let cage = cage_of(installation.config());
        let site = Site { installation, git, cage, scratch, running };
        examine_site(&site, &args, &mut report).await;
    }
    Ok(report.close())
}

async fn examine_site(site: &Site, args: &DoctorArgs, report: &mut Report) {
    report.tell(people::look(site.config()));
    let (database, repositories) = tokio::join!(database::look(site), repository::look_at_all(site));
    report.tell(database);
    let gates: Vec<_> =
        repositories.iter().filter_map(|looked| Some((looked.name.clone(), looked.gate.clone()?))).collect();
    let has_recipes = repositories.iter().any(|looked| looked.has_recipes);
    report.tell(repositories.into_iter().flat_map(|looked| looked.findings).collect());
    report.tell(caged::look(site, &gates).await);
    report.tell(agent::look(site, has_recipes).await);
    if let Some(named) = &args.turn {
        report.tell(agent::try_turns(site, named).await);
    }
    report.tell(slack::look(site, args.slack_probe.as_deref()).await);
    report.tell(instance::look(site).await);
}

async fn greet(state: &Path) -> Option<Welcome> {
    let greeting = tokio::time::timeout(GREETING_LIMIT, Client::connect(state)).await;
    Some(greeting.ok()?.ok()?.welcome)
}

fn config(found: &anyhow::Result<Installation>, source: &Source) -> Vec<Finding> {
    let installation = match found {
        Ok(installation) => installation,
        Err(error) => return without_config(error, source),
    };
    let read = match source {
        Source::File(path) => format!("{} can be read", path.display()),
        Source::Repository(here) => {
            format!("none; `up` goes by the repository at {} (`downbeat init` writes a config)", here.display())
        }
    };
    let mut findings = vec![Finding::ok(Group::Config, read)];
    let warnings = installation.reading.warnings.iter();
    findings.extend(warnings.map(|warning| {
        Finding::warn(Group::Config, warning.to_string(), "`downbeat config explain` tells what each key takes")
    }));
    findings
}

fn without_config(error: &anyhow::Error, source: &Source) -> Vec<Finding> {
    if let Some(ConfigError::Wrong(mistakes)) = error.downcast_ref() {
        let fix = "correct it; `downbeat config explain` tells what each key takes";
        return mistakes.iter().map(|mistake| Finding::fail(Group::Config, mistake.to_string(), fix)).collect();
    }
    let fix = match source {
        Source::File(_) => "name another with --config FILE, or write one with `downbeat init`",
        Source::Repository(_) => {
            "do as it says, or write a config for a repository elsewhere: downbeat init --repo PATH"
        }
    };
    vec![Finding::fail(Group::Config, format!("{error:#}"), fix)]
}
