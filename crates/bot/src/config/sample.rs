//! A config for tests, and how they read it.

use super::*;

/// A small config that is right.
pub const RIGHT: &str = r#"state = "/srv/downbeat"

[people.ana]
roles = ["requester"]

[people.ben]
roles = ["approver", "operator"]

[repos.web]
remote = "/srv/git/web.git"
target = "main"

[agents.coder]
kind = "command"
command = ["my-agent"]
"#;

/// An environment.
pub fn variables(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn read(text: &str, env: &[(&str, &str)]) -> Result<Reading, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("downbeat.toml");
    std::fs::write(&path, text).unwrap();
    let read = Config::read(&Sources { generated: "", file: Some(&path), env: &variables(env) });
    read.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

/// The same with more at its end.
pub fn with(more: &str) -> String {
    format!("{RIGHT}\n{more}")
}
