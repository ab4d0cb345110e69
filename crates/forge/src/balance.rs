//! What a change adds and takes away, counted: lines, names of files, modes.
//!
//! A difference as git prints it is one of several that fit, and says where; a balance says how often each line is there
//! more or less than before, which depends on no algorithm and on no place. So it is compared where a patch cannot be:
//! what a branch changes, with what its landing changed, after others changed the same files and moved them about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use domain::Sha;
use git2::{Delta, DiffFile, DiffFindOptions, FileMode, Oid};

use crate::git::GitError;
use crate::mirror::{Mirror, oid};

/// A balance, by the path of each file that differs; one that was only renamed has its new path.
#[derive(Clone, Debug, Default)]
pub struct Balance {
    by_path: BTreeMap<String, HashMap<u64, Net>>,
    /// Whether it was too much to be counted; then it says nothing.
    pub is_cut: bool,
}

/// So many files of one change are counted: more are an import or a reformatting, and would be held in memory.
const FILES_MAX: usize = 5_000;
/// A longer file is not read, and its change is not counted: no person wrote it.
const FILE_BYTES_MAX: usize = 16 << 20;
/// So many bytes at the beginning of a file tell whether it is text, as git does it.
const BINARY_BYTES: usize = 8_000;

/// How much more often an item is there than before, and how much of it a person reads.
#[derive(Clone, Copy, Debug, Default)]
struct Net {
    n: i64,
    bytes: usize,
}

/// What is counted.
#[derive(Hash)]
enum Item<'a> {
    Line(&'a [u8]),
    Binary(&'a [u8]),
    Path(&'a [u8]),
    Mode(u32),
    Submodule(&'a [u8]),
}

impl Mirror {
    /// What the tree of `after` has more, or less, than that of `before`. Both are commits.
    pub async fn balance(&self, before: &Sha, after: &Sha) -> Result<Balance, GitError> {
        let ids = [oid(before), oid(after)];
        self.read(format!("the lines from {before} to {after}"), move |repo| {
            let [before, after] = [repo.find_commit(ids[0])?.tree()?, repo.find_commit(ids[1])?.tree()?];
            let mut diff = repo.diff_tree_to_tree(Some(&before), Some(&after), None)?;
            let gone = |delta: git2::DiffDelta<'_>| delta.status() == Delta::Deleted;
            if diff.deltas().any(gone) && diff.deltas().len() <= FILES_MAX {
                // A file that is merely like one that is gone may as well be a new one, and git may take it for that.
                diff.find_similar(Some(DiffFindOptions::new().renames(true).exact_match_only(true)))?;
            }
            let mut balance = Balance { is_cut: diff.deltas().len() > FILES_MAX, ..Balance::default() };
            if !balance.is_cut {
                for delta in diff.deltas() {
                    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
                    let path = String::from_utf8_lossy(path).into_owned();
                    balance.count(repo, (&path, delta.old_file()), -1)?;
                    balance.count(repo, (&path, delta.new_file()), 1)?;
                }
                balance.settle();
            }
            Ok(balance)
        })
        .await
    }
}

impl Balance {
    /// The paths at which this goes beyond what `allowed` changes. Of each line that is there more often or less often than
    /// before, `allowed` has to have put as many into some files, or taken as many out of some. It may have done more,
    /// because others may have made a part of the same change before.
    pub fn beyond(&self, allowed: &Self) -> BTreeSet<String> {
        let (mut done, mut limits) = (HashMap::new(), HashMap::new());
        for (item, net) in self.by_path.values().flatten() {
            *done.entry(*item).or_insert(0) += net.n;
        }
        for (item, net) in allowed.by_path.values().flatten() {
            let (least, most): &mut (i64, i64) = limits.entry(*item).or_default();
            (*least, *most) = (*least + net.n.min(0), *most + net.n.max(0));
        }
        let is_beyond = |item: &u64| {
            let (least, most) = limits.get(item).copied().unwrap_or_default();
            done.get(item).is_some_and(|n| *n < least || *n > most)
        };
        let touched = self.by_path.iter().filter(|(_, items)| items.keys().any(is_beyond));
        touched.map(|(path, _)| path.clone()).collect()
    }

    /// A number that changes alike have in common, with that of the change that takes this one back. None for a change
    /// of fewer than `bytes_min` bytes in lines: short ones are alike by chance.
    pub fn mark(&self, bytes_min: usize) -> Option<[u64; 2]> {
        let of = |sign: i64| {
            let mut hasher = DefaultHasher::new();
            for (path, items) in &self.by_path {
                let items: BTreeMap<_, _> = items.iter().map(|(item, net)| (item, net.n * sign)).collect();
                (path, items).hash(&mut hasher);
            }
            hasher.finish()
        };
        let bytes: usize = self.by_path.values().flat_map(HashMap::values).map(|net| net.bytes).sum();
        (!self.is_cut && bytes >= bytes_min).then(|| [of(1), of(-1)])
    }

    /// Counts the content of a file, under the path by which the change is known.
    fn count(
        &mut self,
        repo: &git2::Repository,
        (path, file): (&str, DiffFile<'_>),
        sign: i64,
    ) -> Result<(), git2::Error> {
        if file.id() == Oid::ZERO_SHA1 {
            return Ok(());
        }
        let items = self.by_path.entry(path.to_owned()).or_default();
        let mut add = |item: Item<'_>| {
            let net = items.entry(item.hashed()).or_default();
            (net.n, net.bytes) = (net.n + sign, item.bytes_read());
        };
        add(Item::Path(file.path_bytes().unwrap_or_default()));
        add(Item::Mode(u32::from(file.mode())));
        if file.mode() == FileMode::Commit {
            add(Item::Submodule(file.id().as_bytes()));
            return Ok(());
        }
        if repo.odb()?.read_header(file.id())?.0 > FILE_BYTES_MAX {
            self.is_cut = true;
            return Ok(());
        }
        let blob = repo.find_blob(file.id())?;
        let content = blob.content();
        if content[..content.len().min(BINARY_BYTES)].contains(&0) {
            add(Item::Binary(file.id().as_bytes()));
        } else {
            content
                .strip_suffix(b"\n")
                .unwrap_or(content)
                .split(|byte| *byte == b'\n')
                .for_each(|line| add(Item::Line(line)));
        }
        Ok(())
    }

    /// Forgets what is there as often as before.
    fn settle(&mut self) {
        self.by_path.values_mut().for_each(|items| items.retain(|_, net| net.n != 0));
        self.by_path.retain(|_, items| !items.is_empty());
    }
}

impl Item<'_> {
    /// The standard hash with its usual keys: the same in every process of one build.
    fn hashed(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn bytes_read(&self) -> usize {
        match self {
            Self::Line(line) => line.trim_ascii().len(),
            Self::Path(path) => path.len(),
            Self::Binary(id) | Self::Submodule(id) => id.len(),
            Self::Mode(_) => 0,
        }
    }
}
