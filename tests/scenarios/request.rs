//! From a request to a merged commit, and what else a request can come to.

use expect_test::expect;
use tests::world::{Origin, Setup};

use crate::sample::{SAMPLE, TEAM, setup, world};

#[test]
fn a_request_becomes_a_merged_commit() {
    let mut world = world();
    world.check(
        "ana: @agent add a farewell
         ana: 1
         ana: 4",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample on main · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Revise…   [3] Reject
            ana:  1  👀
                  [T-1] plan v1 approved by ana (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [4] Merge   [5] Retry
            ana:  4  👀
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · staging
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>
            bot:  T-1 is merged into main as <commit 1>.
        "#]],
    );
    assert!(world.bot_messages() <= 6, "a normal task takes {} messages", world.bot_messages());
    expect![[r#"
        add a farewell (ana)
        the sample (ana)
    "#]].assert_eq(&world.remote().log("main"));
    expect![[r#"
        add a farewell

        A page that says goodbye

        Plan-Hash: cac7d254aa15388708189a0288aec848ba61bb0a02804dcc097aaa22e0bd8063

        Requested-by: ana
        Approved-by: ana
        Task-Id: T-1

    "#]].assert_eq(&world.remote_git(&["log", "-1", "--format=%B", "main"]));
    expect![[r#"
        refs/heads/main
    "#]].assert_eq(&world.remote_git(&["for-each-ref", "--format=%(refname)"]));
}

#[test]
fn options_settle_what_would_be_asked() {
    let mut world = world();
    world.check("ana: @agent add a farewell repo=sample branch=main agent=scripted plan=off merge=auto", expect![[""]]);
}

#[test]
fn an_option_that_cannot_be_used_is_refused_with_what_can() {
    world().check(
        "ana: @agent add a farewell repo=smaple
         ana: @agent add a farewell repo=a b
         ana: @agent add a farewell agent=claude
         ana: @agent add a farewell branch=dev
         ana: @agent add a farewell plan=perhaps
         ana: @agent add a farewell merge=now
         ana: @agent add a farewell plna=off
         ana: @agent repo=sample",
        expect![[""]],
    );
}

#[test]
fn an_agent_that_changes_nothing_gives_an_answer() {
    world().check(
        "ana: @agent explain the greeting plan=off
         ana: retry",
        expect![[""]],
    );
}

#[test]
fn a_limit_that_is_reached_is_said() {
    let config = format!("{TEAM}\n[limits]\ntasks_live = 1");
    let mut world = Setup { config: &config, ..setup() }.open();
    world.play("ana: @agent add a farewell");
    world.transcript();
    world.check(
        "dan: @agent add a welcome
         ana: stop
         dan: @agent add a welcome",
        expect![[r#"
            dan:  @agent add a welcome
            bot:  1 tasks are live, and 1 is the limit. Stop or merge one of them, or raise `limits.tasks_live` in the config.
            ana:  stop  👀
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            dan:  @agent add a welcome  👀
            bot:  T-2 · add a welcome
                  waiting for its turn to plan
                  asked by dan · sample on main · agent scripted · read 3 messages (4 of mine left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-2: A page that welcomes
                  1. write welcome.md
                  files: welcome.md
                  risk: R1 · #806b1908
                  [4] Approve and run   [5] Revise…   [6] Reject
        "#]],
    );
}

#[test]
fn threads_do_not_hear_each_other() {
    let mut world = world();
    world.check(
        "#web ana: @agent add a farewell plan=off
         #docs dan: @agent add a welcome plan=off
         #web ana: status
         #docs dan: stop
         #docs ben: merge T-1",
        expect![[""]],
    );
}

#[test]
fn the_repository_is_the_named_one_or_the_one_in_focus() {
    let origin = || Origin::Bare(SAMPLE.to_vec());
    let mut world = Setup { repositories: vec![("acme/docs", origin()), ("acme/web", origin())], ..setup() }.open();
    world.check(
        "ana: @agent add a farewell plan=off
         ana: @agent add a farewell plan=off repo=acme/web
         ana: @agent add a welcome plan=off
         ola: pause",
        expect![[""]],
    );
}

#[test]
fn the_thread_is_read_without_its_secrets() {
    let mut world = world();
    let token = format!("ghp_{}", "a1".repeat(18));
    world.play(&format!(
        "dan: our token is {token}\\nplease keep it
         ana: we never say goodbye
         ana: help"
    ));
    world.transcript();
    world.check(&format!("ana: @agent add a farewell, with {token}"), expect![[""]]);
    let prompt = std::fs::read_to_string(world.home().join("state/workspaces/T-1/prompt.md")).unwrap();
    expect![[""]].assert_eq(&prompt);
}

#[test]
fn a_message_has_a_longest_length() {
    let mut world = world();
    let begin = "@agent add a farewell ";
    world.say("ana", &format!("{begin}{}", "x".repeat(100_000 - begin.len())));
    world.drain();
    world.say("ana", &"x".repeat(100_001));
    world.check(
        "ana: approve
         ana: @agent add a welcome",
        expect![[""]],
    );
}
