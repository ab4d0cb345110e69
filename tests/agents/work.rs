//! What every agent has to be able to do: plan without touching anything, then read, write, edit and run commands.

use tests::model::Model;

use crate::program::{KEY, Program};

const FAREWELL: &str = r#"
[[task]]
says = "farewell"
plan = [
  { do = [{ read = "README.md" }] },
  { say = '{"summary": "Say goodbye", "steps": ["write it"], "paths": ["farewell.txt"], "checks": []}' },
]
work = [
  { say = "I look first.", think = "What is there?", do = [{ read = "README.md" }, { plan = ["write it", "look at it"] }] },
  { do = [{ write = { path = "farewell.txt", text = "bye\n" } }] },
  { do = [{ edit = { path = "README.md", old = "hello\n", new = "hello you\n" } }] },
  { do = [{ shell = "cat farewell.txt README.md | tr -d '\\n'" }] },
  { say = "There is a farewell now." },
]
"#;

/// A change takes five requests, each step once, each with the key; what a command printed reaches the model.
pub fn a_change_is_made_with_files_and_commands(program: Program) {
    let model = Model::of(FAREWELL);
    let place = program.place(&model);
    let ran = place.run(&model, "Add a farewell.");
    assert!(ran.is_success, "{}", ran.output);
    assert_eq!(place.file("farewell.txt"), "bye\n", "{}", ran.output);
    assert_eq!(place.file("README.md"), "hello you\n", "{}", ran.output);
    assert_eq!(place.changes(), " M README.md\n?? farewell.txt\n");
    assert!(ran.output.contains("There is a farewell now."), "{}", ran.output);

    let turns = model.turns();
    assert_eq!(turns.iter().map(|turn| turn.step).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(model.heard().iter().filter(|heard| heard.line.starts_with("POST")).all(|heard| heard.key() == KEY));
    assert!(turns[4].results.iter().any(|result| result.contains("byehello you")), "{:?}", turns[4].results);
}

/// A prompt for a plan is answered with words, after a look at the tree, which stays as it is.
pub fn a_plan_is_made_from_what_is_there(program: Program) {
    let model = Model::of(FAREWELL);
    let place = program.place(&model);
    let ran = place.run(&model, "Plan a change in the repository. Write nothing.\n\n## Request\n\nAdd a farewell.");
    assert!(ran.is_success, "{}", ran.output);
    assert!(ran.output.contains("Say goodbye"), "{}", ran.output);
    assert_eq!(place.changes(), "");
    let last = model.until("farewell", 1);
    assert!(last.plans && last.results.iter().any(|result| result.contains("hello")), "{last}: {:?}", last.results);
}
