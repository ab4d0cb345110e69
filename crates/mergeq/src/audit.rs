//! Looks at a landing after it happened, as somebody would who trusts nobody: is the target what was tested, and nothing
//! that landed earlier undone?
//!
//! Three views that do not depend on how the commits were made: the trees and the line of commits as git has them; each
//! branch merged once more; and each landing's [`Balance`], which may only have what its branch has. The last is what finds
//! a squash of a stale branch: it puts lines back that the branch never touched.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{EntryId, Person, QueueId, Sha};
use forge::{Balance, Candidate, ForgeError, MergeOrder, Merged, Mirror, Repositories, Repository, Signature, Style};
use store::{Owed, Performed, Performer, Store, StoreError};
use tracing::warn;

use crate::answer::{Unanswered, repository_of};
use crate::queue::soundness::{Finding, Flaw, LandedPart, LandedRun, Remedy};
use crate::queue::state::LandedEntry;
use crate::queue::{Change, Company, Priority, Queue, QueueEffect, QueueEvent};

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

/// The performer of lane `audit`.
pub struct Examiner {
    store: Store,
    repositories: Repositories,
    auditor: Auditor,
    mail_domain: String,
}

impl Examiner {
    /// A performer for the queues of these repositories; addresses of commits are of `mail_domain`.
    pub fn new(store: Store, repositories: Repositories, mail_domain: &str) -> Self {
        Self { store, repositories, auditor: Auditor::default(), mail_domain: mail_domain.to_owned() }
    }

    async fn audit(&self, queue: &QueueId, run: &LandedRun) -> Result<QueueEvent, ForgeError> {
        let repository = repository_of(&self.repositories, queue)?;
        let known = self.store.load::<Queue>(queue).await.map_err(unread)?;
        let is_own = |landed: &LandedEntry| run.parts.iter().any(|part| part.commit == landed.commit);
        let earlier: Vec<_> = known.into_iter().flat_map(|queue| queue.landed).filter(|one| !is_own(one)).collect();
        let findings = self.auditor.audit(repository, run, &earlier).await?;
        let to = run.to.clone();
        Ok(QueueEvent::Audited { to, landed: run.parts.iter().map(|part| part.entry.clone()).collect(), findings })
    }

    async fn remedy(&self, queue: &QueueId, finding: &Finding, by: &Person) -> Result<Remedy, ForgeError> {
        let repository = repository_of(&self.repositories, queue)?;
        let head = repository.forge.target_head().await?;
        let email = format!("{}@{}", by.as_str().to_lowercase(), self.mail_domain);
        let signature = Signature { name: by.to_string(), email, at: self.store.now() };
        Ok(match restore(repository, &head, finding, &signature).await? {
            Candidate::Made { commit, .. } => Remedy::Made(Box::new(Change {
                id: EntryId::new(format!("restore-{}", finding.commit.short())),
                head: commit,
                started_from: Some(head),
                title: format!("restore {}", repository.target),
                requested_by: by.clone(),
                approved_by: Some(by.clone()),
                message: format!("{finding}."),
                company: Company::Alone,
                priority: Priority::First,
                is_repairable: false,
                depends_on: Vec::new(),
                lanes: BTreeSet::new(),
                branch: None,
            })),
            Candidate::AlreadyIn => Remedy::Needless,
            Candidate::Conflict { paths } => {
                Remedy::None { why: format!("what landed since conflicts with it in {}", paths.join(", ")) }
            }
        })
    }
}

fn unread(error: StoreError) -> ForgeError {
    ForgeError::Transient { after: Duration::from_secs(1), why: error.to_string() }
}

#[async_trait]
impl Performer for Examiner {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        match &owed.effect {
            QueueEffect::Audit { run } => match self.audit(&owed.machine, run).await {
                Ok(event) => Performed::Done(event),
                Err(ForgeError::Transient { after, why }) => Performed::Retry { after, why },
                Err(error) => {
                    warn!(queue = %owed.machine, commit = %run.to, "a landing could not be audited: {error}");
                    Performed::Finished
                }
            },
            QueueEffect::Restore { finding, by } => {
                let commit = finding.commit.clone();
                let remedied = |remedy| QueueEvent::Remedied { commit, by: by.clone(), remedy };
                match self.remedy(&owed.machine, finding, by).await {
                    Ok(remedy) => Performed::Done(remedied(remedy)),
                    Err(error) => Unanswered::from(error).into_performed(|why| remedied(Remedy::None { why })),
                }
            }
            QueueEffect::Stage { .. }
            | QueueEffect::AwaitChecks { .. }
            | QueueEffect::CancelChecks { .. }
            | QueueEffect::Land { .. }
            | QueueEffect::Probe(_)
            | QueueEffect::Report { .. }
            | QueueEffect::Deadline { .. }
            | QueueEffect::Watch { .. }
            | QueueEffect::Opening { .. } => Performed::Finished,
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        match &owed.effect {
            QueueEffect::Audit { run } => {
                warn!(queue = %owed.machine, commit = %run.to, "a landing could not be audited: {why}");
                None
            }
            QueueEffect::Restore { finding, by } => {
                let (commit, by) = (finding.commit.clone(), by.clone());
                Some(QueueEvent::Remedied { commit, by, remedy: Remedy::None { why: why.to_owned() } })
            }
            QueueEffect::Stage { .. }
            | QueueEffect::AwaitChecks { .. }
            | QueueEffect::CancelChecks { .. }
            | QueueEffect::Land { .. }
            | QueueEffect::Probe(_)
            | QueueEffect::Report { .. }
            | QueueEffect::Deadline { .. }
            | QueueEffect::Watch { .. }
            | QueueEffect::Opening { .. } => None,
        }
    }
}

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
                findings.push(at.finding(Flaw::Doubled { first: first.clone() }, commit, right));
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
                return Ok(Some(self.finding(Flaw::Undoes { paths, of }, &part.commit, right)));
            }
        }
        if is_its_merge {
            return Ok(None);
        }
        let differing = mirror.footprint(&part.commit, &right).await?.paths;
        let paths = differing.into_iter().take(PATHS_MAX).collect();
        Ok(Some(self.finding(Flaw::NotItsMerge { paths }, &part.commit, right)))
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

    fn finding(&self, flaw: Flaw, commit: &Sha, right: Sha) -> Finding {
        Finding { flaw, entry: Some(self.part.entry.clone()), commit: commit.clone(), right }
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
    let flaw = Flaw::Untested { landed: landed.clone(), tested: right.clone() };
    Ok((landed != right).then(|| Finding { flaw, entry: None, commit: run.to.clone(), right }))
}

async fn out_of_line(mirror: &Mirror, run: &LandedRun) -> Result<Option<Finding>, ForgeError> {
    let line = mirror.line(&run.from, &run.to, LINE_MAX).await?;
    let mut above = line.commits.iter().rev();
    let goes_through = run.parts.iter().all(|part| above.any(|commit| *commit == part.commit));
    let ends_there = run.parts.last().is_some_and(|part| part.commit == run.to);
    let (flaw, right) = (Flaw::OutOfLine { from: run.from.clone() }, run.tested.clone());
    let is_right = line.arrives && goes_through && ends_there;
    Ok((!is_right).then(|| Finding { flaw, entry: None, commit: run.to.clone(), right }))
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
