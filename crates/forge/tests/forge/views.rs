//! What checks see of a commit.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use domain::Sha;
use forge::Repository;
use forge::checks::CHECKS_FILE;

use crate::world::{World, snapshot, worlds, write};

const LANES: &str = "[lanes]\nweb = ['web/**', '**/*.css']\napi = ['api/**']\nall = ['Cargo.lock', 'shared/**']\n";

struct Setting {
    world: World,
    repository: Repository,
    ana: PathBuf,
}

impl Setting {
    async fn on(world: World) -> Self {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        write(&ana, &[(CHECKS_FILE, LANES), (".downbeat/setup", "true\n")]);
        Self { world, repository, ana }
    }

    /// Commits files on what is there and brings the commit to the mirror.
    async fn commit(&self, files: &[(&str, &str)]) -> Sha {
        let commit = self.world.commit(&self.ana, files);
        self.world.bring(&self.repository, &self.ana, &commit).await;
        commit
    }

    async fn view(&self, commit: &Sha, lanes: &[&str]) -> Sha {
        let lanes: Vec<String> = lanes.iter().map(|lane| (*lane).to_owned()).collect();
        self.repository.mirror.view_of(commit, &lanes).await.unwrap()
    }

    /// Every path of the view.
    async fn paths(&self, commit: &Sha, lanes: &[&str]) -> String {
        let view = self.view(commit, lanes).await;
        let args = ["ls-tree", "-r", "-t", "--name-only", view.as_str()];
        self.world.git(self.repository.mirror.path(), &args).replace('\n', " ")
    }
}

/// [19]
#[tokio::test]
async fn a_check_sees_its_lanes_and_what_concerns_every_lane() {
    for world in worlds() {
        let at = Setting::on(world).await;
        let files = ["web/src/a.ts", "web/a.CSS", "api/a.rs", "api/deep/er/a.rs", "docs/a.css", "docs/a.md"];
        let mut files: Vec<_> = files.iter().map(|path| (*path, "x\n")).collect();
        files.extend([("Cargo.lock", "x\n"), ("shared/all/a", "x\n")]);
        let commit = at.commit(&files).await;
        let every = ".downbeat .downbeat/config.toml Cargo.lock";
        for (lanes, web, api, rest) in [
            (&["api"][..], "", " api api/a.rs api/deep api/deep/er api/deep/er/a.rs", ""),
            (&["web"], " docs docs/a.css", "", " web web/a.CSS web/src web/src/a.ts"),
        ] {
            let shared = " shared shared/all shared/all/a";
            assert_eq!(at.paths(&commit, lanes).await, format!("{every}{api}{web}{shared}{rest}"));
        }
        assert_eq!(
            at.paths(&commit, &["rest"]).await,
            ".downbeat .downbeat/config.toml .downbeat/setup Cargo.lock docs docs/a.md readme shared shared/all \
             shared/all/a"
        );
        let tree = at.repository.mirror.tree_of(&commit).await.unwrap();
        assert_eq!(at.view(&commit, &[]).await, tree, "without lanes it sees everything");
        assert_eq!(at.view(&commit, &["api", "rest", "web"]).await, tree, "and so it does with all of them");
    }
}

/// [19]
#[tokio::test]
async fn a_view_changes_with_what_is_seen_and_with_nothing_else() {
    for world in worlds() {
        let at = Setting::on(world).await;
        let first = at.commit(&[("web/a", "1\n"), ("api/a", "1\n"), ("shared/a", "1\n"), ("notes", "1\n")]).await;
        let (web, api) = (at.view(&first, &["web"]).await, at.view(&first, &["api"]).await);
        assert_eq!(at.view(&first, &["web"]).await, web, "the same each time");

        let elsewhere = at.commit(&[("api/a", "2\n"), ("api/b/c", "2\n"), ("notes", "2\n")]).await;
        assert_eq!(at.view(&elsewhere, &["web"]).await, web);
        assert_ne!(at.view(&elsewhere, &["api"]).await, api);

        std::fs::rename(at.ana.join("api/b/c"), at.ana.join("web/c")).unwrap();
        let moved = at.commit(&[]).await;
        assert_eq!(at.paths(&moved, &["api"]).await, ".downbeat .downbeat/config.toml api api/a shared shared/a");
        assert_ne!(at.view(&moved, &["web"]).await, web, "a file came over");

        let (web, api) = (at.view(&moved, &["web"]).await, at.view(&moved, &["api"]).await);
        let shared = at.commit(&[("shared/a", "2\n")]).await;
        assert_ne!(at.view(&shared, &["web"]).await, web);
        assert_ne!(at.view(&shared, &["api"]).await, api);

        let web = at.view(&shared, &["web"]).await;
        let renamed = at.commit(&[(CHECKS_FILE, &format!("{LANES}docs = ['docs/**']\n"))]).await;
        assert_ne!(at.view(&renamed, &["web"]).await, web, "the file that says what it sees is part of what it sees");
    }
}

/// [19]
#[tokio::test]
async fn everything_in_a_view_is_as_it_is_in_the_commit() {
    for world in worlds() {
        let at = Setting::on(world).await;
        write(&at.ana, &[("web/run", "x\n"), ("web/größe", "x\n"), ("api/secret", "x\n")]);
        std::fs::set_permissions(at.ana.join("web/run"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink("../api/secret", at.ana.join("web/link")).unwrap();
        let first = at.commit(&[]).await;
        let entry = format!("160000,{first},web/module");
        at.world.git(&at.ana, &["update-index", "--add", "--cacheinfo", &entry]);
        at.world.git(&at.ana, &["commit", "--quiet", "--message", "a submodule"]);
        let commit = at.world.sha(&at.ana, "HEAD");
        at.world.bring(&at.repository, &at.ana, &commit).await;
        let view = at.view(&commit, &["web"]).await;
        let mirror = at.repository.mirror.path();
        let listed = |of: &Sha| at.world.git(mirror, &["ls-tree", "-r", of.as_str(), "web/"]);
        assert_eq!(listed(&view), listed(&commit));
        assert!(listed(&view).contains("160000"), "{}", listed(&view));
        at.world.git(mirror, &["fsck", "--strict", "--no-dangling"]);

        // Laid out for a check, the link leads nowhere.
        let dir = at.world.path("laid out");
        at.repository.mirror.checkout_tree(&view, &dir).await.unwrap();
        assert_eq!(snapshot(&dir).len(), 4, "{:?}", snapshot(&dir));
        assert_eq!(std::fs::metadata(dir.join("web/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(
            std::fs::symlink_metadata(dir.join("web/link")).is_ok() && std::fs::read(dir.join("web/link")).is_err()
        );
    }
}

#[tokio::test]
async fn lanes_that_cannot_be_read_are_no_view() {
    for world in worlds() {
        let at = Setting::on(world).await;
        let commit = at.commit(&[(CHECKS_FILE, "lanes = 7\n")]).await;
        let error = at.repository.mirror.view_of(&commit, &["web".to_owned()]).await.unwrap_err().to_string();
        assert!(error.contains("`lanes` is a table"), "{error}");
    }
}
