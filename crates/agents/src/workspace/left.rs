//! What is known of a task's tree when nobody is in it: in which state the agent's session saw it last.
//!
//! An agent that is resumed believes in the tree that it remembers, and ours is made anew for each turn. So what it saw is
//! kept beside what it remembers, and while a turn goes on nothing is claimed: whoever comes next has to look. Such a look is
//! worth nothing once the machine itself went down in between, because nobody wrote the agent's files through to the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use domain::Sha;
use serde::{Deserialize, Serialize};

use super::{WorkspaceError, disk};

/// How an agent left its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// The agent by its name in the config.
    pub agent: String,
    /// The number of its session.
    pub session: u32,
    /// The commit that the tree began at.
    pub base: Sha,
    /// The commit that holds it as it was seen last; absent while a turn goes on in it.
    pub seen: Option<Sha>,
    /// What the agent was told of the tree when its turn began, until a turn has ended well: it may not have heard.
    pub told: String,
    /// Which run of the machine this was written in.
    pub boot: String,
}

/// The file's name in the private directory of a workspace.
pub(super) const TREE_FILE: &str = "tree.json";

/// The file's name in which the hosts of a working turn stand before they are reached.
pub(crate) const HOSTS_FILE: &str = "hosts.txt";

/// The hosts that stand in such a file; none where there is none.
pub(crate) fn hosts_in(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

impl Left {
    /// What was kept in this private directory. What cannot be read was never written whole.
    pub(crate) fn of(private: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(private.join(TREE_FILE)).ok()?).ok()
    }

    /// Keeps it, through to the disk: after a crash of the machine an older word would be believed.
    pub(crate) fn keep(&self, private: &Path) -> Result<(), WorkspaceError> {
        let (file, whole) = (private.join(TREE_FILE), private.join("tree.json.new"));
        let written = serde_json::to_vec(self).map_err(io::Error::from).and_then(|text| {
            let mut new = File::create(&whole)?;
            new.write_all(&text)?;
            new.sync_all()?;
            fs::rename(&whole, &file)?;
            File::open(private)?.sync_all()
        });
        written.map_err(|error| disk(&file, &error))
    }

    /// The same after its turn, in which the agent surely heard what it was told when that ended well.
    pub(crate) fn heard(self, surely: bool) -> Self {
        let told = if surely { String::new() } else { self.told };
        Self { told, ..self }
    }

    /// Whether the machine has run on since it was written.
    pub(crate) fn is_of_this_boot(&self) -> bool {
        !self.boot.is_empty() && self.boot == boot()
    }
}

/// The kernel's name for this run of the machine; empty where it has none, which is never believed.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(boot: String) -> Left {
        let base = "1".repeat(40).parse().unwrap();
        Left { agent: "claude".into(), session: 2, base, seen: None, told: String::new(), boot }
    }

    #[test]
    fn it_is_read_back_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Left::of(dir.path()), None);
        left(boot()).keep(dir.path()).unwrap();
        assert_eq!(Left::of(dir.path()), Some(left(boot())));
    }

    #[test]
    fn a_tree_is_not_believed_after_the_machine_went_down() {
        assert!(left(boot()).is_of_this_boot());
        assert!(!left("another".into()).is_of_this_boot() && !left(String::new()).is_of_this_boot());
    }
}
