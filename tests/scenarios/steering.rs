//! People guide a session that runs: words, an interruption, a pause, a step back, another agent.

use expect_test::expect;
use tests::world::Setup;

use crate::sample::{TEAM, setup, world};

#[test]
fn words_reach_the_session_that_runs() {
    let mut world = world();
    world.play("ana: @agent listen and write plan=off");
    world.transcript();
    world.check(
        "dan: steer T-1 use spaces
         ana: steer T-1
         ana: tell T-1 use tabs
         ana: steer T-1 too late
         ana: merge",
        expect![[r#"
            dan:  steer T-1 use spaces
            bot:  ana, dan suggests for T-1: use spaces
                  [1] Add
            ana:  steer T-1
            bot:  There are no words for T-1. Say `steer T-1` and what its agent should know.
            ana:  tell T-1 use tabs  ⏳
                  [T-1] working · one message waits for the agent
                  [T-1] publishing +1 −0 in heard.md
                  [ana, dan suggests for T-1] unanswered, and T-1 is being published at 12:00 UTC
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in heard.md · its check words passed
                  [2] Merge   [3] Retry
            ana:  steer T-1 too late
            bot:  No agent of T-1 is there to hear that: it is ready, waiting for the word to merge. Say `revise T-1` and what should be different.
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "main:heard.md"]), "use tabs\n");
}

#[test]
fn plain_words_reach_the_one_agent_at_work_while_nobody_else_talks() {
    let mut world = world();
    world.play("ana: @agent listen and write plan=off");
    world.transcript();
    world.check(
        "ana: will it use tabs?
         ana: use tabs",
        expect![[r#"
            ana:  will it use tabs?
            ana:  use tabs  ⏳
                  [T-1] working · one message waits for the agent
                  [T-1] publishing +1 −0 in heard.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in heard.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "downbeat/T-1:heard.md"]), "use tabs\n");
}

