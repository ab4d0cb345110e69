//! The commit that would land, made one after the other, beside two other ways to merge; which branches go together; and
//! the look at what landed.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::{EntryId, Sha, Timestamp};
use forge::{Candidate, MergeOrder, Repository, Signature, Style};
use mergeq::{Auditor, LandedPart, LandedRun, Probes};

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
    MergeOrder {
        base: base.clone(),
        head: head.clone(),
        style: Style::Squash,
        message: "work".to_owned(),
        replayed: Vec::new(),
        author,
        committer,
    }
}

/// How many branches are probed against each other.
const PROBED: usize = 50;

/// All pairs of branches, on a head that nobody has probed yet: as a queue has them, of which few touch the same files, and
/// with all of them in one file, so that every pair is merged.
pub fn probe(figures: &mut Vec<Figure>) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let remote = BigRemote::make(home.path(), BRANCHES);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let repository = runtime.block_on(remote.open(home.path()));
    let main = remote.sha("main");
    let apart: Vec<_> = (0..PROBED).map(|n| (EntryId::new(format!("T-{n}")), remote.sha(&format!("b{n}")))).collect();
    let crowded = crowd(&repository, &apart);
    for (what, branches, limit) in [("", &apart, None), (", all in one file", &crowded, Some(1_000.0))] {
        let (mut rounds, mut n_pairs) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let probes = Probes::default();
            let began = Instant::now();
            let graph = runtime.block_on(probes.of(&repository, &main, branches)).expect("git answers");
            rounds.push(began.elapsed().as_secs_f64() * 1_000.0);
            assert_eq!(graph.n_left, 0);
            n_pairs = graph.pairs.len();
        }
        let figure = Figure::of_runs(&format!("all pairs of {PROBED} branches probed{what}"), "ms", rounds);
        let figure = figure.with_note(format!("{n_pairs} of {} in conflict", PROBED * (PROBED - 1) / 2));
        figures.push(match limit {
            Some(limit) => figure.at_most(limit),
            None => figure,
        });
    }
}

/// Branches that change one file more, each another line of it.
fn crowd(repository: &Repository, branches: &[(EntryId, Sha)]) -> Vec<(EntryId, Sha)> {
    const CROWDED: &str = "part29/src/module9/file2999.rs";
    let mirror = repository.mirror.path();
    let text = git(mirror, &["show", &format!("refs/heads/main:{CROWDED}")], "");
    let mut stream = String::new();
    for (n, (_, head)) in branches.iter().enumerate() {
        let lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| if at == n { "changed\n".to_owned() } else { format!("{line}\n") });
        let lines: String = lines.collect();
        let _ = write!(
            stream,
            "commit refs/downbeat/tasks/crowd{n}\ncommitter a <a@example.org> 1798000000 +0000\ndata 1\nx\nfrom {head}\n\
             M 100644 inline {CROWDED}\ndata {}\n{lines}\n",
            lines.len()
        );
    }
    git(mirror, &["fast-import", "--quiet"], &stream);
    let name = |n: usize| format!("refs/downbeat/tasks/crowd{n}");
    let head = |n: usize| git(mirror, &["rev-parse", &name(n)], "").parse().expect("git prints a sha");
    branches.iter().enumerate().map(|(n, (entry, _))| (entry.clone(), head(n))).collect()
}

/// A look at each of many landings after it happened.
pub fn audit(figures: &mut Vec<Figure>) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let remote = BigRemote::make(home.path(), BRANCHES);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let repository = runtime.block_on(remote.open(home.path()));
    let heads: Vec<Sha> = (0..BRANCHES).map(|n| remote.sha(&format!("b{n}"))).collect();
    let mut line = vec![remote.sha("main")];
    let waits = runtime.block_on(async {
        let (auditor, mut waits) = (Auditor::default(), Vec::new());
        for head in &heads {
            let from = line.last().expect("it begins with one").clone();
            let made = repository.mirror.candidate(&order(&from, head)).await.expect("git answers");
            let Candidate::Made { commit: to, tree: tested } = made else { continue };
            let part = LandedPart { entry: EntryId::new("T-1"), commit: to.clone(), head: head.clone() };
            let run = LandedRun { from, to: to.clone(), tested, parts: vec![part] };
            let began = Instant::now();
            let found = auditor.audit(&repository, &run, &[]).await.expect("git answers");
            waits.push(began.elapsed());
            assert!(found.is_empty(), "{found:?}");
            line.push(to);
        }
        waits
    });
    figures.push(Figure::of_waits("audit of one landing", waits));
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
