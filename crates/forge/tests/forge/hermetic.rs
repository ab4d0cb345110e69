//! How the program is run: what it is told, what it may not read, and how it is stopped.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use forge::{ForgeError, Git, GitError, GitSettings};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::world::{World, order, worlds, write};

/// A stand-in for git that answers the question for its version and otherwise runs `script`.
fn pretender(world: &World, version: &str, script: &str) -> GitSettings {
    let program = world.path("pretender");
    let text = format!("#!/bin/sh\nif [ \"$1\" = version ]; then echo 'git version {version}'; exit; fi\n{script}\n");
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    GitSettings { program, ..world.settings() }
}

fn world() -> World {
    worlds().next().unwrap()
}

#[tokio::test]
async fn a_git_that_is_too_old_is_refused_by_its_number() {
    let world = world();
    let refused = Git::open(pretender(&world, "2.34.1", "exit 1")).await.unwrap_err().to_string();
    assert!(refused.contains("is git 2.34.1, and 2.39 is the oldest that works"), "{refused}");
    let missing = GitSettings { program: PathBuf::from("/nowhere/git"), ..world.settings() };
    assert!(matches!(Git::open(missing).await, Err(GitError::NotStarted { .. })));
}

#[tokio::test]
async fn nothing_of_our_own_environment_reaches_git() {
    let world = world();
    let git = Git::open(pretender(&world, "2.39.0", "env; exit 0")).await.unwrap();
    let seen = git.call("anything", world.home.path()).text().await.unwrap();
    for line in ["GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "PATH=/usr/bin:/bin"]
    {
        assert!(seen.lines().any(|seen| seen == line), "{line} is missing in {seen}");
    }
    assert!(seen.contains("BatchMode=yes") && !seen.contains("CARGO"), "{seen}");
    assert!(seen.contains(&format!("HOME={}", world.path("git-home").display())), "{seen}");
}

#[tokio::test]
async fn credentials_are_in_no_argument_and_no_error() {
    let world = world();
    let remote = "https://ana:se%40cret@git.example.org/web.git".parse().unwrap();
    let script = "echo \"args: $*\"; env; echo \"fatal: https://ana:se@cret@git.example.org/ failed\" >&2; exit $CODE";
    let git = Git::open(pretender(&world, "2.39.0", script)).await.unwrap();
    let call = |code: &str| git.call("fetch", world.home.path()).remote(&remote).args(["downbeat"]).env("CODE", code);
    let seen = call("0").text().await.unwrap();
    let args = seen.lines().next().unwrap();
    assert!(!args.contains("cret") && !seen.contains("ana:se"), "{seen}");
    assert!(
        seen.contains("DOWNBEAT_GIT_PASSWORD=se@cret") && seen.contains("credential.https://git.example.org.helper")
    );
    let error = call("3").text().await.unwrap_err().to_string();
    assert_eq!(error, "git fetch failed with exit 3: https://***@git.example.org/ failed");
}

#[tokio::test]
async fn the_credential_helper_answers_the_real_git_for_its_host_alone() {
    for world in worlds() {
        let git = Git::open(world.settings()).await.unwrap();
        let remote = "https://ana:se%40cret@git.example.org/web.git".parse().unwrap();
        let ask = async |host: &str| {
            let question = format!("protocol=https\nhost={host}\n\n").into_bytes();
            git.call("credential", world.home.path()).remote(&remote).args(["fill"]).stdin(question).text().await
        };
        let answer = ask("git.example.org").await.unwrap();
        assert!(answer.contains("username=ana") && answer.contains("password=se@cret"), "{answer}");
        assert!(ask("elsewhere.example.org").await.is_err());
    }
}

#[tokio::test]
async fn a_call_that_runs_over_is_killed_with_all_that_it_started() {
    let world = world();
    let script = format!("sleep 300 & echo $! > '{}'; wait", world.path("child").display());
    let mut settings = pretender(&world, "2.39.0", &script);
    settings.local_limit = Duration::from_millis(500);
    let started = Instant::now();
    let git = Git::open(settings).await.unwrap();
    let stopped = git.call("gc", world.home.path()).text().await.unwrap_err();
    assert_eq!(stopped, GitError::TimedOut { verb: "gc", limit: Duration::from_millis(500) });
    assert!(started.elapsed() < Duration::from_secs(60));
    until_gone(&world.path("child"), Duration::from_secs(60)).await;
}

/// The last that is heard of a program that wrote its number here.
async fn until_gone(number: &Path, within: Duration) {
    let started = Instant::now();
    let is_there = || std::fs::read_to_string(number).is_ok_and(|text| text.ends_with('\n'));
    while !is_there() {
        assert!(started.elapsed() < within, "it never began");
        tokio::task::yield_now().await;
    }
    let number = std::fs::read_to_string(number).unwrap();
    let is_gone = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", number.trim())).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    };
    // The kernel may take a moment to carry a kill out.
    while !is_gone() {
        assert!(started.elapsed() < within, "{} lives on", number.trim());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_whose_caller_has_gone_is_killed_when_it_does_not_end_by_itself() {
    let world = world();
    let number = world.path("number");
    let script = format!("trap '' TERM; echo $$ > '{}'; while :; do sleep 0.1; done", number.display());
    let mut settings = pretender(&world, "2.39.0", &script);
    settings.end_limit = Duration::from_millis(300);
    let git = Git::open(settings).await.unwrap();
    let begun = async {
        while !number.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = git.call("gc", world.home.path()).run() => panic!("it ended: {ended:?}"),
        () = begun => {}
    }
    until_gone(&number, Duration::from_secs(20)).await;
}

/// The user `nobody` of every Linux; the kernel exempts root from its limit on processes.
const NOBODY: u32 = 65_534;

/// Says of a real git, at the limit of its user's processes, what it says of a machine that is full; and that it goes on
/// afterwards.
#[test]
fn a_machine_that_is_full_is_told_from_a_git_that_is_missing() {
    if !nix::unistd::geteuid().is_root() {
        return tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(at_the_limit());
    }
    let name = "hermetic::a_machine_that_is_full_is_told_from_a_git_that_is_missing";
    let mut again = Command::new("/proc/self/exe");
    let ended = again.args(["--exact", name, "--nocapture"]).uid(NOBODY).gid(NOBODY).status().unwrap();
    assert!(ended.success());
}

async fn at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let git = Git::open(GitSettings::new("git", dir.path().join("home"))).await.unwrap();
    let version = || git.call("version", dir.path()).text();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
    setrlimit(Resource::RLIMIT_NPROC, 0, hard).unwrap();
    let full = version().await.unwrap_err();
    setrlimit(Resource::RLIMIT_NPROC, soft, hard).unwrap();
    let told = "`git` could not be started: Resource temporarily unavailable (os error 11); the machine is full, and other \
                programs have to end first";
    assert_eq!(full.to_string(), told);
    assert!(full.is_for_want_of_room());
    assert!(matches!(ForgeError::from(full), ForgeError::Transient { .. }));
    assert!(version().await.is_ok());
}

#[tokio::test]
async fn a_call_that_prints_without_end_is_stopped() {
    let world = world();
    let mut settings = pretender(&world, "2.39.0", "yes");
    settings.output_bytes_max = 10_000;
    let git = Git::open(settings).await.unwrap();
    let stopped = git.call("log", world.home.path()).text().await.unwrap_err();
    assert_eq!(stopped, GitError::TooMuchOutput { verb: "log", bytes_max: 10_000 });
}

#[tokio::test]
async fn the_configuration_of_a_mirror_cannot_switch_hooks_or_drivers_on() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let root = world.commit(&ana, &[("a", "0\n"), (".gitattributes", "a merge=evil\n")]);
        let base = world.branch(&ana, "base", &root, &[("a", "1\n")]);
        let head = world.branch(&ana, "head", &root, &[("a", "2\n")]);
        let repository = world.repository(&bare).await;
        world.bring(&repository, &ana, &base).await;
        world.bring(&repository, &ana, &head).await;
        let mark = world.path("mark");
        let script = format!("#!/bin/sh\ntouch '{}'\n", mark.display());
        let hooks = repository.mirror.path().join("hooks");
        write(&hooks, &[("reference-transaction", &script), ("post-index-change", &script)]);
        for entry in std::fs::read_dir(&hooks).unwrap() {
            std::fs::set_permissions(entry.unwrap().path(), PermissionsExt::from_mode(0o755)).unwrap();
        }
        repository.forge.target_head().await.unwrap();
        repository.mirror.candidate(&order(&base, &head)).await.unwrap();
        assert!(!mark.exists(), "a hook in the mirror was run");
    }
}

