//! How conversations end that do not end well.

use std::time::{Duration, Instant};

use agents::session::SessionError;
use tests::model::Model;

use crate::place::{Kind, Place};

fn script(step: &str) -> Model {
    Model::of(&format!("[[task]]\nsays = \"try\"\nwork = [{step}]\n"))
}

fn failure(place: &Place) -> SessionError {
    let workspace = place.workspace();
    place.work(&workspace, "Please try.").expect_err("it should have failed")
}

pub fn a_stop_leaves_no_process(kind: Kind) {
    let marker = format!("97.{}", std::process::id() + u32::from(kind == Kind::Codex) * 100_000);
    let model = script(&format!("{{ do = [{{ shell = \"echo beginning; setsid sleep {marker}\" }}] }}"));
    let mut place = Place::new(kind, &model);
    place.stop_at = Some("→ echo beginning");
    let workspace = place.workspace();
    let started = Instant::now();
    assert_eq!(place.work(&workspace, "Please try."), Err(SessionError::Stopped), "{}", place.told());
    assert!(started.elapsed() < Duration::from_secs(30));
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == marker.as_bytes())
    });
    assert_eq!(left.count(), 0);
}

pub fn a_refused_key_names_the_next_step(kind: Kind) {
    let model = script("{ fail = { status = 401, message = \"no such key\" } }");
    let place = Place::new(kind, &model);
    let started = Instant::now();
    let error = failure(&place);
    let provider = if kind == Kind::Claude { "anthropic" } else { "openai" };
    let text = error.to_string();
    assert!(matches!(error, SessionError::Failed(_)) && text.contains("is not let in by its model"), "{text}");
    assert!(text.ends_with(&format!("set a key that works for `providers.{provider}`, then retry")), "{text}");
    assert!(started.elapsed() < Duration::from_secs(20), "it went on trying");
}

/// Whoever is asked again begins anew: in a conversation that is full nothing more is said.
pub fn a_full_window_is_told_and_forgotten(kind: Kind) {
    let model = script("{ stop = \"context\" }");
    let place = Place::new(kind, &model);
    let workspace = place.workspace();
    let error = place.work(&workspace, "Please try.").expect_err("it should have failed");
    assert!(error.to_string().contains("filled its model's window"), "{error}");
    assert!(!workspace.private().join("session.json").exists(), "it is remembered");
}

pub fn a_busy_model_puts_the_session_off(kind: Kind) {
    let model = script("{ fail = { status = 429, message = \"slow down\" } }");
    let place = Place::new(kind, &model);
    let error = failure(&place);
    assert!(matches!(&error, SessionError::PutOff(why) if why.contains("allows no more requests")), "{error:?}");
}

pub fn a_model_that_never_answers_is_silence(kind: Kind) {
    let model = script("{ hang = true }");
    let mut place = Place::new(kind, &model);
    place.idle_max = Duration::from_secs(6);
    assert_eq!(failure(&place).to_string(), "hangs: it was silent for 1 min and was stopped");
}

pub fn a_missing_program_is_named(kind: Kind) {
    let place = Place::with(kind, vec!["/nowhere/agent".into()], None);
    let text = failure(&place).to_string();
    assert!(
        text.starts_with("could not start: there is no program `/nowhere/agent` here; install it (`npm "),
        "{text}"
    );
}

pub fn one_that_dies_is_quoted(kind: Kind) {
    let text = failure(&Place::shell(kind, "echo 'error: unknown option' >&2; exit 2")).to_string();
    assert!(
        text.starts_with("ended with exit code 2") && text.contains("\nerror: unknown option\nIt ended before"),
        "{text}"
    );
}

pub fn one_that_speaks_garbage_is_ended(kind: Kind) {
    let text = failure(&Place::shell(kind, "while :; do echo 'Would you like to log in? [y/n]'; done")).to_string();
    let told = "50 lines in a row are something else, the last of them `Would you like to log in? [y/n]`";
    assert_eq!(text, format!("does not speak the language that its `kind` stands for: {told}"));
}

pub fn one_that_floods_is_ended(kind: Kind) {
    let line = "head -c 300000000 /dev/zero | tr '\\0' x; sleep 60";
    let text = failure(&Place::shell(kind, line)).to_string();
    assert!(text.starts_with("was stopped because it wrote more output than allowed"), "{text}");
}

pub fn one_that_says_nothing_is_ended(kind: Kind) {
    let mut place = Place::shell(kind, "sleep 600");
    place.idle_max = Duration::from_secs(1);
    assert_eq!(failure(&place).to_string(), "hangs: it was silent for 1 min and was stopped");
}

/// One that answers its stop and then stays where it is.
pub fn one_that_obeys_a_stop_and_stays_is_ended(kind: Kind) {
    let (begins, obeys) = match kind {
        Kind::Claude => (
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"begun"}]}}"#,
            r#"{"type":"result","subtype":"error_during_execution","is_error":true,"result":""}"#,
        ),
        Kind::Codex => (
            r#"{"method":"turn/started","params":{"turn":{"id":"t"}}}'; echo '{"method":"item/completed","params":{"item":{"type":"agentMessage","id":"i","text":"begun"}}}"#,
            r#"{"method":"turn/completed","params":{"turn":{"id":"t","status":"interrupted"}}}"#,
        ),
    };
    let line = format!(
        "echo '{begins}'; while read -r line; do case $line in *interrupt*) echo '{obeys}'; trap '' HUP; sleep 60;; esac; done; sleep 60"
    );
    let mut place = Place::shell(kind, &line);
    place.stop_at = Some("begun");
    let workspace = place.workspace();
    let since = Instant::now();
    assert_eq!(place.work(&workspace, "Please try."), Err(SessionError::Stopped), "{}", place.told());
    assert!(since.elapsed() < Duration::from_secs(6), "it had {:?}", since.elapsed());
}

/// The words of an agent that lies: that it is done, in its own language.
pub fn one_that_claims_to_be_done_and_fails(kind: Kind) {
    let done = match kind {
        Kind::Claude => r#"{"type":"result","subtype":"success","is_error":false,"result":"done"}"#.to_owned(),
        Kind::Codex => r#"{"method":"turn/completed","params":{"turn":{"status":"completed"}}}"#.to_owned(),
    };
    let place = Place::shell(kind, &format!("echo '{done}'; exit 7"));
    let text = failure(&place).to_string();
    assert!(text.starts_with("ended with exit code 7"), "{text}");
}
