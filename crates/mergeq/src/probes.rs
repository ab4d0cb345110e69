//! Which changes do not go together, known before any of them is tested: every pair is merged on the target's head.
//!
//! A pair is merged as a run would: the one as a commit on the head, and the other onto that. Most pairs need no merge,
//! because they touch different files and neither moves any; [`suspects`] says which do. What was merged once is not
//! merged again while the head stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{EntryId, RepoName, Sha};
use forge::{Footprint, ForgeError, GitError, Merged, Mirror, Repository};
use tokio::sync::Mutex as AsyncMutex;

use crate::queue::Clash;

/// Probes branches of all repositories, and remembers what came of it. A clone remembers the same.
#[derive(Clone, Debug)]
pub struct Probes {
    limits: ProbeLimits,
    known: Arc<Mutex<HashMap<RepoName, Memory>>>,
}

/// What is known of a repository's newest head. Whoever asks while another does waits, and then most of it is known.
type Memory = Arc<AsyncMutex<Option<Known>>>;

/// How much is probed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeLimits {
    /// The most branches; the first ones are taken. 500: a merge each, so half a second on a repository of 3,000 files.
    pub branches_max: usize,
    /// The most pairs that are merged by one call. 3,000: one or two seconds there; the next call goes on.
    pub pairs_max: usize,
}

/// What was found of some branches on one head.
#[derive(Clone, Debug, Default)]
pub struct ConflictGraph {
    /// The head.
    pub head: Option<Sha>,
    /// How each branch stands to the head, as far as it was probed.
    pub branches: BTreeMap<EntryId, Fit>,
    /// The pairs of branches that fit the head each, and not together. The first of a pair is the one that came first.
    pub pairs: Vec<Clash>,
    /// How many branches and pairs were left for another call, because there were too many.
    pub n_left: usize,
}

/// How a branch stands to the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It merges.
    Clean {
        /// What the merge changes on the head: all of it, for `Lanes::of`.
        footprint: Arc<Footprint>,
    },
    /// It does not.
    Conflict {
        /// Where.
        paths: Vec<String>,
    },
    /// The head has all of it.
    AlreadyIn,
    /// It is gone, or shares no history with the head.
    Unusable {
        /// What is wrong with it.
        why: String,
    },
}

/// What is known of one head.
#[derive(Debug)]
struct Known {
    head: Sha,
    branches: HashMap<Sha, Probed>,
    /// Where two commits conflict; nowhere is known too.
    pairs: HashMap<[Sha; 2], Vec<String>>,
}

#[derive(Clone, Debug)]
struct Probed {
    fit: Fit,
    /// The commit that stands for the branch on the head.
    landed: Option<Sha>,
}

/// So many branches and pairs of one head are remembered, in a few megabytes; then all are forgotten.
const BRANCHES_KEPT_MAX: usize = 4_000;
const PAIRS_KEPT_MAX: usize = 20_000;

impl Default for ProbeLimits {
    fn default() -> Self {
        Self { branches_max: 500, pairs_max: 3_000 }
    }
}

impl Probes {
    /// Probes that remember nothing yet.
    pub fn new(limits: ProbeLimits) -> Self {
        Self { limits, known: Arc::default() }
    }

    /// Probes branches against the head and against each other, in the order in which they would land. The mirror is asked
    /// to have each; the head it must have.
    pub async fn of(
        &self,
        repository: &Repository,
        head: &Sha,
        branches: &[(EntryId, Sha)],
    ) -> Result<ConflictGraph, ForgeError> {
        let memory = self.memory_of(&repository.name);
        let mut known = memory.lock().await;
        known.take_if(|known| !known.is_of_use(head));
        let known =
            known.get_or_insert_with(|| Known { head: head.clone(), branches: HashMap::new(), pairs: HashMap::new() });
        known.probe(&repository.mirror, branches, self.limits).await
    }

    fn memory_of(&self, repository: &RepoName) -> Memory {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(repository.clone()).or_default().clone()
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self::new(ProbeLimits::default())
    }
}

impl ConflictGraph {
    /// Where two branches conflict with each other; none where they do not, as far as is known.
    pub fn clash(&self, one: &EntryId, other: &EntryId) -> Option<&[String]> {
        let is_theirs =
            |clash: &&Clash| [&clash.one, &clash.other] == [one, other] || [&clash.other, &clash.one] == [one, other];
        self.pairs.iter().find(is_theirs).map(|clash| &clash.paths[..])
    }

    /// Where each branch conflicts with the head that does.
    pub fn with_head(&self) -> impl Iterator<Item = (&EntryId, &[String])> {
        self.branches.iter().filter_map(|(entry, fit)| match fit {
            Fit::Conflict { paths } => Some((entry, &paths[..])),
            Fit::Clean { .. } | Fit::AlreadyIn | Fit::Unusable { .. } => None,
        })
    }
}

impl Known {
    fn is_of_use(&self, head: &Sha) -> bool {
        self.head == *head && self.branches.len() < BRANCHES_KEPT_MAX && self.pairs.len() < PAIRS_KEPT_MAX
    }

