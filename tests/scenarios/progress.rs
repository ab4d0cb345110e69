//! What is going on while nobody is asked anything: one line a task, and what long waits are for.

use expect_test::expect;
use tests::world::Setup;

use crate::sample::{TEAM, setup, world};

#[test]
fn who_waits_for_a_session_is_told_for_what() {
    let mut world = world();
    world.check(
        "ana: @agent doze while planning
         #other ana: @agent add a farewell
         -- running
         -- refresh
         -- 3 seconds pass
         -- refresh
         -- refresh
         ana: stop",
        expect![[r#"
            ana:  @agent doze while planning  👀
            bot:  T-1 · doze while planning
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] planning, with nothing writable
            #other ana: @agent add a farewell  👀
            #other bot: T-2 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
            --    running
            --      T-1 planning
            --      T-2 waits for a free session (1 is busy)
            --    refresh
            --    3 seconds pass
            --    refresh
                  #other [T-2] waiting for its turn to plan · waits for a free session
            --    refresh
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
                  #other [T-2] plan v1 waits for an approval (R1)
            #other bot: Plan v1 for T-2: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
        "#]],
    );
}

#[test]
fn a_remote_that_is_not_reached_is_named_until_it_answers() {
    // Nothing listens on port 9 of this machine.
    let gone = "[repos.gone]\nremote = \"http://127.0.0.1:9/gone.git\"\ntarget = \"main\"\n";
    let mut world = Setup { config: &format!("{TEAM}{gone}"), ..setup() }.open();
    world.play(
        "ana: @agent add a farewell repo=gone
         -- running
         -- refresh
         -- 1 seconds pass
         -- refresh
         -- running
         ana: why T-1",
    );
    expect![[r#"
        ana:  @agent add a farewell repo=gone  👀
        bot:  T-1 · add a farewell
              waiting for its turn to plan
              asked by ana · gone@main (named) · agent scripted · read 0 messages · caged: LEVEL
              [T-1] planning, with nothing writable · keeps trying: the remote does not answer; check the network, or whether its server runs (git fetch: unable to access 'http://127.0.0.1:9/gone.git/': Failed to connect to 127.0.0.1 port 9 after ms: Couldn't connect to server)
        --    running
        --      T-1 tries again in 1 s: the remote does not answer; check the network, or whether its server runs (git fetch: unable to access 'http://127.0.0.1:9/gone.git/': Failed to connect to 127.0.0.1 port 9 after ms: Couldn't connect to server)
        --    refresh
        --    1 seconds pass
        --    refresh
        --    running
        --      T-1 tries again in 2 s: the remote does not answer; check the network, or whether its server runs (git fetch: unable to access 'http://127.0.0.1:9/gone.git/': Failed to connect to 127.0.0.1 port 9 after ms: Couldn't connect to server)
        ana:  why T-1
        bot:  T-1: planning, with nothing writable · keeps trying: the remote does not answer; check the network, or whether its server runs (git fetch: unable to access 'http://127.0.0.1:9/gone.git/': Failed to connect to 127.0.0.1 port 9 after ms: Couldn't connect to server).
    "#]].assert_eq(&without_waits(&world.transcript()));
}

/// How long a connection was tried for is the machine's affair.
fn without_waits(text: &str) -> String {
    let mut parts = text.split(" after ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + " after" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_card_takes_it_back_when_the_wait_is_over() {
    let mut world = world();
    world.remote().break_down();
    world.play("ana: @agent doze while working plan=off");
    world.transcript();
    world.remote().mend();
    world.check(
        "-- 1 seconds pass
         -- refresh
         -- running
         ana: stop",
        expect![[r#"
            --    1 seconds pass
            --    refresh
                  [T-1] working
            --    running
            --      T-1 working
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_task_in_the_queue_says_why_it_stands_still() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell plan=off
         #other ana: @agent add a welcome plan=off",
    );
    world.transcript();
    world.check(
        "ola: pause
         ana: merge
         #other ana: merge
         -- running
         ola: resume
         -- running",
        expect![[r#"
            ola:  pause
            bot:  The merge queue of sample is paused; say `resume` to go on.
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering · paused by ola
                  [T-1] in the merge queue by ana · position 1 of 1 · waiting · paused by ola
            #other ana: merge  👀
                  #other [T-2 is ready on downbeat/T-2] sent to the merge queue by ana at 12:00 UTC
                  #other [T-2] in the merge queue by ana · entering · paused by ola
                  #other [T-2] in the merge queue by ana · position 2 of 2 · waiting · paused by ola
            --    running
            --      T-1 in the merge queue · position 1 of 2 · waiting · paused by ola
            --      T-2 in the merge queue · position 2 of 2 · waiting · paused by ola
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ana · position 1 of 2 · testing
                  #other [T-2] in the merge queue by ana · position 2 of 2 · testing
                  [T-1] in the merge queue by ana · position 1 of 2 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  #other [T-2] in the merge queue by ana · position 1 of 1 · landing
                  #other [T-2] merged as <commit 2>
            #other bot: T-2 is merged into main as <commit 2>.
            --    running
        "#]],
    );
}

#[test]
fn a_log_tells_which_checks_ran_and_how_they_ended() {
    let mut world = world();
    world.play("ana: @agent curse plan=off");
    expect![[r#"
        agent scripted begins (session 1)
        check words: sh check.sh
        rude.md
        a forbidden word
        check words did not pass: ended with exit code 1 after
    "#]]
    .assert_eq(&without_times(&world.log_of("T-1")));
    world.play("#other ana: @agent add a farewell plan=off merge=auto");
    expect![[r#"
        agent scripted begins (session 1)
        check words: sh check.sh
        check words passed in
        the merge queue: already tested 0 ms ago in the work of T-2, not tested again
    "#]]
    .assert_eq(&without_times(&world.log_of("T-2")));
}

/// How long a check takes is the machine's affair.
pub(crate) fn without_times(log: &str) -> String {
    let timed = |line: &&str| line.starts_with("check ") && line.ends_with('s');
    let cut = |line: &str| {
        line.rsplit_once([' ']).and_then(|(rest, _)| rest.rsplit_once(' ')).map(|(rest, _)| rest.to_owned())
    };
    log.lines().map(|line| Some(line).filter(timed).and_then(cut).unwrap_or(line.to_owned()) + "\n").collect()
}
