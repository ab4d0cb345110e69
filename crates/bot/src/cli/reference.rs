//! What a shell and a manual want to know of the command line, made from the same description that reads it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::{Shell, generate};

use super::exit::Exit;
use super::instance::print;

/// Which shell.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell; for bash: downbeat completions bash > ~/.local/share/bash-completion/completions/downbeat
    shell: Shell,
}

/// Where the pages go.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Write one page for each command into this directory, as downbeat-task-list.1
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completion script.
pub fn complete(args: &CompletionsArgs, mut command: clap::Command) -> Exit {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "downbeat", &mut script);
    print(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// Prints the manual page, or writes all of them.
pub fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<Exit> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        print(&String::from_utf8_lossy(&page));
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make the directory {}", dir.display()))?;
    clap_mangen::generate_to(command, dir)
        .with_context(|| format!("failed to write the manual pages into {}", dir.display()))?;
    Ok(Exit::Done)
}
