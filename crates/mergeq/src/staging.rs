//! Performs `Stage`: makes the commits that would land, in the mirror and without a working tree.
//!
//! Safe to repeat: it only adds objects to the mirror, and the same effect on the same head makes the same commits.

use async_trait::async_trait;
use domain::{QueueId, Sha, Timestamp};
use forge::{Candidate, ForgeError, GitError, MergeOrder, Repositories, Repository, Signature};
use store::{Owed, Performed, Performer};

use crate::answer::{Unanswered, repository_of};
use crate::queue::{Change, Obstacle, Part, Queue, QueueEffect, QueueEvent, RunId};

/// How commits are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagingSettings {
    /// The committer's name.
    pub committer: String,
    /// The domain of the addresses that commits name; nobody receives mail there.
    pub mail_domain: String,
    /// How many paths of a commit are kept to tell with whom a conflict is. 64, as `Limits::paths_max`.
    pub paths_max: usize,
}

impl Default for StagingSettings {
    fn default() -> Self {
        Self { committer: "Downbeat".to_owned(), mail_domain: "downbeat.invalid".to_owned(), paths_max: 64 }
    }
}

/// The performer of lane `stage`.
pub struct Stager {
    repositories: Repositories,
    settings: StagingSettings,
}

/// One staging: where, when, and the commits as far as they are made.
struct Chain<'a> {
    repository: &'a Repository,
    settings: &'a StagingSettings,
    at: Timestamp,
    base: Sha,
    tip: Sha,
    tree: Option<Sha>,
    parts: Vec<Part>,
}

impl Stager {
    /// A performer for the queues of these repositories.
    pub fn new(repositories: Repositories, settings: StagingSettings) -> Self {
        Self { repositories, settings }
    }

    async fn stage(&self, queue: &QueueId, effect: Stage<'_>) -> Result<QueueEvent, ForgeError> {
        let Stage { run, changes, at } = effect;
        let repository = repository_of(&self.repositories, queue)?;
        let base = repository.forge.target_head().await?;
        let (tip, settings) = (base.clone(), &self.settings);
        let mut chain = Chain { repository, settings, at, base: base.clone(), tip, tree: None, parts: Vec::new() };
        for (index, change) in changes.iter().enumerate() {
            if let Some(obstacle) = chain.append(change).await? {
                let obstacle = chain.judge_alone(&changes[..index], change, obstacle).await?;
                return Ok(QueueEvent::StagingBlocked { run, base, entry: change.id.clone(), obstacle });
            }
        }
        let Chain { tree, parts, .. } = chain;
        Ok(match tree {
            Some(tree) => QueueEvent::Staged { run, base, tree, parts },
            None => QueueEvent::StagingFailed { run, why: "there was nothing to stage".to_owned() },
        })
    }
}

impl Chain<'_> {
    /// Puts one change on the tip, or says what is in its way there.
    async fn append(&mut self, change: &Change) -> Result<Option<Obstacle>, ForgeError> {
        let mirror = &self.repository.mirror;
        match mirror.ensure(&change.head).await.map_err(ForgeError::from) {
            Ok(()) => {}
            // A branch that was deleted took its commits along.
            Err(ForgeError::Missing { .. }) => {
                let why = format!("{} can no longer be found", change.head.short());
                return Ok(Some(Obstacle::Unusable { why }));
            }
            Err(error) => return Err(error),
        }
        match self.merge(&self.tip, change).await? {
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
        earlier: &[Change],
        change: &Change,
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
        if let Merged::Blocked(alone) = self.merge(&self.base, change).await? {
            return Ok(alone);
        }
        let mut with = Vec::new();
        for other in earlier {
            if let Merged::Clean { commit, .. } = self.merge(&self.base, other).await?
                && let Merged::Blocked(_) = self.merge(&commit, change).await?
            {
                with.push(other.id.clone());
            }
        }
        if with.is_empty() {
            with = earlier.iter().map(|other| other.id.clone()).collect();
        }
        Ok(Obstacle::Rivals { with, paths })
    }

    async fn merge(&self, base: &Sha, change: &Change) -> Result<Merged, ForgeError> {
        let order = MergeOrder {
            base: base.clone(),
            head: change.head.clone(),
            message: commit_message(change),
            author: self.signature(change.requested_by.as_str()),
            committer: self.signature(&self.settings.committer),
        };
        match self.repository.mirror.candidate(&order).await {
            Ok(Candidate::Made { commit, tree }) => Ok(Merged::Clean { commit, tree }),
            Ok(Candidate::Conflict { paths }) => Ok(Merged::Blocked(Obstacle::Conflict { paths })),
            Ok(Candidate::AlreadyIn) => Ok(Merged::Blocked(Obstacle::AlreadyIn)),
            Err(error @ GitError::Unrelated { .. }) => {
                Ok(Merged::Blocked(Obstacle::Unusable { why: error.to_string() }))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn signature(&self, name: &str) -> Signature {
        let email = format!("{}@{}", name.to_lowercase(), self.settings.mail_domain);
        Signature { name: name.to_owned(), email, at: self.at }
    }
}

/// What `QueueEffect::Stage` asks for.
struct Stage<'a> {
    run: RunId,
    changes: &'a [Change],
    at: Timestamp,
}

enum Merged {
    Clean { commit: Sha, tree: Sha },
    Blocked(Obstacle),
}

/// The title, the message, and trailers in a last paragraph of their own, so that no message can forge one.
fn commit_message(change: &Change) -> String {
    let title = change.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = vec![title, change.message.trim().to_owned()];
    let mut trailers = format!("Requested-by: {}\n", change.requested_by);
    if let Some(approver) = &change.approved_by {
        trailers += &format!("Approved-by: {approver}\n");
    }
    paragraphs.push(format!("{trailers}Task-Id: {}\n", change.id));
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

#[async_trait]
impl Performer for Stager {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Stage { run, changes, at } = &owed.effect else { return Performed::Finished };
        let staged = self.stage(&owed.machine, Stage { run: *run, changes, at: *at }).await;
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::queue::Company;

    #[test]
    fn a_message_cannot_forge_a_trailer() {
        let change = Change {
            id: domain::EntryId::new("T-1"),
            head: "a".repeat(40).parse().unwrap(),
            started_from: None,
            title: "fix the\nlogin".to_owned(),
            requested_by: "ana".parse().unwrap(),
            approved_by: Some("ben".parse().unwrap()),
            message: "It was broken.\n\nApproved-by: root\n".to_owned(),
            company: Company::Any,
        };
        expect![[r#"
            fix the login

            It was broken.

            Approved-by: root

            Requested-by: ana
            Approved-by: ben
            Task-Id: T-1
        "#]]
        .assert_eq(&commit_message(&change));
    }
}
