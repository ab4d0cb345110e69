//! Looks at a landing after it happened, as somebody would who trusts nobody: is the target what was tested, and nothing
//! that landed earlier undone?
//!
//! Three views that do not depend on how the commits were made: the trees and the line of commits as git has them; each
//! branch merged once more; and each landing's [`Balance`], which may only have what its branch has. The last is what finds
//! a squash of a stale branch: it puts lines back that the branch never touched.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use domain::{EntryId, Sha};
use forge::{Balance, Candidate, ForgeError, MergeOrder, Merged, Mirror, Repository, Signature, Style};
use serde::{Deserialize, Serialize};

use crate::queue::outcome::listed;
use crate::queue::state::LandedEntry;

/// A run that landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedRun {
    /// Where the target was.
    pub from: Sha,
    /// Where it is since.
    pub to: Sha,
    /// The tree that was tested.
    pub tested: Sha,
    /// Who landed, in order.
    pub parts: Vec<LandedPart>,
}

/// One entry of a run that landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedPart {
    /// The entry.
    pub entry: EntryId,
    /// The last of its commits on the target.
    pub commit: Sha,
    /// Where its branch ended.
    pub head: Sha,
}

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Whose commit it is; none where it concerns the whole run.
    pub entry: Option<EntryId>,
    /// The commit on the target at which it shows.
    pub commit: Sha,
    /// The tree that this commit should have had.
    pub right: Sha,
}

/// What is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The target does not have the tree that was tested.
    Untested {
        /// The tree that it has.
        landed: Sha,
        /// The tree that was tested.
        tested: Sha,
    },
    /// The target's first parents do not lead through the run's commits to where the target was.
    OutOfLine {
        /// Where it was.
        from: Sha,
    },
    /// It changes what its branch did not: what landed earlier is undone.
    Undoes {
        /// Where.
        paths: Vec<String>,
        /// The entries that landed these paths since the branch began, as far as they are remembered.
        of: Vec<EntryId>,
    },
    /// Its tree is not that of the merge of its branch.
    NotItsMerge {
        /// Where they differ.
        paths: Vec<String>,
    },
    /// The same change is on the target already.
    Doubled {
        /// The commit that brought it first.
        first: Sha,
    },
}

/// Audits landings. Keeps what it computed of commits, which never changes.
#[derive(Debug, Default)]
pub struct Auditor {
    marks: Mutex<HashMap<Sha, Option<[u64; 2]>>>,
}

/// So many commits of the target are looked through for the same change: more than land while an agent works.
const LOOK_BACK_MAX: usize = 64;
/// So many first parents are followed through one run: a run of 64 entries of which each keeps its commits.
const LINE_MAX: usize = 10_000;
/// A change of fewer bytes than this is not searched for: two people may both add the same short line.
const MARK_BYTES_MIN: usize = 24;
/// The most paths that a finding names: a message shows fewer.
const PATHS_MAX: usize = 64;
/// So many commits' marks are remembered; then all are forgotten.
const MARKS_KEPT_MAX: usize = 10_000;

impl Auditor {
    /// Looks at a run that landed. `earlier` is what landed before it, as far as the queue remembers. The mirror must
    /// have the commits, which it has where it made them.
    ///
    /// The finding that concerns the whole run comes first, because putting right what it says puts right the others.
    pub async fn audit(
        &self,
        repository: &Repository,
        run: &LandedRun,
        earlier: &[LandedEntry],
    ) -> Result<Vec<Finding>, ForgeError> {
        let mirror = &repository.mirror;
        let mut findings = Vec::from_iter(untested(mirror, run).await?);
        findings.extend(out_of_line(mirror, run).await?);
        let mut below = &run.from;
        for part in &run.parts {
            let audited = Part { mirror, below, part };
            findings.extend(audited.unlike_its_branch(earlier).await?);
            findings.extend(self.doubled(&audited).await?);
            below = &part.commit;
        }
        Ok(findings)
    }

