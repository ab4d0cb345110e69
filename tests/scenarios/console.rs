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
            bot:  Ask:    `@agent fix the login redirect`, and after it any of repo=NAME branch=NAME agent=NAME model=NAME budget=DOLLARS plan=ask|auto|off merge=ask|auto
                  Decide: `approve T-1` · `revise T-1 keep the old name` · `edit T-1` · `reject T-1` · `try T-1` · `merge T-1`
                  Guide:  `answer T-1 yes` · `steer T-1 use tabs` · `interrupt T-1` · `pause T-1` · `resume T-1` · `rollback T-1 2`
                  Change: `stop T-1` · `retry T-1` · `dequeue T-1` · `mute T-1` · `unmute T-1`
                  Look:   `status` · `tasks` · `status T-1` · `why T-1` · `log T-1` · `diff T-1` · `context T-1` · `checkpoints T-1` · `queue`
                  Queue:  `pause` · `resume` · `prioritise T-1 high` · `hold T-1 because WHY` · `release T-1` · `freeze because WHY` · `thaw` · `restore`
                  Here:   `settings` · `@agent set repo=NAME` · `@agent unset repo`
                  The task can be left out where only one can be meant. A number answers the button with that number.
                  On one of my messages or on a request ❌ stops, 🔁 retries and 🔇 mutes; ✅ on a plan approves it where the config says so.
                  `help approve` says more of one command.
            ana:  help
            bot:  Ask:    `@agent fix the login redirect`, and after it any of repo=NAME branch=NAME agent=NAME model=NAME budget=DOLLARS plan=ask|auto|off merge=ask|auto
                  Decide: `approve T-1` · `revise T-1 keep the old name` · `edit T-1` · `reject T-1` · `try T-1` · `merge T-1`
                  Guide:  `answer T-1 yes` · `steer T-1 use tabs` · `interrupt T-1` · `pause T-1` · `resume T-1` · `rollback T-1 2`
                  Change: `stop T-1` · `retry T-1` · `dequeue T-1` · `mute T-1` · `unmute T-1`
                  Look:   `status` · `tasks` · `status T-1` · `why T-1` · `log T-1` · `diff T-1` · `context T-1` · `checkpoints T-1` · `queue`
                  Queue:  `pause` · `resume` · `prioritise T-1 high` · `hold T-1 because WHY` · `release T-1` · `freeze because WHY` · `thaw` · `restore`
                  Here:   `settings` · `@agent set repo=NAME` · `@agent unset repo`
                  The task can be left out where only one can be meant. A number answers the button with that number.
                  On one of my messages or on a request ❌ stops, 🔁 retries and 🔇 mutes; ✅ on a plan approves it where the config says so.
                  `help approve` says more of one command.
        "#]],
    );
}

