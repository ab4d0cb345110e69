//! Who works in a repository on this machine: which branches its working trees have checked out.

use std::path::{Path, PathBuf};

use domain::BranchName;

use crate::git::{Git, GitError};

/// The working trees of one repository, as git lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occupancy {
    /// It has a main working tree, and no remote of its own: somebody's only copy.
    pub(crate) lone_working_repository: bool,
    checked_out: Vec<(PathBuf, String)>,
}

impl Occupancy {
    /// Looks at the repository at `path`.
    pub(crate) async fn of(git: &Git, path: &Path) -> Result<Self, GitError> {
        let listed = git.call("worktree", path).args(["list", "--porcelain", "-z"]).bytes().await?;
        let mut occupancy = read_listing(&String::from_utf8_lossy(&listed));
        if occupancy.lone_working_repository {
            let remotes = git.call("remote", path).text().await?;
            // Our own name is made known by the environment of the call alone, never here.
            occupancy.lone_working_repository = remotes.is_empty();
        }
        Ok(occupancy)
    }

    /// The working tree that has `branch` checked out.
    pub(crate) fn holder(&self, branch: &BranchName) -> Option<&Path> {
        let found = self.checked_out.iter().find(|(_, checked_out)| checked_out == branch.as_str());
        found.map(|(tree, _)| tree.as_path())
    }
}

fn read_listing(listing: &str) -> Occupancy {
    let mut occupancy = Occupancy { lone_working_repository: true, checked_out: Vec::new() };
    let mut tree = PathBuf::new();
    for line in listing.split('\0') {
        if let Some(path) = line.strip_prefix("worktree ") {
            tree = PathBuf::from(path);
        } else if line == "bare" {
            occupancy.lone_working_repository = false;
        } else if let Some(branch) = line.strip_prefix("branch refs/heads/") {
            occupancy.checked_out.push((tree.clone(), branch.to_owned()));
        }
    }
    occupancy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_working_tree_of_a_listing_is_seen() {
        let listing = "worktree /a b\0HEAD 1\0branch refs/heads/main\0\0worktree /c\0HEAD 2\0detached\0\0worktree /d\0HEAD 3\0branch refs/heads/x/y\0locked\0\0";
        let occupancy = read_listing(listing);
        let holder = |name: &str| occupancy.holder(&name.parse().unwrap()).map(Path::to_path_buf);
        assert_eq!([holder("main"), holder("x/y"), holder("y")], [Some("/a b".into()), Some("/d".into()), None]);
        assert!(occupancy.lone_working_repository);
        assert!(!read_listing("worktree /e.git\0bare\0\0").lone_working_repository);
    }
}