    /// The commits of a part whose change is on the target since the branch began, and was not taken back.
    async fn doubled(&self, at: &Part<'_>) -> Result<Vec<Finding>, ForgeError> {
        let mut findings = Vec::new();
        let Some(base) = at.base().await? else { return Ok(findings) };
        let own = at.mirror.line(at.below, &at.part.commit, LINE_MAX).await?;
        let mut before = Vec::new();
        for commit in at.mirror.line(&base, at.below, LOOK_BACK_MAX).await?.commits {
            before.extend(self.mark(at.mirror, &commit).await?.map(|[mark, _]| (mark, commit)));
        }
        for commit in own.commits.iter().filter(|_| own.arrives) {
            let Some([mark, taken_back]) = self.mark(at.mirror, commit).await? else { continue };
            let n_of = |wanted: u64| before.iter().filter(|(one, _)| *one == wanted).count();
            let first = before.iter().rfind(|(one, _)| *one == mark).filter(|_| n_of(mark) > n_of(taken_back));
            if let (Some((_, first)), Some(parent)) = (first, at.mirror.first_parent(commit).await?) {
                let right = at.mirror.tree_of(&parent).await?;
                findings.push(at.finding(Fault::Doubled { first: first.clone() }, commit, right));
            }
        }
        Ok(findings)
    }

    async fn mark(&self, mirror: &Mirror, commit: &Sha) -> Result<Option<[u64; 2]>, ForgeError> {
        if let Some(mark) = self.marks.lock().unwrap_or_else(PoisonError::into_inner).get(commit) {
            return Ok(*mark);
        }
        let mark = match mirror.first_parent(commit).await? {
            Some(parent) => mirror.balance(&parent, commit).await?.mark(MARK_BYTES_MIN),
            None => None,
        };
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() >= MARKS_KEPT_MAX {
            marks.clear();
        }
        marks.insert(commit.clone(), mark);
        Ok(mark)
    }
}

/// One part of a run, and what the target was below it.
struct Part<'a> {
    mirror: &'a Mirror,
    below: &'a Sha,
    part: &'a LandedPart,
}

impl Part<'_> {
    /// Where the branch left the target; none where the two crossed, so that there is not one such commit.
    async fn base(&self) -> Result<Option<Sha>, ForgeError> {
        let mut bases = self.mirror.merge_bases(self.below, &self.part.head).await?;
        Ok(bases.pop().filter(|_| bases.is_empty()))
    }

    async fn unlike_its_branch(&self, earlier: &[LandedEntry]) -> Result<Option<Finding>, ForgeError> {
        let Self { mirror, below, part } = *self;
        let landed = mirror.tree_of(&part.commit).await?;
        let right = match mirror.merge(below, &part.head).await? {
            Merged::Clean { tree } => tree,
            Merged::Conflict { .. } => mirror.tree_of(below).await?,
        };
        let is_its_merge = landed == right;
        if let Some(base) = self.base().await? {
            let [done, wanted] = [mirror.balance(below, &part.commit).await?, mirror.balance(&base, &part.head).await?];
            let paths = undone(&done, &wanted);
            if !paths.is_empty() {
                let of = self.landed_since(&base, earlier, &paths).await?;
                return Ok(Some(self.finding(Fault::Undoes { paths, of }, &part.commit, right)));
            }
        }
        if is_its_merge {
            return Ok(None);
        }
        let differing = mirror.footprint(&part.commit, &right).await?.paths;
        let paths = differing.into_iter().take(PATHS_MAX).collect();
        Ok(Some(self.finding(Fault::NotItsMerge { paths }, &part.commit, right)))
    }

    /// Who landed one of these paths after the branch began.
    async fn landed_since(
        &self,
        base: &Sha,
        earlier: &[LandedEntry],
        paths: &[String],
    ) -> Result<Vec<EntryId>, ForgeError> {
        let line = self.mirror.line(base, self.below, LINE_MAX).await?.commits;
        let since: BTreeSet<_> = line.into_iter().collect();
        let is_meant =
            |one: &&LandedEntry| since.contains(&one.commit) && one.paths.iter().any(|path| paths.contains(path));
        Ok(earlier.iter().filter(is_meant).map(|one| one.entry.clone()).collect())
    }

    fn finding(&self, fault: Fault, commit: &Sha, right: Sha) -> Finding {
        Finding { fault, entry: Some(self.part.entry.clone()), commit: commit.clone(), right }
    }
}

