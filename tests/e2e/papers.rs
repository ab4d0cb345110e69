//! The README, followed to the letter, but for the places that it names.

use std::path::Path;

use forge::Gate;

use crate::instance::Instance;
use crate::world::World;

fn readme() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository");
    std::fs::read_to_string(root.join("README.md")).unwrap()
}

/// The blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

/// Words in backquotes that somebody says: `ana: @agent …`.
fn sayings(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|words| words.starts_with("ana: ") || words.starts_with("ben: ")).collect()
}

pub fn the_readme_can_be_followed() {
    let readme = readme();
    let [github, config, checks, recipe] = blocks(&readme, "toml")[..] else {
        panic!("the README shows what GitHub needs, a config, a gate and a recipe")
    };
    assert!(matches!(forge::gate_from_toml(Some(checks)), Ok(Gate::Checks(checks)) if checks.len() == 1));
    agents::recipe::parse_recipe("tidy.toml", recipe).expect("the recipe can be read");

    let world = World::new();
    let agent = world.write("agent.sh", "[ -n \"$1\" ] && echo 'A porch' || echo 'wall: green' > porch.room\n");
    let agent = format!("\"/bin/sh\", \"{}\"", agent.display());
    let adapted = config
        .replace("/var/lib/downbeat", world.path("state").to_str().unwrap())
        .replace("/srv/git/web.git", world.remote.path().to_str().unwrap())
        .replace("\"/usr/local/bin/my-agent\"", &agent);
    assert!(!adapted.contains("my-agent"), "{adapted}");
    let ours = format!("{adapted}\n[web]\nlisten = \"127.0.0.1:0\"\n\n[cage]\nread = [\"{{place}}/agent.sh\"]\n");
    world.write("downbeat.toml", &ours);

    let mut check = world.program();
    let with_github = world.write("github.toml", &format!("{ours}\n{github}"));
    check.args(["config", "check", "--config"]).arg(with_github).env("GITHUB_TOKEN", "one");
    let checked = Instance::start(check).ended();
    assert!(checked.status.success(), "{checked:?}");

    let mut instance = world.up();
    let said = sayings(&readme);
    let [request, approve, merge, help] = said[..] else { panic!("the README says other things: {said:?}") };
    for (words, seen) in
        [(request, "Plan v1 for T-1"), (approve, "T-1 is ready"), (merge, "T-1 is merged"), (help, "help")]
    {
        instance.say(words);
        instance.out.wait_for(seen).unwrap_or_else(|| panic!("{seen:?} never came upon {words:?}"));
    }
    assert!(instance.stop().status.success());
    assert_eq!(world.remote.log("main").lines().count(), 2, "the change landed");
}
