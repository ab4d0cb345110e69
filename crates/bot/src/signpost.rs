//! Shows beside a published change, where a forge has a place for it, how it stands in the merge queue: on GitHub a commit
//! status `downbeat/queue`. People read it; nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use agents::task::{Task, TaskState};
use domain::{Sha, TaskId};
use forge::{ForgeError, Light, Repositories, Standing};
use mergeq::queue::{News, Outcome, Place};

/// The last position that is told with its number: whoever is far behind moves with every landing, and each telling is a
/// request of five thousand in an hour.
const NUMBERED_MAX: usize = 10;
/// How many changes it is remembered of what was shown last; of more than wait, that is.
const REMEMBERED_MAX: usize = 10_000;

/// Shows it.
pub struct Signpost {
    repositories: Repositories,
    shown: Mutex<BTreeMap<TaskId, Standing>>,
}

impl Signpost {
    /// One for these repositories.
    pub fn new(repositories: Repositories) -> Self {
        Self { repositories, shown: Mutex::default() }
    }

    /// Shows what the queue has to tell of a task, as it was before it heard of it. An error means that it is worth to try
    /// again: a change that has ended must not look as if it waited. What is only on the way is shown the next time.
    pub async fn show(&self, task: &Task, news: &News) -> Result<(), ForgeError> {
        let (Some(repository), Some(standing)) = (self.repositories.get(&task.request.repo), standing_of(news)) else {
            return Ok(());
        };
        let Some(head) = head_of(task, news) else { return Ok(()) };
        let is_over = matches!(news, News::Ended(_));
        if self.is_shown(task.id, &standing) && !is_over {
            return Ok(());
        }
        match repository.forge.show_standing(&head, &standing).await {
            Ok(()) => {
                self.note(task.id, (!is_over).then_some(standing));
                Ok(())
            }
            Err(error @ ForgeError::Transient { .. }) if is_over => Err(error),
            Err(error) => {
                tracing::warn!(task.id = %task.id, "its standing in the queue is not shown: {error}");
                Ok(())
            }
        }
    }

    fn is_shown(&self, task: TaskId, standing: &Standing) -> bool {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(&task) == Some(standing)
    }

    fn note(&self, task: TaskId, standing: Option<Standing>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => drop(shown.insert(task, standing)),
            None => drop(shown.remove(&task)),
        }
        if shown.len() > REMEMBERED_MAX {
            shown.pop_first();
        }
    }
}

/// The commit that people look at: what was published, or what landed for it.
fn head_of(task: &Task, news: &News) -> Option<Sha> {
    match (news, &task.state) {
        (News::Ended(Outcome::Merged { commit, .. }), _) => Some(commit.clone()),
        (_, TaskState::InReview { pull_request, .. } | TaskState::Merging { pull_request, .. }) => {
            Some(pull_request.work.head.clone())
        }
        _ => None,
    }
}

/// In words that fit beside a commit.
fn standing_of(news: &News) -> Option<Standing> {
    let (light, words) = match news {
        News::Progressed(progress) if progress.place == Place::Waiting && progress.position > NUMBERED_MAX => {
            (Light::Pending, "waits in the merge queue".to_owned())
        }
        News::Progressed(progress) => (Light::Pending, progress.to_string()),
        News::SteppedAside { with, .. } => {
            let with: Vec<&str> = with.iter().map(domain::EntryId::as_str).collect();
            (Light::Pending, format!("waits for {}, with which it conflicts", with.join(" and ")))
        }
        News::Reserved { why, .. } => (Light::Pending, format!("is being repaired: {why}")),
        News::Stalled { .. } => (Light::Pending, "the merge queue has stopped".to_owned()),
        News::Held(hold) => (Light::Pending, hold.to_string()),
        News::KeptOut { until } => (Light::Pending, format!("passed; lands when the target opens, {until}")),
        News::Released | News::Overdue(_) | News::Unsound { .. } => return None,
        News::Ended(Outcome::Merged { commit, .. }) => (Light::Success, format!("merged as {}", commit.short())),
        News::Ended(Outcome::Ejected { why }) => (Light::Failure, why.to_string()),
        News::Ended(Outcome::Withdrawn { .. }) => (Light::Failure, "was taken out of the merge queue".to_owned()),
    };
    Some(Standing { light, words })
}