fn undone(done: &Balance, wanted: &Balance) -> Vec<String> {
    if done.is_cut || wanted.is_cut {
        return Vec::new();
    }
    done.beyond(wanted).into_iter().take(PATHS_MAX).collect()
}

async fn untested(mirror: &Mirror, run: &LandedRun) -> Result<Option<Finding>, ForgeError> {
    let landed = mirror.tree_of(&run.to).await?;
    let right = run.tested.clone();
    let fault = Fault::Untested { landed: landed.clone(), tested: right.clone() };
    Ok((landed != right).then(|| Finding { fault, entry: None, commit: run.to.clone(), right }))
}

async fn out_of_line(mirror: &Mirror, run: &LandedRun) -> Result<Option<Finding>, ForgeError> {
    let line = mirror.line(&run.from, &run.to, LINE_MAX).await?;
    let mut above = line.commits.iter().rev();
    let goes_through = run.parts.iter().all(|part| above.any(|commit| *commit == part.commit));
    let ends_there = run.parts.last().is_some_and(|part| part.commit == run.to);
    let (fault, right) = (Fault::OutOfLine { from: run.from.clone() }, run.tested.clone());
    let is_right = line.arrives && goes_through && ends_there;
    Ok((!is_right).then(|| Finding { fault, entry: None, commit: run.to.clone(), right }))
}

/// Makes the commit that puts right on `head`, which is where the target is now, what a finding says. What landed since
/// stays; nothing is moved but forward. Nothing is put on the target: the commit is to be tested and landed as any other,
/// unless its tree is the one that was tested.
pub async fn restore(
    repository: &Repository,
    head: &Sha,
    finding: &Finding,
    by: &Signature,
) -> Result<Candidate, ForgeError> {
    let mirror = &repository.mirror;
    let right = mirror.stand_in(&finding.right, &finding.commit).await?;
    let order = MergeOrder {
        base: head.clone(),
        head: right,
        style: Style::Squash,
        message: format!("restore {}\n\n{finding}.\n", repository.target),
        replayed: Vec::new(),
        author: by.clone(),
        committer: by.clone(),
    };
    Ok(mirror.candidate(&order).await?)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.short();
        let whose = self.entry.as_ref().map(|entry| format!("{entry} landed as {commit}")).unwrap_or_default();
        match &self.fault {
            Fault::Untested { landed, tested } => {
                write!(
                    f,
                    "the target is at {commit} with the tree {}, but {} was tested",
                    landed.short(),
                    tested.short()
                )
            }
            Fault::OutOfLine { from } => {
                write!(
                    f,
                    "the target is at {commit}, and that does not stand on {} in the way in which it was tested",
                    from.short()
                )
            }
            Fault::Undoes { paths, of } if of.is_empty() => {
                write!(f, "{whose} and changes what its branch does not, in {}", listed(paths))
            }
            Fault::Undoes { paths, of } => {
                write!(f, "{whose} and undoes what {} changed in {}", listed(of), listed(paths))
            }
            Fault::NotItsMerge { paths } => {
                write!(f, "{whose}, and that is not what merging its branch gives, in {}", listed(paths))
            }
            Fault::Doubled { first } => {
                write!(f, "{whose}, and the same change is on the target already as {}", first.short())
            }
        }
    }
}
