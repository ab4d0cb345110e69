//! Where repositories are: with a person at work in them, without a remote, or out of reach.

use expect_test::expect;
use std::collections::BTreeMap;
use std::path::Path;
use tests::world::{Origin, Setup, World};

use crate::sample::{SAMPLE, setup, world};

fn at_work() -> World {
    Setup { repositories: vec![("sample", Origin::CheckedOut(SAMPLE.to_vec()))], ..setup() }.open()
}

/// Every file that a person at work could miss: the tree, the index, what is checked out, and where `main` is.
fn snapshot(repository: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for name in [".git/index", ".git/HEAD", ".git/refs/heads/main"] {
        files.insert(name.to_owned(), std::fs::read(repository.join(name))?);
    }
    for entry in std::fs::read_dir(repository)?.flatten().filter(|entry| entry.path().is_file()) {
        files.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?);
    }
    Ok(files)
}

#[test]
fn nobodys_working_tree_is_touched() {
    let mut world = at_work();
    let repository = world.remote().path().to_owned();
    std::fs::write(repository.join("greeting.md"), "Half a thou").unwrap();
    std::fs::write(repository.join("staged.md"), "Staged.").unwrap();
    world.remote_git(&["add", "staged.md"]);
    let before = snapshot(&repository).unwrap();
    world.check(
        "ana: @agent add a farewell plan=off merge=auto
         ana: @agent add a welcome plan=off merge=auto",
        expect![[r#"
            ana:  @agent add a farewell plan=off merge=auto  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 landed as <commit 1> on refs/downbeat/landed/main, already tested; moving main is yours to do:
                  git merge refs/downbeat/landed/main
            ana:  @agent add a welcome plan=off merge=auto  👀
            bot:  T-2 · add a welcome
                  waiting for its turn to work
                  asked by ana · sample@main (as before in this thread) · agent scripted · read 1 message (2 of bots left out) · caged: LEVEL
                  [T-2] publishing +1 −0 in welcome.md
                  [T-2] in the merge queue by ana · entering
                  [T-2] in the merge queue by ana · position 1 of 1 · testing
                  [T-2] in the merge queue by ana · position 1 of 1 · landing
                  [T-2] merged as <commit 2>, already tested
            bot:  T-2 landed as <commit 2> on refs/downbeat/landed/main, already tested; moving main is yours to do:
                  git merge refs/downbeat/landed/main
        "#]],
    );
    assert_eq!(snapshot(&repository).unwrap(), before);
    expect![[r#"
        add a welcome (ana)
        add a farewell (ana)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("refs/downbeat/landed/main"));
    world.remote_git(&["merge", "--quiet", "refs/downbeat/landed/main"]);
    expect![[r#"
         M greeting.md
        A  staged.md
    "#]]
    .assert_eq(&world.remote_git(&["status", "--short"]));
}

#[test]
fn a_repository_without_a_remote_keeps_its_main() {
    let mut world = at_work();
    world.remote_git(&["switch", "--quiet", "--create", "mine"]);
    world.check(
        "ana: @agent add a farewell plan=off merge=auto",
        expect![[r#"
            ana:  @agent add a farewell plan=off merge=auto  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 landed as <commit 1> on refs/downbeat/landed/main, already tested; moving main is yours to do:
                  git switch main && git merge refs/downbeat/landed/main
        "#]],
    );
    expect![[r#"
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

#[test]
fn a_remote_that_is_gone_is_said_at_once() {
    let mut world = world();
    let (there, away) = (world.remote().path().to_owned(), world.home().join("away"));
    std::fs::rename(&there, &away).unwrap();
    world.check("ana: @agent add a farewell plan=off", expect![[r#"
        ana:  @agent add a farewell plan=off  👀
        bot:  T-1 · add a farewell
              waiting for its turn to work
              asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
              [T-1] failed: there is no repository at the remote's address; check the address in the config, or put the repository back (git fetch: 'HOME/remotes/sample' does not appear to be a git repository)
        bot:  T-1 failed: there is no repository at the remote's address; check the address in the config, or put the repository back (git fetch: 'HOME/remotes/sample' does not appear to be a git repository)
              Say `retry T-1` to run it again, or `log T-1` to read what was printed.
              [1] Retry
    "#]]);
    std::fs::rename(&away, &there).unwrap();
    world.check(
        "ana: 1",
        expect![[r#"
        ana:  1  👀
              [T-1] waiting for its turn to work
              [T-1] publishing +2 −0 in README.md, farewell.md
              [T-1] ready on downbeat/T-1
        bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
              [2] Merge   [3] Retry
    "#]],
    );
}

#[test]
fn a_remote_that_is_out_of_order_is_waited_for() {
    let mut world = world();
    world.remote().break_down();
    world.check(
        "ana: @agent add a farewell plan=off merge=auto
         -- 2 seconds pass
         ana: status T-1",
        expect![[r#"
            ana:  @agent add a farewell plan=off merge=auto  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] working · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
            --    2 seconds pass
            ana:  status T-1
            bot:  T-1 · add a farewell
                  working · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
        "#]],
    );
    world.remote().mend();
    world.check(
        "-- 1 minute passes",
        expect![[r#"
            --    1 minute passes
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  took 60 s
        "#]],
    );
}

#[test]
fn a_remote_that_stays_out_of_order_is_given_up_and_can_be_retried() {
    let mut world = world();
    world.remote().break_down();
    world.play("ana: @agent add a farewell plan=off merge=auto");
    world.transcript();
    world.check(
        &"-- 10 minutes pass\n".repeat(7),
        expect![[r#"
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
              [T-1] failed: git fetch failed with exit 128: Expected git repo version <= 1, found 99
        bot:  T-1 failed: git fetch failed with exit 128: Expected git repo version <= 1, found 99
              Say `retry T-1` to run it again, or `log T-1` to read what was printed.
              [1] Retry
    "#]],
    );
    world.remote().mend();
    world.check(
        "ana: retry",
        expect![[r#"
            ana:  retry  👀
                  [T-1] waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  took 70 min
        "#]],
    );
}

/// [30]
#[test]
fn a_queue_whose_remote_fails_stops_and_keeps_the_order() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell plan=off
         ana: @agent add a welcome plan=off",
    );
    world.transcript();
    world.remote().break_down();
    world.play(
        "ana: merge T-1
         ana: merge T-2",
    );
    world.check(&"-- 10 minutes pass\n".repeat(7), expect![[r#"
        ana:  merge T-1  👀
              [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
              [T-1] in the merge queue by ana · entering
              [T-1] in the merge queue by ana · position 1 of 1 · testing
        ana:  merge T-2  👀
              [T-2 is ready on downbeat/T-2] sent to the merge queue by ana at 12:00 UTC
              [T-2] in the merge queue by ana · entering · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
              [T-2] in the merge queue by ana · position 2 of 2 · testing · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
        --    10 minutes pass
              [T-1] in the merge queue by ana · position 1 of 2 · testing · making its commits has taken 10 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
              [T-2] in the merge queue by ana · position 2 of 2 · testing · making its commits has taken 10 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
        --    10 minutes pass
              [T-1] in the merge queue by ana · position 1 of 2 · testing · making its commits has taken 20 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
              [T-2] in the merge queue by ana · position 2 of 2 · testing · making its commits has taken 20 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
        --    10 minutes pass
        --    10 minutes pass
              [T-1] in the merge queue by ana · position 1 of 2 · testing · making its commits has taken 40 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
              [T-2] in the merge queue by ana · position 2 of 2 · testing · making its commits has taken 40 min · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99
        --    10 minutes pass
        --    10 minutes pass
        --    10 minutes pass
              [T-1] in the merge queue by ana · position 1 of 2 · testing · the queue has stopped until somebody says `resume`: git fetch failed with exit 128: Expected git repo version <= 1, found 99
    "#]]);
    world.check(
        "ana: queue
         ana: why T-1",
        expect![[r#"
            ana:  queue
            bot:  sample:main: 2 in line, stopped: git fetch failed with exit 128: Expected git repo version <= 1, found 99
                  strategy chain: too few verdicts to judge by yet
                  tries again in 15 s: git fetch failed with exit 128: Expected git repo version <= 1, found 99
                  T-1 add a farewell · position 1 of 2 · testing · making its commits has taken 70 min
                  T-2 add a welcome · position 2 of 2 · testing · making its commits has taken 70 min
            ana:  why T-1
            bot:  T-1: in the merge queue by ana · position 1 of 2 · testing · the queue has stopped until somebody says `resume`: git fetch failed with exit 128: Expected git repo version <= 1, found 99 · keeps trying: git fetch failed with exit 128: Expected git repo version <= 1, found 99.
        "#]],
    );
    world.remote().mend();
    world.check(
        "-- 10 minutes pass
         ola: resume",
        expect![[r#"
            --    10 minutes pass
                  [T-1] in the merge queue by ana · position 1 of 2 · testing
                  [T-2] in the merge queue by ana · position 2 of 2 · testing
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ana · position 1 of 2 · landing
                  [T-2] in the merge queue by ana · position 2 of 2 · landing
                  [T-1] merged as <commit 1>
            bot:  T-1 is merged into main as <commit 1>.
                  took 80 min
                  [T-2] merged as <commit 2>
            bot:  T-2 is merged into main as <commit 2>.
                  took 80 min
        "#]],
    );
}
