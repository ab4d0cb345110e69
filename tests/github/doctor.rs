//! `downbeat doctor`: what it says of a repository on GitHub.

use std::process::Command;

use expect_test::expect;
use tests::github::{GitHubServer, TOKEN};

use crate::road;

pub fn what_github_lets_us_do_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let github = road::server(&dir);
    let mut told = format!("all is well\n{}", doctor(&dir, &github, TOKEN));
    told += &format!("another token\n{}", doctor(&dir, &github, "github_pat_gone"));
    github.close_off(false, false);
    told += &format!("a token that only reads\n{}", doctor(&dir, &github, TOKEN));
    github.close_off(true, false);
    told += &format!("an archived repository\n{}", doctor(&dir, &github, TOKEN));
    expect![[r#"
        all is well
          ok    web: changes become pull requests of acme/web on GitHub
          ok    web: http://{github}/acme/web.git answers and has `main`
          ok    web: a change lands when `test -s README.md` passed (.downbeat/config.toml)
          ok    web: it takes pushes

        another token
          fail  web: GitHub does not know who we are: Bad credentials; look at `github.token`, or at `github.app_id` and `github.private_key`
                → run this again after that; `repos.web.github` says where it is, [github] who we are

        a token that only reads
          fail  web: nothing can be pushed to acme/web on GitHub
                → give the token or the App "Contents: write" there, or choose the repository in its settings
          ok    web: http://{github}/acme/web.git answers and has `main`
          ok    web: a change lands when `test -s README.md` passed (.downbeat/config.toml)
          ok    web: it takes pushes

        an archived repository
          fail  web: acme/web is archived on GitHub
                → take it out of the archive, or out of the config
          ok    web: http://{github}/acme/web.git answers and has `main`
          ok    web: a change lands when `test -s README.md` passed (.downbeat/config.toml)
          ok    web: it takes pushes

    "#]].assert_eq(&told);
}

fn doctor(dir: &tempfile::TempDir, github: &GitHubServer, token: &str) -> String {
    findings(dir, github, &road::config(dir, github, &github.api_url(), &road::as_token(token)))
}

/// What it says of the repository.
pub fn findings(dir: &tempfile::TempDir, github: &GitHubServer, config: &str) -> String {
    let file = dir.path().join("downbeat.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_downbeat-under-test"));
    command.args(["doctor", "--config"]).arg(&file).env("NO_COLOR", "1").env("HOME", dir.path());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace(&github.address().to_string(), "{github}");
    let rest = text.split("repositories\n").nth(1).unwrap_or_else(|| panic!("{text}"));
    format!("{}\n\n", rest.split("\n\n").next().unwrap_or_default())
}
