//! Sessions that make the same call over and over: they are told so, and ended when that does not help.

use super::{Studio, wait_for};
use crate::orders::done;

/// The model thinks for as long as a word takes to reach its agent on a busy machine.
const LOOKS: &str = "  { do = [{ shell = \"cat hall.room\" }], delay_ms = 700 },\n";

/// What it does when it is told.
const OTHER_WAY: &str = r#"
[[task]]
says = "that leads nowhere"
work = [
  { do = [{ shell = "echo 'wall: yellow' > kitchen.room" }] },
  { say = "I went another way." },
]
"#;

fn going_in_circles(agent: &str, before: &str) -> Studio {
    let looks = LOOKS.repeat(24);
    Studio::of(
        agent,
        &format!("{before}\n[[task]]\nsays = \"look around\"\nwork = [\n{looks}  {{ say = \"Enough.\" }},\n]\n"),
    )
}

/// It hears the words within its turn, finds another way, and the log has them too.
pub fn one_that_goes_in_circles_is_told_so(agent: &str) {
    let studio = going_in_circles(agent, OTHER_WAY);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent look around agent={agent} plan=off"));
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in kitchen.room");
    let log = done(&studio.world, &["task", "log", "T-1"]);
    let told: Vec<_> = log.lines().filter(|line| line.contains("downbeat: You made the same call 4 times")).collect();
    assert!(told.len() == 1 && told[0].contains("with the same result: `cat hall.room`"), "{log}");
    assert!(instance.stop().status.success());
}

/// It is told once; the second circle ends it, and the card says why and how to go on.
pub fn one_that_goes_on_in_circles_is_ended(agent: &str) {
    let studio = going_in_circles(agent, "");
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent look around agent={agent} plan=off"));
    if agent == "gemini" {
        // What a turn was about is gone for it with the turn's interruption.
        wait_for(&instance, "T-1, nothing to change");
        return;
    }
    let told = wait_for(&instance, &format!("T-1 failed: the agent {agent} made the same call 4 times"));
    assert!(told.contains("with the same result: `cat hall.room`, and then did so again"), "{told}");
    wait_for(&instance, "Say `retry T-1` to run it again");
    let heard = studio.model.heard().iter().any(|heard| heard.body.to_string().contains("That leads nowhere"));
    assert!(heard, "it was not told");
    assert!(instance.stop().status.success());
}
