//! Moving the target, and leaving alone what belongs to people.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::Sha;
use forge::{ForgeError, Landing, Repository};

use crate::world::{World, made, order, snapshot, worlds, write};

const LANDED: &str = "refs/downbeat/landed/main";

pub async fn next(world: &World, repository: &Repository, base: &Sha, file: &str) -> Sha {
    let dir = world.path(&format!("work-{file}"));
    repository.mirror.clone_workspace(&dir, base, &crate::world::branch("work")).await.unwrap();
    write(&dir, &[(file, "new\n")]);
    let name = crate::world::branch(&format!("downbeat/{file}"));
    let author = crate::world::signature();
    let head = repository.mirror.commit_workspace(&dir, base, &name, "work", &author).await.unwrap().unwrap();
    made(repository.mirror.candidate(&order(base, &head)).await.unwrap())
}

pub async fn land(repository: &Repository, from: &Sha, to: &Sha) -> Landing {
    repository.forge.land(from, to, &[]).await.unwrap()
}

/// [31]
#[tokio::test]
async fn landing_moves_the_branch_of_a_bare_remote_and_may_be_repeated() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        let second = next(&world, &repository, &first, "b").await;
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        assert_eq!(land(&repository, &first, &second).await, Landing::Landed);
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed, "past it");
        assert_eq!(world.sha(&bare, "refs/heads/main"), second);
        let place = repository.forge.landing_place().await.unwrap();
        assert_eq!((place.reference.as_str(), place.merge), ("refs/heads/main", None));
        assert!(!world.exists(&bare, LANDED));
    }
}

/// [29]
#[tokio::test]
async fn a_target_that_moved_is_not_overwritten() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        let foreign = world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Moved { head: foreign.clone() });
        assert_eq!(world.sha(&bare, "refs/heads/main"), foreign);
    }
}

/// [29]
#[tokio::test]
async fn a_push_between_our_look_and_our_push_wins() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        // A rule of its own makes git take the push.
        world.git(&bare, &["config", "receive.denyDeletes", "true"]);
        let foreign = world.commit(&ana, &[("theirs", "x\n")]);
        let script = format!("$GIT -C '{}' push --quiet origin main", ana.display());
        let repository = world.meddled_repository(&bare, &script).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Moved { head: foreign.clone() });
        assert_eq!(world.sha(&bare, "refs/heads/main"), foreign);
    }
}

#[tokio::test]
async fn git_is_started_only_for_a_remote_in_which_somebody_has_a_say() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let mark = world.path("mark");
        let repository = world.meddled_repository(&bare, &format!("touch '{}'", mark.display())).await;
        let mut base = repository.forge.target_head().await.unwrap();
        let mut land_next = async |name: &str| {
            let candidate = next(&world, &repository, &base, name).await;
            assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed);
            assert_eq!(world.sha(&bare, "refs/heads/main"), candidate);
            base = candidate;
            std::fs::remove_file(&mark).is_ok()
        };
        assert!(!land_next("plain/deep/a").await);
        install_hook(&bare, "post-receive", "#!/bin/sh\n");
        assert!(land_next("hook").await);
        std::fs::remove_file(bare.join("hooks/post-receive")).unwrap();
        assert!(!land_next("plain/b").await);
        for (key, value) in [("receive.fsckObjects", "true"), ("core.hooksPath", "/dev/null"), ("include.path", "x")] {
            world.git(&bare, &["config", key, value]);
            assert!(land_next(key).await, "{key}");
            world.git(&bare, &["config", "--unset", key]);
        }
        world.git(&bare, &["fsck", "--full", "--strict"]);
        world.git(&bare, &["worktree", "add", "--quiet", world.path("tree").to_str().unwrap(), "main"]);
        let candidate = next(&world, &repository, &base, "beside").await;
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed);
        assert_eq!((world.sha(&bare, "main"), world.sha(&bare, LANDED)), (base, candidate));
    }
}

#[tokio::test]
async fn of_many_who_land_at_once_one_does() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let mut candidates = Vec::new();
        for n in 0..6 {
            candidates.push(next(&world, &repository, &base, &format!("f{n}")).await);
        }
        let landings: Vec<_> = candidates.iter().map(|to| repository.forge.land(&base, to, &[])).collect();
        let landings = futures::future::join_all(landings).await;
        let landed: Vec<_> = (0..6).filter(|n| landings[*n] == Ok(Landing::Landed)).collect();
        assert_eq!(landed.len(), 1, "{landings:?}");
        assert_eq!(world.sha(&bare, "main"), candidates[landed[0]]);
        for (n, landing) in landings.into_iter().enumerate().filter(|(n, _)| *n != landed[0]) {
            let lost = matches!(landing, Ok(Landing::Moved { .. }) | Err(ForgeError::Transient { .. }));
            assert!(lost, "{n}: {landing:?}");
        }
        world.git(&bare, &["fsck", "--full", "--strict"]);
    }
}

