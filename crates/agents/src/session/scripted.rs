//! The `scripted` agent: follows a script. For the demo and for tests only, and its title says so.
//!
//! A script supplies plans and edits, never outcomes: what becomes of them is decided by the same machines, checks and
//! queue as for any other agent. The agent is a real process in the real cage: this program under the verb
//! `scripted-agent`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use async_trait::async_trait;
use domain::Rejected;
use serde::Deserialize;

use super::agent::{Agent, Session, SessionError, Worked};
use super::answer::plan_in;
use super::people::{Question, QuestionKind, Reply, Steer};
use super::turn::{Turn, as_work};
use crate::cage::{Access, Cage};
use crate::task::{Plan, PlanDraft, PlanMode};

/// The verb by which the program is told to be the scripted agent.
pub const VERB: &str = "scripted-agent";

/// A script as an agent.
pub struct ScriptedAgent {
    name: String,
    cage: Cage,
    script: PathBuf,
}

impl ScriptedAgent {
    /// The agent `name` of the config, following the script at this path.
    pub fn new(name: &str, cage: Cage, script: PathBuf) -> Self {
        Self { name: name.to_owned(), cage, script }
    }

    fn turn(&self, turn: &'static str, access: Access) -> Turn<'_> {
        let program = self.cage.settings().launcher.clone();
        let command = vec![program.display().to_string(), VERB.to_owned(), self.script.display().to_string()];
        let env = BTreeMap::from([("DOWNBEAT_TURN".to_owned(), turn.to_owned())]);
        Turn { cage: &self.cage, command, access, env, read: vec![program, self.script.clone()] }
    }
}

#[async_trait]
impl Agent for ScriptedAgent {
    fn title(&self) -> String {
        format!("{} (scripted, demo and tests only)", self.name)
    }

    fn may_run(&self, plan: PlanMode) -> Result<(), Rejected> {
        match plan {
            PlanMode::Ask | PlanMode::Auto | PlanMode::Off => Ok(()),
        }
    }

    async fn plan(&self, mut session: Session<'_>) -> Result<PlanDraft, SessionError> {
        let mut turn = self.turn(PLAN, Access::ReadOnly);
        turn.env.extend(self.converse(PLAN, &mut session).await?);
        plan_in(&turn.run(&session).await?.stdout)
    }

    async fn work(&self, mut session: Session<'_>, _approved: Option<&Plan>) -> Result<Worked, SessionError> {
        let mut turn = self.turn(WORK, Access::ReadWrite);
        turn.env.extend(self.converse(WORK, &mut session).await?);
        Ok(as_work(&turn.run(&session).await?))
    }
}

impl ScriptedAgent {
    /// What the scene asks and waits to hear before its turn, as environment for it. A real agent does both within its
    /// turn; to its people that is the same.
    async fn converse(&self, turn: &str, session: &mut Session<'_>) -> Result<BTreeMap<String, String>, SessionError> {
        let text = tokio::fs::read_to_string(&self.script).await;
        let text = text.map_err(|error| SessionError::CouldNotStart(error.to_string()))?;
        let script: Script = toml::from_str(&text).map_err(|error| SessionError::CouldNotStart(error.to_string()))?;
        let scene = find_scene(&script, session.request, session.prompt);
        let mut env = BTreeMap::new();
        let Some(scene) = scene else { return Ok(env) };
        if let Some(asks) = scene.ask.as_ref().filter(|asks| asks.turn == turn) {
            let question = Question { about: asks.about, text: asks.text.clone(), choices: asks.choices.clone() };
            match session.people.ask(question).await {
                Reply::Answered { text, .. } => env.insert("DOWNBEAT_ANSWER".to_owned(), text),
                Reply::Unanswered => return Err(SessionError::Failed("nobody answered".to_owned())),
            };
        }
        if scene.listens && turn == WORK {
            let heard = tokio::select! {
                heard = session.steering.recv() => heard,
                () = session.stop.cancelled() => return Err(SessionError::Stopped),
            };
            let words =
                heard.map(|(Steer::Say { text, .. } | Steer::Interrupt { text, .. } | Steer::Nudge { text })| text);
            env.insert("DOWNBEAT_HEARD".to_owned(), words.unwrap_or_default());
        }
        Ok(env)
    }
}

const PLAN: &str = "plan";
const WORK: &str = "work";

/// A whole script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    request: Vec<Scene>,
}

/// What to do for one request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scene {
    /// How the request begins, in any case.
    when: String,
    /// What the prompt must contain besides: a word of a person's feedback, say.
    #[serde(default)]
    after: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    checks: Vec<String>,
    /// Lines to say while working.
    #[serde(default)]
    say: Vec<String>,
    #[serde(default)]
    edit: Vec<Edit>,
    /// What to ask a person before a turn; edits write the answer for `{answer}`.
    ask: Option<Asks>,
    /// Wait for words before the work; edits write them for `{heard}`.
    #[serde(default)]
    listens: bool,
    /// A misdeed after the edits.
    misdeed: Option<Misdeed>,
    /// A misdeed instead of a plan.
    misdeed_while_planning: Option<Misdeed>,
}

