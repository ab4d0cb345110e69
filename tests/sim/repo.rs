//! A repository without git: a commit is a set of atoms on a parent, and what a check or a merge says of it follows
//! from the set alone. Only the target moves, by compare-and-swap, as a real remote moves it.

use std::collections::{HashMap, HashSet};

use domain::Sha;

use crate::chance::mixed;

/// One indivisible change.
#[derive(Clone, Debug)]
pub struct Atom {
    pub paths: Vec<&'static str>,
    pub nature: Nature,
}

/// What is true of an atom wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    Good,
    /// Checks fail wherever it is.
    Bad,
    /// It takes the repository's word on how to check it away.
    Gateless,
    /// The forge will never take it.
    Unwelcome,
    /// Nobody finds its commit any more.
    Lost,
}

/// A tree is the set of atoms in it, one bit each.
type Tree = u128;

const ATOMS_MAX: usize = 120;

#[derive(Clone, Debug)]
struct Commit {
    parent: Option<Sha>,
    tree: Tree,
    /// The branch's commit that was squashed into this one, if it is a candidate's.
    from: Option<Sha>,
}

/// One movement of the target.
#[derive(Clone, Debug)]
pub struct Push {
    pub from: Sha,
    pub to: Sha,
    /// Whether the queue did it.
    pub is_landing: bool,
}

/// What the forge says to a landing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    Landed,
    Moved(Sha),
    Refused,
}

/// What a merge gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    Clean(Sha),
    Conflict(Vec<String>),
    AlreadyIn,
    Unusable,
}

/// What checks that run to their end say of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Green,
    Red,
    Untested,
    NoGate,
}

#[derive(Debug)]
pub struct Repo {
    commits: HashMap<Sha, Commit>,
    atoms: Vec<Atom>,
    clashes: Vec<(usize, usize)>,
    is_untested: bool,
    pub target: Sha,
    pub pushes: Vec<Push>,
    /// What checks once passed.
    pub green: HashSet<Sha>,
    /// What checks once failed.
    pub red: HashSet<Sha>,
    /// What was in a mirror alone that was lost.
    lost: HashSet<Sha>,
}

impl Repo {
    /// A repository with one commit; its checks are `[]` when it is untested.
    pub fn new(is_untested: bool) -> Self {
        let root = named(&[1]);
        let first = Commit { parent: None, tree: 0, from: None };
        Self {
            commits: HashMap::from([(root.clone(), first)]),
            atoms: Vec::new(),
            clashes: Vec::new(),
            is_untested,
            target: root,
            pushes: Vec::new(),
            green: HashSet::new(),
            red: HashSet::new(),
            lost: HashSet::new(),
        }
    }

    /// A new commit with a new atom on `base`; none when the world is full.
    pub fn commit(&mut self, base: &Sha, atom: Atom, clash: Option<usize>) -> Option<Sha> {
        let index = self.atoms.len();
        if index >= ATOMS_MAX {
            return None;
        }
        self.atoms.push(atom);
        self.clashes.extend(clash.map(|other| (other, index)));
        let tree = self.commits[base].tree | 1 << index;
        let sha = named(&[2, index as u64, self.commits.len() as u64]);
        self.commits.insert(sha.clone(), Commit { parent: Some(base.clone()), tree, from: None });
        Some(sha)
    }

    /// How many atoms there are.
    pub fn n_atoms(&self) -> usize {
        self.atoms.len()
    }

    /// Somebody else pushes a commit on the target.
    pub fn push_foreign(&mut self, commit: Sha) {
        self.push(commit, false);
    }

    /// Somebody else puts the content of a branch on the target, past the queue.
    pub fn cherry_pick(&mut self, head: &Sha) {
        if let Merged::Clean(commit) = self.merge(&self.target.clone(), head, 0) {
            self.commits.get_mut(&commit).expect("it was just made").from = None;
            self.push(commit, false);
        }
    }

    fn push(&mut self, to: Sha, is_landing: bool) {
        let from = std::mem::replace(&mut self.target, to.clone());
        self.pushes.push(Push { from, to, is_landing });
    }

    /// The commits of the target's history, newest first.
    pub fn history(&self) -> impl Iterator<Item = &Sha> {
        self.line_of(&self.target)
    }

    fn line_of<'a>(&'a self, commit: &'a Sha) -> impl Iterator<Item = &'a Sha> {
        std::iter::successors(Some(commit), |commit| self.commits[*commit].parent.as_ref())
    }

    pub fn is_on_target(&self, commit: &Sha) -> bool {
        self.history().any(|known| known == commit)
    }

    /// The branch's commit that a commit of the target was made of.
    pub fn made_from(&self, commit: &Sha) -> Option<&Sha> {
        self.commits.get(commit).and_then(|commit| commit.from.as_ref())
    }

