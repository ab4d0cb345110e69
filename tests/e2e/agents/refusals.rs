//! A model that fails: what a person reads, and what is tried again.

use super::real::Real;
use super::{Studio, wait_for};

const SCRIPT: &str = r#"
[[task]]
says = "knock with a wrong key"
plan = [{ fail = { status = 401, message = "invalid x-api-key" } }]

[[task]]
says = "knock without credit"
work = [{ fail = { status = 400, message = "Your credit balance is too low to access the API." } }]

[[task]]
says = "ask too often"
work = [
  { fail = { status = 429, message = "slow down" }, do = [{ shell = "echo 'wall: yellow' > kitchen.room" }] },
  { say = "There is a kitchen now." },
]

[[task]]
says = "ask a broken model"
work = [{ fail = { status = 500, message = "out of order" } }]

[[task]]
says = "ask down a broken line"
work = [{ cut = true, say = "half of this is heard, and no more of it" }]

[[task]]
says = "ask for the whole house"
work = [{ stop = "context" }]
"#;

/// A key that the provider refuses ends the task at once, and a person reads which.
pub fn a_refused_key_is_told(agent: &str) {
    let studio = Studio::of(agent, SCRIPT);
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent knock with a wrong key agent={agent}"));
    // Copilot CLI does not say why.
    wait_for(&instance, "is not let in by its model");
    wait_for(&instance, &format!("set a key that works for `providers.{}`, then retry", Real::of(agent).provider));
    instance.stop();
}

/// Four tasks at once, each with its own trouble: three wait for their model and say so, and the one whose conversation is
/// too long ends. One that tries again in silence is shown at work.
pub fn what_passes_is_waited_for_and_what_does_not_is_told(agent: &str) {
    let studio = Studio::with(agent, SCRIPT, "env = { CLAUDE_CODE_MAX_RETRIES = \"1\" }\n");
    let mut instance = studio.up();
    let requests = ["ask too often", "ask a broken model", "ask down a broken line", "ask for the whole house"];
    for (n, request) in requests.into_iter().enumerate() {
        // Each in a thread of its own: what was said above is in the prompt too.
        instance.say(&format!("#{n} ana: @agent {request} agent={agent} plan=off"));
    }
    let provider = Real::of(agent).provider;
    // OpenCode makes its conversation shorter, and goes on with that.
    wait_for(&instance, if agent == "opencode" { "nothing to change" } else { "filled its model's window: " });
    if Real::of(agent).tries_in_silence {
        instance.say("#0 ana: status");
        wait_for(&instance, "ask too often (by ana) · being worked on");
        return assert!(instance.stop().status.success());
    }
    for why in ["allows no more requests just now: ", "is overloaded: ", "does not answer: "] {
        let put_off = format!("session put off: {provider} {why}");
        instance.err.wait_for(&put_off).unwrap_or_else(|| panic!("no {put_off:?}:\n{}", instance.err.text()));
    }
    wait_for(&instance, &format!("keeps trying: {provider} "));
    assert!(instance.stop().status.success());
}