#[tokio::test]
async fn a_target_that_somebody_holds_locked_is_busy() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        write(&bare, &[("refs/heads/main.lock", "")]);
        let busy = repository.forge.land(&base, &candidate, &[]).await;
        assert!(matches!(busy, Err(ForgeError::Transient { .. })), "{busy:?}");
        assert_eq!(world.sha(&bare, "main"), base);
        std::fs::remove_file(bare.join("refs/heads/main.lock")).unwrap();
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed);
    }
}

#[tokio::test]
async fn a_push_while_the_remote_takes_ours_wins() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        let foreign = world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main:refs/heads/waiting"]);
        // The remote's own hook plays the other pusher, after the lease was checked.
        let git = world.program.display();
        let hook = format!("#!/bin/sh\nunset GIT_QUARANTINE_PATH\n'{git}' update-ref refs/heads/main {foreign}\n");
        install_hook(&bare, "update", &hook);
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Moved { head: foreign.clone() });
        assert_eq!(world.sha(&bare, "refs/heads/main"), foreign);
    }
}

#[tokio::test]
async fn a_target_that_is_checked_out_at_the_last_moment_is_left_alone() {
    for world in worlds() {
        let (_, ana) = world.bare_remote();
        world.git(&ana, &["config", "receive.denyCurrentBranch", "updateInstead"]);
        world.git(&ana, &["checkout", "--quiet", "-b", "elsewhere"]);
        let script = format!("$GIT -C '{}' checkout --quiet main", ana.display());
        let repository = world.meddled_repository(&ana, &script).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        let busy = repository.forge.land(&base, &candidate, &[]).await;
        assert!(matches!(busy, Err(ForgeError::Transient { .. })), "{busy:?}");
        assert!(world.sha(&ana, "main") == base && !ana.join("a").exists());
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed, "the second time beside it");
        assert_eq!(world.sha(&ana, LANDED), candidate);
    }
}

#[tokio::test]
async fn only_what_builds_on_the_head_can_land() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let root = repository.forge.target_head().await.unwrap();
        let aside = next(&world, &repository, &root, "a").await;
        let head = world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        assert!(matches!(land(&repository, &head, &aside).await, Landing::Refused { .. }));
        assert_eq!(world.sha(&bare, "refs/heads/main"), head);
    }
}

/// [30]
#[tokio::test]
async fn a_hook_that_refuses_is_quoted() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        install_hook(&bare, "pre-receive", "#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n");
        let Landing::Refused { why } = land(&repository, &base, &candidate).await else { panic!("it landed") };
        assert!(why.contains("pre-receive hook declined") && why.contains("frozen until Monday"), "{why}");
        assert_eq!(world.sha(&bare, "refs/heads/main"), base);
    }
}

#[tokio::test]
async fn a_checked_out_target_is_landed_beside_and_nothing_of_the_person_changes() {
    for world in worlds() {
        let lone = world.lone_repository();
        world.git(&lone, &["config", "receive.denyCurrentBranch", "updateInstead"]);
        write(&lone, &[("readme", "half-done\n"), ("untracked", "mine\n"), ("staged", "mine\n")]);
        world.git(&lone, &["add", "staged"]);
        let repository = world.repository(&lone).await;
        let kept = |dir: &Path| {
            let ours =
                |path: &Path| path.components().any(|c| c.as_os_str() == "objects" || c.as_os_str() == "downbeat");
            snapshot(dir).into_iter().filter(|(path, ..)| !ours(path)).collect::<Vec<_>>()
        };
        let before = kept(&lone);
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        let second = next(&world, &repository, &first, "b").await;
        assert_eq!(land(&repository, &first, &second).await, Landing::Landed);
        assert_eq!(kept(&lone), before);
        assert_eq!((world.sha(&lone, LANDED), world.sha(&lone, "main")), (second.clone(), base));
        assert_eq!(repository.forge.target_head().await.unwrap(), second);
    }
}

