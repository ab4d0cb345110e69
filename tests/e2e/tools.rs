//! The tools of a session, with real agents: a question reaches people and its answer the model, the thread is read, what
//! is reported is shown, and who works on the same paths is told.

use crate::agents::{Studio, wait_for};
use crate::orders::done;

const SHED: &str = r#"
[[task]]
says = "mend the shed"
work = [
  { do = [{ tool = { name = "claim_paths", input = { paths = ["shed.room"] } } }] },
  { say = "Somebody else is at it." },
]

[[task]]
says = "paint the shed"
plan = [
  { do = [{ tool = { name = "read_thread", input = {} } }] },
  { do = [{ tool = { name = "ask_person", input = { question = "Which colour shall the shed have?", choices = ["red", "blue"] } } }] },
  { say = '{"summary": "A shed as people want it", "steps": ["paint it"], "paths": ["shed.room"], "checks": ["rooms"]}' },
]
work = [
  { do = [{ tool = { name = "report_progress", input = { line = "mixing the colour" } } }] },
  { do = [{ tool = { name = "claim_paths", input = { paths = ["*.room"] } } }] },
  { do = [{ write = { path = "shed.room", text = "wall: blue\n" } }] },
  { say = "The shed is painted." },
]
"#;

/// What people are asked and say reaches the model, and what the model reports reaches people.
pub fn a_model_asks_reads_reports_and_claims(agent: &str) {
    let Studio { model, world } = Studio::of(agent, SHED);
    let mut instance = world.up();
    instance.say("dan: I would take blue.");
    instance.say(&format!("ana: @agent paint the shed agent={agent}"));
    wait_for(&instance, "Which colour shall the shed have?");
    wait_for(&instance, "[1] red");
    instance.say("ana: 2");
    wait_for(&instance, "ana answered: blue");
    wait_for(&instance, "A shed as people want it");
    let planned = model.until("paint the shed", 2).results.join("\n");
    assert!(planned.contains("- dan said: I would take blue.") && planned.contains("ana answered: blue"), "{planned}");

    instance.say("ben: approve T-1");
    wait_for(&instance, "T-1 is ready");
    let log = done(&world, &["task", "log", "T-1"]);
    assert!(log.contains("mixing the colour"), "{log}");

    instance.say(&format!("dan: @agent mend the shed plan=off agent={agent}"));
    wait_for(&instance, "Somebody else is at it.");
    let mended = model.until("mend the shed", 1).results.join("\n");
    assert!(mended.contains("- T-1 (") && mended.contains("has changed shed.room"), "{mended}");
    assert!(mended.contains("claimed *.room"), "{mended}");
    instance.say("ana: stop T-1");
    wait_for(&instance, "T-1 ended: stopped by ana");
    instance.say(&format!("dan: @agent mend the shed plan=off agent={agent}"));
    wait_for(&instance, "T-3, nothing to change");
    let alone = model.turns().pop().expect("it was asked").results.join("\n");
    assert!(alone.contains("No other running task is at work on these paths."), "{alone}");

    let ended = instance.stop();
    assert!(ended.status.success(), "{ended:?}");
}
