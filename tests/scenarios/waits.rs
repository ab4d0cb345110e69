//! How long people are waited for, when they are reminded, and what becomes of what nobody answers.

use expect_test::expect;

use crate::sample::{two_repositories, world};

#[test]
fn a_question_is_reminded_of_once_and_what_it_leaves_is_kept() {
    world().check(
        "ana: @agent name the greeting plan=off
         -- 5 minutes pass
         -- 3 hours pass
         -- 2 hours pass
         -- restart
         -- 3 days pass
         ana: answer T-1 hello
         ana: resume T-1
         ana: hello",
        expect![[r#"
            ana:  @agent name the greeting plan=off  👀
            bot:  T-1 · name the greeting
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] needs an answer: Which name shall the greeting have?
            bot:  ana, T-1 asks: Which name shall the greeting have?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [1] Hello   [2] Welcome   [3] Answer…
            --    5 minutes pass
            --    3 hours pass
            --    2 hours pass
            bot:  ana, T-1 still waits for an answer: Which name shall the greeting have?
                  Without one T-1 is paused in 2 d.
            --    restart
            --    3 days pass
                  [ana, T-1 asks: Which name shall the greeting have?] Nobody answered in time. Say `resume T-1`, and it asks again.
                  [T-1] paused, because nobody answered
            ana:  answer T-1 hello
            bot:  T-1 asks nothing now: it is paused. Say `resume T-1` to let it go on.
            ana:  resume T-1  👀
                  [T-1] waiting for its turn to work
                  [T-1] needs an answer: Which name shall the greeting have?
            bot:  ana, T-1 asks: Which name shall the greeting have?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [4] Hello   [5] Welcome   [6] Answer…
            ana:  hello  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Hello
                  [T-1] working
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [7] Merge   [8] Retry
        "#]],
    );
}

#[test]
fn a_reminder_that_would_come_too_late_is_not_said() {
    world().check(
        "ana: @agent name the greeting plan=off
         -- 5 minutes pass
         ana: hello
         -- 5 hours pass",
        expect![[r#"
            ana:  @agent name the greeting plan=off  👀
            bot:  T-1 · name the greeting
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] needs an answer: Which name shall the greeting have?
            bot:  ana, T-1 asks: Which name shall the greeting have?
                  What it has done is kept; without an answer it is paused after 3 days.
                  [1] Hello   [2] Welcome   [3] Answer…
            --    5 minutes pass
            ana:  hello  👀
                  [ana, T-1 asks: Which name shall the greeting have?] ana answered: Hello
                  [T-1] waiting for its turn to work
                  [T-1] publishing +1 −0 in named.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in named.md · its check words passed
                  [4] Merge   [5] Retry
            --    5 hours pass
        "#]],
    );
}

#[test]
fn a_plan_is_reminded_of_once_before_its_task_ends() {
    world().check(
        "ana: @agent add a farewell
         -- 1 day passes
         ana: revise T-1 say it warmer
         -- 23 hours pass
         -- 1 hour passes
         -- 6 days pass",
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
            --    1 day passes
            bot:  ana, plan v1 for T-1 still waits for an approval; without one T-1 ends in 6 d.
            ana:  revise T-1 say it warmer  👀
                  [Plan v1 for T-1] ana asked for another version at 12:00 UTC
                  [T-1] waiting for its turn to plan
                  [T-1] plan v2 waits for an approval (R1)
            bot:  Plan v2 for T-1: A page that says a warm goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #b87d3dab
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            --    23 hours pass
            --    1 hour passes
            bot:  ana, plan v2 for T-1 still waits for an approval; without one T-1 ends in 6 d.
            --    6 days pass
                  [Plan v2 for T-1] nobody approved it in time at 12:00 UTC
                  [T-1] ended: nobody approved it in time
            bot:  T-1 ended: nobody approved it in time. Say `retry T-1` to run it again.
        "#]],
    );
}

#[test]
fn a_request_whose_repository_nobody_names_is_waited_for_no_more() {
    two_repositories().open().check(
        "ana: @agent add a farewell
         -- 23 hours pass
         #side ana: @agent add a welcome
         -- restart
         -- 2 hours pass
         ana: 1
         #side ana: 1",
        expect![[r#"
            ana:  @agent add a farewell  👀
            bot:  Which repository is this about?
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            --    23 hours pass
            #side ana: @agent add a welcome  👀
            #side bot: Which repository is this about?
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            --    restart
            --    2 hours pass
                  [Which repository is this about?] Nobody said in time which repository this is about. Say it again with `repo=NAME`.
            ana:  1
            bot:  That request is not open any more. Say it again with `repo=acme/greeter`.
            #side ana: 1
                  #side [Which repository is this about?] ana said: acme/greeter.
            #side bot: T-1 · add a welcome
                  waiting for its turn to plan
                  asked by ana · acme/greeter@main (named) · agent scripted · read 0 messages · caged: LEVEL
                  #side [T-1] plan v1 waits for an approval (R1)
            #side bot: Plan v1 for T-1: A page that welcomes
                  1. write welcome.md
                  files: welcome.md
                  risk: R1 · #806b1908
                  [3] Approve and run   [4] Edit plan   [5] Comment…   [6] Cancel
        "#]],
    );
}