#[test]
fn help_tells_more_of_one_command() {
    world().check(
        "ana: help approve
         ana: @agent help retry",
        expect![[r#"
            ana:  help approve
            bot:  Approves the plan that a task shows, so that work begins; or a finished change that goes beyond its plan. A risky one takes another person, or its id twice. Examples: `approve T-1`, `approve T-1 T-1`.
            ana:  @agent help retry
            bot:  Runs a task again that failed, was stopped or did not land, from the target as it is now; with another agent or model where one is named. Examples: `retry T-1`, `retry T-1 with codex`, `retry T-1 model=large`.
        "#]],
    );
}

#[test]
fn a_slip_of_the_keyboard_starts_nothing() {
    world().check(
        "ana: @agent add a farewell
         ana: aprove T-1
         ana: @agent stauts T-1
         ana: @agent    ",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ana:  aprove T-1
            bot:  There is no command `aprove`. Did you mean `approve T-1`? Say `help` to see what there is.
            ana:  @agent stauts T-1
            bot:  There is no command `stauts`. Did you mean `status T-1`? Say `help` to see what there is.
            ana:  @agent
            bot:  Ask:    `@agent fix the login redirect`, and after it any of repo=NAME branch=NAME agent=NAME model=NAME budget=DOLLARS plan=ask|auto|off merge=ask|auto
                  Decide: `approve T-1` · `revise T-1 keep the old name` · `edit T-1` · `reject T-1` · `try T-1` · `merge T-1`
                  Guide:  `answer T-1 yes` · `steer T-1 use tabs` · `interrupt T-1` · `pause T-1` · `resume T-1` · `rollback T-1 2`
                  Change: `stop T-1` · `retry T-1` · `dequeue T-1` · `mute T-1` · `unmute T-1`
                  Look:   `status` · `tasks` · `status T-1` · `why T-1` · `log T-1` · `diff T-1` · `context T-1` · `checkpoints T-1` · `queue`
                  Queue:  `pause` · `resume` · `prioritise T-1 high` · `hold T-1 because WHY` · `release T-1` · `freeze because WHY` · `thaw` · `restore`
                  Here:   `settings` · `@agent set repo=NAME` · `@agent unset repo`
                  The task can be left out where only one can be meant. A number answers the button with that number.
                  On one of my messages or on a request ❌ stops, 🔁 retries and 🔇 mutes; ✅ on a plan approves it where the config says so.
                  `help approve` says more of one command.
        "#]],
    );
}

#[test]
fn the_log_and_the_change_of_a_task_can_be_read_in_the_thread() {
    let mut world = world();
    world.play("ana: @agent explain the greeting");
    world.transcript();
    world.check(
        "ana: log T-1
         ana: diff T-1
         dan: @agent curse plan=off
         dan: diff
         mallory: log T-1
         ana: log T-9",
        expect![[r#"
            ana:  log T-1
            bot:  The last lines of T-1:
                  ```
                  agent scripted begins (session 1)
                  {"summary":"An explanation","steps":[],"paths":[],"checks":[]}
                  ```
            ana:  diff T-1
            bot:  T-1 has no change to show now: it is waiting for an approval. Say `status T-1` to see where it stands.
            dan:  @agent curse plan=off  👀
            bot:  T-2 · curse
                  waiting for its turn to work
                  asked by dan · sample@main (as before in this thread) · agent scripted · read 3 messages (4 of bots left out) · caged: LEVEL
                  [T-2] publishing +1 −0 in rude.md
                  [T-2] ready on downbeat/T-2
            bot:  T-2 does not pass words, so it cannot land: +1 −0 in rude.md on downbeat/T-2
                  words: a forbidden word
                  [5] Retry
            dan:  diff
            bot:  What T-2 changes:
                  ```diff
                  diff --git a/rude.md b/rude.md
                  new file mode 100644
                  index 0000000..2cfa447
                  --- /dev/null
                  +++ b/rude.md
                  @@ -0,0 +1 @@
                  +Damn!
                  ```
            mallory: log T-1
            bot:  I do not know you. Ask dora to add you to the config.
            ana:  log T-9
            bot:  There is no task T-9. Say `status` to see the tasks of this thread.
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
            bot:  T-1 · add a farewell (by ana) · waiting for an approval · ana, ben or dora can say `approve T-1`
                  T-2 · add a welcome (by dan) · ready, waiting for the word to merge · ben, dan or dora can say `merge T-2`
                  T-3 · doze while planning (by dan) · being planned
            eva:  status T-1
            bot:  T-1 · add a farewell
                  plan v1 waits for an approval (R1)
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
            eva:  @agent status T-2
            bot:  T-2 · add a welcome
                  ready on downbeat/T-2
                  asked by dan · sample@main (as before in this thread) · agent scripted · read 1 message (2 of bots left out) · caged: LEVEL
            eva:  why T-1
            bot:  T-1: plan v1 waits for an approval (R1).
                  To go on: ana, ben or dora can say `approve T-1`.
            ana:  @agent why T-2
            bot:  T-2: ready on downbeat/T-2.
                  To go on: ben, dan or dora can say `merge T-2`.
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
