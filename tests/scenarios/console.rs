//! What people can ask and what is left alone.

use expect_test::expect;

use crate::sample::world;

#[test]
fn help_says_what_can_be_said() {
    world().check(
        "ana: @agent
         ana: help",
        expect![[r#"
            ana:  @agent
            bot:  Say `@agent WHAT SHOULD CHANGE`, with any of repo=NAME branch=NAME agent=NAME plan=ask|auto|off merge=ask|auto.
                  About a task (T-1, or the only one it can mean): approve, revise T-1 WORDS, reject, merge, dequeue, stop, retry.
                  To look: status, status T-1, queue, why T-1, @agent why can't I approve T-1?
                  For the queue: pause, resume. A number answers the button with that number; ✅ approves, ❌ stops, 🔁 retries.
            ana:  help
            bot:  Say `@agent WHAT SHOULD CHANGE`, with any of repo=NAME branch=NAME agent=NAME plan=ask|auto|off merge=ask|auto.
                  About a task (T-1, or the only one it can mean): approve, revise T-1 WORDS, reject, merge, dequeue, stop, retry.
                  To look: status, status T-1, queue, why T-1, @agent why can't I approve T-1?
                  For the queue: pause, resume. A number answers the button with that number; ✅ approves, ❌ stops, 🔁 retries.
        "#]],
    );
}

#[test]
fn talk_between_people_is_left_alone() {
    world().check(
        "ana: shall we stop for today?
         ben: I approve of that
         dan: stop doing that, ana
         ben: why not?
         ana: revise the whole thing?
         ana: 🎉
         ana: @agents are great",
        expect![[r#"
            ana:  shall we stop for today?
            ben:  I approve of that
            dan:  stop doing that, ana
            ben:  why not?
            ana:  revise the whole thing?
            ana:  🎉
            ana:  @agents are great
        "#]],
    );
}

#[test]
fn what_means_nothing_is_answered_with_what_would() {
    world().check(
        "ana: 1
         ana: status
         ana: queue
         ana: status T-1
         ana: stop
         ana: ✅
         ana: approve T-1
         ana: why T-1
         ana: resume",
        expect![[r#"
            ana:  1
            bot:  There is no choice 1 in this thread. Say `status` to see what can be answered.
            ana:  status
            bot:  No tasks in this thread yet. Say `@agent` and what should change.
            ana:  queue
            bot:  The merge queue is empty. Say `merge T-1` when a task is ready.
            ana:  status T-1
            bot:  There is no task T-1. Say `status` to see the tasks of this thread.
            ana:  stop
            bot:  There is nothing to stop in this thread. Say `status` to see its tasks, or name one, as in `stop T-1`.
            ana:  ✅
            bot:  There is nothing to approve in this thread. Say `status` to see its tasks, or name one, as in `approve T-1`.
            ana:  approve T-1
            bot:  There is no task T-1. Say `status` to see the tasks of this thread.
            ana:  why T-1
            bot:  There is no task T-1. Say `status` to see the tasks of this thread.
            ana:  resume
            bot:  You may not operate the queue: that takes the role operator. dora or ola can.
        "#]],
    );
}

#[test]
fn status_and_why_say_where_a_task_stands() {
    let mut world = world();
    world.play(
        "ana: @agent add a farewell
         dan: @agent add a welcome plan=off
         dan: @agent doze while planning",
    );
    world.transcript();
    world.check(
        "eva: status
         eva: status T-1
         eva: @agent status T-2
         eva: why T-1
         ana: @agent why T-2
         ana: @agent why can I not merge T-2?
         ana: @agent why?
         ana: stop T-3
         ola: stop T-3",
        expect![[r#"
            eva:  status
            bot:  T-1 awaiting-approval · add a farewell (by ana)
                  T-2 in-review · add a welcome (by dan)
                  T-3 planning · doze while planning (by dan)
            eva:  status T-1
            bot:  T-1 · add a farewell
                  plan v1 waits for an approval (R1)
                  asked by ana · sample on main · agent scripted · read 0 messages · caged: LEVEL
            eva:  @agent status T-2
            bot:  T-2 · add a welcome
                  ready on downbeat/T-2
                  asked by dan · sample on main · agent scripted · read 1 message (2 of mine left out) · caged: LEVEL
            eva:  why T-1
            bot:  T-1: plan v1 waits for an approval (R1).
            ana:  @agent why T-2
            bot:  T-2: ready on downbeat/T-2.
            ana:  @agent why can I not merge T-2?
            bot:  T-2: ready on downbeat/T-2.
                  You may not merge T-2: that takes the role approver. ben, dan or dora can say `merge T-2`.
            ana:  @agent why?
            bot:  Several tasks could be meant by why. Say `why T-1` or `why T-2` or `why T-3`.
            ana:  stop T-3  👀
                  [T-3] stopping, as ana said
                  [T-3] ended: stopped by ana
            bot:  T-3 ended: stopped by ana. Say `retry T-3` to run it again.
            ola:  stop T-3
            bot:  T-3 has ended already: it is cancelled. Say `retry T-3` if it should run again, or ask for something new.
        "#]],
    );
}

#[test]
fn an_emoji_stands_for_a_command() {
    let mut world = world();
    world.play("ana: @agent add a farewell");
    world.transcript();
    world.check(
        "ben: ✅
         ana: ✅
         ana: 🔁
         ana: ❌
         ana: :repeat:",
        expect![[r#"
            ben:  ✅  👀
                  [T-1] plan v1 approved by ben (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [4] Merge   [5] Retry
            ana:  ✅
            bot:  There is nothing to approve in this thread. Say `status` to see its tasks, or name one, as in `approve T-1`.
            ana:  🔁  👀
                  [T-1] plan v1 approved by ben (#cac7d254) · waiting for its turn to work
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [6] Merge   [7] Retry
            ana:  ❌  👀
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            ana:  :repeat:  👀
                  [T-1] waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #9a3e6b67
                  [8] Approve and run   [9] Revise…   [10] Reject
        "#]],
    );
}
