//! Sessions that ask: for leave to do something, and what they want to know.

use super::{Studio, wait_for};

const SCRIPT: &str = r##"
[[task]]
says = "add two rooms"
work = [
  { do = [{ shell = "echo 'wall: yellow' > kitchen.room" }] },
  { do = [{ shell = "echo 'wall: grey' > cellar.room" }] },
  { say = "There is a kitchen, and no cellar." },
]

[[task]]
says = "paint the hall"
plan = [
  { do = [{ ask = { question = "Which colour?", choices = ["red", "blue"] } }] },
  { do = [{ finish_plan = "# Paint the hall\n\n1. Repaint `hall.room`\n" }] },
  { say = "The plan is made." },
]
"##;

/// Who may not is refused, what is allowed is done, what is refused is not, and the agent is told which.
pub fn what_needs_leave_is_done_when_a_person_allows_it(agent: &str) {
    let Studio { model, world } = Studio::with(agent, SCRIPT, "asks = true\n");
    let mut instance = world.up();
    instance.say(&format!("ana: @agent add two rooms agent={agent} plan=off"));
    let asked = wait_for(&instance, "ana, T-1 asks: May it do this?");
    assert!(asked.contains("kitchen.room"), "{asked}");
    wait_for(&instance, "[1] Allow   [2] Refuse");
    instance.say("dan: answer T-1 allow");
    wait_for(&instance, "You may not answer T-1");
    assert_eq!(model.turns().len(), 1, "the session waits");
    instance.say("ana: 1");
    wait_for(&instance, "ana answered: Allow");
    wait_for(&instance, "cellar.room");
    instance.say("ben: answer T-1 refuse");
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in kitchen.room");
    let told = model.turns().iter().any(|turn| turn.body.to_string().contains("A person refused this"));
    assert!(told, "{:?}", model.turns());
    assert!(instance.stop().status.success());
}

/// Its choices are buttons, and it plans with the one that was pressed.
pub fn its_own_question_is_answered_with_a_button(agent: &str) {
    let Studio { model, world } = Studio::of(agent, SCRIPT);
    let mut instance = world.up();
    instance.say(&format!("ana: @agent paint the hall agent={agent}"));
    wait_for(&instance, "ana, T-1 asks: Which colour?");
    wait_for(&instance, "[1] red   [2] blue");
    instance.say("ana: 2");
    wait_for(&instance, "ana answered: blue");
    wait_for(&instance, "Plan v1 for T-1: Paint the hall");
    let heard = model.until("paint the hall", 1);
    assert!(heard.results.iter().any(|result| result.contains("blue")), "{:?}", heard.results);
    assert!(instance.stop().status.success());
}
