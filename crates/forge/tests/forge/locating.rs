//! What a person means who names a directory.

use std::path::Path;

use expect_test::{Expect, expect};
use forge::{Git, locate_repository};

use crate::world::{World, branch, worlds};

async fn located(world: &World, path: &Path, target: Option<&str>) -> String {
    let git = Git::open(world.settings()).await.unwrap();
    let target = target.map(branch);
    let told = match locate_repository(&git, path, target.as_ref()).await {
        Ok(found) => format!("{} {}", found.remote, found.target),
        Err(error) => error.to_string(),
    };
    told.replace(&world.home.path().canonicalize().unwrap().display().to_string(), "~")
}

async fn check(world: &World, path: &str, target: Option<&str>, expected: Expect) {
    expected.assert_eq(&located(world, &world.path(path), target).await);
}

#[tokio::test]
async fn a_clone_stands_for_its_origin_and_anything_else_for_itself() {
    for world in worlds() {
        let (_, ana) = world.bare_remote();
        world.lone_repository();
        check(&world, "remote.git", None, expect!["~/remote.git main"]).await;
        check(&world, "ana", None, expect!["~/remote.git main"]).await;
        check(&world, "lone", Some("main"), expect!["~/lone main"]).await;
        world.git(&ana, &["remote", "set-url", "origin", "../remote.git"]);
        std::fs::create_dir(ana.join("sub")).unwrap();
        check(&world, "ana/sub", None, expect!["~/remote.git main"]).await;
    }
}

#[tokio::test]
async fn a_remote_on_the_network_is_not_asked_for_what_the_clone_remembers() {
    for world in worlds() {
        let (_, ana) = world.bare_remote();
        world.git(&ana, &["remote", "set-head", "origin", "main"]);
        world.git(&ana, &["remote", "set-url", "origin", "https://127.0.0.1:9/web.git"]);
        check(&world, "ana", None, expect!["https://127.0.0.1:9/web.git main"]).await;
    }
}

#[tokio::test]
async fn what_cannot_be_worked_with_says_what_to_do() {
    for world in worlds() {
        let (_, ana) = world.bare_remote();
        std::fs::create_dir(world.path("plain")).unwrap();
        std::fs::write(world.path("file"), "").unwrap();
        world.git(world.home.path(), &["init", "--quiet", "empty"]);
        check(&world, "nothing", None, expect!["there is nothing at ~/nothing"]).await;
        for name in ["plain", "file"] {
            let told = located(&world, &world.path(name), None).await;
            expect![[r#"is not a git repository; run `git init` there, or name another directory"#]]
                .assert_eq(told.trim_start_matches(&format!("~/{name} ")));
        }
        check(&world, "empty", None, expect!["~/empty has no commits yet; make a first commit there"]).await;
        check(&world, "ana", Some("trunk"), expect!["~/remote.git has no branch `trunk`; it has `main`"]).await;
        world.git(&ana, &["remote", "set-url", "origin", "ext::sh -c true"]);
        let refusal = expect![
            "failed to read the address of origin: `ext::sh -c true` is not a repository's address: write an absolute path, an ssh or an https address"
        ];
        check(&world, "ana", None, refusal).await;
    }
}
