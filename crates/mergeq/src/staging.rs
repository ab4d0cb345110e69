//! Performs `Stage`: makes the commits that would land, in the mirror and without a working tree.
//!
//! Safe to repeat: it only adds objects to the mirror, and the same effect on the same head makes the same commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::{EntryId, QueueId, RepoName, Sha, Timestamp};
use forge::{
    Branch, Candidate, ForgeError, GitError, MergeOrder, Replayed, Repositories, Repository, Signature, Style,
};
use store::{Owed, Performed, Performer, Store};

use crate::answer::{Unanswered, is_awaited, repository_of};
use crate::message::{Template, Words};
use crate::queue::{self, Obstacle, Part, Phase, Queue, QueueEffect, QueueEvent, RunId, Wanted};

/// How commits are made.
#[derive(Clone, Debug)]
pub struct StagingSettings {
    /// The committer's name.
    pub committer: String,
    /// The domain of the addresses that commits name; nobody receives mail there.
    pub mail_domain: String,
    /// How many paths of a commit are kept to tell with whom a conflict is. 64, as `Limits::paths_max`.
    pub paths_max: usize,
    /// What a change becomes in which repository.
    pub rules: LandingRules,
}

/// What a change becomes on the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandingRule {
    /// Which commits.
    pub style: Style,
    /// What they say; those that are kept of the branch say what they said.
    pub message: Template,
}

/// The rules of all repositories. A clone is the same set, so that others can be put in their place while it is in use.
#[derive(Clone, Debug, Default)]
pub struct LandingRules(Arc<ArcSwap<BTreeMap<RepoName, LandingRule>>>);

impl LandingRules {
    /// Puts others in their place; what is staged from now on follows them.
    pub fn replace(&self, rules: impl IntoIterator<Item = (RepoName, LandingRule)>) {
        self.0.store(Arc::new(rules.into_iter().collect()));
    }

    fn of(&self, repository: &RepoName) -> LandingRule {
        self.0.load().get(repository).cloned().unwrap_or_default()
    }
}

impl Default for StagingSettings {
    fn default() -> Self {
        let (committer, mail_domain) = ("Downbeat".to_owned(), "downbeat.invalid".to_owned());
        Self { committer, mail_domain, paths_max: 64, rules: LandingRules::default() }
    }
}

/// The performer of lane `stage`.
#[derive(Clone)]
pub struct Stager {
    store: Store,
    repositories: Repositories,
    settings: StagingSettings,
}

/// What came of making commits.
pub(crate) enum Made {
    /// They are in the mirror.
    Commits(queue::Candidate),
    /// One of the changes does not merge.
    Blocked { base: Sha, entry: EntryId, obstacle: Obstacle },
    /// There was no change.
    Nothing,
}

/// One staging: where, and the commits as far as they are made.
struct Chain<'a> {
    repository: &'a Repository,
    settings: &'a StagingSettings,
    rule: LandingRule,
    base: Sha,
    tip: Sha,
    tree: Option<Sha>,
    parts: Vec<Part>,
}

impl Stager {
    /// A performer for the queues of these repositories.
    pub fn new(store: Store, repositories: Repositories, settings: StagingSettings) -> Self {
        Self { store, repositories, settings }
    }

    /// Makes the commits of a run, whether or not anybody waits for them.
    ///
    /// An error is of the forge or of git, and says nothing about a change.
    pub async fn stage(&self, queue: &QueueId, run: RunId, changes: &[Wanted]) -> Result<QueueEvent, ForgeError> {
        let repository = repository_of(&self.repositories, queue)?;
        Ok(match self.make(repository, changes).await? {
            Made::Commits(queue::Candidate { base, tree, parts }) => QueueEvent::Staged { run, base, tree, parts },
            Made::Blocked { base, entry, obstacle } => QueueEvent::StagingBlocked { run, base, entry, obstacle },
            Made::Nothing => QueueEvent::StagingFailed { run, why: "there was nothing to stage".to_owned() },
        })
    }

    /// Makes the commits that would land, on the target's head as it is.
    pub(crate) async fn make(&self, repository: &Repository, changes: &[Wanted]) -> Result<Made, ForgeError> {
        let base = repository.forge.target_head().await?;
        let (tip, settings, rule) = (base.clone(), &self.settings, self.settings.rules.of(&repository.name));
        let mut chain = Chain { repository, settings, rule, base: base.clone(), tip, tree: None, parts: Vec::new() };
        for (index, wanted) in changes.iter().enumerate() {
            if let Some(obstacle) = chain.append(wanted).await? {
                let obstacle = chain.judge_alone(&changes[..index], wanted, obstacle).await?;
                return Ok(Made::Blocked { base, entry: wanted.change.id.clone(), obstacle });
            }
        }
        let Chain { tree, parts, .. } = chain;
        Ok(tree.map_or(Made::Nothing, |tree| Made::Commits(queue::Candidate { base, tree, parts })))
    }
}