    async fn probe(
        &mut self,
        mirror: &Mirror,
        branches: &[(EntryId, Sha)],
        limits: ProbeLimits,
    ) -> Result<ConflictGraph, ForgeError> {
        let (taken, left) = branches.split_at(branches.len().min(limits.branches_max));
        let mut graph = ConflictGraph { head: Some(self.head.clone()), n_left: left.len(), ..ConflictGraph::default() };
        let mut clean = Vec::new();
        for (entry, commit) in taken {
            let probed = self.branch(mirror, commit).await?;
            if let (Fit::Clean { footprint }, Some(landed)) = (&probed.fit, probed.landed) {
                clean.push((entry, commit, landed, footprint.clone()));
            }
            graph.branches.insert(entry.clone(), probed.fit);
        }
        let footprints: Vec<_> = clean.iter().map(|(_, _, _, footprint)| &**footprint).collect();
        let mut n_merged = 0;
        for (one, other) in suspects(&footprints) {
            let ((one, first, landed, _), (other, second, ..)) = (&clean[one], &clean[other]);
            let pair = [(*first).clone(), (*second).clone()];
            if !self.pairs.contains_key(&pair) {
                if n_merged == limits.pairs_max {
                    graph.n_left += 1;
                    continue;
                }
                n_merged += 1;
                self.pairs.insert(pair.clone(), mirror.conflicts(landed, second).await?);
            }
            let paths = self.pairs[&pair].clone();
            if !paths.is_empty() {
                graph.pairs.push(Clash { one: (*one).clone(), other: (*other).clone(), paths });
            }
        }
        Ok(graph)
    }

    async fn branch(&mut self, mirror: &Mirror, commit: &Sha) -> Result<Probed, ForgeError> {
        if let Some(probed) = self.branches.get(commit) {
            return Ok(probed.clone());
        }
        let probed = match mirror.ensure(commit).await.map_err(ForgeError::from) {
            Ok(()) => self.merged(mirror, commit).await?,
            Err(ForgeError::Missing { what }) => Probed { fit: Fit::Unusable { why: what }, landed: None },
            Err(error) => return Err(error),
        };
        self.branches.insert(commit.clone(), probed.clone());
        Ok(probed)
    }

    async fn merged(&self, mirror: &Mirror, commit: &Sha) -> Result<Probed, ForgeError> {
        let tree = match mirror.merge(&self.head, commit).await {
            Ok(Merged::Clean { tree }) => tree,
            Ok(Merged::Conflict { paths, .. }) => return Ok(Probed { fit: Fit::Conflict { paths }, landed: None }),
            Err(error @ GitError::Unrelated { .. }) => {
                return Ok(Probed { fit: Fit::Unusable { why: error.to_string() }, landed: None });
            }
            Err(error) => return Err(error.into()),
        };
        let footprint = mirror.footprint(&self.head, &tree).await?;
        if footprint.paths.is_empty() {
            return Ok(Probed { fit: Fit::AlreadyIn, landed: None });
        }
        let landed = mirror.stand_in(&tree, &self.head).await?;
        Ok(Probed { fit: Fit::Clean { footprint: Arc::new(footprint) }, landed: Some(landed) })
    }
}

/// The pairs that a merge could find in conflict, in order. Any other pair touches different files; and what moves files, so
/// that git looks for them elsewhere, does not meet what adds some; and neither says how files are merged.
pub fn suspects(footprints: &[&Footprint]) -> BTreeSet<(usize, usize)> {
    let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, footprint) in footprints.iter().enumerate() {
        footprint.paths.iter().for_each(|path| by_path.entry(path).or_default().push(n));
    }
    let mut pairs = BTreeSet::new();
    let mut suspect = |one: usize, other: usize| {
        if one != other {
            pairs.insert((one.min(other), one.max(other)));
        }
    };
    for (n, footprint) in footprints.iter().enumerate() {
        // A file of one may be a directory of the other.
        let above = footprint
            .paths
            .iter()
            .flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]).chain([&path[..]]));
        above.filter_map(|path| by_path.get(path)).flatten().for_each(|other| suspect(n, *other));
        let rules = footprint.paths.iter().any(|path| path.ends_with(".gitattributes"));
        let meets = |other: &Footprint| rules || (footprint.removes && other.adds);
        footprints.iter().enumerate().filter(|(_, other)| meets(other)).for_each(|(other, _)| suspect(n, other));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(paths: &str) -> Footprint {
        let marked = |mark: char| paths.split(' ').any(|path| path.starts_with(mark));
        let plain = paths.split(' ').map(|path| path.trim_start_matches(['+', '-']).to_owned());
        Footprint { paths: plain.collect(), adds: marked('+'), removes: marked('-') }
    }

    #[test]
    fn only_pairs_that_meet_somewhere_are_merged() {
        let is_suspect = |one: &str, other: &str| {
            let both = [footprint(one), footprint(other)];
            !suspects(&[&both[0], &both[1]]).is_empty()
        };
        for (one, other, expected) in [
            ("a b", "c d", false),
            ("a b", "b c", true),
            ("a", "+a/b/c", true),
            ("a", "ab", false),
            ("+a", "+b", false),
            ("-a", "-b", false),
            ("-dir/a +new/a", "+dir/b", true),
            ("-a +b", "c", false),
            ("sub/.gitattributes", "x", true),
        ] {
            assert_eq!(is_suspect(one, other), expected, "{one} beside {other}");
            assert_eq!(is_suspect(other, one), expected, "{other} beside {one}");
        }
    }

    #[test]
    fn the_pairs_of_many_branches_are_in_order_and_each_once() {
        let all: Vec<_> = ["a", "b", "a b", "c"].map(footprint).into();
        assert_eq!(Vec::from_iter(suspects(&all.iter().collect::<Vec<_>>())), [(0, 2), (1, 2)]);
    }
}
