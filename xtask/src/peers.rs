//! The coding agents that tests run, installed from npm as `tests/peers/agents` says, where git does not look.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::install::{on_path, run};
use crate::step::Tally;

/// Where the manifest and the lock file are.
const LOCKED: &str = "tests/peers/agents";
/// Tells the tests that every agent is meant to be there.
pub const AGENTS_VARIABLE: &str = "DOWNBEAT_TEST_AGENTS";
/// The packages whose npm package holds only a placeholder until this script of theirs puts the program in its place.
const PLACED_BY: [(&str, &str); 2] = [("@anthropic-ai/claude-code", "install.cjs"), ("opencode-ai", "postinstall.mjs")];

/// Which coding agents the tests run against.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Agents {
    /// Claude Code and Codex, 0.8 GB
    Two,
    /// Gemini CLI, OpenCode, Copilot CLI and the ACP adapter of Claude too, 1.8 GB
    All,
}

impl Agents {
    fn name(self) -> &'static str {
        match self {
            Self::Two => "two",
            Self::All => "all",
        }
    }
}

/// Where programs of others are kept that only tests run: `target/peers`, or where `DOWNBEAT_PEERS` says.
pub fn home() -> PathBuf {
    std::env::var_os("DOWNBEAT_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from)
}

/// Installs the agents unless they are there as the lock file wants them; without npm their tests are skips.
pub fn install(agents: Agents, tally: &mut Tally) {
    let home = home().join("agents");
    if is_installed(&home, agents) {
        return;
    }
    if on_path("npm").is_none() {
        return tally.skip("real coding agents", "To have them: npm 9 or later on the PATH");
    }
    println!("\ninstalling the coding agents ({}) from npm into {}", agents.name(), home.display());
    if !fetch(&home, agents) {
        tally.skip("real coding agents", "npm could not install them; its own words are above");
    }
}

/// What was installed last: the set, and the lock file as it was.
fn stamp(agents: Agents) -> std::io::Result<String> {
    Ok(format!("{}\n{}", agents.name(), std::fs::read_to_string(Path::new(LOCKED).join("package-lock.json"))?))
}

fn is_installed(home: &Path, agents: Agents) -> bool {
    let installed = std::fs::read_to_string(home.join("installed")).ok();
    let enough = [agents, Agents::All].map(|set| stamp(set).ok());
    installed.is_some() && enough.contains(&installed)
}

fn fetch(home: &Path, agents: Agents) -> bool {
    let copied = std::fs::create_dir_all(home).is_ok()
        && ["package.json", "package-lock.json"]
            .iter()
            .all(|file| std::fs::copy(Path::new(LOCKED).join(file), home.join(file)).is_ok());
    // `npm ci` refuses a lock file whose registry did not serve the packages of other platforms; this keeps to it too.
    let mut npm = Command::new("npm");
    npm.current_dir(home).args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
    if agents == Agents::Two {
        npm.arg("--omit=dev");
    }
    copied
        && run(&mut npm)
        && placed(home)
        && stamp(agents).is_ok_and(|it| std::fs::write(home.join("installed"), it).is_ok())
}

fn placed(home: &Path) -> bool {
    let packages = PLACED_BY.map(|(package, script)| (home.join("node_modules").join(package), script));
    packages
        .iter()
        .filter(|(package, _)| package.exists())
        .all(|(package, script)| run(Command::new("node").arg(script).current_dir(package)))
}
