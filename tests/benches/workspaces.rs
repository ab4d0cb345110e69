//! A task's tree, from nothing to ready for its agent, beside a plain `git clone --shared` of the same mirror.

use std::path::Path;
use std::time::Instant;

use agents::workspace::{WorkspaceSettings, Workspaces};
use domain::{Sha, TaskId};
use forge::Repository;
use tokio::runtime::Runtime;

use crate::figure::Figure;
use crate::remote::{BigRemote, FILES, git};

const ROUNDS: u64 = 11;

pub fn ready(figures: &mut Vec<Figure>) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let remote = BigRemote::make(home.path(), 1);
    let runtime = Runtime::new().expect("a runtime");
    let bench = Bench { repository: runtime.block_on(remote.open(home.path())), head: remote.sha("main"), runtime };
    let trees = |name: &str, pool| {
        let settings = WorkspaceSettings { pool, ..WorkspaceSettings::default() };
        Workspaces::new(home.path().join(name), settings)
    };
    let (cold, warm) = (trees("cold", 0), trees("warm", 1));
    let (mut plain_ms, mut cold_ms, mut warm_ms, mut stale_ms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let older = Sha::clone(&bench.parent());
    for round in 0..ROUNDS {
        // In turns, so that what else the machine does falls on all of them.
        plain_ms.push(bench.plain(&home.path().join("plain")));
        cold_ms.push(bench.tree(&cold, round, &bench.head));
        bench.runtime.block_on(warm.pool().fill());
        warm_ms.push(bench.tree(&warm, round, &bench.head));
        bench.runtime.block_on(warm.pool().fill());
        stale_ms.push(bench.tree(&warm, round, &older));
    }
    // The first of each finds no room of its repository yet, and so no clone in it.
    warm_ms.remove(0);
    let times: Vec<f64> = cold_ms.iter().zip(&plain_ms).map(|(ours, plain)| ours / plain).collect();
    let ms = |what: &str, runs| Figure::of_runs(&format!("{what}, {FILES} files"), "ms", runs);
    figures.push(ms("peer: plain `git clone --shared`", plain_ms));
    figures.push(ms("tree ready, cold", cold_ms));
    figures.push(Figure::of_runs("tree ready, cold, beside the peer", "times", times).at_most(1.1));
    figures.push(ms("tree ready, from the pool", warm_ms).at_most(30.0));
    figures.push(ms("tree ready, from the pool, at another commit", stale_ms));
}

struct Bench {
    repository: Repository,
    head: Sha,
    runtime: Runtime,
}

impl Bench {
    fn parent(&self) -> Sha {
        let printed = git(self.repository.mirror.path(), &["rev-parse", "refs/heads/main~1"], "");
        printed.parse().expect("git prints a sha")
    }

    fn plain(&self, dir: &Path) -> f64 {
        let mirror = self.repository.mirror.path();
        let (from, to) = (mirror.to_str().expect("it is text"), dir.to_str().expect("it is text"));
        let ms = timed(|| drop(git(mirror, &["clone", "--quiet", "--shared", "--template=", from, to], "")));
        assert!(dir.join("part0").exists(), "nothing was cloned");
        std::fs::remove_dir_all(dir).expect("a clone can be removed");
        ms
    }

    /// A fresh task's tree at a commit; it is removed again.
    fn tree(&self, workspaces: &Workspaces, round: u64, at: &Sha) -> f64 {
        let task = TaskId::new(round + 1);
        let branch = format!("downbeat/{task}").parse().expect("it is a branch");
        let mut tree = None;
        let ms = timed(|| {
            let made = self.runtime.block_on(workspaces.create(task, &self.repository, at, &branch));
            tree = Some(made.expect("a tree can be made").tree());
        });
        let head = git(&tree.expect("it was made"), &["rev-parse", "HEAD"], "");
        assert_eq!(head, at.as_str(), "the tree is somewhere else");
        self.runtime.block_on(workspaces.remove(task)).expect("a tree can be removed");
        ms
    }
}

/// In milliseconds. What others left for the disk to do is done before.
fn timed(work: impl FnOnce()) -> f64 {
    nix::unistd::sync();
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1_000.0
}
