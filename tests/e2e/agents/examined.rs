//! `doctor --turn` and `agent list` on real agents: whether they answer, and what is missing where they do not.

use std::os::unix::fs::PermissionsExt;

use super::Studio;
use super::real::Real;
use crate::instance::{Ended, Instance};

const READY: &str = "[[task]]\nsays = \"the one word ready\"\nwork = [{ say = \"ready\" }]\n";
const REFUSED: &str = "[[task]]\nwork = [{ fail = { status = 401, message = \"no such key\" } }]\n";

fn told(studio: &Studio, words: &[&str]) -> Ended {
    let mut command = studio.world.program();
    command.args(words).arg("--config").arg(studio.world.path("downbeat.toml"));
    Instance::start(command).ended()
}

/// It answers one turn, by the key of the config; one whose key is refused is told with the next step.
pub fn doctor_has_it_answer_one_turn(agent: &str) {
    let studio = Studio::of(agent, READY);
    let ended = told(&studio, &["doctor", "--turn"]);
    assert!(ended.out.contains(&format!("  ok    {agent}: answered one turn in ")), "{}", ended.out);
    assert!(ended.status.success() && ended.out.contains("“ready”"), "{}", ended.out);
    assert!(studio.model.turns().iter().all(|turn| turn.key() == super::KEY), "{:?}", studio.model.turns());
    assert!(!studio.world.path("state").exists(), "what was made for it is gone");

    let studio = Studio::of(agent, REFUSED);
    let ended = told(&studio, &["doctor", "--turn", agent]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    let provider = Real::of(agent).provider;
    let told = ended.out.split(&format!("  fail  {agent}: its turn failed: the agent is not let in")).nth(1);
    let told = told.unwrap_or_else(|| panic!("{}", ended.out));
    assert!(told.contains(&format!("→ set a key that works for `providers.{provider}`, then retry")), "{}", ended.out);
}

/// Another version than is known to work, no key, and a login that nobody inside sees.
pub fn what_it_lacks_is_told_before_it_is_used(agent: &str) {
    let real = Real::of(agent);
    let studio = Studio::of(agent, READY);
    let old = studio.world.write("old", "#!/bin/sh\necho '0.0.9 (old)'\n");
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o755)).unwrap();
    let config = std::fs::read_to_string(studio.world.path("downbeat.toml")).unwrap();
    let (head, _) = config.split_once("\n[providers.anthropic]").unwrap();
    let table = real.table(&old.display().to_string());
    std::fs::write(studio.world.path("downbeat.toml"), format!("{head}{table}")).unwrap();
    let Real { login, variable, tried, .. } = real;
    let login = studio.world.path("home").join(login);
    std::fs::create_dir_all(login.parent().unwrap()).unwrap();
    std::fs::write(&login, "{}").unwrap();

    let ended = told(&studio, &["doctor"]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    for words in [
        format!(" 0.0.9 is at {}", old.display()),
        format!("; this release was tried with {tried}\n        → get a newer one: npm install -g "),
        format!("  fail  {agent}: has no key: neither {variable} nor `providers."),
        format!("your own login in {} stays outside of the sandbox", login.display()),
        format!("        → put a key into {variable}, and into the config: providers."),
    ] {
        assert!(ended.out.contains(&words), "{words:?} is not in:\n{}", ended.out);
    }
    let ended = told(&studio, &["agent", "list"]);
    assert!(ended.out.contains(&format!("0.0.9, tried with {tried}")), "{}", ended.out);
    assert!(ended.out.contains(&format!("has no key: neither {variable}")), "{}", ended.out);
}
