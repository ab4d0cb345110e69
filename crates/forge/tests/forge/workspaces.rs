//! Working trees of agents, who may put anything into them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use domain::Sha;
use forge::Repository;

use crate::landing::install_hook;
use crate::world::{World, branch, signature, snapshot, worlds, write};

struct Setting {
    world: World,
    repository: Repository,
    base: Sha,
    dir: PathBuf,
}

impl Setting {
    async fn on(world: World, files: &[(&str, &str)]) -> Self {
        let (bare, ana) = world.bare_remote();
        world.commit(&ana, files);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let dir = world.path("workspace");
        repository.mirror.clone_workspace(&dir, &base, &branch("downbeat/T-1")).await.unwrap();
        Self { world, repository, base, dir }
    }

    async fn commit(&self) -> Option<Sha> {
        let (name, author) = (branch("downbeat/T-1"), signature());
        self.repository.mirror.commit_workspace(&self.dir, &self.base, &name, "work", &author).await.unwrap()
    }

    fn names(&self, commit: &Sha) -> String {
        let args = ["diff-tree", "-r", "--name-status", "--no-renames", self.base.as_str(), commit.as_str()];
        self.world.git(self.repository.mirror.path(), &args).replace('\t', " ")
    }
}

#[tokio::test]
async fn a_workspace_is_on_its_own_branch_and_knows_the_target() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", "a\n")]).await;
        assert_eq!(at.world.git(&at.dir, &["symbolic-ref", "HEAD"]), "refs/heads/downbeat/T-1");
        assert_eq!(at.world.sha(&at.dir, "HEAD"), at.base);
        assert_eq!(at.world.sha(&at.dir, "origin/main"), at.base);
        assert_eq!(at.world.git(&at.dir, &["status", "--porcelain"]), "");
        assert!(at.dir.join(".git/objects/info/alternates").exists());
    }
}

#[tokio::test]
async fn what_changed_becomes_one_commit_that_is_kept() {
    for world in worlds() {
        let at = Setting::on(world, &[("gone", "x\n"), (".gitignore", "*.log\n"), ("dir/a", "a\n")]).await;
        assert_eq!(at.commit().await, None);
        write(&at.dir, &[("readme", "new\n"), ("added", "x\n"), ("build.log", "x\n")]);
        std::fs::remove_file(at.dir.join("gone")).unwrap();
        std::fs::set_permissions(at.dir.join("dir/a"), PermissionsExt::from_mode(0o755)).unwrap();
        let commit = at.commit().await.unwrap();
        assert_eq!(at.names(&commit), "A added\nM dir/a\nD gone\nM readme");
        assert_eq!(at.world.sha(at.repository.mirror.path(), "refs/downbeat/tasks/downbeat/T-1"), commit);
        assert_eq!(at.world.git(at.repository.mirror.path(), &["rev-parse", &format!("{commit}^@")]), at.base.as_str());
        assert_eq!(at.commit().await, Some(commit), "committing may be repeated");
    }
}

#[tokio::test]
async fn what_the_agent_committed_itself_is_part_of_the_one_commit() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", "a\n")]).await;
        at.world.commit(&at.dir, &[("mine", "x\n")]);
        at.world.commit(&at.dir, &[("mine", "y\n")]);
        write(&at.dir, &[("more", "z\n")]);
        let commit = at.commit().await.unwrap();
        assert_eq!(at.names(&commit), "A mine\nA more");
    }
}

#[tokio::test]
async fn nothing_that_an_agent_planted_is_executed() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", "a\n"), (".gitattributes", "* filter=evil diff=evil merge=evil\n")]).await;
        let mark = at.world.path("mark");
        let script = format!("#!/bin/sh\ntouch '{}'\ncat\n", mark.display());
        let evil = at.dir.join("evil.sh");
        std::fs::write(&evil, &script).unwrap();
        std::fs::set_permissions(&evil, PermissionsExt::from_mode(0o755)).unwrap();
        let poison = |repository: &Path| {
            let program = evil.to_str().unwrap();
            for key in [
                "core.fsmonitor",
                "filter.evil.clean",
                "filter.evil.smudge",
                "filter.evil.process",
                "diff.evil.command",
                "diff.evil.textconv",
                "merge.evil.driver",
                "core.sshCommand",
                "core.pager",
                "diff.external",
                "core.editor",
                "gpg.program",
                "core.alternateRefsCommand",
                "uploadpack.packObjectsHook",
            ] {
                at.world.git(repository, &["config", key, program]);
            }
            for hook in ["pre-commit", "post-index-change", "reference-transaction", "post-checkout", "pre-push"] {
                install_hook(&repository.join(".git"), hook, &script);
            }
        };
        at.world.git(&at.dir, &["init", "--quiet", "nested"]);
        at.world.commit(&at.dir.join("nested"), &[("x", "x\n")]);
        poison(&at.dir);
        poison(&at.dir.join("nested"));
        write(&at.dir, &[("a", "changed\n")]);
        at.world.try_git(&at.dir, &["status"]);
        assert!(mark.exists(), "the poison does not work, so this test shows nothing");
        std::fs::remove_file(&mark).unwrap();

        let commit = at.commit().await.unwrap();
        at.repository.mirror.checkout_tree(&commit, &at.world.path("tree")).await.unwrap();
        at.repository.mirror.changes(&at.base, &commit).await.unwrap();
        at.repository.mirror.patch(&at.base, &commit, 10_000).await.unwrap();
        assert!(!mark.exists(), "something planted was executed");
        assert_eq!(at.names(&commit), "M a\nA evil.sh");
    }
}