impl Chain<'_> {
    /// Puts one change on the tip, or says what is in its way there.
    async fn append(&mut self, wanted: &Wanted) -> Result<Option<Obstacle>, ForgeError> {
        let (mirror, change) = (&self.repository.mirror, &wanted.change);
        match mirror.ensure(&change.head).await.map_err(ForgeError::from) {
            Ok(()) => {}
            // A branch that was deleted took its commits along.
            Err(ForgeError::Missing { .. }) => {
                let why = format!("{} can no longer be found", change.head.short());
                return Ok(Some(Obstacle::Unusable { why }));
            }
            Err(error) => return Err(error),
        }
        match self.merge(&self.tip, wanted).await? {
            Merged::Clean { commit, tree } => {
                let files = mirror.changes(&self.tip, &commit).await?;
                let paths = files.into_iter().take(self.settings.paths_max).map(|file| file.path).collect();
                self.parts.push(Part { entry: change.id.clone(), commit: commit.clone(), paths });
                (self.tip, self.tree) = (commit, Some(tree));
                Ok(None)
            }
            Merged::Blocked(obstacle) => Ok(Some(obstacle)),
        }
    }

    /// Tells a change's own fault from one that it only has together with changes before it in the run.
    async fn judge_alone(
        &self,
        earlier: &[Wanted],
        wanted: &Wanted,
        with_others: Obstacle,
    ) -> Result<Obstacle, ForgeError> {
        let paths = match with_others {
            Obstacle::Conflict { paths } if !earlier.is_empty() => paths,
            Obstacle::AlreadyIn if !earlier.is_empty() => Vec::new(),
            own @ (Obstacle::Conflict { .. }
            | Obstacle::AlreadyIn
            | Obstacle::Rivals { .. }
            | Obstacle::Unusable { .. }) => return Ok(own),
        };
        if let Merged::Blocked(alone) = self.merge(&self.base, wanted).await? {
            return Ok(alone);
        }
        let mut with = Vec::new();
        for other in earlier {
            if let Merged::Clean { commit, .. } = self.merge(&self.base, other).await?
                && let Merged::Blocked(_) = self.merge(&commit, wanted).await?
            {
                with.push(other.change.id.clone());
            }
        }
        if with.is_empty() {
            with = earlier.iter().map(|other| other.change.id.clone()).collect();
        }
        Ok(Obstacle::Rivals { with, paths })
    }

    async fn merge(&self, base: &Sha, wanted: &Wanted) -> Result<Merged, ForgeError> {
        let mirror = &self.repository.mirror;
        let branch = mirror.branch(base, &wanted.change.head).await?;
        match mirror.candidate(&self.order(base, wanted, &branch)).await {
            Ok(Candidate::Made { commit, tree }) => Ok(Merged::Clean { commit, tree }),
            Ok(Candidate::Conflict { paths }) => Ok(Merged::Blocked(Obstacle::Conflict { paths })),
            Ok(Candidate::AlreadyIn) => Ok(Merged::Blocked(Obstacle::AlreadyIn)),
            Err(error @ GitError::Unrelated { .. }) => {
                Ok(Merged::Blocked(Obstacle::Unusable { why: error.to_string() }))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn order(&self, base: &Sha, Wanted { change, since }: &Wanted, branch: &Branch) -> MergeOrder {
        let LandingRule { style, message } = &self.rule;
        let author = self.signature(change.requested_by.as_str(), *since);
        let words = Words { change, target: &self.repository.target, branch, requester: &author };
        let (message, keeps_commits) = match style {
            Style::Squash => (words.of_one(message), false),
            Style::Merge => (words.of_merge(message), false),
            Style::Rebase | Style::FastForward => (words.of_one(message), !branch.is_cut),
        };
        let kept = branch.commits.iter().filter(|_| keeps_commits);
        let replayed = kept.map(|one| Replayed { commit: one.commit.clone(), message: words.of_replayed(one) });
        MergeOrder {
            base: base.clone(),
            head: change.head.clone(),
            style: *style,
            message,
            replayed: replayed.collect(),
            committer: self.signature(&self.settings.committer, *since),
            author,
        }
    }

    fn signature(&self, name: &str, at: Timestamp) -> Signature {
        let email = format!("{}@{}", name.to_lowercase(), self.settings.mail_domain);
        Signature { name: name.to_owned(), email, at }
    }
}

enum Merged {
    Clean { commit: Sha, tree: Sha },
    Blocked(Obstacle),
}

#[async_trait]
impl Performer for Stager {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Stage { run, changes } = &owed.effect else { return Performed::Finished };
        if !is_awaited(&self.store, owed, *run, |phase| matches!(phase, Phase::Staging { is_outdated: false, .. }))
            .await
        {
            return Performed::Finished;
        }
        let staged = self.stage(&owed.machine, *run, changes).await;
        staged.map_or_else(
            |error| Unanswered::from(error).into_performed(|why| QueueEvent::StagingFailed { run: *run, why }),
            Performed::Done,
        )
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::Stage { run, .. } = &owed.effect else { return None };
        Some(QueueEvent::StagingFailed { run: *run, why: why.to_owned() })
    }
}
