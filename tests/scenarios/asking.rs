//! A session asks, and a person answers: at once, late, not at all, or after a crash.

use expect_test::expect;

use crate::sample::world;

#[test]
fn a_question_is_answered_while_its_session_waits() {
    let mut world = world();
    world.play("ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "dan: 1
         ana: status
         ana: 2
         ben: 1
         ana: merge",
        expect![[r#"
            dan:  1
            bot:  You may not answer T-1: that takes the role approver. ana, ben or dora can say `answer T-1`.
            ana:  status
            bot:  T-1 · name the greeting (by ana) · waiting for an answer · ana, ben or dora can say `answer T-1`
            ana:  2  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Welcome
                  [T-1] working
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [4] Merge   [5] Retry
            ben:  1
            bot:  ana has answered that question of T-1 already: “Welcome”. Say `steer T-1` and your words if its agent should know more.
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "main:named.md"]), "Welcome!\n");
}

#[test]
fn a_question_that_nobody_answers_frees_the_session_and_its_answer_begins_the_next() {
    let mut world = world();
    world.play("ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "-- 5 minutes pass
         ana: why
         ana: why T-1
         ana: answer T-1 Good morning
         ana: merge",
        expect![[r#"
            --    5 minutes pass
            ana:  why
            ana:  why T-1
            bot:  T-1: needs an answer: Which name shall the greeting have?
                  To go on: ana, ben or dora can say `answer T-1`.
            ana:  answer T-1 Good morning  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Good morning
                  [T-1] waiting for its turn to work
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [4] Merge   [5] Retry
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:05 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  took 5 min
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "main:named.md"]), "Good morning!\n");
}

#[test]
fn a_session_that_began_again_finds_the_answer_to_its_question() {
    let mut world = world();
    world.play("ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "-- restart
         ana: hello
         -- restart
         ana: merge",
        expect![[r#"
            --    restart
            ana:  hello  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Hello
                  [T-1] working
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [4] Merge   [5] Retry
            --    restart
            ana:  merge  👀
                  [T-1 is ready on downbeat/T-1] sent to the merge queue by ana at 12:00 UTC
                  [T-1] in the merge queue by ana · entering
                  [T-1] in the merge queue by ana · position 1 of 1 · testing
                  [T-1] in the merge queue by ana · position 1 of 1 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
        "#]],
    );
    assert_eq!(world.remote_git(&["show", "main:named.md"]), "Hello!\n");
}

#[test]
fn free_words_answer_only_where_nothing_else_can_be_meant() {
    let mut world = world();
    world.check(
        "ana: @agent ask before planning
         ben: who is it for?
         ana: for the newcomers, I think
         -- 3 minutes pass
         ana: answer the newcomers
         ana: @agent answer the newcomers",
        expect![[r#"
            ana:  @agent ask before planning  👀
            bot:  T-1 · ask before planning
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] needs an answer: Who is it for?
            bot:  ana, T-1 asks: Who is it for?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [1] Answer…
            ben:  who is it for?
            ana:  for the newcomers, I think
            --    3 minutes pass
            ana:  answer the newcomers
            ana:  @agent answer the newcomers  👀
                  [ana, T-1 asks: Who is it for?] ana answered: the newcomers
                  [T-1] planning, with nothing writable
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page for whoever was named
                  1. write page.md
                  files: page.md
                  risk: R1 · #f3bef9f2
                  [2] Approve and run   [3] Edit plan   [4] Comment…   [5] Cancel
        "#]],
    );
    world.transcript();
    world.check(
        "#alone ana: @agent ask before planning
         #alone ana: for the newcomers",
        expect![[r#"
            #alone ana: @agent ask before planning  👀
            #alone bot: T-2 · ask before planning
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  #alone [T-2] needs an answer: Who is it for?
            #alone bot: ana, T-2 asks: Who is it for?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [1] Answer…
            #alone ana: for the newcomers  👀
                  #alone [ana, T-2 asks: Who is it for?] ana answered: for the newcomers
                  #alone [T-2] planning, with nothing writable
                  #alone [T-2] plan v1 waits for an approval (R1)
            #alone bot: Plan v1 for T-2: A page for whoever was named
                  1. write page.md
                  files: page.md
                  risk: R1 · #f3bef9f2
                  [2] Approve and run   [3] Edit plan   [4] Comment…   [5] Cancel
        "#]],
    );
}

#[test]
fn what_an_agent_asks_leave_for_is_answered_by_whoever_may_approve_it() {
    let mut world = world();
    world.play("ana: @agent fetch the list plan=off");
    world.transcript();
    world.check(
        "dan: answer T-1 allow once
         ana: answer T-1 perhaps
         ben: never
         ana: allow once
         ana: answer T-1 allow once",
        expect![[r#"
            dan:  answer T-1 allow once
            bot:  You may not answer T-1: that takes the role approver. ana, ben or dora can say `answer T-1`.
            ana:  answer T-1 perhaps
            bot:  T-1 asks for one of its choices. Say `answer T-1 Allow once` or `answer T-1 Never`.
            ben:  never  👀
                  [ana, T-1 asks: May it reach greetings.example?] ben answered: Never
                  [T-1] working
                  [T-1] publishing +1 −0 in list.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in list.md · its check words passed
                  [3] Merge   [4] Retry
            ana:  allow once
            ana:  answer T-1 allow once
            bot:  ben has answered that question of T-1 already: “Never”. Say `steer T-1` and your words if its agent should know more.
        "#]],
    );
}

#[test]
fn a_question_ends_with_its_task_or_in_time() {
    let mut world = world();
    world.play("ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "ana: stop\n         ana: 1",
        expect![[r#"
            ana:  stop  👀
                  [ana, T-1 asks: Which name shall the greeting have?] It needs no answer any more.
                  [T-1] stopping, as ana said
                  [T-1] ended: stopped by ana
            bot:  T-1 ended: stopped by ana. Say `retry T-1` to run it again.
            ana:  1
            bot:  T-1 asks nothing now: it is cancelled. Say `status T-1` to see what it needs.
        "#]],
    );
    world.play("#late ana: @agent name the greeting plan=off");
    world.transcript();
    world.check(
        "-- 5 minutes pass
         -- 4 days pass
         #late ana: answer T-2 hello",
        expect![[r#"
            --    5 minutes pass
            --    4 days pass
            #late bot: ana, T-2 still waits for an answer: Which name shall the greeting have?
                  Without one T-2 is paused in 2 d.
                  #late [ana, T-2 asks: Which name shall the greeting have?] Nobody answered in time. Say `resume T-2`, and it asks again.
                  #late [T-2] paused, because nobody answered
            #late ana: answer T-2 hello
            #late bot: T-2 asks nothing now: it is paused. Say `resume T-2` to let it go on.
        "#]],
    );
}
