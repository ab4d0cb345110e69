//! Which model works: the one that a request or a retry names reaches the provider and is shown, and one that there is not
//! is told with the next step.

use crate::agents::real::Real;
use crate::agents::{Studio, wait_for};
use crate::world::World;

const ROOMS: &str = r#"
[[task]]
says = "use what there is not"
work = [{ fail = { status = 404, message = "model: house-none-1 does not exist", kind = "not_found_error" } }]

[[task]]
says = "add a kitchen"
work = [{ say = "I would rather not." }]
"#;

pub fn a_named_model_is_asked_and_another_one_at_a_retry(agent: &str) {
    let Studio { model, world } = Studio::of(agent, ROOMS);
    let mut instance = world.up();
    instance.say(&format!("ana: @agent add a kitchen agent={agent} model=house-large-9 plan=off"));
    wait_for(&instance, &format!("agent {agent} (house-large-9)"));
    wait_for(&instance, "T-1, nothing to change");
    assert_eq!(model.turns()[0].model, "house-large-9");

    instance.say(&format!("ana: @agent use what there is not agent={agent} model=house-none-1 plan=off"));
    wait_for(&instance, "model=NAME");
    assert!(instance.out.text().contains("house-none-1"), "{}", instance.out.text());
    let before = model.heard().len();
    instance.say("ana: retry T-2 model=house-small-1");
    wait_for(&instance, &format!("agent {agent} (house-small-1)"));
    assert_eq!(model.nth(before).model, "house-small-1");
}

/// A service that is overloaded is left alone for a while; an agent that asks it again in silence can be stopped.
pub fn a_model_that_is_overloaded_is_asked_again_later(agent: &str) {
    const BUSY: &str = "[[task]]\nwork = [{ fail = { status = 503, message = \"overloaded\" } }]\n";
    let studio = Studio::with(agent, BUSY, "env = { CLAUDE_CODE_MAX_RETRIES = \"1\" }\n");
    let mut instance = studio.up();
    instance.say(&format!("ana: @agent add a kitchen agent={agent} plan=off"));
    if Real::of(agent).tries_in_silence {
        studio.model.nth(1);
        instance.say("ana: stop T-1");
        wait_for(&instance, "T-1 ended: stopped by ana");
        return;
    }
    wait_for(&instance, "working · keeps trying: ");
    for pause in ["attempt=1 pause=10s", "attempt=2 pause=20s"] {
        instance.err.wait_for(pause).unwrap_or_else(|| panic!("no {pause:?}:\n{}", instance.err.text()));
    }
}

pub fn who_has_no_choice_of_models_says_so() {
    let world = World::new();
    world.configure(
        "\n[agents.shell]\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"echo my model is $DOWNBEAT_MODEL\"]\n",
    );
    let mut instance = world.up();
    instance.say("ana: @agent sweep agent=recipes model=large");
    wait_for(&instance, "The agent recipes has no choice of models. Leave `model=` out, or name another agent.");
    instance.say("ana: @agent sweep agent=shell model=--help plan=off");
    wait_for(&instance, "That is no name of a model.");
    instance.say("ana: @agent sweep agent=shell model=large plan=off");
    wait_for(&instance, "my model is large");
}
