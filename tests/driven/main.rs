//! Real agents that are driven by ACP, in a real cage, before a scripted model; and the tools that every agent is given.
//!
//! They take part where a run is meant to have every agent: `cargo xtask test --agents all`.

#![expect(clippy::unwrap_used, reason = "tests break at the first surprise")]

mod gate;
mod world;

use agents::session::event::{AgentEvent, StopReason};
use agents::session::people::Steer;
use agents::session::{AgentSettings, ProgramSettings, SessionError};
use world::{World, program};

const SCRIPT: &str = r#"
[[task]]
says = "farewell"
plan = [
  { do = [{ read = "README.md" }] },
  { say = '{"summary": "Say goodbye", "steps": ["write it"], "paths": ["farewell.txt"], "checks": []}' },
]
work = [
  { say = "I write it.", think = "How short?", do = [{ write = { path = "farewell.txt", text = "bye\n" } }] },
  { do = [{ shell = "cat farewell.txt" }] },
  { say = "Done." },
]
[[task]]
says = "slowly"
work = [{ say = "I wait.", do = [{ shell = "echo begun; tail -f /dev/null" }] }, { say = "Waited." }]
[[task]]
says = "be brief"
work = [{ say = "Bye, in brief." }]
[[task]]
says = "what was it"
work = [{ say = "It was a farewell." }]
[[task]]
says = "unlucky"
work = [{ fail = { status = 401, message = "this API key is not valid" } }]
"#;

/// The agents by ACP that this release knows, and whether each takes a session up again.
const AGENTS: [(&str, bool); 4] =
    [("claude-agent-acp", true), ("copilot", true), ("gemini", false), ("opencode", true)];

fn installed(name: &str) -> Option<ProgramSettings> {
    let command = vec![program(name)?.display().to_string()];
    Some(ProgramSettings { command, ..ProgramSettings::default() })
}

fn acp(name: &str) -> Option<AgentSettings> {
    // With a model of the GPT family OpenCode edits by patches, which the scripted model does not write.
    let model = (name == "opencode").then(|| "one".to_owned());
    Some(AgentSettings::Acp(ProgramSettings { model, ..installed(name)? }))
}

type Case = (&'static str, fn(&'static str, bool));

macro_rules! cases {
    ($($test:ident),* $(,)?) => {
        &[$((stringify!($test), |name, takes_up| at_work($test((name, takes_up))))),*]
    };
}

const CASES: &[Case] = cases![
    it_plans_and_then_works_in_the_same_session,
    a_person_interrupts_it_and_it_goes_on,
    a_stop_ends_it_at_once,
    a_person_grants_what_it_may_do,
    a_refused_key_is_a_persons_matter,
    settings_of_the_repository_are_not_loaded,
];

/// Its own rules never ask, so nobody can grant it anything.
const NEVER_ASKS: (&str, &str) = ("opencode", "a_person_grants_what_it_may_do");

fn at_work(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(case);
}

/// Every agent where the run is meant to have them all; one that is wanted and missing is ignored, by name.
fn main() -> std::process::ExitCode {
    let mut trials = Vec::new();
    let wanted = AGENTS.iter().filter(|_| tests::peers::all_agents_are_wanted());
    for &(agent, takes_up) in wanted {
        for &(name, case) in CASES.iter().filter(|(name, _)| (agent, *name) != NEVER_ASKS) {
            let is_missing = installed(agent).is_none();
            let trial = libtest_mimic::Trial::test(format!("{agent}::{name}"), move || {
                case(agent, takes_up);
                Ok(())
            });
            trials.push(trial.with_ignored_flag(is_missing));
        }
    }
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit_code()
}

