//! The tree that a turn begins in, and what its agent is told of it.
//!
//! Law: an agent is only ever resumed on the tree that its session saw last, or is told which files differ from that. Where
//! neither can be had, its session is forgotten and it begins anew.
//!
//! So an attempt that finds its session cut short (by a fault around it, by the end of the process) first keeps what is in
//! the tree as a checkpoint, and goes on from there. That is done only when nothing of the earlier run lives any more. An
//! agent of which nothing is remembered begins where the session was to begin, and one that turns out to have forgotten
//! everything is told what stands in its tree.

use std::path::Path;

use domain::Sha;
use forge::{Checkpoint, FileChange};

use super::{Dispatcher, Run, Trouble};
use crate::cage::{self, ProgressSink};
use crate::session::{self, SessionError};
use crate::task::Ground;
use crate::workspace::left::{Left, boot};
use crate::workspace::{Workspace, WorkspaceError};
use crate::{checkpoint, prompt};

/// A tree in which a turn may begin.
pub(super) struct Ready {
    pub(super) workspace: Workspace,
    /// What stands in it beyond what it began at.
    pub(super) found: Vec<FileChange>,
    /// What an agent is told that is resumed.
    pub(super) since: String,
    /// The tree as it is now, seen by whoever is let in.
    pub(super) left: Left,
}

impl Dispatcher {
    pub(super) async fn ready_tree(&self, run: &Run<'_>, ground: Ground) -> Result<Ready, Trouble> {
        let seen = self.last_seen(run).await?;
        let kept = self.kept_for(run, ground, seen.as_ref()).await?;
        let (task, branch) = (run.task.id, run.task.branch());
        let workspace = match &kept {
            Some(kept) => self.workspaces.create_at(task, run.repository, kept, &branch).await?,
            None => {
                let base = run.target_head().await?;
                self.workspaces.create(task, run.repository, &base, &branch).await?
            }
        };
        let environment = self.setups.ready(run.repository, &workspace.base, &*run.log, &run.stop).await?;
        let at = kept.map_or_else(|| workspace.base.clone(), |kept| kept.commit);
        let found = run.repository.mirror.changes(&workspace.base, &at).await?;
        let (since, told) = self.since(run, seen, &at, workspace.private()).await;
        let (agent, session, base) = (run.task.request.agent.clone(), run.number, workspace.base.clone());
        let left = Left { agent, session, base, seen: Some(at), told, boot: boot() };
        run.log.line(&format!("agent {} begins (session {})", run.task.request.agent, run.number));
        run.log.keep().await;
        let pictures = run.task.request.pictures.as_ref().and_then(|name| self.pictures.find(name));
        let workspace = workspace.with_environment(environment).with_pictures(pictures);
        Ok(Ready { workspace, found, since, left })
    }

    /// The checkpoint that the turn begins at. One that goes on with a session goes on from what that left; none means
    /// the target.
    async fn kept_for(
        &self,
        run: &Run<'_>,
        ground: Ground,
        seen: Option<&Left>,
    ) -> Result<Option<Checkpoint>, Trouble> {
        let (repository, task) = (run.repository, run.task.id);
        if let Some(Left { seen: Some(commit), session, .. }) = seen
            && *session == run.number
            && let Some(left) = checkpoint::list(repository, task).await?.into_iter().find(|one| one.commit == *commit)
        {
            return Ok(Some(left));
        }
        Ok(match ground {
            Ground::Repair { head } => self.transplant(run, &head).await?,
            Ground::Target => None,
            Ground::Newest => checkpoint::latest(repository, task).await?,
            Ground::Checkpoint { number } => {
                let found = checkpoint::find(repository, task, number).await?;
                Some(found.ok_or(Trouble::NoCheckpoint(number))?)
            }
        })
    }

    /// How the session that can be resumed left the tree; `None` when there is none, and then nothing is remembered of it.
    async fn last_seen(&self, run: &Run<'_>) -> Result<Option<Left>, Trouble> {
        let private = self.workspaces.private_of(run.task.id);
        if cage::is_occupied(&private) {
            let still = "what ran in the tree before is still ending".to_owned();
            return Err(SessionError::Surroundings(still).into());
        }
        let agent = &run.task.request.agent;
        let left = Left::of(&private).filter(|left| left.agent == *agent && session::is_remembered(&private, agent));
        let seen = match left {
            // Nobody wrote what the agent remembers through to the disk.
            Some(left) if !left.is_of_this_boot() => {
                let n = left.session;
                let told = match left.seen {
                    None => {
                        format!("the machine went down during session {n}: its tree is not trusted, and it begins anew")
                    }
                    Some(_) => format!("the machine was started anew since session {n}, and the agent begins anew"),
                };
                run.log.line(&told);
                None
            }
            Some(left) if left.seen.is_none() => self.keep_cut_short(run, left).await?,
            left => left,
        };
        if seen.is_none() {
            session::forget(&private);
        }
        Ok(seen)
    }

    /// Keeps the tree of a turn that was cut short, as it stands there.
    async fn keep_cut_short(&self, run: &Run<'_>, left: Left) -> Result<Option<Left>, Trouble> {
        let n = left.session;
        let workspace = self.workspaces.standing(run.task.id, run.repository, &left.base, &run.task.branch());
        let kept = match self.checkpoints.take(&workspace, &format!("session {n}, cut short")).await {
            Ok(kept) => kept,
            Err(WorkspaceError::Git(error)) if error.is_for_want_of_room() => return Err(error.into()),
            Err(error) => {
                run.log.line(&format!("what session {n} left could not be kept, and it begins anew: {error}"));
                return Ok(None);
            }
        };
        run.log.line(&format!("session {n} was cut short; what it did is checkpoint {}", kept.n));
        let left = Left { seen: Some(kept.commit), ..left };
        keep(&left, &workspace)?;
        Ok(Some(left))
    }

    /// What a resumed agent is told first, and what of that it may have to be told again.
    async fn since(&self, run: &Run<'_>, seen: Option<Left>, at: &Sha, private: &Path) -> (String, String) {
        let Some(Left { session, seen: Some(commit), told, .. }) = seen else { return Default::default() };
        match run.repository.mirror.changes(&commit, at).await {
            Ok(changes) => {
                let told = prompt::of_tree(&changes, &told);
                (prompt::since(session == run.number, &told), told)
            }
            Err(error) => {
                run.log.line(&format!("its session of before is not resumed, because its tree is not known: {error}"));
                session::forget(private);
                Default::default()
            }
        }
    }
}

/// Keeps how the tree stands. A disk that is full says nothing about the work.
pub(super) fn keep(left: &Left, workspace: &Workspace) -> Result<(), Trouble> {
    left.keep(workspace.private()).map_err(|error| SessionError::Surroundings(error.to_string()).into())
}
