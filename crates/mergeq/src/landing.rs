//! Performs `Land`: moves the target to the tested commit, if it still is where that commit stands.
//!
//! Safe to repeat: a target that already holds the commit answers `Landed`, whoever put it there.

use async_trait::async_trait;
use domain::Sha;
use forge::{ForgeError, Landing, Repositories, Repository};
use store::{Owed, Performed, Performer};

use crate::answer::{Unanswered, has_commit, repository_of};
use crate::queue::{Queue, QueueEffect, QueueEvent, Refusal};

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
async fn land(repository: &Repository, from: &Sha, to: &Sha) -> Result<Option<Landing>, ForgeError> {
    if has_commit(repository, to).await? {
        return repository.forge.land(from, to).await.map(Some);
    }
    let head = repository.forge.target_head().await?;
    Ok((head != *from).then_some(Landing::Moved { head }))
}

#[async_trait]
impl Performer for Lander {
    type Machine = Queue;

    async fn perform(&self, owed: &Owed<Queue>) -> Performed<QueueEvent> {
        let QueueEffect::Land { run, from, to } = &owed.effect else { return Performed::Finished };
        let run = *run;
        let landing = match repository_of(&self.repositories, &owed.machine) {
            Ok(repository) => land(repository, from, to).await,
            Err(error) => Err(error),
        };
        match landing {
            Ok(None) => Performed::Done(QueueEvent::CandidateLost { run }),
            Ok(Some(Landing::Landed)) => Performed::Done(QueueEvent::Landed { run }),
            Ok(Some(Landing::Moved { head })) => {
                Performed::Done(QueueEvent::LandingRefused { run, refusal: Refusal::Moved { head } })
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
