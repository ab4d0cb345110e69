//! What the world says of branches that are merged: the performers of stagings and of probes.

use std::collections::BTreeSet;

use domain::Sha;
use forge::{LaneName, lanes_from_toml};
use mergeq::queue::{Change, Clash, Inquiry, Obstacle, Part, QueueEvent, RunId, Wanted};

use crate::door::Door;
use crate::play::Play;
use crate::repo::Merged;

/// What repositories with lanes say.
const LANES: &str = "[lanes]\nfront = ['src/[a-c].rs']\nback = ['src/[d-g].rs']\nall = ['Cargo.lock']\n";

impl<D: Door> Play<D> {
    /// The lanes that a branch touches; none in repositories without, and where they cannot be told.
    pub fn lanes_of(&mut self, head: &Sha) -> BTreeSet<LaneName> {
        if !self.weather.is_laned || self.chance.one_in(10) {
            return BTreeSet::new();
        }
        let lanes = lanes_from_toml(Some(LANES)).expect("they can be read");
        lanes.of(self.repo.paths_of(head))
    }

    /// Now and then nothing is found out.
    pub fn probe(&mut self, of: &Inquiry) -> QueueEvent {
        let mut clashes = Vec::new();
        if self.chance.one_in(8) {
            return QueueEvent::Probed { of: of.clone(), clashes };
        }
        for (n, (one, first)) in of.branches.iter().enumerate() {
            let Merged::Clean(on) = self.repo.merge(&of.head, first, 0) else { continue };
            for (other, second) in &of.branches[n + 1..] {
                let fits = matches!(self.repo.merge(&of.head, second, 0), Merged::Clean(_));
                if let (true, Merged::Conflict(paths)) = (fits, self.repo.merge(&on, second, 0)) {
                    clashes.push(Clash { one: one.clone(), other: other.clone(), paths });
                }
            }
        }
        QueueEvent::Probed { of: of.clone(), clashes }
    }

    pub fn stage(&mut self, run: RunId, changes: &[Wanted]) -> QueueEvent {
        let base = self.repo.target.clone();
        let (mut tip, mut parts) = (base.clone(), Vec::new());
        for (index, Wanted { change, since }) in changes.iter().enumerate() {
            match self.repo.merge(&tip, &change.head, since.as_ms()) {
                Merged::Clean(commit) => {
                    let paths = self.repo.paths_of(&change.head);
                    parts.push(Part { entry: change.id.clone(), commit: commit.clone(), paths });
                    tip = commit;
                }
                blocked => {
                    let obstacle = self.judge_alone(&base, (&changes[..index], change), blocked);
                    return QueueEvent::StagingBlocked { run, base, entry: change.id.clone(), obstacle };
                }
            }
        }
        QueueEvent::Staged { run, base, tree: self.repo.tree_of(&tip), parts }
    }

    /// Tells a change's own fault from one that it only has together with changes before it in the run.
    fn judge_alone(&mut self, base: &Sha, (earlier, change): (&[Wanted], &Change), blocked: Merged) -> Obstacle {
        let alone = self.repo.merge(base, &change.head, 0);
        let mut clashing = |other: &&Wanted| match self.repo.merge(base, &other.change.head, 0) {
            Merged::Clean(commit) => !matches!(self.repo.merge(&commit, &change.head, 0), Merged::Clean(_)),
            _ => false,
        };
        match (alone, blocked) {
            (Merged::Conflict(paths), _) => Obstacle::Conflict { paths },
            (Merged::AlreadyIn, _) => Obstacle::AlreadyIn,
            (Merged::Unusable, _) => Obstacle::Unusable { why: "its commit is gone".to_owned() },
            (Merged::Clean(_), blocked) => {
                let with = earlier.iter().filter(&mut clashing).map(|other| other.change.id.clone()).collect();
                let paths = if let Merged::Conflict(paths) = blocked { paths } else { Vec::new() };
                Obstacle::Rivals { with, paths }
            }
        }
    }
}