    pub fn parent_of(&self, commit: &Sha) -> Option<&Sha> {
        self.commits.get(commit).and_then(|commit| commit.parent.as_ref())
    }

    fn delta_of(&self, head: &Sha) -> Tree {
        let commit = &self.commits[head];
        let below = commit.parent.as_ref().map_or(0, |parent| self.commits[parent].tree);
        commit.tree & !below
    }

    fn atoms_of(&self, tree: Tree) -> impl Iterator<Item = (usize, &Atom)> {
        self.atoms.iter().enumerate().filter(move |(index, _)| tree >> index & 1 == 1)
    }

    /// The commit that puts a branch's change on `tip`. The same question has the same answer, down to the name.
    pub fn merge(&mut self, tip: &Sha, head: &Sha, at: i64) -> Merged {
        let delta = self.delta_of(head);
        if self.atoms_of(delta).any(|(_, atom)| atom.nature == Nature::Lost) {
            return Merged::Unusable;
        }
        let tree = self.commits[tip].tree;
        if delta & !tree == 0 {
            return Merged::AlreadyIn;
        }
        let seen = self.commits[self.parent_of(head).expect("a branch's commit is on a base")].tree;
        let paths = self.paths_of(head);
        let unseen = tree & !seen & !delta;
        let in_the_way = |path: &String| self.atoms_of(unseen).any(|(_, atom)| atom.paths.contains(&path.as_str()));
        let conflicts: Vec<String> = paths.iter().filter(|path| in_the_way(path)).cloned().collect();
        if !conflicts.is_empty() {
            return Merged::Conflict(conflicts);
        }
        let sha = named(&[3, number_of(tip), number_of(head), at.unsigned_abs()]);
        let commit = Commit { parent: Some(tip.clone()), tree: tree | delta, from: Some(head.clone()) };
        self.commits.entry(sha.clone()).or_insert(commit);
        self.lost.remove(&sha);
        Merged::Clean(sha)
    }

    /// The mirror is lost, and with it the commits that were made and did not land.
    pub fn lose_mirror(&mut self) {
        let made = self.commits.iter().filter(|(_, commit)| commit.from.is_some());
        self.lost = made.map(|(sha, _)| sha.clone()).collect();
    }

    /// Whether nobody has this commit any more.
    pub fn is_lost(&self, commit: &Sha) -> bool {
        self.lost.contains(commit) && !self.is_on_target(commit)
    }

    /// The paths that a branch's change touches.
    pub fn paths_of(&self, head: &Sha) -> Vec<String> {
        self.atoms_of(self.delta_of(head))
            .flat_map(|(_, atom)| atom.paths.iter().map(|path| (*path).to_owned()))
            .collect()
    }

    /// The name of a commit's tree.
    pub fn tree_of(&self, commit: &Sha) -> Sha {
        let tree = self.commits[commit].tree;
        named(&[4, tree as u64, (tree >> 64) as u64])
    }

    pub fn truth_of(&self, commit: &Sha) -> Truth {
        let tree = self.commits[commit].tree;
        let has = |nature| self.atoms_of(tree).any(|(_, atom)| atom.nature == nature);
        let clashes = || self.clashes.iter().any(|(a, b)| tree >> a & 1 == 1 && tree >> b & 1 == 1);
        match (has(Nature::Gateless), self.is_untested) {
            (true, _) => Truth::NoGate,
            (false, true) => Truth::Untested,
            (false, false) if has(Nature::Bad) || clashes() => Truth::Red,
            (false, false) => Truth::Green,
        }
    }

    pub fn is_unwelcome(&self, from: &Sha, to: &Sha) -> bool {
        let new = self.commits[to].tree & !self.commits[from].tree;
        self.atoms_of(new).any(|(_, atom)| atom.nature == Nature::Unwelcome)
    }

    /// What no forge may do: the target is put where it shall be, wherever it was.
    pub fn force(&mut self, to: &Sha) -> Landing {
        self.push(to.clone(), true);
        Landing::Landed
    }

    /// A fast-forward by compare-and-swap. Asking twice is asking once.
    pub fn land(&mut self, from: &Sha, to: &Sha) -> Landing {
        if self.is_on_target(to) {
            return Landing::Landed;
        }
        if self.is_unwelcome(from, to) {
            return Landing::Refused;
        }
        if self.target != *from || !self.line_of(to).any(|commit| commit == from) {
            return Landing::Moved(self.target.clone());
        }
        self.push(to.clone(), true);
        Landing::Landed
    }
}

fn named(of: &[u64]) -> Sha {
    let number = of.iter().fold(7, |hash, part| mixed(hash ^ mixed(*part)));
    format!("{number:016x}{:024x}", 0).parse().expect("40 hexadecimal digits")
}

fn number_of(sha: &Sha) -> u64 {
    u64::from_str_radix(&sha.as_str()[..16], 16).expect("it was named by us")
}
