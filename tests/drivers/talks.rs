//! What is said between an agent and people while it works.

use agents::session::people::{QuestionKind, Steer};
use tests::model::Model;

use crate::place::{Kind, Place};

pub fn a_question_is_answered_by_a_person(kind: Kind) {
    let model = Model::of(
        r#"
[[task]]
says = "paint"
plan = [
  { do = [{ ask = { question = "Which colour?", choices = ["red", "blue"] } }] },
  { do = [{ finish_plan = "1. Paint it\n" }] },
  { say = "Planned." },
]
"#,
    );
    let place = Place::new(kind, &model);
    place.answers.lock().unwrap().push_back("blue");
    let workspace = place.workspace();
    place.plan(&workspace, "Please paint it.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    let asked = place.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!((asked[0].about, asked[0].text.as_str()), (QuestionKind::Question, "Which colour?"));
    assert_eq!(asked[0].choices, ["red", "blue"]);
    let heard = model.until("paint", 1);
    assert!(heard.results.iter().any(|result| result.contains("blue")), "{:?}", heard.results);
}

const SHELL: &str = r#"
[[task]]
says = "run it"
work = [{ do = [{ shell = "touch made.txt" }] }, { say = "It ran." }]
"#;

pub fn a_command_waits_for_a_person(kind: Kind) {
    for (answer, expected) in [("Allow", "made.txt"), ("Refuse", "")] {
        let model = Model::of(SHELL);
        let mut place = Place::new(kind, &model);
        place.settings.asks = true;
        place.answers.lock().unwrap().push_back(answer);
        let workspace = place.workspace();
        place.work(&workspace, "Please run it.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
        assert_eq!(place.changed(&workspace), expected, "{answer}: {}", place.told());
        assert!(place.asked()[0].text.contains("touch made.txt"), "{:?}", place.asked());
    }
}

const SLOW: &str = r#"
[[task]]
says = "go slowly"
work = [{ do = [{ shell = "echo beginning; sleep 2.5; touch slow.txt" }] }, { say = "Slow is done." }]
[[task]]
says = "be blue"
work = [{ do = [{ shell = "touch blue.txt" }] }, { say = "It is blue." }]
"#;

pub fn words_are_heard_while_it_works(kind: Kind) {
    let model = Model::of(SLOW);
    let place = Place::new(kind, &model);
    let said = Steer::Say { by: "ana".parse().unwrap(), text: "be blue".into() };
    place.steering.lock().unwrap().push(("→ echo beginning", said));
    let workspace = place.workspace();
    place.work(&workspace, "Please go slowly.").unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert!(
        model.heard().iter().any(|heard| format!("{:?}", heard.body).contains("ana says: be blue")),
        "{}",
        place.told()
    );
    assert!(place.told().contains("ana: be blue"), "{}", place.told());
    // Codex leaves a command running when it is steered, and ends it with the turn.
    let is_whole = kind == Kind::Codex || place.changed(&workspace).contains("slow.txt");
    assert!(is_whole && !place.told().contains("interrupted"), "{}", place.told());
}

pub fn an_interruption_goes_on_with_what_was_said(kind: Kind) {
    let model = Model::of(&SLOW.replace("sleep 2.5", "sleep 25"));
    let place = Place::new(kind, &model);
    let said = Steer::Interrupt { by: "ana".parse().unwrap(), text: "be blue".into() };
    place.steering.lock().unwrap().push(("→ echo beginning", said));
    let workspace = place.workspace();
    let worked = place.work(&workspace, "Please go slowly.");
    let worked = worked.unwrap_or_else(|error| panic!("{error}\n{}", place.told()));
    assert_eq!(worked.answer, "It is blue.");
    assert_eq!(place.changed(&workspace), "blue.txt", "{}", place.told());
}
