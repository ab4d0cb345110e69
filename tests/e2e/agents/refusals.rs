//! A model that fails: what a person reads, and what is tried again.

use libtest_mimic::Trial;
use tests::model::Model;
use tests::peers;

use super::{KEY, Studio, provider_of, wait_for};
use crate::world::World;

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
    wait_for(&instance, "is not let in by its model: ");
    wait_for(&instance, &format!("set a key that works for `providers.{}`, then retry", provider_of(agent)));
    instance.stop();
}

/// Four tasks at once, each with its own trouble: three wait for their model and say so, and the one whose conversation is
/// too long ends.
pub fn what_passes_is_waited_for_and_what_does_not_is_told(agent: &str) {
    let studio = Studio::with(agent, SCRIPT, "env = { CLAUDE_CODE_MAX_RETRIES = \"1\" }\n");
    let mut instance = studio.up();
    let requests = ["ask too often", "ask a broken model", "ask down a broken line", "ask for the whole house"];
    for (n, request) in requests.into_iter().enumerate() {
        // Each in a thread of its own: what was said above is in the prompt too.
        instance.say(&format!("#{n} ana: @agent {request} agent={agent} plan=off"));
    }
    let provider = provider_of(agent);
    wait_for(&instance, "filled its model's window: ");
    for why in ["allows no more requests just now: ", "is overloaded: ", "does not answer: "] {
        let put_off = format!("session put off: {provider} {why}");
        instance.err.wait_for(&put_off).unwrap_or_else(|| panic!("no {put_off:?}:\n{}", instance.err.text()));
    }
    wait_for(&instance, &format!("keeps trying: {provider} "));
    assert!(instance.stop().status.success());
}

/// The agents by ACP, where every agent is wanted.
pub fn trials_by_acp() -> impl Iterator<Item = Trial> {
    let wanted = ["copilot", "gemini", "opencode"].into_iter().filter(|_| peers::all_agents_are_wanted());
    wanted.map(|agent| {
        let trial = Trial::test(format!("agents::{agent}::what_does_not_pass_is_told"), || {
            what_does_not_pass_is_told(agent);
            Ok(())
        });
        trial.with_ignored_flag(peers::agent(agent).is_none())
    })
}

/// Three tasks at once: each ends with what a person has to do.
fn what_does_not_pass_is_told(agent: &str) {
    let (world, model) = (World::new(), Model::of(SCRIPT));
    let (url, program) = (model.url(), peers::agent(agent).expect("it is ignored where it is missing"));
    world.configure(&format!(
        "\n[providers.gemini]\nkey = \"{KEY}\"\nbase_url = \"{url}\"\n\n[providers.openai]\nkey = \"{KEY}\"\n\
         base_url = \"{url}/v1\"\n\n[agents.{agent}]\nkind = \"acp\"\ncommand = [\"{}\"]\n",
        program.display()
    ));
    let mut instance = world.up();
    for (n, request) in ["knock with a wrong key", "knock without credit", "ask for the whole house"].iter().enumerate()
    {
        let plan = if n == 0 { "ask" } else { "off" };
        instance.say(&format!("#{n} ana: @agent {request} agent={agent} plan={plan}"));
    }
    let provider = if agent == "gemini" { "gemini" } else { "openai" };
    wait_for(&instance, &format!("set a key that works for `providers.{provider}`, then retry"));
    wait_for(&instance, &format!("has no credit left with {provider}: "));
    // OpenCode makes its conversation shorter, and goes on with that.
    wait_for(&instance, if agent == "opencode" { "nothing to change" } else { "filled its model's window: " });
    let ended = instance.stop();
    // Gemini CLI wants to tell of its use where its settings lie below a directory of everybody's, as here.
    let asks = agent != "gemini" && ended.out.contains("wants to reach");
    assert!(ended.status.success() && !asks, "{}", ended.out);
}
