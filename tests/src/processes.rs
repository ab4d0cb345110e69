//! What runs on this machine, for tests that start real agents.

use std::path::Path;

/// The processes whose working directory is `dir` or below it.
pub fn working_in(dir: &Path) -> Vec<u32> {
    let listed = std::fs::read_dir("/proc").expect("Linux has /proc").flatten();
    let ids = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_in = |id: &u32| std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
    ids.filter(is_in).collect()
}
