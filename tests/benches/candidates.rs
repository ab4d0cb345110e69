//! The commit that would land, made one after the other, beside two other ways to merge.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::{Sha, Timestamp};
use forge::{Candidate, MergeOrder, Repository, Signature};

use crate::figure::Figure;
use crate::remote::{BigRemote, FILES, git};

const BRANCHES: usize = 300;
const ROUNDS: usize = 5;

/// Merges in order: what each stood on, and what was merged.
type Pairs = Vec<(Sha, Sha)>;

pub fn merge(figures: &mut Vec<Figure>) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let remote = BigRemote::make(home.path(), BRANCHES);
    let heads: Vec<Sha> = (0..BRANCHES).map(|n| remote.sha(&format!("b{n}"))).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let repository = runtime.block_on(remote.open(home.path()));
    let main = remote.sha("main");
    let (mut pairs, mut waits, mut rounds) = (Pairs::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        pairs = runtime.block_on(chain(&repository, &main, &heads, &mut waits));
        rounds.push(per_merge(began.elapsed(), pairs.len()));
    }
    let ours = Figure::of_runs(&format!("candidate, {FILES} files, amortised"), "ms", rounds).at_most(1.0);
    let mirror = repository.mirror.path();
    let process =
        Figure::of_runs("peer: a `git merge-tree` process each", "ms", timed(&pairs, |b, h| by_process(mirror, b, h)));
    let repo = git2::Repository::open_bare(mirror).expect("a mirror");
    let library =
        Figure::of_runs("peer: libgit2's merge in process", "ms", timed(&pairs, |b, h| by_library(&repo, b, h)));
    let times = |peer: &Figure| format!("{:.1} times ours", peer.median() / ours.median());
    let (over_process, over_library) = (times(&process), times(&library));
    figures.extend([ours, process.with_note(over_process), library.with_note(over_library)]);
    figures.push(Figure::of_waits("candidate, each", waits));
}

/// Puts every head on top of what came before it, as a queue does; a conflict is left out.
async fn chain(repository: &Repository, main: &Sha, heads: &[Sha], waits: &mut Vec<Duration>) -> Pairs {
    let (mut tip, mut pairs) = (main.clone(), Pairs::new());
    for head in heads {
        let began = Instant::now();
        let candidate = repository.mirror.candidate(&order(&tip, head)).await.expect("git answers");
        waits.push(began.elapsed());
        pairs.push((tip.clone(), head.clone()));
        match candidate {
            Candidate::Made { commit, .. } => tip = commit,
            Candidate::Conflict { .. } | Candidate::AlreadyIn => {}
        }
    }
    pairs
}

pub fn order(base: &Sha, head: &Sha) -> MergeOrder {
    let at = Timestamp::from_ms(1_798_000_000_000);
    let who = Signature { name: "Downbeat".to_owned(), email: "bot@example.org".to_owned(), at };
    let (author, committer) = (who.clone(), who);
    MergeOrder { base: base.clone(), head: head.clone(), message: "work".to_owned(), author, committer }
}

/// Milliseconds a merge, of each round.
fn timed(pairs: &Pairs, merge: impl Fn(&Sha, &Sha)) -> Vec<f64> {
    let round = |_| {
        let began = Instant::now();
        pairs.iter().for_each(|(base, head)| merge(base, head));
        per_merge(began.elapsed(), pairs.len())
    };
    (0..ROUNDS).map(round).collect()
}

fn per_merge(elapsed: Duration, n: usize) -> f64 {
    elapsed.as_secs_f64() * 1_000.0 / n as f64
}

fn by_process(mirror: &Path, base: &Sha, head: &Sha) {
    let printed = git(mirror, &["merge-tree", "--write-tree", "-z", "--name-only", base.as_str(), head.as_str()], "");
    assert!(printed.len() >= 40, "{printed}");
}

fn by_library(repo: &git2::Repository, base: &Sha, head: &Sha) {
    let commit = |sha: &Sha| {
        let id = git2::Oid::from_str(sha.as_str()).expect("a sha is an id");
        repo.find_commit(id).expect("it was made")
    };
    let mut index = repo.merge_commits(&commit(base), &commit(head), None).expect("they can be merged");
    if !index.has_conflicts() {
        index.write_tree_to(repo).expect("a tree can be written");
    }
}
