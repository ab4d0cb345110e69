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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}