async fn it_plans_and_then_works_in_the_same_session((name, takes_up): (&str, bool)) {
    let settings = acp(name).unwrap();
    let world = World::new(settings, SCRIPT).await;
    let plan =
        world.plan("Plan a change: the farewell.").await.unwrap_or_else(|error| panic!("{error}: {}", world.told()));
    assert_eq!((plan.summary.as_str(), plan.paths.join(" ").as_str()), ("Say goodbye", "farewell.txt"));
    assert_eq!(world.file("farewell.txt"), None, "{}", world.told());
    let worked =
        world.work("Write the farewell now.").await.unwrap_or_else(|error| panic!("{error}: {}", world.told()));
    assert_eq!(worked.answer, "Done.");
    let told = world.told();
    assert_eq!(world.file("farewell.txt").as_deref(), Some("bye\n"), "{told}");
    assert!(told.contains("✎ ") && told.contains("farewell.txt") && told.contains("→ cat farewell.txt"), "{told}");
    assert_eq!(told.contains("it begins anew"), !takes_up, "{told}");
    let events = world.team.events.lock().unwrap();
    let used: u64 = events.iter().map(|event| if let AgentEvent::Used(used) = event { used.output } else { 0 }).sum();
    assert!(used > 0, "{events:?}");
    assert!(matches!(events.last(), Some(AgentEvent::TurnEnded { reason: StopReason::Done, .. })), "{events:?}");
}

async fn a_person_interrupts_it_and_it_goes_on((name, _): (&str, bool)) {
    let settings = acp(name).unwrap();
    let world = World::new(settings, SCRIPT).await;
    let steer = Steer::Interrupt { by: "ana".parse().unwrap(), text: "be brief".to_owned() };
    let worked = world.work_steered("Go slowly.", "tail -f", steer).await;
    assert_eq!(worked.unwrap_or_else(|error| panic!("{error}: {}", world.told())).answer, "Bye, in brief.");
}

async fn a_stop_ends_it_at_once((name, _): (&str, bool)) {
    let settings = acp(name).unwrap();
    let world = World::new(settings, SCRIPT).await;
    *world.team.stops.lock().unwrap() = Some(("tail -f", world.stop.clone()));
    let worked = world.work("Go slowly.").await;
    assert_eq!(worked, Err(SessionError::Stopped), "{}", world.told());
}

async fn a_person_grants_what_it_may_do((name, _): (&str, bool)) {
    let settings = ProgramSettings { asks: true, ..installed(name).unwrap() };
    let world = World::new(AgentSettings::Acp(settings), SCRIPT).await;
    world.team.answers.lock().unwrap().extend(["Allow", "Allow"]);
    world.work("Write the farewell now.").await.unwrap_or_else(|error| panic!("{error}: {}", world.told()));
    let asked: Vec<_> = world.team.asked.lock().unwrap().iter().map(|question| question.text.clone()).collect();
    assert!(asked.iter().any(|text| text.contains("farewell.txt")), "{asked:?}");
    assert_eq!(world.file("farewell.txt").as_deref(), Some("bye\n"));
}

async fn a_refused_key_is_a_persons_matter((name, _): (&str, bool)) {
    let settings = acp(name).unwrap();
    let world = World::new(settings, SCRIPT).await;
    let error = world.work("Be unlucky.").await.unwrap_err().to_string();
    assert!(error.starts_with("is not let in by its model") && error.contains("then retry"), "{error}");
}

/// What a repository says to agents that work on it: run this when you begin, and start this server.
const BAIT: [(&str, &str); 2] = [
    (
        ".claude/settings.json",
        r#"{ "hooks": { "SessionStart": [{ "hooks": [{ "type": "command", "command": "touch $CLAUDE_PROJECT_DIR/hooked" }] }] },
            "enableAllProjectMcpServers": true }"#,
    ),
    (".mcp.json", r#"{ "mcpServers": { "bait": { "command": "touch", "args": ["served"] } } }"#),
];

async fn settings_of_the_repository_are_not_loaded((name, _): (&str, bool)) {
    let world = World::with_files(acp(name).unwrap(), SCRIPT, &BAIT).await;
    world.work("Write the farewell now.").await.unwrap_or_else(|error| panic!("{error}: {}", world.told()));
    assert_eq!((world.file("hooked"), world.file("served")), (None, None), "{}", world.told());
}