#[tokio::test]
async fn the_merge_command_takes_the_landed_work_over() {
    for world in worlds() {
        let lone = world.lone_repository();
        let repository = world.repository(&lone).await;
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        land(&repository, &base, &first).await;
        // The person was not idle either, so the two have diverged: the queue goes on upon what it landed.
        world.commit(&lone, &[("theirs", "x\n")]);
        assert_eq!(repository.forge.target_head().await.unwrap(), first);
        let merge = repository.forge.landing_place().await.unwrap().merge.unwrap();
        assert_eq!(
            (merge.line.as_str(), merge.directory.as_path()),
            ("git merge refs/downbeat/landed/main", lone.as_path())
        );
        world.git(&merge.directory, &["merge", "--quiet", "--no-edit", LANDED]);
        assert!(lone.join("a").exists() && lone.join("theirs").exists());
        assert_eq!(repository.forge.target_head().await.unwrap(), world.sha(&lone, "main"));
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed, "the branch is past it now");
    }
}

#[tokio::test]
async fn landed_work_stays_in_force_when_the_person_looks_at_another_branch() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        // Ana's clone is the remote here: it has a remote of its own, and main checked out.
        let repository = world.repository(&ana).await;
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        land(&repository, &base, &first).await;
        world.git(&ana, &["checkout", "--quiet", "-b", "elsewhere"]);
        assert_eq!(repository.forge.target_head().await.unwrap(), first);
        let place = repository.forge.landing_place().await.unwrap();
        assert_eq!(place.merge.unwrap().line, "git switch main && git merge refs/downbeat/landed/main");
        world.git(&ana, &["fetch", "--quiet", ".", "refs/downbeat/landed/main:main"]);
        let second = next(&world, &repository, &first, "b").await;
        assert_eq!(land(&repository, &first, &second).await, Landing::Landed);
        assert_eq!((world.sha(&ana, "main"), world.sha(&ana, LANDED)), (second, first));
        assert_eq!(world.sha(&bare, "main"), base);
    }
}

#[tokio::test]
async fn a_linked_working_tree_of_a_bare_remote_counts_as_checked_out() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        world.git(&bare, &["worktree", "add", "--quiet", "../linked", "main"]);
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        assert_eq!((world.sha(&bare, LANDED), world.sha(&bare, "main")), (first, base));
        assert!(!world.path("linked/a").exists());
    }
}

#[tokio::test]
async fn a_repository_without_a_remote_is_landed_beside_whatever_is_checked_out() {
    for world in worlds() {
        let lone = world.lone_repository();
        world.git(&lone, &["checkout", "--quiet", "-b", "elsewhere"]);
        let repository = world.repository(&lone).await;
        let base = repository.forge.target_head().await.unwrap();
        let first = next(&world, &repository, &base, "a").await;
        assert_eq!(land(&repository, &base, &first).await, Landing::Landed);
        assert_eq!((world.sha(&lone, LANDED), world.sha(&lone, "main")), (first, base));
    }
}

#[tokio::test]
async fn odd_but_legal_branch_names_land() {
    for world in worlds() {
        for name in ["release/1.2", "größe", "a;b", "$(x)'", "refs/heads/x", "HEAD"] {
            let (bare, ana) = (world.path("remote.git"), world.path("ana"));
            if !bare.exists() {
                world.bare_remote();
            }
            world.git(&ana, &["push", "--quiet", "origin", &format!("main:refs/heads/{name}")]);
            let repository = world.repository_on(bare.to_str().unwrap(), name).await;
            let base = repository.forge.target_head().await.unwrap();
            std::fs::remove_dir_all(world.path("work-a")).ok();
            let to = next(&world, &repository, &base, "a").await;
            assert_eq!(land(&repository, &base, &to).await, Landing::Landed, "{name}");
            assert_eq!(world.sha(&bare, &format!("refs/heads/{name}")), to);
            std::fs::remove_dir_all(world.path("mirrors")).unwrap();
        }
    }
}

/// [30]
#[tokio::test]
async fn a_remote_that_cannot_be_reached_says_which_kind_of_failure_it_is() {
    for world in worlds() {
        for (remote, transient) in
            [("/nowhere/at/all.git", false), ("http://127.0.0.1:1/x.git", true), ("ssh://127.0.0.1:1/x.git", true)]
        {
            let repository = world.repository_on(remote, "main").await;
            let error = repository.forge.target_head().await.unwrap_err();
            match &error {
                ForgeError::Transient { .. } => assert!(transient, "{remote}: {error}"),
                ForgeError::Missing { .. } => assert!(!transient, "{remote}: {error}"),
                ForgeError::Refused { .. } | ForgeError::Unauthorized { .. } => panic!("{remote}: {error}"),
            }
            assert!(error.to_string().contains(" (git fetch: "), "it is told in plain words: {error}");
        }
        let (bare, _) = world.bare_remote();
        let repository = world.repository_on(bare.to_str().unwrap(), "gone").await;
        assert!(matches!(repository.forge.target_head().await, Err(ForgeError::Missing { .. })));
    }
}

pub fn install_hook(repository: &Path, name: &str, script: &str) {
    let path = repository.join("hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}
