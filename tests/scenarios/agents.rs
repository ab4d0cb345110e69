//! Agents that fail, misbehave or cannot plan.

use expect_test::{Expect, expect};
use tests::world::{Origin, Setup, World};

use crate::sample::{SAMPLE, TEAM, setup, world};

/// What the first words after the card are, when this is asked for without a plan.
#[track_caller]
fn check_end(request: &str, expected: Expect) -> World {
    let mut world = world();
    world.play(&format!("ana: @agent {request}"));
    let said = world.transcript();
    let end = said.split_inclusive('\n').skip_while(|line| !line.starts_with("bot:  T-1 failed"));
    let end: String = end.collect();
    expected.assert_eq(if end.is_empty() { &said } else { &end });
    world
}

#[test]
fn an_agent_that_fails_says_why() {
    check_end("give up plan=off", expect![[r#"
        bot:  T-1 failed: it ended with exit code 1; its last words:
              scripted agent: told to fail
              [1] Retry
    "#]]);
}

#[test]
fn a_plan_that_is_none_is_refused() {
    let mut world = check_end("plan nonsense", expect![[r#"
        bot:  T-1 failed: it printed something that is not text
              [1] Retry
    "#]]);
    world.check("ana: retry", expect![[r#"
        ana:  retry  👀
              [T-1] waiting for its turn to plan
              [T-1] failed: it printed something that is not text
        bot:  T-1 failed: it printed something that is not text
              [2] Retry
    "#]]);
}

#[test]
fn a_flood_of_words_is_cut_off() {
    check_end("talk without end plan=off", expect![[""]]);
}

#[test]
fn a_tree_that_is_gone_is_no_change() {
    check_end("clear everything away plan=off", expect![[""]]);
}

#[test]
fn nothing_is_written_outside_of_the_tree() {
    check_end("look around plan=off", expect![[""]]);
}

#[test]
fn an_orphan_does_not_outlive_its_session() {
    let world = check_end("leave something behind plan=off", expect![[r#"
        ana:  @agent say goodbye agent=plain
        bot:  The agent plain has no command that plans. Set `agents.plain.plan` in the config, ask with plan=off, or name another agent.
        ana:  @agent say goodbye agent=plain plan=auto
        bot:  The agent plain has no command that plans. Set `agents.plain.plan` in the config, ask with plan=off, or name another agent.
        ana:  @agent say goodbye agent=plain plan=off  👀
        bot:  T-1 · say goodbye
              waiting for its turn to work
              asked by ana · sample on main · agent plain · read 2 messages (2 of mine left out) · caged: LEVEL
              [T-1] publishing +1 −0 in farewell.md
              [T-1] ready on downbeat/T-1
        bot:  T-1 is ready on downbeat/T-1: +1 −0 in farewell.md · its check words passed
              [1] Merge   [2] Retry
    "#]]);
    let _ = world;
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
        expect![[""]],
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
        expect![[""]],
    );
}
