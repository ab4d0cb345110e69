//! Locks of git that a process left behind which was killed, ours and those of others.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use forge::{ForgeError, Landing};

use crate::landing::{install_hook, land, next};
use crate::world::{World, worlds, write};

const LOCK: &str = "refs/heads/main.lock";

/// Waits for what happens outside of us.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        tokio::task::yield_now().await;
    }
}

fn fsck(world: &World, bare: &Path) {
    world.git(bare, &["fsck", "--full", "--strict"]);
}

/// [31]
#[tokio::test]
async fn a_landing_that_was_killed_under_its_lock_is_made_again() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        write(&bare, &[(LOCK, &format!("{candidate}\n"))]);
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed);
        assert_eq!(world.sha(&bare, "main"), candidate);
        assert!(!bare.join(LOCK).exists());
        fsck(&world, &bare);
    }
}

/// [31]
#[tokio::test]
async fn a_landing_that_was_killed_and_overtaken_moves_nothing_and_frees_the_target() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        let foreign = world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        write(&bare, &[(LOCK, &format!("{candidate}\n"))]);
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Moved { head: foreign.clone() });
        assert_eq!(world.sha(&bare, "main"), foreign);
    }
}

#[tokio::test]
async fn a_target_is_free_for_people_whatever_the_next_process_lands() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        for lock in [LOCK, "refs/downbeat/landed/main.lock"] {
            write(&bare, &[(lock, &format!("{candidate}\n"))]);
        }
        world.repository(&bare).await;
        world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main", "main:refs/downbeat/landed/main"]);
    }
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_left_alone_and_named() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        for content in [String::new(), format!("{}\n", "1".repeat(40)), candidate.to_string()] {
            write(&bare, &[(LOCK, &content)]);
            let Err(ForgeError::Transient { why, .. }) = repository.forge.land(&base, &candidate, &[]).await else {
                panic!("{content:?} is nobody's lock");
            };
            let next_step = format!("if no git is at work there, remove {}", bare.join(LOCK).display());
            assert!(why.contains(&next_step), "{why}");
            assert_eq!(fs::read_to_string(bare.join(LOCK)).unwrap(), content);
            assert_eq!(world.sha(&bare, "main"), base);
        }
    }
}

#[tokio::test]
async fn a_mirror_is_opened_without_the_locks_of_a_process_that_was_killed() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let path = world.repository(&bare).await.mirror.path().to_owned();
        world.repository(&bare).await.forge.target_head().await.unwrap();
        let head = world.commit(&ana, &[("theirs", "x\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let locks = ["config.lock", "packed-refs.lock", LOCK, "refs/downbeat/landed/main.lock"];
        write(&path, &locks.map(|lock| (lock, "")));
        assert_eq!(world.repository(&bare).await.forge.target_head().await.unwrap(), head);
        assert!(!locks.iter().any(|lock| path.join(lock).exists()));
    }
}

#[tokio::test]
async fn a_push_that_is_broken_off_takes_its_locks_back() {
    for world in worlds() {
        let (bare, _) = world.bare_remote();
        let repository = world.repository(&bare).await;
        let base = repository.forge.target_head().await.unwrap();
        let candidate = next(&world, &repository, &base, "a").await;
        let mark = world.path("mark");
        let hold = format!("#!/bin/sh\ntest \"$1\" = prepared || exit 0\ntouch '{}'\nexec sleep 300\n", mark.display());
        install_hook(&bare, "reference-transaction", &hold);
        tokio::select! {
            landed = repository.forge.land(&base, &candidate, &[]) => panic!("it was not held: {landed:?}"),
            () = eventually("the remote holds the lock", || mark.exists() && bare.join(LOCK).exists()) => {}
        }
        eventually("the lock is gone", || !bare.join(LOCK).exists()).await;
        fs::remove_file(bare.join("hooks/reference-transaction")).unwrap();
        assert_eq!(land(&repository, &base, &candidate).await, Landing::Landed);
        fsck(&world, &bare);
    }
}
