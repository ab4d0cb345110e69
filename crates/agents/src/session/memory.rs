//! What is remembered of an agent's session between processes, beside the workspace's `tmp` and `home`: nobody inside
//! the cage can write it, and it goes when the workspace does.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::protocol::Memory;

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Kept {
    agent: String,
    #[serde(flatten)]
    memory: Memory,
}

/// The file's name in the private directory of a workspace.
pub(crate) const MEMORY_FILE: &str = "session.json";

fn file_in(private: &Path) -> PathBuf {
    private.join(MEMORY_FILE)
}

/// What the agent of this name left in a workspace; none after another agent, and none where it cannot be read.
pub(super) fn recall(private: &Path, agent: &str) -> Option<Memory> {
    let kept: Kept = serde_json::from_slice(&fs::read(file_in(private)).ok()?).ok()?;
    (kept.agent == agent).then_some(kept.memory)
}

/// Whether the agent of this name left anything that it could be resumed with.
pub(crate) fn is_remembered(private: &Path, agent: &str) -> bool {
    recall(private, agent).is_some()
}

/// Keeps it. Without it the next process begins anew, so an error is told in the service's log alone.
pub(super) fn keep(private: &Path, agent: &str, memory: Memory) {
    let file = file_in(private);
    let kept = Kept { agent: agent.to_owned(), memory };
    let whole = file.with_extension("json.new");
    let written = serde_json::to_vec(&kept).map_err(std::io::Error::from).and_then(|text| fs::write(&whole, text));
    if let Err(error) = written.and_then(|()| fs::rename(&whole, &file)) {
        tracing::warn!("{} cannot be written: {error}", file.display());
    }
}

/// Forgets it.
pub(crate) fn forget(private: &Path) {
    // One that is not there is forgotten.
    let _ = fs::remove_file(file_in(private));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_remembered_for_its_agent_alone() {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory { session: "s-1".into(), ..Memory::default() };
        assert_eq!(recall(dir.path(), "claude"), None);
        keep(dir.path(), "claude", memory.clone());
        assert_eq!(recall(dir.path(), "claude"), Some(memory));
        assert_eq!(recall(dir.path(), "codex"), None);
        forget(dir.path());
        assert_eq!(recall(dir.path(), "claude"), None);
    }
}
