//! A model of git that is small enough to be believed: a commit is a content on a parent, and a merge goes line by line.
//! Its answers to staging and landing are written from what those promise, not from how the performers do it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::{EntryId, Sha};
use mergeq::queue::{Clash, Inquiry, Obstacle, Part, QueueEvent, Refusal, RunId, Wanted};

use crate::content::{Content, first_content, key_of};
use crate::workload::Edit;

pub(crate) struct Repo {
    commits: HashMap<Sha, Commit>,
    pub(crate) root: Sha,
    pub(crate) target: Sha,
}

struct Commit {
    parent: Option<Sha>,
    content: Arc<Content>,
}

enum Merged {
    Clean(Content),
    Conflict(Vec<String>),
    AlreadyIn,
    Lost,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let root = named(1, &[]);
        let first = Commit { parent: None, content: Arc::new(first_content()) };
        Self { commits: HashMap::from([(root.clone(), first)]), root: root.clone(), target: root }
    }

    /// Somebody's commit on `base`.
    pub(crate) fn commit(&mut self, base: &Sha, edits: &[Edit], name: &str) -> Sha {
        let mut content = (*self.commits[base].content).clone();
        content.extend(edits.iter().map(|edit| (edit.spot.clone(), edit.text.clone())));
        let sha = named(2, &[base.as_str(), name]);
        self.commits.insert(sha.clone(), Commit { parent: Some(base.clone()), content: Arc::new(content) });
        sha
    }

    pub(crate) fn content(&self, commit: &Sha) -> &Content {
        &self.commits[commit].content
    }

    fn merge(&self, tip: &Sha, head: &Sha) -> Merged {
        self.merge_onto(self.content(tip), head)
    }

    fn merge_onto(&self, ours: &Content, head: &Sha) -> Merged {
        let Some(Commit { parent: Some(base), content: theirs }) = self.commits.get(head) else { return Merged::Lost };
        let base = self.content(base);
        let mut merged = ours.clone();
        let mut conflicts = BTreeSet::new();
        for (spot, text) in theirs.iter().filter(|(spot, text)| base.get(spot) != Some(text)) {
            match ours.get(spot) {
                here if here == base.get(spot) || here == Some(text) => drop(merged.insert(spot.clone(), text.clone())),
                _ => drop(conflicts.insert(spot.path.clone())),
            }
        }
        match conflicts.is_empty() {
            false => Merged::Conflict(conflicts.into_iter().collect()),
            true if merged == *ours => Merged::AlreadyIn,
            true => Merged::Clean(merged),
        }
    }

    /// What is in the way of a change on `tip`, or its commit there.
    fn put(&mut self, tip: &Sha, wanted: &Wanted) -> Result<Sha, Obstacle> {
        match self.merge(tip, &wanted.change.head) {
            Merged::Clean(content) => {
                let words = [tip.as_str(), wanted.change.head.as_str(), &wanted.since.to_string()];
                let sha = named(3, &words);
                self.commits.insert(sha.clone(), Commit { parent: Some(tip.clone()), content: Arc::new(content) });
                Ok(sha)
            }
            Merged::Conflict(paths) => Err(Obstacle::Conflict { paths }),
            Merged::AlreadyIn => Err(Obstacle::AlreadyIn),
            Merged::Lost => Err(Obstacle::Unusable { why: "lost".to_owned() }),
        }
    }

    /// What staging promises: all changes in order on the target as it is, or the first that is in the way and why.
    pub(crate) fn stage(&mut self, run: RunId, changes: &[Wanted]) -> QueueEvent {
        let base = self.target.clone();
        let (mut tip, mut parts) = (base.clone(), Vec::new());
        for (index, wanted) in changes.iter().enumerate() {
            let entry = wanted.change.id.clone();
            match self.put(&tip, wanted) {
                Ok(commit) => {
                    parts.push(Part { entry, paths: self.changed(&tip, &commit), commit: commit.clone() });
                    tip = commit;
                }
                Err(obstacle) => {
                    let obstacle = self.own_or_shared(&base, (&changes[..index], wanted), obstacle);
                    return QueueEvent::StagingBlocked { run, base, entry, obstacle };
                }
            }
        }
        let tree = named(4, &[&key_of(self.content(&tip)).to_string()]);
        QueueEvent::Staged { run, base, tree, parts }
    }

    fn own_or_shared(&mut self, base: &Sha, (before, it): (&[Wanted], &Wanted), found: Obstacle) -> Obstacle {
        if let Err(own) = self.put(base, it) {
            return own;
        }
        let clash = |this: &mut Self, other: &&Wanted| match this.put(base, other) {
            Ok(on) => this.put(&on, it).is_err(),
            Err(_) => false,
        };
        let rivals: Vec<EntryId> =
            before.iter().filter(|other| clash(self, other)).map(|other| other.change.id.clone()).collect();
        let everybody = || before.iter().map(|other| other.change.id.clone()).collect();
        let with = if rivals.is_empty() { everybody() } else { rivals };
        let paths = if let Obstacle::Conflict { paths } = found { paths } else { Vec::new() };
        Obstacle::Rivals { with, paths }
    }

    /// What a probe promises: which two fit the head each, and not together.
    pub(crate) fn probe(&self, of: Inquiry) -> QueueEvent {
        let content = |merged| if let Merged::Clean(content) = merged { Some(content) } else { None };
        let fit = |(entry, head)| Some((entry, head, content(self.merge(&of.head, head))?));
        let fitting: Vec<_> = of.branches.iter().map(|(entry, head)| (entry, head)).filter_map(fit).collect();
        let mut clashes = Vec::new();
        for (n, (one, _, on)) in fitting.iter().enumerate() {
            for (other, head, _) in &fitting[n + 1..] {
                if let Merged::Conflict(paths) = self.merge_onto(on, head) {
                    clashes.push(Clash { one: (*one).clone(), other: (*other).clone(), paths });
                }
            }
        }
        QueueEvent::Probed { of, clashes }
    }

    fn changed(&self, from: &Sha, to: &Sha) -> Vec<String> {
        let (from, to): (&BTreeMap<_, _>, _) = (self.content(from), self.content(to));
        let paths: BTreeSet<_> =
            to.iter().filter(|(spot, text)| from.get(spot) != Some(text)).map(|(spot, _)| spot.path.clone()).collect();
        paths.into_iter().collect()
    }

    /// What landing promises: the target moves if it is where it was, and a commit that it has is landed.
    pub(crate) fn land(&mut self, run: RunId, from: &Sha, to: &Sha) -> QueueEvent {
        let mut line = std::iter::successors(Some(&self.target), |commit| self.commits[*commit].parent.as_ref());
        if line.any(|commit| commit == to) {
            return QueueEvent::Landed { run };
        }
        if self.target != *from {
            return QueueEvent::LandingRefused { run, refusal: Refusal::Moved { head: self.target.clone() } };
        }
        self.target = to.clone();
        QueueEvent::Landed { run }
    }
}

/// A name that is the same for the same words.
pub(crate) fn named(kind: u8, words: &[&str]) -> Sha {
    let mut name = String::new();
    for part in 0..3_u8 {
        let content = words.iter().enumerate().map(|(n, word)| (crate::content::spot(*word, n), part.to_string()));
        name += &format!("{:016x}", key_of(&content.collect()));
    }
    format!("{kind:02x}{}", &name[..38]).parse().unwrap()
}