/// A question of the script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asks {
    /// `plan` or `work`.
    turn: String,
    about: QuestionKind,
    text: String,
    #[serde(default)]
    choices: Vec<String>,
}

/// One edit of one file. Exactly one of the four ways.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    path: PathBuf,
    write: Option<String>,
    append: Option<String>,
    /// Replaces this text, which must be there, by `with`.
    replace: Option<String>,
    #[serde(default)]
    with: String,
    #[serde(default)]
    delete: bool,
}

/// What bad agents do.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Misdeed {
    SleepUntilStopped,
    ExitWithOne,
    FloodOutput,
    PrintGarbage,
    LeaveOrphan,
    DeleteTree,
    WriteOutside,
}

/// The whole program when it was started as the scripted agent; runs inside the cage. `args` begins after the verb.
pub fn scripted_main(args: &[String]) -> ExitCode {
    match perform(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scripted agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn perform(args: &[String]) -> io::Result<()> {
    let [script] = args else { return Err(io::Error::other("expected the path of a script")) };
    let script: Script = toml::from_str(&fs::read_to_string(script)?).map_err(io::Error::other)?;
    let mut prompt = String::new();
    io::stdin().read_to_string(&mut prompt)?;
    let request = variable("DOWNBEAT_REQUEST");
    let scene = find_scene(&script, &request, &prompt)
        .ok_or_else(|| io::Error::other(format!("the script knows no request that begins like `{request}`")))?;
    if variable("DOWNBEAT_TURN") == PLAN {
        return scene.print_plan();
    }
    for line in &scene.say {
        println!("{line}");
    }
    for edit in &scene.edit {
        edit.apply().map_err(|error| io::Error::other(format!("{}: {error}", edit.path.display())))?;
    }
    scene.misdeed.map_or(Ok(()), Misdeed::commit)
}

/// The last scene that fits, so that one with `after` stands behind the one it refines.
fn find_scene<'a>(script: &'a Script, request: &str, prompt: &str) -> Option<&'a Scene> {
    let (request, prompt) = (request.trim().to_lowercase(), prompt.to_lowercase());
    let fits = |scene: &&Scene| {
        request.starts_with(&scene.when.to_lowercase()) && prompt.contains(&scene.after.to_lowercase())
    };
    script.request.iter().rev().find(fits)
}

impl Scene {
    fn print_plan(&self) -> io::Result<()> {
        if let Some(misdeed) = self.misdeed_while_planning {
            return misdeed.commit();
        }
        let Self { summary, steps, paths, checks, .. } = self;
        println!("{}", serde_json::json!({ "summary": summary, "steps": steps, "paths": paths, "checks": checks }));
        Ok(())
    }
}

impl Edit {
    fn apply(&self) -> io::Result<()> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        match (&self.write, &self.append, &self.replace, self.delete) {
            (Some(text), None, None, false) => fs::write(&self.path, with_words(text)),
            (None, Some(text), None, false) => {
                OpenOptions::new().append(true).create(true).open(&self.path)?.write_all(with_words(text).as_bytes())
            }
            (None, None, Some(old), false) => {
                let text = fs::read_to_string(&self.path)?;
                if !text.contains(old) {
                    return Err(io::Error::other(format!("does not contain `{old}`")));
                }
                fs::write(&self.path, text.replacen(old, &self.with, 1))
            }
            (None, None, None, true) => fs::remove_file(&self.path),
            _ => Err(io::Error::other("an edit is exactly one of write, append, replace and delete")),
        }
    }
}

impl Misdeed {
    fn commit(self) -> io::Result<()> {
        match self {
            Self::SleepUntilStopped => loop {
                std::thread::park();
            },
            Self::ExitWithOne => Err(io::Error::other("told to fail")),
            Self::FloodOutput => loop {
                io::stdout().write_all(&[b'x'; 8_192])?;
            },
            Self::PrintGarbage => io::stdout().write_all(b"\x1b[2J\xff\xfe{\"summary\":"),
            Self::LeaveOrphan => leave_orphan(),
            Self::DeleteTree => fs::read_dir(".")?.flatten().try_for_each(|entry| remove(&entry.path())),
            Self::WriteOutside => fs::write("../outside", "outside"),
        }
    }
}

/// The text with what people said in its place.
fn with_words(text: &str) -> String {
    text.replace("{answer}", &variable("DOWNBEAT_ANSWER")).replace("{heard}", &variable("DOWNBEAT_HEARD"))
}

#[expect(clippy::disallowed_methods, reason = "this is the agent's own process, inside the cage")]
fn leave_orphan() -> io::Result<()> {
    Command::new("setsid").args(["sleep", "600"]).spawn().map(drop)
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
