//! The sample repository: a bare remote with a few files, made anew for each demo.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;
use domain::{BranchName, RepoName};

use super::Sabotage;
use crate::config::Config;

const FILES: [(&str, &str); 6] = [
    (".downbeat/config.toml", include_str!("../../demo/sample/.downbeat/config.toml")),
    (".downbeat/recipes/tidy.toml", include_str!("../../demo/sample/.downbeat/recipes/tidy.toml")),
    ("README.md", include_str!("../../demo/sample/README.md")),
    ("greet.sh", include_str!("../../demo/sample/greet.sh")),
    ("tests/greet.test.sh", include_str!("../../demo/sample/tests/greet.test.sh")),
    ("tests/run.sh", include_str!("../../demo/sample/tests/run.sh")),
];
const SCRIPT: &str = include_str!("../../demo/script.toml");
const CONFIG: &str = include_str!("../../demo/config.toml");
/// Where the edits of the shouting change begin in the script, which are to conflict with another's.
const SHOUT: &str = "[[request.edit]]\npath = \"greet.sh\" # shout";
/// What its plan names.
const SHOUT_PATHS: &str = "paths = [\"greet.sh\", \"tests/greet.test.sh\"]";
const NEXT_REQUEST: &str = "[[request]]";
/// The same change where it is in nobody's way.
const SHOUT_ELSEWHERE: &str = "[[request.edit]]\npath = \"shout.sh\"\nwrite = \"echo HELLO\"\n\n";

/// The repository that the demo works on.
pub(super) struct Sample {
    pub(super) name: RepoName,
    pub(super) target: BranchName,
    pub(super) remote: PathBuf,
    scratch: PathBuf,
    first: String,
}

impl Sample {
    /// Makes the repository in `home`.
    pub(super) fn make(home: &Path, sabotage: Option<Sabotage>) -> anyhow::Result<Self> {
        let (remote, scratch, work) = (home.join("sample.git"), home.join("scratch"), home.join("first"));
        for (path, text) in FILES {
            let text = match sabotage {
                Some(Sabotage::Check) if path == ".downbeat/config.toml" => text.replace("sh tests/run.sh", "true"),
                _ => text.to_owned(),
            };
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&work))?;
            std::fs::write(path, text)?;
        }
        let git = |args: &[&str]| run("git", &work, args);
        git(&["init", "--quiet", "--initial-branch=main", "."])?;
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message=A greeter with its tests"])?;
        let first = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        git(&["clone", "--quiet", "--bare", ".", &remote.display().to_string()])?;
        std::fs::remove_dir_all(&work)?;
        std::fs::create_dir_all(&scratch)?;
        Ok(Self { name: "sample".parse()?, target: "main".parse()?, remote, scratch, first })
    }

    /// The demo's config, with its places filled in.
    pub(super) fn config(&self, home: &Path, sabotage: Option<Sabotage>) -> anyhow::Result<Config> {
        let script = home.join("script.toml");
        let text = match sabotage {
            Some(Sabotage::Conflict) => {
                let (before, shout) = SCRIPT.split_once(SHOUT).context("the script has no shouting change")?;
                let (_, after) = shout.split_once(NEXT_REQUEST).context("the shouting change is the last")?;
                let (before, plan) = before.rsplit_once(SHOUT_PATHS).context("the shouting plan names no paths")?;
                [before, "paths = [\"shout.sh\"]", plan, SHOUT_ELSEWHERE, NEXT_REQUEST, after].concat()
            }
            _ => SCRIPT.to_owned(),
        };
        std::fs::write(&script, text)?;
        let policy = if sabotage == Some(Sabotage::Bisect) { "serial" } else { "batch" };
        let text = CONFIG
            .replace("{state}", &home.join("state").display().to_string())
            .replace("{remote}", &self.remote.display().to_string())
            .replace("{script}", &script.display().to_string())
            .replace("{policy}", policy);
        Ok(Config::from_text("the demo's own config", &text)?)
    }

    /// The commits that landed since the beginning, oldest first.
    pub(super) fn landed(&self) -> anyhow::Result<Vec<String>> {
        let range = format!("{}..main", self.first);
        let log = run("git", &self.remote, &["rev-list", "--reverse", &range])?;
        Ok(log.lines().map(str::to_owned).collect())
    }

    /// Lays out one commit and runs its tests; the output when they fail.
    pub(super) fn passes(&self, commit: &str) -> anyhow::Result<Result<(), String>> {
        let tree = self.scratch.join(commit);
        std::fs::create_dir_all(&tree)?;
        let archive = tree.with_extension("tar");
        run("git", &self.remote, &["archive", "--output", &archive.display().to_string(), commit])?;
        run("tar", &tree, &["-xf", &archive.display().to_string()])?;
        let tested = call("sh", &tree, &["tests/run.sh"])?;
        let said = String::from_utf8_lossy(&[tested.stdout, tested.stderr].concat()).into_owned();
        Ok(if tested.status.success() { Ok(()) } else { Err(said) })
    }

    /// What `git log --graph` shows of the target.
    pub(super) fn graph(&self) -> anyhow::Result<String> {
        run("git", &self.remote, &["log", "--graph", "--format=%h %s (%an)", "main"])
    }
}

fn run(program: &str, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = call(program, dir, args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{program} {} failed: {}", args.first().unwrap_or(&""), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with nobody's settings, so that the demo is the same on every machine.
#[expect(clippy::disallowed_methods, reason = "the demo makes and judges its sample outside of the product")]
fn call(program: &str, dir: &Path, args: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Sample").env(format!("GIT_{role}_EMAIL"), "sample@downbeat.invalid");
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    command.output().with_context(|| format!("failed to start {program}; the demo needs git, sh and tar"))
}
