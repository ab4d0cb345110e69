//! Clones that stand ready, so that a task's tree is there at once.
//!
//! ```text
//! workspaces/.pool/7/   a clone at the target's head, made while nobody waited for one
//! ```
//!
//! A clone is handed out by renaming it into its task's directory, and is the task's from then on: no way leads back, so
//! what an agent touched is never another task's beginning. One whose target has moved on since is brought up to date,
//! which writes only the files that differ; one that cannot be is thrown away.
//!
//! The pool keeps clones of those repositories that were asked for since the start; the first task of each makes its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use domain::Sha;
use forge::mirror::Mirror;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Workspace, WorkspaceError, disk, remove_dir};
use crate::UNPOISONED;

/// How long nobody must have asked for a tree before a new one is made: an agent that just got its tree is starting.
const QUIET: Duration = Duration::from_secs(2);
/// How often the heads of the targets are compared with the clones: as often as a queue looks at them.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The clones that stand ready.
#[derive(Debug)]
pub struct Pool {
    root: PathBuf,
    size: usize,
    names: AtomicU64,
    at_work: AtomicUsize,
    asked: Notify,
    /// By the mirror's path.
    rooms: Mutex<BTreeMap<PathBuf, Room>>,
}

/// The clones of one mirror.
#[derive(Debug)]
struct Room {
    mirror: Mirror,
    ready: Vec<Ready>,
}

#[derive(Debug)]
struct Ready {
    dir: PathBuf,
    at: Sha,
}

/// While it lives somebody waits for a tree.
pub(super) struct Busy<'a>(&'a Pool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(root: PathBuf, size: usize) -> Self {
        let (names, at_work) = (AtomicU64::new(1), AtomicUsize::new(0));
        Self { root, size, names, at_work, asked: Notify::new(), rooms: Mutex::default() }
    }

    /// How many clones stand ready.
    pub fn ready(&self) -> usize {
        self.rooms.lock().expect(UNPOISONED).values().map(|room| room.ready.len()).sum()
    }

    pub(super) fn busy(&self) -> Busy<'_> {
        self.at_work.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Puts a ready clone where the workspace's tree is to be; false when there was none that could be used.
    pub(super) async fn hand_out(&self, workspace: &Workspace, at: &Sha) -> bool {
        if self.size == 0 {
            return false;
        }
        let Some(ready) = self.take(&workspace.mirror, at) else { return false };
        self.asked.notify_one();
        match self.move_in(&ready, workspace, at).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(task.id = %workspace.task, "a ready clone could not be used: {error}");
                let _ = remove_dir(ready.dir).await;
                false
            }
        }
    }

    async fn move_in(&self, ready: &Ready, workspace: &Workspace, at: &Sha) -> Result<(), WorkspaceError> {
        let tree = workspace.tree();
        fs::rename(&ready.dir, &tree).map_err(|error| disk(&ready.dir, &error))?;
        if ready.at != *at {
            workspace.mirror.update_workspace(&tree, at).await?;
        }
        Ok(workspace.mirror.claim_workspace(&tree, &workspace.branch).await?)
    }

    /// The clone at that commit, else any of the same repository. Notes that the repository is in use.
    fn take(&self, mirror: &Mirror, at: &Sha) -> Option<Ready> {
        let mut rooms = self.rooms.lock().expect(UNPOISONED);
        let room = rooms.entry(mirror.path().to_owned());
        let room = room.or_insert_with(|| Room { mirror: mirror.clone(), ready: Vec::new() });
        let exact = room.ready.iter().position(|ready| ready.at == *at);
        match exact {
            Some(place) => Some(room.ready.swap_remove(place)),
            None => room.ready.pop(),
        }
    }

    /// Keeps the pool full until `stop` fires.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.fill() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                _ = tokio::time::timeout(LOOK_EVERY, self.asked.notified()) => {}
                () = stop.cancelled() => return,
            }
            // As long as tasks begin one after the other, their agents need the machine more than the pool does.
            while tokio::time::timeout(QUIET, self.asked.notified()).await.is_ok() {}
        }
    }

    /// Brings every repository in use to its number of clones at the target's head, as far as nobody waits for a tree
    /// meanwhile.
    pub async fn fill(&self) {
        let rooms: Vec<Mirror> =
            self.rooms.lock().expect(UNPOISONED).values().map(|room| room.mirror.clone()).collect();
        for mirror in rooms {
            if let Err(error) = self.fill_room(&mirror).await {
                tracing::warn!(mirror = %mirror.path().display(), "no clone can be made ready: {error}");
            }
        }
    }

    async fn fill_room(&self, mirror: &Mirror) -> Result<(), WorkspaceError> {
        let Some(head) = mirror.known_head().await? else { return Ok(()) };
        while let Some(stale) = self.take_stale(mirror, &head) {
            match mirror.update_workspace(&stale.dir, &head).await {
                Ok(()) => self.put(mirror, Ready { dir: stale.dir, at: head.clone() }),
                Err(error) => {
                    tracing::info!("a ready clone is thrown away: {error}");
                    remove_dir(stale.dir).await?;
                }
            }
        }
        while self.wants_more(mirror) {
            let dir = self.root.join(self.names.fetch_add(1, Ordering::Relaxed).to_string());
            fs::create_dir_all(&self.root).map_err(|error| disk(&self.root, &error))?;
            // A clone that was left half made, by a stop of ours or by a full disk.
            remove_dir(dir.clone()).await?;
            if let Err(error) = mirror.prepare_workspace(&dir, &head).await {
                remove_dir(dir).await?;
                return Err(error.into());
            }
            self.put(mirror, Ready { dir, at: head.clone() });
        }
        Ok(())
    }

    fn wants_more(&self, mirror: &Mirror) -> bool {
        let rooms = self.rooms.lock().expect(UNPOISONED);
        let is_short = rooms.get(mirror.path()).is_some_and(|room| room.ready.len() < self.size);
        is_short && self.at_work.load(Ordering::Relaxed) == 0
    }

    fn take_stale(&self, mirror: &Mirror, head: &Sha) -> Option<Ready> {
        let mut rooms = self.rooms.lock().expect(UNPOISONED);
        let room = rooms.get_mut(mirror.path())?;
        let place = room.ready.iter().position(|ready| ready.at != *head)?;
        Some(room.ready.swap_remove(place))
    }

    fn put(&self, mirror: &Mirror, ready: Ready) {
        let mut rooms = self.rooms.lock().expect(UNPOISONED);
        if let Some(room) = rooms.get_mut(mirror.path()) {
            room.ready.push(ready);
        }
    }
}
