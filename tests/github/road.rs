//! The whole road: from a mention to a pull request that GitHub shows as merged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings};
use domain::ThreadRef;
use downbeat::clock::SystemClock;
use downbeat::config::Config;
use downbeat::serve::System;
use tests::git::RemoteRepository;
use tests::github::judge::{Judge, ROUTES};
use tests::github::{APP_ID, AppKey, GitHubServer, TOKEN};
use tokio_util::sync::CancellationToken;

use crate::doctor;

const ROAD_MAX: Duration = Duration::from_secs(60);

pub fn every_request_is_as_github_describes_it() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    let judge = Judge::start(&github.api_url());
    let key = AppKey::made_in(dir.path());
    github.install(&key);
    let config = config(&dir, &github, &judge.api_url(), &as_app(&dir));
    let findings = doctor::findings(&dir, &github, &config);
    assert!(findings.contains("changes become pull requests of acme/web"), "{findings}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (system, stop, running) = start(&config).await;
        let (thread, ana) = (ThreadRef::console("second"), "ana".parse().unwrap());
        for (words, awaited) in
            [("@agent say goodbye", "Plan v1"), ("approve", "is ready on"), ("stop", "T-1 ended: stopped by ana")]
        {
            system.console.say(&thread, &ana, words).await.unwrap();
            until_said(&system, &thread, awaited).await;
        }
        until(|| github.pulls()[0].state == "closed" && github.branches().is_empty()).await;
        assert!(github.pulls()[0].comments == ["T-1 ended: stopped by ana."], "{:?}", github.pulls()[0]);
        let third = ThreadRef::console("third");
        for (words, awaited) in [("@agent say goodbye", "Plan v1"), ("approve", "is ready on")] {
            system.console.say(&third, &ana, words).await.unwrap();
            until_said(&system, &third, awaited).await;
        }
        system.look_for_closed().await.unwrap();
        assert!(!said(&system, &third).await.contains("stopped"), "it is open");
        github.close(2);
        system.look_for_closed().await.unwrap();
        until_said(&system, &third, "T-2 ended: stopped by github.ben").await;
        until(|| github.branches().is_empty()).await;
        assert_eq!(github.pulls()[1].comments, [""; 0], "who closed it is told in the thread");
        merge(&system, &github, "pull/3").await;
        stop.cancel();
        running.await.unwrap();
    });
    assert_eq!(judge.faults(), [""; 0]);
    let asked = github.asked();
    let is_asked = |route: &&&str| asked.iter().any(|one| is_of(one, route));
    assert!(ROUTES.iter().all(|route| is_asked(&route)), "not every route was asked: {asked:#?}");
}

/// Whether `GET /repos/acme/web/pulls/1` is of `/repos/{owner}/{repo}/pulls/{pull_number}`.
fn is_of(request: &str, route: &str) -> bool {
    let path = request.split_once(' ').map_or("", |(_, path)| path);
    let (path, route): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), route.split('/').collect());
    path.len() == route.len() && path.iter().zip(&route).all(|(word, wanted)| wanted.starts_with('{') || word == wanted)
}

/// Whoever we are with the App whose key lies in `dir`.
fn as_app(dir: &tempfile::TempDir) -> String {
    format!("app_id = {APP_ID}\nprivate_key = {{ file = {:?} }}", dir.path().join("app.pem"))
}

pub fn server(dir: &tempfile::TempDir) -> GitHubServer {
    let checks = "[[checks]]\nname = \"words\"\ncommand = \"test -s README.md\"\n";
    let files = [("README.md", "# House\n"), (".downbeat/config.toml", checks)];
    let remote = RemoteRepository::bare(&dir.path().join("web.git"), &files);
    remote.git(&["config", "http.receivepack", "true"]);
    GitHubServer::start(remote.path())
}

pub fn a_mention_becomes_a_merged_pull_request() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config(&dir, &github, &github.api_url(), &as_token(TOKEN));
        let (system, stop, running) = start(&config).await;
        merge(&system, &github, "pull/1").await;
        stop.cancel();
        running.await.unwrap();
    });
    assert_eq!(files_with(&dir.path().join("state"), TOKEN), [""; 0], "the token is kept nowhere");
}

