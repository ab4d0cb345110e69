//! What holds in a channel where a request says nothing, and how it is asked about.

use expect_test::expect;

use crate::sample::{two_repositories, world};

#[test]
fn an_operator_says_what_holds_in_a_channel() {
    two_repositories().open().check(
        "ana: settings
         ana: @agent set repo=sample
         ola: @agent set repo=simple budget=many
         ola: @agent set repo=simple
         ola: @agent set repo=sample budget=2.50 agent=scripted
         ana: @agent add a farewell
         ola: @agent unset agent budget
         #side ana: @agent settings",
        expect![[r#"
            ana:  settings
            bot:  What holds in console/main:
                  repo: asked when a request names none
                  agent: scripted (`agent` in the config)
                  budget: $10 a task (`costs.task_usd` in the config)
                  plan: ask (a request says otherwise with plan=auto or plan=off)
                  An operator changes it: `@agent set repo=NAME agent=NAME budget=5`, `@agent unset repo`.
            ana:  @agent set repo=sample
            bot:  You may not set defaults: that takes the role operator. dora or ola can.
            ola:  @agent set repo=simple budget=many
            bot:  I do not know the repository simple. I know acme/greeter, sample.
            ola:  @agent set repo=simple
            bot:  I do not know the repository simple. I know acme/greeter, sample.
            ola:  @agent set repo=sample budget=2.50 agent=scripted
            bot:  What holds in console/main:
                  repo: sample (set by ola at 12:00 UTC)
                  agent: scripted (set by ola at 12:00 UTC)
                  budget: $2.50 a task (set by ola at 12:00 UTC)
                  plan: ask (a request says otherwise with plan=auto or plan=off)
                  An operator changes it: `@agent set repo=NAME agent=NAME budget=5`, `@agent unset repo`.
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the default here) · agent scripted · read 5 messages (5 of bots left out) · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            ola:  @agent unset agent budget
            bot:  What holds in console/main:
                  repo: sample (set by ola at 12:00 UTC)
                  agent: scripted (`agent` in the config)
                  budget: $10 a task (`costs.task_usd` in the config)
                  plan: ask (a request says otherwise with plan=auto or plan=off)
                  An operator changes it: `@agent set repo=NAME agent=NAME budget=5`, `@agent unset repo`.
            #side ana: @agent settings
            #side bot: What holds in console/side:
                  repo: asked when a request names none
                  agent: scripted (`agent` in the config)
                  budget: $10 a task (`costs.task_usd` in the config)
                  plan: ask (a request says otherwise with plan=auto or plan=off)
                  An operator changes it: `@agent set repo=NAME agent=NAME budget=5`, `@agent unset repo`.
        "#]],
    );
}

#[test]
fn a_request_without_a_repository_is_asked_about_and_begins_once() {
    let mut world = two_repositories().open();
    world.check(
        "ana: @agent add a farewell to the greeter plan=off
         dan: 1
         -- restart
         ana: 1
         ana: 1
         ana: @agent add a welcome
         #side ana: @agent add a welcome repo=acme/greeter",
        expect![[r#"
            ana:  @agent add a farewell to the greeter plan=off  👀
            bot:  Which repository is this about?
                  acme/greeter: your words name it
                  Press one, or say it again with `repo=NAME`.
                  [1] acme/greeter   [2] sample
            dan:  1
            bot:  ana asked for that, and only they say what it is about. Ask for it yourself, with `repo=acme/greeter`.
            --    restart
            ana:  1
                  [Which repository is this about?] ana said: acme/greeter.
            bot:  T-1 · add a farewell to the greeter
                  waiting for its turn to work
                  asked by ana · acme/greeter@main (named) · agent scripted · read 0 messages · caged: LEVEL
                  [T-1] publishing +2 −0 in README.md, farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +2 −0 in README.md, farewell.md · its check words passed
                  [3] Merge   [4] Retry
            ana:  1
            bot:  T-1 has begun with that already.
            ana:  @agent add a welcome  👀
            bot:  T-2 · add a welcome
                  waiting for its turn to plan
                  asked by ana · acme/greeter@main (as before in this thread) · agent scripted · read 4 messages (5 of bots left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-2: A page that welcomes
                  1. write welcome.md
                  files: welcome.md
                  risk: R1 · #806b1908
                  [5] Approve and run   [6] Edit plan   [7] Comment…   [8] Cancel
            #side ana: @agent add a welcome repo=acme/greeter  👀
            #side bot: T-3 · add a welcome
                  waiting for its turn to plan
                  asked by ana · acme/greeter@main (named) · agent scripted · read 0 messages · caged: LEVEL
                  #side [T-3] plan v1 waits for an approval (R1)
            #side bot: Plan v1 for T-3: A page that welcomes
                  1. write welcome.md
                  files: welcome.md
                  risk: R1 · #806b1908
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
        "#]],
    );
}

#[test]
fn ones_own_tasks_are_listed_by_what_they_wait_for() {
    world().check(
        "ana: tasks
         ana: @agent add a farewell
         #side ana: @agent explain the greeting plan=off
         #other ana: @agent doze while working plan=off
         dan: tasks
         ana: tasks
         ana: schedules",
        expect![[r#"
            ana:  tasks
            bot:  You have no tasks. Say `@agent` and what should change.
            ana:  @agent add a farewell  👀
            bot:  T-1 · add a farewell
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent scripted · read 1 message (1 of bots left out) · caged: LEVEL
                  [T-1] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-1: A page that says goodbye
                  1. write farewell.md
                  2. mention it in README.md
                  files: farewell.md, README.md
                  checks: words
                  risk: R1 · #cac7d254
                  [1] Approve and run   [2] Edit plan   [3] Comment…   [4] Cancel
            #side ana: @agent explain the greeting plan=off  👀
            #side bot: T-2 · explain the greeting
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  #side [T-2] answered; there was nothing to change
            #side bot: T-2, nothing to change: reading greeting.md
                  It says hello, and that is all it does.
            #other ana: @agent doze while working plan=off  👀
            #other bot: T-3 · doze while working
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent scripted · read 0 messages · caged: LEVEL
                  #other [T-3] working
            dan:  tasks
            bot:  You have no tasks. Say `@agent` and what should change.
            ana:  tasks
            bot:  Needs somebody:
                  T-1 · add a farewell · waiting for an approval · ana, ben or dora can say `approve T-1`
                  Running:
                  T-3 · doze while working · being worked on · in console/other
                  Done in the last day:
                  T-2 · explain the greeting · answered · in console/side
            ana:  schedules
            bot:  There are no schedules yet. Ask for a task when it is due.
        "#]],
    );
}
