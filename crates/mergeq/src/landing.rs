//! Performs `Land`: moves the target to the tested commit, if it still is where that commit stands.
//!
//! Safe to repeat: a target that already holds the commit answers `Landed`, whoever put it there.

use async_trait::async_trait;
use domain::Sha;
use forge::{ForgeError, Landing, Offered, Repositories, Repository};
use store::{Owed, Performed, Performer};

use crate::answer::{Unanswered, has_commit, repository_of};
use crate::queue::{Queue, QueueEffect, QueueEvent, Refusal, Shown};

/// The performer of lane `land`.
pub struct Lander {
    repositories: Repositories,
}

impl Lander {
    /// A performer for the queues of these repositories.
    pub fn new(repositories: Repositories) -> Self {
        Self { repositories }
    }
}

/// A commit that neither the mirror nor the remote has did not land and cannot any more: its mirror was lost. None then,
/// unless the target is elsewhere too.
async fn land(
    repository: &Repository,
    (from, to): (&Sha, &Sha),
    shown: &[Shown],
) -> Result<Option<Landing>, ForgeError> {
    if has_commit(repository, to).await? {
        let offered = |Shown { branch, head, commit, .. }: &Shown| Offered {
            branch: branch.clone(),
            head: head.clone(),
            commit: commit.clone(),
        };
        return repository.forge.land(from, to, &shown.iter().map(offered).collect::<Vec<_>>()).await.map(Some);
    }
    let head = repository.forge.target_head().await?;
    Ok((head != *from).then_some(Landing::Moved { head }))
}

#[async_trait]
impl Performer for Lander {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Land { run, from, to, shown } = &owed.effect else { return Performed::Finished };
        let run = *run;
        let landing = match repository_of(&self.repositories, &owed.machine) {
            Ok(repository) => land(repository, (from, to), shown).await,
            Err(error) => Err(error),
        };
        match landing {
            Ok(None) => Performed::Done(QueueEvent::CandidateLost { run }),
            Ok(Some(Landing::Landed)) => Performed::Done(QueueEvent::Landed { run }),
            Ok(Some(Landing::Moved { head })) => {
                Performed::Done(QueueEvent::LandingRefused { run, refusal: Refusal::Moved { head } })
            }
            Ok(Some(Landing::HeadMoved { branch, head })) => {
                let pushed = shown.iter().find(|one| one.branch == branch);
                let refusal = match pushed.map(|one| one.entry.clone()) {
                    Some(entry) => Refusal::HeadMoved { entry, head },
                    None => Refusal::Final { why: format!("branch `{branch}` moved to {}", head.short()) },
                };
                Performed::Done(QueueEvent::LandingRefused { run, refusal })
            }
            Ok(Some(Landing::Refused { why })) => {
                Performed::Done(QueueEvent::LandingRefused { run, refusal: Refusal::Final { why } })
            }
            // An earlier attempt may have landed before this one failed, so no error is a refusal.
            Err(error) => Unanswered::from(error).into_performed(|why| QueueEvent::LandingUnanswered { run, why }),
        }
    }

    fn bury(&self, owed: &Owed<Queue>, why: &str) -> Option<QueueEvent> {
        let QueueEffect::Land { run, .. } = &owed.effect else { return None };
        Some(QueueEvent::LandingUnanswered { run: *run, why: why.to_owned() })
    }
}
