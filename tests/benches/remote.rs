//! A bare repository of 3,000 files with branches of work, and git as anyone runs it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::Sha;
use forge::{Gate, GitSettings, RepoSettings, Repositories, Repository};

/// How many files the repository has.
pub const FILES: usize = 3_000;
/// How long its main line is before the branches leave it.
const HISTORY: usize = 200;

/// The bare repository.
pub struct BigRemote {
    path: PathBuf,
}

impl BigRemote {
    /// Makes it in `dir`, with branches `b0` and on, of which each changes three files of its own; at most 1,000.
    pub fn make(dir: &Path, n_branches: usize) -> Self {
        let remote = Self { path: dir.join("big.git") };
        std::fs::create_dir_all(&remote.path).expect("a temporary directory can be filled");
        remote.git(&["init", "--quiet", "--bare", "--initial-branch=main"], "");
        let mut stream = commit("main", "the beginning", None);
        let _ = write!(stream, "M 100644 inline .gitattributes\n{}", data("*.log merge=union\n"));
        (0..FILES).for_each(|file| change(&mut stream, file, None));
        for n in 0..HISTORY {
            stream.push_str(&commit("main", &format!("step {n}"), None));
            change(&mut stream, n * 37 % FILES, Some((5, &format!("main {n}"))));
        }
        for n in 0..n_branches {
            stream.push_str(&commit(&format!("b{n}"), &format!("work {n}"), Some("refs/heads/main")));
            for file in [n, n + FILES / 3, n + FILES / 3 * 2] {
                change(&mut stream, file, Some((50, &format!("branch {n}"))));
            }
        }
        remote.git(&["fast-import", "--quiet"], &stream);
        remote
    }

    /// The repository as the product has it, with all branches in its mirror.
    pub async fn open(&self, dir: &Path) -> Repository {
        let settings = GitSettings::new("git", dir.join("git-home"));
        let remote = self.path.to_str().expect("a temporary path is text").parse().expect("a path is a remote");
        let (name, target) = ("big".parse().expect("a name"), "main".parse().expect("a name"));
        let one = RepoSettings { name, remote, target, gate: Gate::Missing, github: None };
        let opened = Repositories::open(&dir.join("mirrors"), &[one], settings).await.expect("git is installed");
        let repository = opened.iter().next().expect("one was opened").clone();
        repository.forge.target_head().await.expect("the remote is there");
        let all = "+refs/heads/b*:refs/downbeat/tasks/b*";
        git(repository.mirror.path(), &["fetch", "--quiet", self.path.to_str().expect("it is text"), all], "");
        repository
    }

    /// Where a branch is.
    pub fn sha(&self, branch: &str) -> Sha {
        self.git(&["rev-parse", &format!("refs/heads/{branch}")], "").parse().expect("git prints a sha")
    }

    fn git(&self, args: &[&str], input: &str) -> String {
        git(&self.path, args, input)
    }
}

/// Runs git with nobody's settings and returns what it printed, without the space around it.
pub fn git(dir: &Path, args: &[&str], input: &str) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git is installed");
    child.stdin.take().expect("it was asked for").write_all(input.as_bytes()).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit(branch: &str, title: &str, from: Option<&str>) -> String {
    let from = from.map_or(String::new(), |from| format!("from {from}\n"));
    format!("commit refs/heads/{branch}\ncommitter ana <ana@example.org> 1798000000 +0000\n{}{from}", data(title))
}

/// Sixty lines of a file, of which one may be replaced.
fn change(stream: &mut String, file: usize, line: Option<(usize, &str)>) {
    let lines = (0..60).map(|n| match line {
        Some((at, text)) if at == n => format!("{text}\n"),
        _ => format!("line {n} of file {file}\n"),
    });
    let path = format!("part{}/src/module{}/file{file}.rs", file % 30, file / 30 % 10);
    let _ = write!(stream, "M 100644 inline {path}\n{}", data(&lines.collect::<String>()));
}

fn data(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}
