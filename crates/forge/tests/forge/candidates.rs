//! The commit that would land, made in the mirror.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use domain::Sha;
use forge::{Candidate, GitError, Repository};

use crate::world::{World, made, order, worlds};

const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

struct Setting {
    world: World,
    ana: PathBuf,
    repository: Repository,
    root: Sha,
}

impl Setting {
    async fn on(world: World, files: &[(&str, &str)]) -> Self {
        let (bare, ana) = world.bare_remote();
        let root = world.commit(&ana, files);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        repository.forge.target_head().await.unwrap();
        Self { world, ana, repository, root }
    }

    async fn side(&self, name: &str, files: &[(&str, &str)]) -> Sha {
        let head = self.world.branch(&self.ana, name, &self.root, files);
        self.world.bring(&self.repository, &self.ana, &head).await;
        head
    }

    async fn merge(&self, base: &Sha, head: &Sha) -> Candidate {
        self.repository.mirror.candidate(&order(base, head)).await.unwrap()
    }

    async fn file(&self, commit: &Sha, path: &str) -> String {
        String::from_utf8(self.repository.mirror.file_at(commit, path).await.unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_candidate_is_one_commit_on_its_base_with_both_changes() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        let base = at.side("base", &[("a", &LINES.replace("one", "ONE"))]).await;
        let head = at.side("head", &[("a", &LINES.replace("five", "FIVE"))]).await;
        let commit = made(at.merge(&base, &head).await);
        assert_eq!(at.file(&commit, "a").await, "ONE\ntwo\nthree\nfour\nFIVE\n");
        let printed =
            at.world.git(at.repository.mirror.path(), &["show", "-s", "--format=%P|%an|%ce|%ct|%B", commit.as_str()]);
        assert_eq!(printed, format!("{base}|Downbeat|bot@example.org|1700000000|fix it\n\nWhy."));
    }
}

#[tokio::test]
async fn the_same_order_gives_the_same_commit_on_every_git() {
    let mut commits = Vec::new();
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        let base = at.side("base", &[("a", &LINES.replace("one", "ONE"))]).await;
        let head = at.side("head", &[("b", "new\n")]).await;
        commits.push(made(at.merge(&base, &head).await));
        commits.push(made(at.merge(&base, &head).await));
    }
    commits.dedup();
    assert_eq!(commits.len(), 1, "{commits:?}");
}

#[tokio::test]
async fn a_conflict_names_its_paths_once() {
    for world in worlds() {
        let at = Setting::on(world, &[("dir/a b", LINES), ("c", LINES), ("d", LINES)]).await;
        let base = at.side("base", &[("dir/a b", "x\n"), ("c", "x\n"), ("d", &LINES.replace("one", "1"))]).await;
        let head = at.side("head", &[("dir/a b", "y\n"), ("c", "y\n"), ("d", &LINES.replace("five", "5"))]).await;
        let paths = vec!["c".to_owned(), "dir/a b".to_owned()];
        assert_eq!(at.merge(&base, &head).await, Candidate::Conflict { paths });
    }
}

/// [33]
#[tokio::test]
async fn two_names_for_one_file_conflict_under_all_three() {
    for world in worlds() {
        let at = Setting::on(world, &[("old", LINES)]).await;
        let renamed = |name: &'static str| {
            at.world.git(&at.ana, &["checkout", "--quiet", "-b", name, at.root.as_str()]);
            at.world.git(&at.ana, &["mv", "old", name]);
            at.world.commit(&at.ana, &[])
        };
        let (base, head) = (renamed("left"), renamed("right"));
        at.world.bring(&at.repository, &at.ana, &base).await;
        at.world.bring(&at.repository, &at.ana, &head).await;
        let Candidate::Conflict { mut paths } = at.merge(&base, &head).await else { panic!("it merged") };
        paths.sort();
        assert_eq!(paths, ["left", "old", "right"]);
    }
}

/// [33]
#[tokio::test]
async fn the_attributes_of_the_base_are_honoured_in_every_directory() {
    for world in worlds() {
        let nested = [(".gitattributes", "log merge=union\n"), ("sub/.gitattributes", "notes merge=union\n")];
        let at = Setting::on(world, &[nested[0], nested[1], ("log", "0\n"), ("sub/notes", "0\n")]).await;
        let base = at.side("base", &[("log", "0\nb\n"), ("sub/notes", "0\nb\n")]).await;
        let head = at.side("head", &[("log", "0\nh\n"), ("sub/notes", "0\nh\n")]).await;
        let commit = made(at.merge(&base, &head).await);
        assert_eq!(at.file(&commit, "log").await, "0\nb\nh\n");
        assert_eq!(at.file(&commit, "sub/notes").await, "0\nb\nh\n");
    }
}

