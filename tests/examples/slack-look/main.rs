//! Pictures of what people see in Slack: `cargo run -p tests --example slack-look -- OUT_DIR`.
//!
//! The blocks are those that the product sends; a page of ours draws them as Slack does, in a browser. Needs Node with npm,
//! and Chromium (`CHROMIUM` says where, otherwise `/usr/bin/chromium`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tests::scenes;

fn main() -> anyhow::Result<()> {
    let out = std::env::args().nth(1).context("say where the pictures go: slack-look OUT_DIR")?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let peers = installed(here)?;
    std::fs::create_dir_all(&out)?;
    let scenes = Path::new(&out).join("scenes.json");
    std::fs::write(&scenes, serde_json::to_string_pretty(&scenes::all())?)?;
    let example = here.join("examples/slack-look");
    let shot = Command::new("node")
        .arg(example.join("shoot.mjs"))
        .args([&peers, &example.join("page.html"), &scenes, &PathBuf::from(&out)])
        .status()
        .context("failed to start node")?;
    ensure!(shot.success(), "the pictures were not drawn; the reason is above");
    println!("{out}");
    Ok(())
}

/// What draws the pictures, as its lock file wants it.
fn installed(here: &Path) -> anyhow::Result<PathBuf> {
    let (locked, peers) = (here.join("peers/look"), here.join("../target/peers/look"));
    std::fs::create_dir_all(&peers)?;
    let peers = peers.canonicalize()?;
    if !peers.join("node_modules/playwright-core").exists() {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(locked.join(file), peers.join(file))?;
        }
        let npm = Command::new("npm")
            .current_dir(&peers)
            .args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"])
            .status()
            .context("failed to start npm")?;
        ensure!(npm.success(), "npm did not install what draws the pictures; the reason is above");
    }
    Ok(peers)
}