#[test]
fn a_broken_configuration_of_the_person_who_runs_us_is_not_even_read() {
    let world = world();
    write(world.home.path(), &[(".gitconfig", "[[[ broken"), (".config/git/config", "[[[ broken")]);
    let one = "candidates::the_same_order_gives_the_same_commit_on_every_git";
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let output = again.args(["--exact", one]).env("HOME", world.home.path()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[tokio::test]
async fn every_call_may_move_between_threads() {
    fn movable<F: Future + Send>(future: F) -> F {
        future
    }
    let world = world();
    let (bare, _) = world.bare_remote();
    let repository = world.repository(&bare).await;
    let (mirror, dir, name) = (&repository.mirror, world.path("workspace"), crate::world::branch("work"));
    let base = movable(repository.forge.target_head()).await.unwrap();
    movable(mirror.ensure(&base)).await.unwrap();
    movable(mirror.candidate(&order(&base, &base))).await.unwrap();
    movable(mirror.clone_workspace(&dir, &base, &name)).await.unwrap();
    movable(mirror.commit_workspace(&dir, &base, &name, "m", &crate::world::signature())).await.unwrap();
    movable(mirror.checkout_tree(&base, &world.path("tree"))).await.unwrap();
    movable(forge::locate_repository(mirror.git(), &bare, None)).await.unwrap();
}