#[tokio::test]
async fn a_branch_cannot_choose_how_it_is_merged() {
    for world in worlds() {
        let at = Setting::on(world, &[("log", "0\n")]).await;
        let base = at.side("base", &[("log", "0\nb\n")]).await;
        let head = at.side("head", &[("log", "0\nh\n"), (".gitattributes", "log merge=union\n")]).await;
        assert_eq!(at.merge(&base, &head).await, Candidate::Conflict { paths: vec!["log".to_owned()] });
    }
}

/// [28]
#[tokio::test]
async fn work_that_the_base_has_already_is_said_to_be_in() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        let head = at.side("head", &[("a", "new\n")]).await;
        let same = at.side("same", &[("a", "new\n"), ("b", "more\n")]).await;
        assert_eq!(at.merge(&head, &head).await, Candidate::AlreadyIn);
        assert_eq!(at.merge(&head, &at.root).await, Candidate::AlreadyIn);
        assert_eq!(at.merge(&same, &head).await, Candidate::AlreadyIn);
    }
}

/// [33]
#[tokio::test]
async fn a_change_of_mode_alone_is_a_change() {
    for world in worlds() {
        let at = Setting::on(world, &[("run", LINES)]).await;
        at.world.git(&at.ana, &["checkout", "--quiet", "-b", "mode"]);
        std::fs::set_permissions(at.ana.join("run"), PermissionsExt::from_mode(0o755)).unwrap();
        let head = at.world.commit(&at.ana, &[]);
        at.world.bring(&at.repository, &at.ana, &head).await;
        let base = at.side("base", &[("run", &LINES.replace("one", "ONE"))]).await;
        let commit = made(at.merge(&base, &head).await);
        let listed = at.world.git(at.repository.mirror.path(), &["ls-tree", commit.as_str(), "run"]);
        assert!(listed.starts_with("100755"), "{listed}");
        let changes = at.repository.mirror.changes(&base, &commit).await.unwrap();
        assert_eq!(changes.iter().map(|c| (c.path.as_str(), c.added, c.removed)).collect::<Vec<_>>(), [("run", 0, 0)]);
    }
}

/// [33]
#[tokio::test]
async fn line_ends_are_content_unless_the_base_says_otherwise() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        let base = at.side("base", &[("a", &LINES.replace('\n', "\r\n"))]).await;
        let head = at.side("head", &[("a", &LINES.replace("three", "THREE"))]).await;
        assert_eq!(at.merge(&base, &head).await, Candidate::Conflict { paths: vec!["a".to_owned()] });
        let tail = at.side("tail", &[("b", "x\r\n")]).await;
        let commit = made(at.merge(&base, &tail).await);
        assert_eq!(at.file(&commit, "b").await, "x\r\n");
    }
}

/// [33]
#[tokio::test]
async fn histories_without_a_common_commit_are_not_merged() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        at.world.git(&at.ana, &["checkout", "--quiet", "--orphan", "other"]);
        let head = at.world.commit(&at.ana, &[("z", "z\n")]);
        at.world.bring(&at.repository, &at.ana, &head).await;
        let refused = at.repository.mirror.candidate(&order(&at.root, &head)).await;
        assert!(matches!(refused, Err(GitError::Unrelated { .. })), "{refused:?}");
    }
}

/// [43]
#[tokio::test]
async fn a_commit_that_the_mirror_lacks_is_fetched_by_its_name_or_said_to_be_missing() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", LINES)]).await;
        let head = at.world.branch(&at.ana, "late", &at.root, &[("b", "b\n")]);
        at.world.git(&at.ana, &["push", "--quiet", "origin", "late"]);
        assert!(at.repository.mirror.candidate(&order(&at.root, &head)).await.is_err());
        at.repository.mirror.ensure(&head).await.unwrap();
        made(at.merge(&at.root, &head).await);
        let nowhere: Sha = "1".repeat(40).parse().unwrap();
        let missing = at.repository.mirror.ensure(&nowhere).await.unwrap_err();
        assert!(matches!(forge::ForgeError::from(missing), forge::ForgeError::Missing { .. }));
    }
}
