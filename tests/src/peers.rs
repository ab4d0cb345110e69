//! Programs of others that only tests run: where `cargo xtask test` puts them.

use std::path::{Path, PathBuf};

/// Tells that every agent is meant to be there, not only the two of every run: `cargo xtask test --agents all`.
pub const AGENTS_VARIABLE: &str = "DOWNBEAT_TEST_AGENTS";

/// The program of a coding agent, if it is installed.
pub fn agent(name: &str) -> Option<PathBuf> {
    installed(&format!("agents/node_modules/.bin/{name}"))
}

/// What lies at this place among what was installed, if it does.
pub fn installed(place: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository");
    let peers = std::env::var_os("DOWNBEAT_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from);
    let place = root.join(peers).join(place);
    place.exists().then_some(place)
}

/// Whether this run is meant to have every agent.
pub fn all_agents_are_wanted() -> bool {
    std::env::var_os(AGENTS_VARIABLE).is_some_and(|which| which == "all")
}
