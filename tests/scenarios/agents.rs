//! Agents that fail, misbehave or cannot plan.

use expect_test::{Expect, expect};
use tests::processes;
use tests::world::{Origin, Setup, World};

use crate::sample::{SAMPLE, TEAM, setup, world};

/// The last word after this request; what comes before it is the same as ever.
#[track_caller]
fn check_end(request: &str, expected: Expect) -> World {
    let mut world = world();
    world.play(&format!("ana: @agent {request}"));
    let said = world.transcript();
    let last = said.rfind("bot: ").expect("the bot has answered");
    expected.assert_eq(&said[last..]);
    world
}

#[test]
fn an_agent_that_fails_says_why() {
    check_end(
        "give up plan=off",
        expect![[r#"
            bot:  T-1 failed: the agent scripted ended with exit code 1; its last words:
                  scripted agent: told to fail
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
        "#]],
    );
}

#[test]
fn a_plan_that_is_none_is_refused() {
    let mut world = check_end(
        "plan nonsense",
        expect![[r#"
            bot:  T-1 failed: the agent scripted printed something that is not text
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
        "#]],
    );
    world.check(
        "ana: retry",
        expect![[r#"
            ana:  retry  👀
                  [T-1] waiting for its turn to plan
                  [T-1] failed: the agent scripted printed something that is not text
            bot:  T-1 failed: the agent scripted printed something that is not text
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [2] Retry
        "#]],
    );
}

#[test]
fn a_flood_of_words_is_cut_off() {
    check_end(
        "talk without end plan=off",
        expect![[r#"
            bot:  T-1 failed: the agent scripted was stopped because it wrote more output than allowed; its last words:
                  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… 1000 bytes
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
        "#]],
    );
}

#[test]
fn a_tree_that_is_gone_is_no_change() {
    check_end(
        "clear everything away plan=off",
        expect![[r#"
            bot:  T-1 failed: the agent left no working tree: every file in it was deleted
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
        "#]],
    );
}

#[test]
fn nothing_is_written_outside_of_the_tree() {
    let world = check_end(
        "look around plan=off",
        expect![[r#"
            bot:  T-1 failed: the agent scripted ended with exit code 1; its last words:
                  scripted agent: Read-only file system (os error 30)
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
        "#]],
    );
    assert!(!world.home().join("state/workspaces/T-1/outside").exists());
}

#[test]
fn an_orphan_does_not_outlive_its_session() {
    let world = check_end(
        "leave something behind plan=off",
        expect![[r#"
        bot:  T-1 is ready on downbeat/T-1: +1 −0 in page.md · its check words passed
              [1] Merge   [2] Retry
    "#]],
    );
    assert!(processes::working_in(world.home()).is_empty());
}

#[test]
fn an_agent_without_a_plan_command_is_not_asked_for_a_plan() {
    let config = format!(
        "{TEAM}\n[agents.plain]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"echo Bye. > farewell.md; echo done\"]"
    );
    Setup { config: &config, ..setup() }.open().check(
        "ana: @agent say goodbye agent=plain
         ana: @agent say goodbye agent=plain plan=auto
         ana: @agent say goodbye agent=plain plan=off",
        expect![[r#"
            ana:  @agent say goodbye agent=plain
            bot:  The agent plain has no command that plans. Set `agents.plain.plan` in the config, ask with plan=off, or name another agent.
            ana:  @agent say goodbye agent=plain plan=auto
            bot:  The agent plain has no command that plans. Set `agents.plain.plan` in the config, ask with plan=off, or name another agent.
            ana:  @agent say goodbye agent=plain plan=off  👀
            bot:  T-1 · say goodbye
                  waiting for its turn to work
                  asked by ana · sample@main (the only one) · agent plain · read 2 messages (2 of bots left out) · caged: LEVEL
                  [T-1] publishing +1 −0 in farewell.md
                  [T-1] ready on downbeat/T-1
            bot:  T-1 is ready on downbeat/T-1: +1 −0 in farewell.md · its check words passed
                  [1] Merge   [2] Retry
        "#]],
    );
}

#[test]
fn a_recipe_plans_by_a_rehearsal() {
    let recipe = (
        ".downbeat/recipes/stars.toml",
        "description = \"Stars for dashes\"\n\n[[steps]]\nname = \"replace\"\ncommand = \"sed -i 's/!/*/' *.md\"\n",
    );
    let config = format!("{TEAM}\n[agents.recipes]\nkind = \"recipe\"");
    let files = [SAMPLE, &[recipe]].concat();
    Setup { config: &config, repositories: vec![("sample", Origin::Bare(files))], ..setup() }.open().check(
        "ana: @agent moons agent=recipes
         ana: @agent stars agent=recipes
         ana: approve",
        expect![[r#"
            ana:  @agent moons agent=recipes  👀
            bot:  T-1 · moons
                  waiting for its turn to plan
                  asked by ana · sample@main (the only one) · agent recipes · read 0 messages · caged: LEVEL
                  [T-1] failed: the agent recipes could not start: there is no recipe moons at <commit 1>; these can be asked for by name:
            bot:  T-1 failed: the agent recipes could not start: there is no recipe moons at <commit 1>; these can be asked for by name:
                    stars: Stars for dashes
                  Say `retry T-1` to run it again, or `log T-1` to read what was printed.
                  [1] Retry
            ana:  @agent stars agent=recipes  👀
            bot:  T-2 · stars
                  waiting for its turn to plan
                  asked by ana · sample@main (as before in this thread) · agent recipes · read 1 message (2 of bots left out) · caged: LEVEL
                  [T-2] plan v1 waits for an approval (R1)
            bot:  Plan v1 for T-2: Stars for dashes (recipe stars). A rehearsal changed 1 file (+1 −1)
                  1. replace: `sed -i 's/!/*/' *.md`
                  2. greeting.md +1 −1
                  files: greeting.md
                  risk: R1 · #f27db18a
                  [2] Approve and run   [3] Edit plan   [4] Comment…   [5] Cancel
            ana:  approve  👀
                  [Plan v1 for T-2] approved by ana at 12:00 UTC
                  [T-2] plan v1 approved by ana (#f27db18a) · waiting for its turn to work
                  [T-2] publishing +1 −1 in greeting.md
                  [T-2] ready on downbeat/T-2
            bot:  T-2 is ready on downbeat/T-2: +1 −1 in greeting.md · its check words passed
                  [6] Merge   [7] Retry
        "#]],
    );
}
