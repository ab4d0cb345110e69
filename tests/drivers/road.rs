//! The usual road: plan, work, and going on in a new process.

use tests::model::Model;

use crate::place::{Kind, Place};

const FAREWELL: &str = r##"
[[task]]
says = "farewell"
plan = [
  { say = "I look.", do = [{ read = "README.md" }] },
  { do = [{ finish_plan = "# Say goodbye\n\n1. Write `farewell.txt`\n\n## Verification\n- `cat farewell.txt`\n" }] },
  { say = "The plan is made." },
]
work = [
  { say = "I write it.", do = [{ write = { path = "farewell.txt", text = "bye\n" } }] },
  { do = [{ shell = "cat farewell.txt; exit 3" }] },
  { say = "There is a farewell now." },
]
[[task]]
says = "once more"
work = [{ say = "Nothing more to do." }]
"##;

pub fn a_plan_is_proposed_and_nothing_written(kind: Kind) {
    let model = Model::of(FAREWELL);
    let place = Place::new(kind, &model);
    let workspace = place.workspace();
    let plan = place.plan(&workspace, "Add a farewell.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert_eq!(plan.summary, "Say goodbye", "{}", place.told());
    assert_eq!(
        (plan.steps.join("; ").as_str(), plan.paths.join("; ").as_str()),
        ("Write `farewell.txt`", "farewell.txt")
    );
    assert_eq!(plan.checks, ["`cat farewell.txt`"]);
    assert_eq!(place.changed(&workspace), "");
    assert!(place.told().contains("proposes a plan"), "{}", place.told());
}

pub fn work_is_done_told_and_counted(kind: Kind) {
    let model = Model::of(FAREWELL);
    let place = Place::new(kind, &model);
    let workspace = place.workspace();
    let worked = place.work(&workspace, "Add a farewell.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert_eq!(worked.answer, "There is a farewell now.");
    assert!(worked.cage.contains("gate"), "{}", worked.cage);
    assert_eq!(place.changed(&workspace), "farewell.txt");
    let told = place.told();
    for line in ["I write it.", "→ cat farewell.txt; exit 3", "  ✗ ", "There is a farewell now."] {
        assert!(told.lines().any(|said| said.starts_with(line)), "no `{line}` in:\n{told}");
    }
    assert!(told.contains("farewell.txt"), "{told}");
    let used = place.used();
    assert!(used.input > 0 && used.output > 0, "{used:?}");
    let transcript = place.transcript();
    assert!(transcript.starts_with("> {") && transcript.contains("\n< {"), "{transcript}");
    for heard in model.turns() {
        assert!(heard.key().starts_with("sk-no-key"), "{}", heard.key());
    }
}

pub fn a_session_is_resumed_and_counted_once(kind: Kind) {
    let model = Model::of(FAREWELL);
    let place = Place::new(kind, &model);
    let workspace = place.workspace();
    place.work(&workspace, "Add a farewell.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    let before = place.used();
    let worked = place.work(&workspace, "Look once more.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert_eq!(worked.answer, "Nothing more to do.");
    let again = model.until("once more", 0);
    assert!(format!("{:?}", again.body).contains("Add a farewell."), "the model was not told what was before");
    let more = place.used().output - before.output;
    assert!(more > 0 && more < before.output, "{more} of {before:?}");
}

pub fn a_session_that_is_gone_begins_anew(kind: Kind) {
    let model = Model::of(FAREWELL);
    let place = Place::new(kind, &model);
    let workspace = place.workspace();
    let memory = r#"{"agent":"robot","session":"6a2a8c9e-0000-4000-8000-000000000000","used":{}}"#;
    std::fs::write(workspace.private().join("session.json"), memory).unwrap();
    place.work(&workspace, "Add a farewell.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert!(place.told().contains("its session of before is gone; it begins anew"), "{}", place.told());
    assert_eq!(place.changed(&workspace), "farewell.txt");
}