#[tokio::test]
async fn a_git_directory_that_was_swapped_for_something_else_changes_nothing() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", "a\n")]).await;
        std::fs::remove_dir_all(at.dir.join(".git")).unwrap();
        write(&at.dir, &[("a", "changed\n")]);
        let commit = at.commit().await.unwrap();
        symlink("/etc", at.dir.join(".git")).unwrap();
        assert_eq!(at.commit().await, Some(commit.clone()));
        std::fs::remove_file(at.dir.join(".git")).unwrap();
        write(&at.dir, &[(".git", "gitdir: /etc\n")]);
        assert_eq!(at.commit().await, Some(commit.clone()));
        assert_eq!(at.names(&commit), "M a");
    }
}

#[tokio::test]
async fn links_are_committed_as_links_and_never_followed() {
    for world in worlds() {
        let at = Setting::on(world, &[("dir/a", "a\n"), ("b", "b\n")]).await;
        let outside = at.world.path("outside");
        write(&outside, &[("a", "secret\n")]);
        std::fs::remove_dir_all(at.dir.join("dir")).unwrap();
        symlink(&outside, at.dir.join("dir")).unwrap();
        std::fs::remove_file(at.dir.join("b")).unwrap();
        symlink("/etc/passwd", at.dir.join("b")).unwrap();
        symlink("loop", at.dir.join("loop")).unwrap();
        let commit = at.commit().await.unwrap();
        assert_eq!(at.names(&commit), "T b\nA dir\nD dir/a\nA loop");
        let listed = at.world.git(at.repository.mirror.path(), &["ls-tree", commit.as_str(), "b", "dir"]);
        assert_eq!(listed.matches("120000 blob").count(), 2, "{listed}");
        at.repository.mirror.checkout_tree(&commit, &at.world.path("tree")).await.unwrap();
        assert_eq!(std::fs::read_link(at.world.path("tree/b")).unwrap(), Path::new("/etc/passwd"));
        assert_eq!(snapshot(&outside).len(), 1);
    }
}

#[tokio::test]
async fn nested_repositories_are_left_out() {
    for world in worlds() {
        let at = Setting::on(world, &[("a", "a\n"), ("known/a", "a\n")]).await;
        at.world.git(&at.dir, &["init", "--quiet", "fresh"]);
        // A directory with files of ours in it stays ours.
        at.world.git(&at.dir, &["init", "--quiet", "known"]);
        at.world.commit(&at.dir.join("known"), &[("b", "b\n")]);
        at.world.git(&at.dir, &["init", "--quiet", "deep/:(top)odd *"]);
        at.world.commit(&at.dir.join("deep/:(top)odd *"), &[("x", "x\n")]);
        write(&at.dir, &[("fresh/x", "x\n"), ("deep/y", "y\n"), ("file/.git", "gitdir: ../.git\n"), ("file/z", "z\n")]);
        let commit = at.commit().await.unwrap();
        assert_eq!(at.names(&commit), "A deep/y\nA known/b");
    }
}

/// [33]
#[tokio::test]
async fn submodules_stay_where_the_base_has_them() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let pinned = world.sha(&ana, "HEAD");
        for path in ["sub", "libs/one"] {
            world.git(&ana, &["update-index", "--add", "--cacheinfo", &format!("160000,{pinned},{path}")]);
        }
        world.git(&ana, &["commit", "--quiet", "--message", "pin"]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        let (base, dir) = (repository.forge.target_head().await.unwrap(), world.path("workspace"));
        repository.mirror.clone_workspace(&dir, &base, &branch("downbeat/T-1")).await.unwrap();
        let at = Setting { world, repository, base, dir };
        assert_eq!(at.commit().await, None);
        at.world.git(&at.dir, &["init", "--quiet", "sub"]);
        at.world.commit(&at.dir.join("sub"), &[("x", "x\n")]);
        let mark = at.world.path("mark");
        at.world.git(&at.dir.join("sub"), &["config", "core.fsmonitor", &format!("touch '{}'", mark.display())]);
        assert_eq!(at.commit().await, None);
        assert!(!mark.exists(), "the submodule's own configuration was followed");
        std::fs::remove_dir_all(at.dir.join("libs")).unwrap();
        write(&at.dir, &[("libs", "a file now\n")]);
        let commit = at.commit().await.unwrap();
        assert_eq!(at.names(&commit), "A libs\nD libs/one");
    }
}

#[tokio::test]
async fn a_tree_is_laid_out_as_plain_files_into_an_empty_directory_only() {
    for world in worlds() {
        let at = Setting::on(
            world,
            &[("dir/run", "#!/bin/sh\n"), (".gitattributes", "*.txt text eol=crlf\n"), ("t.txt", "a\n")],
        )
        .await;
        let dir = at.world.path("tree");
        at.repository.mirror.checkout_tree(&at.base, &dir).await.unwrap();
        assert!(!dir.join(".git").exists() && dir.join("dir/run").exists());
        assert_eq!(std::fs::read(dir.join("t.txt")).unwrap(), b"a\r\n", "as a person's checkout has it");
        let again = at.repository.mirror.checkout_tree(&at.base, &dir).await;
        assert!(again.unwrap_err().to_string().contains("not empty"));
        assert_eq!(
            std::fs::read_dir(at.world.path("mirrors/scratch")).unwrap().count(),
            0,
            "temporary files were left"
        );
    }
}
