//! A GitHub to try Downbeat with, without an account: `cargo run -p tests --example github -- DIRECTORY`.
//!
//! It makes a repository in the directory, prints what to put into the config, and then what is asked of it and how its pull
//! requests stand. It needs what `cargo xtask test` installs.

use std::path::PathBuf;

use tests::git::RemoteRepository;
use tests::github::{GitHubServer, TOKEN};

fn main() -> anyhow::Result<()> {
    let Some(place) = std::env::args().nth(1).map(PathBuf::from) else { anyhow::bail!("say where: github DIRECTORY") };
    anyhow::ensure!(
        GitHubServer::is_installed(),
        "run `cargo xtask test` first: it installs GitHub's description of its API"
    );
    let git = place.join("web.git");
    anyhow::ensure!(!git.exists(), "{} is there already; name another directory", git.display());
    let checks = "[[checks]]\nname = \"words\"\ncommand = \"test -s README.md\"\n";
    let remote = RemoteRepository::bare(&git, &[("README.md", "# Web\n"), (".downbeat/config.toml", checks)]);
    remote.git(&["config", "http.receivepack", "true"]);
    let github = GitHubServer::start(remote.path());
    println!("[repos.web]\nremote = {:?}\ntarget = \"main\"\ngithub = \"acme/web\"\n", github.remote());
    println!("[github]\ntoken = {TOKEN:?}\napi_url = {:?}\n", github.api_url());
    println!("Press return to see what was asked, and how the pull requests stand.");
    for line in std::io::stdin().lines() {
        line?;
        github.asked().iter().for_each(|asked| println!("{asked}"));
        for pull in github.pulls() {
            println!("#{} {} [{}] {} at {}", pull.number, pull.title, pull.state, pull.head, pull.sha);
        }
    }
    Ok(())
}