/// Has a change made, approved and landed.
async fn merge(system: &System, github: &GitHubServer, place: &str) {
    let (thread, ana) = (ThreadRef::console("main"), "ana".parse().unwrap());
    for (words, awaited) in [("@agent say goodbye", "Plan v1"), ("approve", "is ready on"), ("merge", "is merged into")]
    {
        system.console.say(&thread, &ana, words).await.unwrap();
        until_said(system, &thread, awaited).await;
    }
    let said = said(system, &thread).await;
    assert!(said.contains(&format!("is ready on http://{}/acme/web/{place}", github.address())), "{said}");
    let pull = github.pulls().pop().unwrap();
    assert!(pull.body.contains("Asked by **ana**") && pull.body.contains("approved by **ana**"), "{pull:?}");
    until(|| github.pulls().last().unwrap().state != "open" && github.branches().is_empty()).await;
    assert_eq!(github.pulls().last().unwrap().state, "merged");
    until(|| github.statuses("downbeat/queue").iter().any(|status| status.starts_with("success: merged as "))).await;
    let statuses = github.statuses("downbeat/queue");
    assert!(statuses.iter().any(|status| status == "pending: position 1 of 1 · testing"), "{statuses:?}");
}

async fn start(config: &str) -> (Arc<System>, CancellationToken, tokio::task::JoinHandle<()>) {
    let config = Config::from_text("downbeat.toml", config).unwrap();
    let cage = CageSettings { launcher: env!("CARGO_BIN_EXE_downbeat-under-test").into(), ..CageSettings::default() };
    let system = Arc::new(System::assemble(&config, Arc::new(SystemClock), Cage::new(cage)).await.unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (system, stop) = (system.clone(), stop.clone());
        async move { system.run(stop).await }
    });
    (system, stop, running)
}

/// Whoever we are with a token.
pub fn as_token(token: &str) -> String {
    format!("token = {token:?}")
}

/// An installation of one person, one repository there and an agent that says goodbye.
pub fn config(dir: &tempfile::TempDir, github: &GitHubServer, api_url: &str, identity: &str) -> String {
    format!(
        "state = {:?}\n[people.ana]\nroles = [\"requester\", \"approver\", \"operator\"]\n\
         [repos.web]\nremote = {:?}\ntarget = \"main\"\ngithub = \"acme/web\"\n[agents.coder]\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", \"cat > /dev/null; echo Bye > farewell.md\"]\n\
         plan = [\"sh\", \"-c\", \"cat > /dev/null; echo Say goodbye; echo 1. write farewell.md\"]\n\
         [github]\n{identity}\napi_url = {api_url:?}\n",
        dir.path().join("state"),
        github.remote(),
    )
}

async fn said(system: &System, thread: &ThreadRef) -> String {
    let messages = system.console.before(thread, i64::MAX).await.unwrap();
    messages.into_iter().map(|message| format!("{}: {}\n", message.author, message.text)).collect()
}

async fn until_said(system: &System, thread: &ThreadRef, words: &str) {
    let since = Instant::now();
    while !said(system, thread).await.contains(words) {
        assert!(since.elapsed() < ROAD_MAX, "`{words}` was not said: {}", said(system, thread).await);
        glance().await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < ROAD_MAX, "it did not come");
        glance().await;
    }
}

async fn glance() {
    let _ = tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
}

/// The files below a directory in which this stands.
fn files_with(dir: &std::path::Path, text: &str) -> Vec<String> {
    let output = std::process::Command::new("grep").args(["-rlaF", "-e", text]).arg(dir).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Somebody pushes to the pull request while it is in line: it leaves at the next look, long before it would land.
pub fn a_push_to_a_branch_in_line_is_noticed_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config(&dir, &github, &github.api_url(), &as_token(TOKEN));
        let (system, stop, running) = start(&config).await;
        let (thread, ana) = (ThreadRef::console("main"), "ana".parse().unwrap());
        for (words, awaited) in [
            ("@agent say goodbye", "Plan v1"),
            ("approve", "is ready on"),
            ("pause", "is paused"),
            ("merge", "position 1 of 1"),
        ] {
            system.console.say(&thread, &ana, words).await.unwrap();
            until_said(&system, &thread, awaited).await;
        }
        push_to(&dir, &github.branches()[0]);
        system.reconcile().await;
        until_said(&system, &thread, "its branch moved to").await;
        until(|| {
            github.statuses("downbeat/queue").iter().any(|status| status.starts_with("failure: its branch moved"))
        })
        .await;
        assert_eq!(github.pulls()[0].state, "open");
        stop.cancel();
        running.await.unwrap();
    });
}

fn push_to(dir: &tempfile::TempDir, branch: &str) {
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(dir.path().join("web.git")).args(args);
        command.envs([("GIT_AUTHOR_NAME", "ben"), ("GIT_AUTHOR_EMAIL", "ben@example.org")]);
        command.envs([("GIT_COMMITTER_NAME", "ben"), ("GIT_COMMITTER_EMAIL", "ben@example.org")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let commit = git(&["commit-tree", "-p", branch, "-m", "one more thing", &format!("{branch}^{{tree}}")]);
    git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
}
