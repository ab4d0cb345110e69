//! What Claude and Codex say when the model fails: the words by which we tell one kind of trouble from another.

use tests::model::Model;

use crate::program::{CLAUDE, Program};

/// A way in which a model fails, and what each of the two makes of it.
#[derive(Clone, Copy)]
pub struct Trouble {
    /// In the name of the test.
    pub name: &'static str,
    /// The step of the script.
    step: &'static str,
    by_claude: &'static [&'static str],
    by_codex: &'static [&'static str],
}

/// Every kind that ends a run.
pub const KINDS: [Trouble; 9] = [
    Trouble {
        name: "a_refused_key",
        step: r#"fail = { status = 401, message = "invalid x-api-key" }"#,
        by_claude: &[r#""error":"authentication_failed""#, r#""api_error_status":401"#],
        by_codex: &["unexpected status 401 Unauthorized"],
    },
    Trouble {
        name: "no_credit",
        step: r#"fail = { status = 400, message = "Your credit balance is too low to access the Anthropic API." }"#,
        by_claude: &[r#""error":"billing_error""#, "Credit balance is too low"],
        by_codex: &["credit balance is too low"],
    },
    Trouble {
        name: "no_quota",
        step: r#"fail = { status = 429, kind = "insufficient_quota", message = "You exceeded your current quota" }"#,
        by_claude: &[r#""api_error_type":"insufficient_quota""#],
        by_codex: &["Quota exceeded"],
    },
    Trouble {
        name: "too_many_requests",
        step: "fail = { status = 429 }",
        by_claude: &[r#""subtype":"api_retry""#, r#""error":"rate_limit""#, r#""api_error_status":429"#],
        by_codex: &["429 Too Many Requests"],
    },
    Trouble {
        name: "a_broken_provider",
        step: "fail = { status = 500 }",
        by_claude: &[r#""error":"server_error""#, r#""api_error_status":500"#],
        by_codex: &["experiencing high demand"],
    },
    Trouble {
        name: "an_overloaded_provider",
        step: "fail = { status = 529 }",
        by_claude: &[r#""error":"overloaded""#, r#""api_error_status":529"#],
        by_codex: &["unexpected status 529"],
    },
    Trouble {
        name: "a_stream_that_breaks",
        step: r#"cut = true, say = "half of this is heard, and no more of it""#,
        by_claude: &[r#""terminal_reason":"api_error""#, r#""api_error_status":null"#],
        by_codex: &["stream disconnected before completion"],
    },
    Trouble {
        name: "an_answer_that_is_none",
        step: "garbage = true",
        by_claude: &["malformed response"],
        by_codex: &["stream disconnected before completion"],
    },
    Trouble {
        name: "a_conversation_that_is_too_long",
        step: r#"stop = "context""#,
        by_claude: &[r#""terminal_reason":"prompt_too_long""#],
        by_codex: &["ran out of room in the model's context window"],
    },
];

/// The run fails, within its minute, in words that we know.
pub fn is_told(program: Program, trouble: Trouble) {
    let model = Model::of(&format!("[[task]]\nsays = \"farewell\"\nwork = [{{ {} }}]\n", trouble.step));
    let ran = program.place(&model).run(&model, "Add a farewell.");
    assert!(!ran.is_success, "{}", ran.output);
    let words = if program.name == CLAUDE.name { trouble.by_claude } else { trouble.by_codex };
    for word in words {
        assert!(ran.output.contains(word), "{word} is not in\n{}", ran.output);
    }
}

/// A provider that says when to come again is asked again then, and the work goes on.
pub fn a_limit_is_waited_out(program: Program) {
    let steps = r#"{ fail = { status = 429, retry_after = 1, times = 1 }, do = [{ shell = "echo bye > farewell.txt" }] }, { say = "Done." }"#;
    let model = Model::of(&format!("[[task]]\nsays = \"farewell\"\nwork = [{steps}]\n"));
    let place = program.place(&model);
    let ran = place.run(&model, "Add a farewell.");
    assert!(ran.is_success, "{}", ran.output);
    assert_eq!(place.file("farewell.txt"), "bye\n");
    assert_eq!(model.turns().iter().map(|turn| turn.step).collect::<Vec<_>>(), [0, 0, 1]);
}
