//! The repository's own checks: red, missing, declined, misspelt, unreliable.

use expect_test::expect;
use tests::world::{Setup, World};

use crate::progress::without_times;
use crate::sample::{TEAM, sample_with_checks, setup, world};

fn with_checks(text: Option<&str>) -> World {
    Setup { repositories: vec![("sample", sample_with_checks(text))], ..setup() }.open()
}

/// [6]
#[test]
fn a_red_change_is_shown_and_kept_out_of_the_queue() {
    world().check(
        "ana: @agent curse plan=off merge=auto
         ana: merge T-1
         ana: @agent revise T-1 say it politely
         ana: approve",
        expect![[r#"
            ana:  @agent curse plan=off merge=auto  👀
            bot:  T-1 · curse
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +1 −0 in rude.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 does not pass words, so it cannot land: +1 −0 in rude.md on downbeat/T-1
                  words: a forbidden word
                  [1] Retry
            ana:  merge T-1
            bot:  T-1 does not pass its own checks: words. Say `retry T-1`, or `revise T-1` with what should be different.
            ana:  @agent revise T-1 say it politely  👀
                  [T-1 does not pass words, so it cannot land] ana asked for another version at 12:00 UTC
                  [T-1] waiting for its turn to plan
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A polite page
                  1. write rude.md without rudeness
                  files: rude.md
                  risk: R1 · #9cf0a126
                  [2] Approve and run   [3] Edit plan   [4] Comment…   [5] Cancel
            ana:  approve  👀
                  [Plan v1 for T-1] approved by ana at 12:00 UTC
                  [T-1] plan v1 approved by ana (#9cf0a126) · waiting for its turn to work
                  [T-1] publishing +1 −0 in rude.md
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
}

#[test]
fn a_repository_without_checks_cannot_land() {
    with_checks(None).check(
        "ana: @agent add a farewell plan=off
         ana: merge",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1, but cannot land: its repository names no checks
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · untested
                  It cannot land before its repository says how to check a change. Put this into .downbeat/config.toml on main, with a command of your own:
                  [[checks]]
                  name = "test"
                  command = "make test"
                  or `checks = []` to land untested. Then say `retry T-1`.
                  [1] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] back from the merge queue: the repository does not say how to check it. Write `[[checks]]` with a name and a command into .downbeat/config.toml, or `checks = []` to land untested
            bot:  T-1 did not land: the repository does not say how to check it. Write `[[checks]]` with a name and a command into .downbeat/config.toml, or `checks = []` to land untested.
                  [2] Retry   [3] Merge again
        "#]],
    );
}

/// [19, 45]
#[test]
fn who_lands_in_another_lane_costs_no_check() {
    let check = |lane: &str| format!("[[checks]]\nname = '{lane}'\ncommand = 'sh check.sh'\nlanes = ['{lane}']\n");
    let lanes =
        "[lanes]\ngreetings = ['greeting.md']\npages = ['README.md', 'welcome.md']\nall = ['check.sh', '*.txt']\n";
    let mut world = with_checks(Some(&format!("{lanes}{}{}", check("greetings"), check("pages"))));
    world.play(
        "ana: @agent shout the greeting plan=off
         #other ana: @agent add a welcome plan=off
         ana: merge T-1
         #other ana: merge T-2",
    );
    expect![[r#"
        agent scripted begins (session 1)
        check greetings: sh check.sh
        check greetings passed in
        check pages: sh check.sh
        check pages passed in
        the merge queue: already tested 0 ms ago in the work of T-1 and 0 ms ago in the work of T-2, not tested again
    "#]]
    .assert_eq(&without_times(&world.log_of("T-2")));
    expect![[r#"
        add a welcome (ana)
        shout the greeting (ana)
        the sample (ana)
    "#]]
    .assert_eq(&world.remote().log("main"));
}

/// [6]
#[test]
fn what_cannot_land_does_not_enter_the_queue_by_itself() {
    let mut world = with_checks(None);
    world.play("ana: @agent add a farewell plan=off merge=auto");
    world.transcript();
    world.check(
        "ana: status
         ana: why T-1",
        expect![[r#"
            ana:  status
            bot:  T-1 · add a farewell (by ana) · published, but not fit to land · ana, ben or dora can say `retry T-1`
            ana:  why T-1
            bot:  T-1: ready on downbeat/T-1, but cannot land: its repository names no checks.
                  To go on: ana, ben or dora can say `retry T-1`.
        "#]],
    );
}

#[test]
fn a_repository_that_declines_checks_lands_untested_and_says_so() {
    let mut world = with_checks(Some("checks = []\n"));
    world.check(
        "ana: @agent add a farewell plan=off
         ana: merge
         ana: status T-1",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · untested
                  [1] Merge   [2] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, untested (the repository says `checks = []`)
            bot:  T-1 is merged into main as <commit 1>, untested (the repository says `checks = []`).
            ana:  status T-1
            bot:  T-1 · add a farewell
                  merged as <commit 1>, untested (the repository says `checks = []`)
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
        "#]],
    );
}

#[test]
fn checks_that_cannot_be_read_are_pointed_at() {
    with_checks(Some("[[checks]]\nname = \"words\"\ncomand = \"sh check.sh\"\n")).check(
        "ana: @agent add a farewell plan=off
         ana: status T-1",
        expect![[r#"
            ana:  @agent add a farewell plan=off  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] failed: the checks cannot be read: .downbeat/config.toml, line 3, column 1: unknown key `comand`, did you mean `command`?
            bot:  T-1 failed: the checks cannot be read: .downbeat/config.toml, line 3, column 1: unknown key `comand`, did you mean `command`?
                     3 | comand = "sh check.sh"
                       | ^
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
            ana:  status T-1
            bot:  T-1 · add a farewell
                  failed: the checks cannot be read: .downbeat/config.toml, line 3, column 1: unknown key `comand`, did you mean `command`?
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
        "#]],
    );
}

#[test]
fn a_check_that_fails_by_chance_is_repeated_as_often_as_it_allows() {
    let config = format!("{TEAM}\n[cage]\nlevel = \"off\"");
    // Fails at every odd attempt, which it counts where only an open cage lets it write.
    let count = "echo >> ../../../count; test $(($(wc -l < ../../../count) % 2)) = 0";
    let flaky = format!("[[checks]]\nname = \"luck\"\nretries = 1\ncommand = \"{count}\"\n");
    let mut world =
        Setup { config: &config, repositories: vec![("sample", sample_with_checks(Some(&flaky)))], ..setup() }.open();
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
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    let counted = std::fs::read_to_string(world.home().join("state/count")).unwrap();
    assert_eq!(counted.lines().count(), 2, "one gate of two attempts, whose pass the queue knows");
    world.play("ana: @agent add a welcome plan=off");
    let said = world.transcript();
    assert!(said.contains("its check luck passed at attempt 2\n"), "{said}");
}
