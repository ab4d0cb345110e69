//! A session that repairs what the merge queue sent back: what its tree begins as, what its agent is told of the other
//! side, and what is looked at when it has ended.

use domain::Sha;
use forge::Checkpoint;

use super::{Dispatcher, Run, Trouble};
use crate::checkpoint::keeper;
use crate::prompt;
use crate::task::{Repair, Task};
use crate::workspace::Workspace;

/// How many tasks of the other side an agent is told of: more are a reason to look at the files.
const RIVALS_MAX: usize = 5;

impl Dispatcher {
    /// Both sides in one tree, on the target as it is now. `None` is that target alone, for an agent that makes its change
    /// anew each time.
    pub(super) async fn transplant(&self, run: &Run<'_>, head: &Sha) -> Result<Option<Checkpoint>, Trouble> {
        if !run.agent.mends() {
            return Ok(None);
        }
        let (mirror, base) = (&run.repository.mirror, run.target_head().await?);
        mirror.ensure(head).await?;
        Ok(Some(mirror.transplant(run.task.id, [&base, head], &keeper(self.store.now())).await?))
    }

    /// What the agent is told of what was sent back; empty where nothing was.
    pub(super) async fn brief_on_repair(&self, run: &Run<'_>, workspace: &Workspace) -> Result<String, Trouble> {
        let Some(Repair { pull_request, trouble, .. }) = run.task.repair_under_way() else { return Ok(String::new()) };
        let mirror = &run.repository.mirror;
        let mut rivals = Vec::new();
        for id in trouble.rivals.iter().take(RIVALS_MAX) {
            rivals.extend(self.store.load::<Task>(id).await?);
        }
        let marked = match run.agent.mends() {
            true => mirror.conflicts(&workspace.base, &pull_request.work.head).await?,
            false => Vec::new(),
        };
        Ok(prompt::sent_back(&run.task.request, trouble, &marked, &rivals))
    }

    /// The files in which the work adds or removes other lines than before it was sent back. Where marks of the conflict
    /// are left, it is no work.
    pub(super) async fn look_at_repair(
        &self,
        run: &Run<'_>,
        workspace: &Workspace,
        head: &Sha,
    ) -> Result<Vec<String>, Trouble> {
        let Some(Repair { pull_request, .. }) = run.task.repair_under_way() else { return Ok(Vec::new()) };
        let (mirror, before) = (&run.repository.mirror, &pull_request.work);
        let marked = mirror.marked_files(&workspace.base, head).await?;
        if !marked.is_empty() {
            return Err(Trouble::Unresolved(marked));
        }
        Ok(mirror.altered([&before.base, &before.head], [&workspace.base, head]).await?)
    }
}
