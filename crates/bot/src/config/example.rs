//! The example, the structs and the list of keys tell the same.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::Value;

use super::key::Absent;
use super::keys::{ROOT, described};
use super::reading::default_of;
use super::*;

const EXAMPLE: &str = include_str!("../../../../deploy/config.example.toml");

/// The example with what it only hints at: a line that is commented out and would be TOML.
fn whole_example() -> String {
    let hinted = |line: &str| {
        let rest = line.strip_prefix("# ").unwrap_or(line);
        let is_toml = rest.starts_with("[") || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        if is_toml { rest.to_owned() } else { line.to_owned() }
    };
    EXAMPLE.lines().map(hinted).collect::<Vec<_>>().join("\n")
}

/// The values that stand at a path with `*`.
fn values_at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let Some((first, rest)) = path.split_once('.').or((!path.is_empty()).then_some((path, ""))) else {
        return vec![value];
    };
    let below: Vec<&Value> = match value {
        Value::Table(table) if first == "*" => table.values().collect(),
        Value::Table(table) => table.get(first).into_iter().collect(),
        Value::Array(list) if first == "*" => list.iter().collect(),
        _ => Vec::new(),
    };
    below.into_iter().flat_map(|value| values_at(value, rest)).collect()
}

#[test]
fn the_example_can_be_used_as_it_is_and_with_what_it_only_hints_at() {
    Config::from_text("the example", EXAMPLE).unwrap_or_else(|error| panic!("{error}"));
    let variables = [
        ("DATABASE_URL", "postgres://ana@localhost/downbeat"),
        ("ANTHROPIC_API_KEY", "one"),
        ("MINE_KEY", "two"),
        ("SLACK_BOT_TOKEN", "xoxb-1"),
        ("SLACK_APP_TOKEN", "xapp-1"),
        ("SLACK_SIGNING_SECRET", "s"),
        ("GITHUB_APP_KEY", "p"),
    ];
    let env = super::sample::variables(&variables);
    // Whoever we are on GitHub, we are either a token or an App.
    let whole = whole_example().replace("token = { env = \"GITHUB_TOKEN\" }", "");
    let whole = Sources { generated: &whole, file: None, env: &env };
    Config::read(&whole).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_example_has_every_key_and_shows_the_defaults_as_they_are() {
    let whole: Value = Value::Table(whole_example().parse().unwrap());
    for (path, key) in described().into_iter().filter(|(_, key)| key.below().is_none()) {
        let path = path.replace("[]", ".*").replace("NAME", "*");
        let shown = values_at(&whole, &path);
        assert!(!shown.is_empty(), "the example lacks `{path}`");
        // Below a name nothing is a default: the example shows what one could write there.
        if let (Absent::Default(written), false) = (key.absent, path.contains('*') || path.starts_with("policy.tiers"))
        {
            assert_eq!(shown, [&default_of(written)], "the example shows another default of `{path}`");
        }
    }
}

/// The keys that a struct takes, as its own refusal of an unknown one lists them.
fn fields_of<T: DeserializeOwned>(before: &str) -> BTreeSet<String> {
    let refusal = toml::from_str::<T>(&format!("{before}\nno_such_key = 1")).err().expect("an unknown key is refused");
    let message = refusal.message();
    let listed = message.split_once("expected").unwrap_or_else(|| panic!("{message}")).1;
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_structs_take_exactly_the_keys_that_are_described() {
    let described = |path: &str, kind: &str| -> BTreeSet<String> {
        let keys = path.split('.').filter(|step| !step.is_empty()).fold(ROOT, |keys, step| {
            let key = keys.iter().find(|key| key.name == step).unwrap_or_else(|| panic!("there is no {path}"));
            key.below().unwrap_or_else(|| panic!("{path} is no table")).1
        });
        let of_kind = keys.iter().filter(|key| kind.is_empty() || key.kinds.contains(&kind));
        of_kind.map(|key| key.name.to_owned()).collect()
    };
    assert_eq!(fields_of::<Config>(""), described("", ""));
    assert_eq!(fields_of::<PersonConfig>(""), described("people", ""));
    assert_eq!(fields_of::<GroupConfig>(""), described("groups", ""));
    assert_eq!(fields_of::<ChannelConfig>(""), described("channels", ""));
    assert_eq!(fields_of::<PermissionPolicy>(""), described("policy", ""));
    assert_eq!(fields_of::<domain::policy::Tiers>(""), described("policy.tiers", ""));
    assert_eq!(fields_of::<domain::policy::DenyRule>(""), described("policy.deny", ""));
    assert_eq!(fields_of::<RepoConfig>(""), described("repos", ""));
    assert_eq!(fields_of::<AgentSettings>("kind = \"command\""), described("agents", "command"));
    assert_eq!(fields_of::<AgentSettings>("kind = \"scripted\""), described("agents", "scripted"));
    assert_eq!(fields_of::<agents::session::ProgramSettings>(""), described("agents", "acp"));
    assert_eq!(fields_of::<QueueConfig>(""), described("queue", ""));
    assert_eq!(fields_of::<LimitsConfig>(""), described("limits", ""));
    assert_eq!(fields_of::<WebConfig>(""), described("web", ""));
    assert_eq!(fields_of::<CageConfig>(""), described("cage", ""));
    assert_eq!(fields_of::<EgressConfig>(""), described("egress", ""));
    assert_eq!(fields_of::<RepoEgressConfig>(""), described("repos.egress", ""));
    assert_eq!(fields_of::<ProviderConfig>(""), described("providers", ""));
    assert_eq!(fields_of::<SetupConfig>(""), described("setup", ""));
    assert_eq!(fields_of::<ContextConfig>(""), described("context", ""));
    assert_eq!(fields_of::<WaitsConfig>(""), described("waits", ""));
    assert_eq!(fields_of::<CostsConfig>(""), described("costs", ""));
    assert_eq!(fields_of::<SlackConfig>(""), described("slack", ""));
    assert_eq!(fields_of::<GitHubConfig>(""), described("github", ""));
}
