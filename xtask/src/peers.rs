//! Programs of others that only tests run, installed as `tests/peers` says, where git does not look.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::install::{on_path, run};
use crate::step::Tally;

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

/// A folder of `tests/peers`, and what is installed by its lock files.
struct Peer {
    folder: &'static str,
    /// What it is, for the line that tells of it.
    what: &'static str,
    /// How to have it by hand.
    remedy: &'static str,
    /// Whether some packages are left out.
    leaves_out_dev: bool,
}

const SLACK: Peer = Peer {
    folder: "slack",
    what: "Slack's own libraries",
    remedy: "To have them: npm 9 or later, and python3 with its venv, on the PATH",
    leaves_out_dev: false,
};
const EMULATOR: Peer = Peer {
    folder: "emulate",
    what: "a Slack emulator that is not ours",
    remedy: "To have it: npm 9 or later on the PATH",
    leaves_out_dev: false,
};

const GITHUB: Peer = Peer {
    folder: "github",
    what: "GitHub's own description of its API, and what judges by it",
    remedy: "To have them: npm 9 or later on the PATH",
    leaves_out_dev: false,
};

/// Where programs of others are kept that only tests run: `target/peers`, or where `DOWNBEAT_PEERS` says.
pub fn home() -> PathBuf {
    std::env::var_os("DOWNBEAT_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from)
}

/// Installs what is not there as its lock files want it; without npm or Python the tests of it are skips.
pub fn install(agents: Agents, tally: &mut Tally) {
    let coding = Peer {
        folder: "agents",
        what: "real coding agents",
        remedy: "To have them: npm 9 or later on the PATH",
        leaves_out_dev: agents == Agents::Two,
    };
    coding.install(&[agents, Agents::All].map(Agents::name), tally);
    SLACK.install(&["all"], tally);
    EMULATOR.install(&["all"], tally);
    GITHUB.install(&["all"], tally);
}

impl Peer {
    /// Installs it unless one of these sets is there; the first of them is what is wanted.
    fn install(&self, sets: &[&str], tally: &mut Tally) {
        let installed = std::fs::read_to_string(self.home().join("installed")).ok();
        if installed.is_some() && sets.iter().any(|set| self.stamp(set).ok() == installed) {
            return;
        }
        if on_path("npm").is_none() {
            return tally.skip(self.what, self.remedy);
        }
        println!("\ninstalling {} ({}) into {}", self.what, sets[0], self.home().display());
        let stamped = || self.stamp(sets[0]).is_ok_and(|it| std::fs::write(self.home().join("installed"), it).is_ok());
        if !(self.fetch() && stamped()) {
            tally.skip(self.what, &format!("they could not be installed; the reason is above. {}", self.remedy));
        }
    }

    fn home(&self) -> PathBuf {
        home().join(self.folder)
    }

    fn locked(&self) -> PathBuf {
        Path::new("tests/peers").join(self.folder)
    }

    fn has_python(&self) -> bool {
        self.locked().join("requirements.txt").exists()
    }

    /// What was installed last: the set, and the lock files as they were.
    fn stamp(&self, set: &str) -> std::io::Result<String> {
        let mut stamp = format!("{set}\n{}", std::fs::read_to_string(self.locked().join("package-lock.json"))?);
        if self.has_python() {
            stamp.push_str(&std::fs::read_to_string(self.locked().join("requirements.txt"))?);
        }
        Ok(stamp)
    }

    fn fetch(&self) -> bool {
        let home = self.home();
        let copy = |file: &str| std::fs::copy(self.locked().join(file), home.join(file)).is_ok();
        let copied = std::fs::create_dir_all(&home).is_ok() && copy("package.json") && copy("package-lock.json");
        // `npm ci` refuses a lock file whose registry did not serve the packages of other platforms; this keeps to it too.
        let mut npm = Command::new("npm");
        npm.current_dir(&home).args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
        if self.leaves_out_dev {
            npm.arg("--omit=dev");
        }
        copied && run(&mut npm) && placed(&home) && (!self.has_python() || self.fetch_python())
    }

    fn fetch_python(&self) -> bool {
        let venv = self.home().join("venv");
        let pip = |venv: &Path| Command::new(venv.join("bin/pip"));
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            && run(pip(&venv)
                .args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"])
                .arg(self.locked().join("requirements.txt")))
    }
}

fn placed(home: &Path) -> bool {
    let packages = PLACED_BY.map(|(package, script)| (home.join("node_modules").join(package), script));
    packages
        .iter()
        .filter(|(package, _)| package.exists())
        .all(|(package, script)| run(Command::new("node").arg(script).current_dir(package)))
}
