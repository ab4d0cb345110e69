//! The whole road: from a mention to a pull request that GitHub shows as merged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings};
use domain::ThreadRef;
use downbeat::clock::SystemClock;
use downbeat::config::Config;
use downbeat::serve::System;
use tests::git::RemoteRepository;
use tests::github::judge::Judge;
use tests::github::{GitHubServer, TOKEN};
use tokio_util::sync::CancellationToken;

const ROAD_MAX: Duration = Duration::from_secs(60);

pub fn a_mention_becomes_a_merged_pull_request() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    go(&dir, &github, &github.api_url());
}

pub fn every_request_is_as_github_describes_it() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    let judge = Judge::start(&github.api_url());
    go(&dir, &github, &judge.api_url());
    assert_eq!(judge.faults(), [""; 0]);
}

pub fn server(dir: &tempfile::TempDir) -> GitHubServer {
    let checks = "[[checks]]\nname = \"words\"\ncommand = \"test -s README.md\"\n";
    let files = [("README.md", "# House\n"), (".downbeat/config.toml", checks)];
    let remote = RemoteRepository::bare(&dir.path().join("web.git"), &files);
    remote.git(&["config", "http.receivepack", "true"]);
    GitHubServer::start(remote.path())
}

fn go(dir: &tempfile::TempDir, github: &GitHubServer, api_url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(go_the_road(dir, github, api_url));
}

async fn go_the_road(dir: &tempfile::TempDir, github: &GitHubServer, api_url: &str) {
    let (system, stop, running) = start(dir, github, api_url).await;
    let (thread, ana) = (ThreadRef::console("main"), "ana".parse().unwrap());
    for (words, awaited) in [("@agent say goodbye", "Plan v1"), ("approve", "is ready on"), ("merge", "is merged into")]
    {
        system.console.say(&thread, &ana, words).await.unwrap();
        until_said(&system, &thread, awaited).await;
    }
    let said = said(&system, &thread).await;
    let [pull] = &github.pulls()[..] else { panic!("{:?}", github.pulls()) };
    assert!(said.contains(&format!("is ready on http://{}/acme/web/pull/1", github.address())), "{said}");
    assert!(pull.body.contains("Asked by **ana**") && pull.body.contains("approved by **ana**"), "{pull:?}");
    until(|| github.pulls()[0].state != "open" && github.branches().is_empty()).await;
    assert_eq!(github.pulls()[0].state, "merged");
    until(|| github.statuses("downbeat/queue").iter().any(|status| status.starts_with("success: merged as "))).await;
    let statuses = github.statuses("downbeat/queue");
    assert!(statuses.iter().any(|status| status == "pending: position 1 of 1 · testing"), "{statuses:?}");
    stop.cancel();
    running.await.unwrap();
}

async fn start(
    dir: &tempfile::TempDir,
    github: &GitHubServer,
    api_url: &str,
) -> (Arc<System>, CancellationToken, tokio::task::JoinHandle<()>) {
    let config = Config::from_text("downbeat.toml", &config(dir, github, api_url, TOKEN)).unwrap();
    let cage = CageSettings { launcher: env!("CARGO_BIN_EXE_downbeat-under-test").into(), ..CageSettings::default() };
    let system = Arc::new(System::assemble(&config, Arc::new(SystemClock), Cage::new(cage)).await.unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (system, stop) = (system.clone(), stop.clone());
        async move { system.run(stop).await }
    });
    (system, stop, running)
}

/// An installation of one person, one repository there and an agent that says goodbye.
pub fn config(dir: &tempfile::TempDir, github: &GitHubServer, api_url: &str, token: &str) -> String {
    format!(
        "state = {:?}\n[people.ana]\nroles = [\"requester\", \"approver\", \"operator\"]\n\
         [repos.web]\nremote = {:?}\ntarget = \"main\"\ngithub = \"acme/web\"\n[agents.coder]\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", \"cat > /dev/null; echo Bye > farewell.md\"]\n\
         plan = [\"sh\", \"-c\", \"cat > /dev/null; echo Say goodbye; echo 1. write farewell.md\"]\n\
         [github]\ntoken = {token:?}\napi_url = {api_url:?}\n",
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

/// Somebody pushes to the pull request while it is in line: it leaves at the next look, long before it would land.
pub fn a_push_to_a_branch_in_line_is_noticed_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let github = server(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (system, stop, running) = start(&dir, &github, &github.api_url()).await;
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
