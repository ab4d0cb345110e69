//! Writing a new config: whole or not at all, read back before it counts, and never over one that is there unasked.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::exit::{Exit, Refused};
use crate::config::{Config, Environment, Sources};
use crate::place::{CONFIG_NAME, PlaceArgs, Source, repository_around};
use crate::survey::draft::Draft;

/// The root of the repository's working tree when we are in it, else this directory.
pub fn usual_place(top: Option<&Path>, here: &Path) -> PathBuf {
    let here = here.canonicalize().unwrap_or_else(|_| here.to_owned());
    let around = top.filter(|top| here.starts_with(top) && top.join(".git").exists());
    around.unwrap_or(&here).join(CONFIG_NAME)
}

/// Refuses where a config is already, unless it may be replaced.
pub fn refuse_to_replace(output: &Path, may_replace: bool) -> anyhow::Result<()> {
    if may_replace || fs::symlink_metadata(output).is_err() {
        return Ok(());
    }
    let why = format!(
        "there is already a config at {}; `--force` replaces it, and `--output FILE` writes another",
        output.display()
    );
    Err(Refused { exit: Exit::Refused, why }.into())
}

/// Writes it beside its place, reads it back, and puts it there.
pub fn write(output: &Path, draft: &Draft, may_replace: bool) -> anyhow::Result<()> {
    let name = output.file_name().context("--output has to name a file")?.to_string_lossy();
    let fresh = output.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_fresh(&fresh, draft)
        .and_then(|()| refuse_to_replace(output, may_replace))
        .and_then(|()| Ok(fs::rename(&fresh, output)?));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written.with_context(|| format!("failed to write {}", output.display()))
}

fn write_fresh(path: &Path, draft: &Draft) -> anyhow::Result<()> {
    let holds_secret = draft.remote.with_credentials() != draft.remote.address();
    let mode = if holds_secret { 0o600 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(draft.text().as_bytes())?;
    file.sync_all()?;
    // The state has a default that depends on where the config lies, and tokens may not be in the environment yet.
    let tokens = [("SLACK_BOT_TOKEN", "xoxb-0"), ("SLACK_APP_TOKEN", "xapp-0")];
    let env: Environment = tokens.map(|(name, token)| (name.to_owned(), token.to_owned())).into();
    let sources = Sources { generated: "state = \"/\"\n", file: Some(path), env: &env };
    Config::read(&sources).context("what was to be written cannot be read back")?;
    Ok(())
}

/// What a person does next.
pub fn next_steps(output: &Path, here: &Path) -> String {
    let shown = output.strip_prefix(here).unwrap_or(output).display();
    let is_found = matches!(PlaceArgs::default().source(), Ok(Source::File(found)) if found.canonicalize().ok() == output.canonicalize().ok());
    let config = if is_found { String::new() } else { format!(" --config {shown}") };
    let mut text = format!("Wrote {shown}.\n");
    let tree = repository_around(output).filter(|top| top.join(".git").exists());
    if let Some(path) = tree.as_ref().and_then(|top| output.strip_prefix(top).ok()) {
        text.push_str(&format!(
            "It is a new file in the repository: commit it, or let git overlook it with\n  \
             echo /{} >> \"$(git rev-parse --git-path info/exclude)\"\n(`--output FILE` would have put it elsewhere.)\n",
            path.display()
        ));
    }
    text.push_str(&format!(
        "\nNext:\n  downbeat doctor{config}    try everything that it names\n  downbeat up{config}        serve it"
    ));
    text
}
