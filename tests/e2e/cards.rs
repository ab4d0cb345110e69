//! The card of a task while a real agent works on it: what it does now, and what that costs.

use crate::agents::{Studio, wait_for};

const KITCHEN: &str = r#"
[[task]]
says = "add a kitchen"
work = [
  { do = [{ shell = "cat hall.room" }] },
  { do = [{ write = { path = "kitchen.room", text = "wall: yellow\\n" } }], delay_ms = 7000 },
  { say = "There is a kitchen now." },
]
"#;

/// Cards are looked at every five seconds; the model thinks for seven.
pub fn a_card_shows_what_its_agent_does_and_costs(agent: &str) {
    let studio = Studio::of(agent, KITCHEN);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent add a kitchen agent={agent} plan=off"));
    wait_for(&instance, "estimated cost unknown");
    wait_for(&instance, "working · → cat hall.room");
    wait_for(&instance, "T-1 is ready");
}

const STEPS: &str = r#"
[[task]]
says = "plant a tree"
work = [
  { do = [{ plan = ["dig a hole", "plant a tree there"] }] },
  { do = [{ tool = { name = "TaskUpdate", input = { taskId = "1", status = "completed" } } }] },
  { do = [{ tool = { name = "TaskUpdate", input = { taskId = "2", status = "in_progress" } } }] },
  { do = [{ shell = "cat hall.room" }], delay_ms = 7000 },
  { say = "There is no room for a tree." },
]
"#;

/// Claude Code sets its list task by task.
pub fn a_card_shows_the_steps_of_its_agent() {
    let studio = Studio::of("claude", STEPS);
    let mut instance = studio.up();
    instance.say("ana: @agent plant a tree agent=claude plan=off");
    wait_for(&instance, "☑ dig a hole");
    wait_for(&instance, "▸ plant a tree there");
    wait_for(&instance, "T-1, nothing to change");
}
