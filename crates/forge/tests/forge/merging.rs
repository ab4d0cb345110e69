//! The git process that stays and answers merge after merge.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::Sha;
use forge::{Candidate, GitError, GitSettings, Repository};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{World, made, order, worlds};

struct Setting {
    world: World,
    ana: PathBuf,
    repository: Repository,
    base: Sha,
}

impl Setting {
    async fn on(world: World, limit: Duration) -> Self {
        let (bare, ana) = world.bare_remote();
        let settings = GitSettings { local_limit: limit, ..world.settings() };
        let repository = world.repository_with(settings, bare.to_str().unwrap(), "main").await;
        let base = repository.forge.target_head().await.unwrap();
        Self { world, ana, repository, base }
    }

    /// A commit on the base, written to the mirror now.
    async fn change(&self, name: &str, files: &[(&str, &str)]) -> Sha {
        let head = self.world.branch(&self.ana, name, &self.base, files);
        self.world.bring(&self.repository, &self.ana, &head).await;
        head
    }

    async fn merge(&self, head: &Sha) -> Result<Candidate, GitError> {
        self.repository.mirror.candidate(&order(&self.base, head)).await
    }

    fn processes(&self) -> Vec<Pid> {
        merge_processes(self.repository.mirror.path())
    }
}

/// The living processes that merge in this mirror.
fn merge_processes(mirror: &Path) -> Vec<Pid> {
    let git_dir = format!("GIT_DIR={}", mirror.display());
    let merges = |pid: &i32| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        read("environ").split('\0').any(|one| one == git_dir) && read("cmdline").contains("merge-tree")
    };
    let listed = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(merges).map(Pid::from_raw).collect()
}

/// Waits until no process merges in this mirror; a signal takes a moment to arrive.
async fn silence(mirror: &Path) {
    let quiet = async {
        while !merge_processes(mirror).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), quiet).await.expect("a merge process was left behind");
}

const PATIENT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_process_answers_merge_after_merge_and_sees_what_was_written_later() {
    for world in worlds() {
        let at = Setting::on(world, PATIENT).await;
        assert_eq!(at.processes(), []);
        let mut seen = Vec::new();
        for n in 0..12 {
            let head = at.change(&format!("b{n}"), &[(&format!("f{n}"), "new\n")]).await;
            made(at.merge(&head).await.unwrap());
            seen.extend(at.processes());
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[tokio::test]
async fn answers_of_every_length_arrive_whole() {
    for world in worlds() {
        let at = Setting::on(world, PATIENT).await;
        let names: Vec<String> = (0..300).map(|n| format!("dir/{n:03}{}", "x".repeat(n % 90))).collect();
        let ours: Vec<_> = names.iter().map(|name| (name.as_str(), "ours\n")).collect();
        let base = at.change("base", &ours).await;
        for n in [1, 2, 41, 300, 0, 7, 299] {
            let theirs: Vec<_> =
                names[..n].iter().map(|name| (name.as_str(), "theirs\n")).chain([("z", "z\n")]).collect();
            let head = at.change(&format!("head{n}"), &theirs).await;
            let merged = at.repository.mirror.candidate(&order(&base, &head)).await.unwrap();
            match n {
                0 => drop(made(merged)),
                _ => assert_eq!(merged, Candidate::Conflict { paths: names[..n].to_vec() }),
            }
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_is_replaced_and_nobody_notices() {
    for world in worlds() {
        let at = Setting::on(world, PATIENT).await;
        let head = at.change("work", &[("a", "a\n")]).await;
        let first = made(at.merge(&head).await.unwrap());
        let killed = at.processes();
        kill(killed[0], Signal::SIGKILL).unwrap();
        assert_eq!(made(at.merge(&head).await.unwrap()), first);
        let stopped = at.processes();
        assert!(stopped.len() == 1 && stopped != killed, "{stopped:?}");
        kill(stopped[0], Signal::SIGSTOP).unwrap();
        let (merged, ()) = tokio::join!(at.merge(&head), async {
            tokio::task::yield_now().await;
            kill(stopped[0], Signal::SIGKILL).unwrap();
        });
        assert_eq!(made(merged.unwrap()), first);
    }
}

#[tokio::test]
async fn a_question_without_an_answer_spoils_no_other() {
    for world in worlds() {
        let at = Setting::on(world, PATIENT).await;
        let head = at.change("work", &[("a", "a\n")]).await;
        at.world.git(&at.ana, &["checkout", "--quiet", "--orphan", "other"]);
        let stranger = at.world.commit(&at.ana, &[("z", "z\n")]);
        at.world.bring(&at.repository, &at.ana, &stranger).await;
        let nowhere: Sha = "1".repeat(40).parse().unwrap();
        for _ in 0..2 {
            made(at.merge(&head).await.unwrap());
            assert!(matches!(at.merge(&stranger).await, Err(GitError::Unrelated { .. })));
            assert!(matches!(at.merge(&nowhere).await, Err(GitError::Failed { .. })));
        }
        made(at.merge(&head).await.unwrap());
    }
}

#[tokio::test]
async fn each_base_is_merged_with_its_own_attributes() {
    for world in worlds() {
        let mut at = Setting::on(world, PATIENT).await;
        let plain = at.change("plain", &[("log", "0\n")]).await;
        let united = at
            .change("united", &[("log", "0\n"), ("a/b/.gitattributes", "x\n"), (".gitattributes", "log merge=union\n")])
            .await;
        for (n, base) in [&plain, &united, &plain].into_iter().enumerate() {
            at.base = base.clone();
            let ours = at.change(&format!("ours{n}"), &[("log", "0\no\n")]).await;
            let theirs = at.change(&format!("theirs{n}"), &[("log", "0\nt\n")]).await;
            at.base = ours;
            let merged = at.merge(&theirs).await.unwrap();
            assert_eq!(matches!(merged, Candidate::Made { .. }), *base == united, "{merged:?}");
        }
        assert_eq!(at.processes().len(), 1);
    }
}

#[tokio::test]
async fn a_process_that_hangs_is_killed_after_the_time_limit() {
    for world in worlds() {
        let at = Setting::on(world, Duration::from_secs(3)).await;
        let head = at.change("work", &[("a", "a\n")]).await;
        made(at.merge(&head).await.unwrap());
        kill(at.processes()[0], Signal::SIGSTOP).unwrap();
        assert!(matches!(at.merge(&head).await, Err(GitError::TimedOut { .. })));
        silence(at.repository.mirror.path()).await;
        made(at.merge(&head).await.unwrap());
    }
}

#[tokio::test]
async fn an_idle_process_ends_after_a_while_and_with_its_mirror() {
    for world in worlds() {
        let at = Setting::on(world, PATIENT).await;
        let head = at.change("work", &[("a", "a\n")]).await;
        made(at.merge(&head).await.unwrap());
        for _ in 0..16 {
            assert_eq!(at.processes().len(), 1);
            at.repository.mirror.sync().await.unwrap();
        }
        silence(at.repository.mirror.path()).await;
        made(at.merge(&head).await.unwrap());
        let path = at.repository.mirror.path().to_owned();
        drop(at.repository);
        silence(&path).await;
    }
}