#[test]
fn people_who_talk_with_each_other_steer_nobody() {
    let mut world = world();
    world.play("ana: @agent listen and write plan=off");
    world.transcript();
    world.check(
        "dan: I like spaces
         ana: use tabs
         ana: steer T-1 use tabs",
        expect![[r#"
            dan:  I like spaces
            ana:  use tabs
            ana:  steer T-1 use tabs  ⏳
                  [T-1] working · one message waits for the agent
                  [T-1] publishing +1 −0 in heard.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in heard.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
}

#[test]
fn words_that_a_session_did_not_hear_begin_another() {
    let mut world = world();
    world.play("ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "ana: steer T-1 and be polite
         ana: hello
         ana: diff",
        expect![[r#"
            ana:  steer T-1 and be polite  ⏳
                  [T-1] needs an answer: Which name shall the greeting have? · one message waits for the agent
            ana:  hello  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Hello
                  [T-1] working · one message waits for the agent
                  [T-1] waiting for its turn to work · one message waits for the agent
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [4] Merge   [5] Retry
            ana:  diff
            bot:  What T-1 changes:
                  ```diff
                  diff --git a/named.md b/named.md
                  new file mode 100644
                  index 0000000..10ddd6d
                  --- /dev/null
                  +++ b/named.md
                  @@ -0,0 +1 @@
                  +Hello!
                  ```
        "#]],
    );
}

#[test]
fn a_pause_keeps_what_was_done_and_a_step_back_undoes_it() {
    let mut world = world();
    world.play("ana: @agent doze while working on pages plan=off");
    world.transcript();
    world.check(
        "ana: pause T-1
         ana: pause T-1
         ana: status
         ana: steer T-1 now the second page
         ana: resume T-1
         ana: checkpoints T-1
         ana: rollback T-1 7
         ana: rollback T-1 1 now a third page
         ana: merge",
        expect![[r#"
            ana:  pause T-1  👀
                  [T-1] pausing, as ana said
                  [T-1] paused by ana
            ana:  pause T-1
            bot:  ana has paused T-1 already. Say `resume T-1` to let it go on.
            ana:  status
            bot:  T-1 · doze while working on pages (by ana) · paused · ana, ben or dora can say `resume T-1`
            ana:  steer T-1 now the second page  ⏳
                  [T-1] paused by ana · one message waits for the agent
            ana:  resume T-1  👀
                  [T-1] waiting for its turn to work · one message waits for the agent
                  [T-1] publishing +2 −0 in first.md, second.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in first.md, second.md · its check words passed
                  [1] Merge   [2] Retry
            ana:  checkpoints T-1
            bot:  The checkpoints of T-1; `rollback T-1 N` goes back to one:
                  #1 · 0 ms ago · after session 1 · +1 −0 in first.md
                  #2 · 0 ms ago · after session 2 · +1 −0 in second.md
            ana:  rollback T-1 7
            bot:  T-1 has no checkpoint 7. Say `checkpoints T-1` to see what there is.
            ana:  rollback T-1 1 now a third page  👀
                  [T-1 is ready on downbeat/T-1] taken back to checkpoint 1 by ana at 12:00 UTC
                  [T-1] waiting for its turn to work · one message waits for the agent
                  [T-1] publishing +2 −0 in first.md, third.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in first.md, third.md · its check words passed
                  [3] Merge   [4] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    assert_eq!(world.remote_git(&["ls-tree", "--name-only", "main"]).matches(".md").count(), 4);
    let pages = world.remote_git(&["ls-tree", "--name-only", "main"]);
    assert!(pages.contains("first.md") && pages.contains("third.md") && !pages.contains("second.md"), "{pages}");
}

#[test]
fn a_task_is_stopped_and_ends_while_it_rests() {
    let mut world = world();
    world.play("ana: @agent doze while working on pages plan=off");
    world.transcript();
    world.check(
        "ana: pause
         ana: pause T-1
         -- 31 days pass
         ana: resume T-1
         ana: retry T-1 with nobody
         ana: retry T-1 model=large
         ana: retry T-1 with scripted
         ana: interrupt T-1
         ana: stop",
        expect![[r#"
            ana:  pause
            bot:  You may not operate the queue: that takes the role operator. dora or ola can.
            ana:  pause T-1  👀
                  [T-1] pausing, as ana said
                  [T-1] paused by ana
            --    31 days pass
                  [T-1] ended: nobody let it go on in time
            bot:  T-1 ended: nobody let it go on in time. Say `retry T-1` to run it again.
            ana:  resume T-1
            bot:  T-1 is not paused: it is cancelled. Say `retry T-1` to run it again.
            ana:  retry T-1 with nobody
            bot:  There is no agent called nobody. I know scripted.
            ana:  retry T-1 model=large
            bot:  The agent scripted has no choice of models. Leave `model=` out, or name another agent.
            ana:  retry T-1 with scripted  👀
                  [T-1] waiting for its turn to work
                  [T-1] working
            ana:  interrupt T-1  👀
                  [T-1] working · one message waits for the agent
            ana:  stop  👀
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn who_may_not_steer_suggests_and_the_owner_passes_it_on() {
    let config = format!("{TEAM}gus.roles = []\n");
    let mut world = Setup { config: &config, ..setup() }.open();
    world.play("ana: @agent listen and write plan=off");
    world.transcript();
    world.check(
        "gus: tell T-1 use nothing
         mallory: tell T-1 use nothing
         eva: @agent use headings
         dan: tell T-1 use spaces
         ana: 2
         ana: 2",
        expect![[r#"
            gus:  tell T-1 use nothing
            bot:  I do not know you. Ask dora to add you to the config.
            mallory: tell T-1 use nothing
            bot:  I do not know you. Ask dora to add you to the config.
            eva:  @agent use headings
            bot:  ana, eva suggests for T-1: use headings
                  [1] Add
            dan:  tell T-1 use spaces
            bot:  ana, dan suggests for T-1: use spaces
                  [2] Add
            ana:  2  ⏳
                  [ana, dan suggests for T-1] passed on by ana at 12:00 UTC
                  [T-1] working · one message waits for the agent
                  [T-1] publishing +1 −0 in heard.md
                  [ana, eva suggests for T-1] unanswered, and T-1 is being published at 12:00 UTC
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in heard.md · its check words passed
                  [3] Merge   [4] Retry
            ana:  2
            bot:  No agent of T-1 is there to hear that: it is ready, waiting for the word to merge. Say `revise T-1` and what should be different.
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "downbeat/T-1:heard.md"]), "use spaces (suggested by dan)\n");
}
