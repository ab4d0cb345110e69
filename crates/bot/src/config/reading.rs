//! From texts and variables to a [`Config`]: layer over layer, then what must be there, what must agree, and what holds
//! by default. All mistakes of all steps are told together.

use std::path::Path;

use agents::egress::KNOWN_PROVIDERS;
use secrecy::SecretString;
use serde::Deserialize as _;
use toml::Value;

use super::egress::is_known;
use super::ground::{Ground, Mark, heading, join};
use super::hours::demand_open_hours;
use super::key::{AN_EMPTY_TABLE, Absent, Form, Key, Step, nearest};
use super::keys::ROOT;
use super::mistake::{Mistake, Mistakes, Text};
use super::{Config, ConfigError, Environment, overlay};

/// What a config is read from, each over the one before.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// A text that the program made itself, which holds where the file says nothing: a key at the top of the file
    /// replaces the same key here.
    pub generated: &'a str,
    /// The file.
    pub file: Option<&'a Path>,
    /// The environment, of which `DOWNBEAT__…` is laid over both.
    pub env: &'a Environment,
}

/// A config with everything that people may want to know about it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The config.
    pub config: Config,
    /// The value of each key as it holds, in the order in which a file would have them.
    pub settings: Vec<Setting>,
    /// What is right and still not good.
    pub warnings: Vec<Mistake>,
}

impl Reading {
    /// The value of a key, where it has one.
    pub fn setting(&self, path: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.path == path)
    }
}

/// The value of one key as it holds.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its path, `queue.batch_max`.
    pub path: String,
    /// As people may see it: a secret is hidden.
    pub shown: Value,
    /// What is hidden.
    pub secret: Option<SecretString>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where the value of a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was left out.
    Default,
    /// The program found it out by itself.
    Generated,
    /// A line of the file, counted from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// How a text is called that the program made itself.
const GENERATED: &str = "the generated config";
/// The longest file: longer is no config.
const FILE_BYTES_MAX: u64 = 256 << 10;

impl Config {
    /// Reads and checks. All mistakes come together, unless the file is no TOML at all.
    pub fn read(sources: &Sources<'_>) -> Result<Reading, ConfigError> {
        let name = sources.file.map(|path| path.display().to_string()).unwrap_or_default();
        let text = sources.file.map(read_file).transpose()?;
        let mut layers = vec![Text { name: GENERATED, text: sources.generated }];
        layers.extend(text.as_deref().map(|text| Text { name: &name, text }));
        read(&layers, sources.env)
    }

    /// Reads a text alone, without the environment.
    pub fn from_text(name: &str, text: &str) -> Result<Self, ConfigError> {
        Ok(read(&[Text { name, text }], &Environment::new())?.config)
    }
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        let why = format!("it has {length} bytes, and a config has at most {FILE_BYTES_MAX}");
        return Err(unreadable(std::io::Error::other(why)));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn read(layers: &[Text<'_>], env: &Environment) -> Result<Reading, ConfigError> {
    let mut ground = Ground::new(env);
    for layer in layers {
        ground.lay(*layer);
        if !ground.is_toml {
            return Err(wrong(ground.mistakes));
        }
    }
    overlay::lay(&mut ground);
    demand_needed(&mut ground);
    demand_agreement(&mut ground);
    if !ground.mistakes.is_empty() {
        return Err(wrong(ground.mistakes));
    }
    let mut values = std::mem::take(&mut ground.values);
    let mut held = Vec::new();
    fill("", ROOT, &mut values, &mut held);
    let config = Config::deserialize(values).map_err(|error| {
        wrong(vec![Mistake { place: ground.place_of(&Mark::Default, &(0..0)), why: error.message().to_owned() }])
    })?;
    let setting = |(path, default): (String, Option<Value>)| {
        let (shown, secret) = ground.settings.remove(&path).or(default.map(|value| (value, None)))?;
        let origin = origin(&ground, &path);
        Some(Setting { path, shown, secret, origin })
    };
    Ok(Reading { config, settings: held.into_iter().filter_map(setting).collect(), warnings: ground.warnings })
}

fn wrong(mistakes: Vec<Mistake>) -> ConfigError {
    ConfigError::Wrong(Mistakes::of(mistakes))
}

fn origin(ground: &Ground<'_>, path: &str) -> Origin {
    match ground.marks.get(path) {
        Some(Mark::At(layer, _)) if ground.layers[*layer].name == GENERATED => Origin::Generated,
        Some(Mark::At(layer, span)) => {
            let text = ground.layers[*layer].text;
            Origin::Line(1 + text[..span.start.min(text.len())].matches('\n').count())
        }
        Some(Mark::Variable(name)) => Origin::Variable(name.clone()),
        Some(Mark::Default) | None => Origin::Default,
    }
}

/// Notes the keys that have to be there and are not.
fn demand_needed(ground: &mut Ground<'_>) {
    let mut values = std::mem::take(&mut ground.values);
    demand_needed_below(ground, "", ROOT, &mut values);
    for (name, what) in [
        ("people", "there is nobody who may ask for anything: add a table [people.NAME] with `roles`"),
        ("repos", "there is no repository to work on: add a table [repos.NAME] with `remote` and `target`"),
        ("agents", "there is no agent to do the work: add a table [agents.NAME] with its `kind`"),
    ] {
        let is_empty = values.get(name).and_then(Value::as_table).is_none_or(toml::Table::is_empty);
        let below = format!("{name}.");
        let is_wrong = ground.marks.keys().any(|path| path.starts_with(&below))
            || ground.marks.contains_key(name) && !values.contains_key(name);
        if is_empty && !is_wrong {
            miss(ground, name, what.to_owned());
        }
    }
    if !ground.marks.contains_key("state") {
        miss(ground, "state", "there is no `state`: the directory in which everything is kept".to_owned());
    }
    ground.values = values;
}

fn demand_needed_below(ground: &mut Ground<'_>, path: &str, keys: &'static [Key], values: &mut toml::Table) {
    let kind = values.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    for key in keys.iter().filter(|key| key.fits_kind(&kind)) {
        let key_path = join(path, key.name);
        if key.is_needed_by(&kind) && !ground.marks.contains_key(&key_path) {
            miss(ground, path, format!("there is no `{}` in {}; it is {}", key.name, heading(path), key.form.words()));
        }
        let (Some((step, below)), Some(value)) = (key.below(), values.get_mut(key.name)) else { continue };
        for (path, one) in entries(key_path, step, value) {
            if let Some(table) = one.as_table_mut() {
                demand_needed_below(ground, &path, below, table);
            }
        }
    }
}

fn miss(ground: &mut Ground<'_>, path: &str, why: String) {
    let mark = ground.marks.get(path).cloned().unwrap_or(Mark::Default);
    let place = ground.place_of(&mark, &(0..0));
    ground.mistakes.push(Mistake { place, why });
}

/// Notes what contradicts something else; and chooses the agent where there is but one.
fn demand_agreement(ground: &mut Ground<'_>) {
    let agents = names(&ground.values, "agents");
    match (ground.values.get("agent").and_then(Value::as_str), &agents[..]) {
        (Some(agent), [_, ..]) if !agents.iter().any(|name| name == agent) => {
            let why = unknown_name("agent", agent, &agents);
            contradict(ground, "agent", why);
        }
        (None, [only]) if !ground.marks.contains_key("agent") => {
            let chosen = Value::String(only.clone());
            ground.settings.insert("agent".to_owned(), (chosen.clone(), None));
            ground.values.insert("agent".to_owned(), chosen);
        }
        (None, [_, _, ..]) if !ground.marks.contains_key("agent") => {
            let why =
                format!("there are the agents {}; name one as `agent`, for requests that name none", listed(&agents));
            ground.mistakes.push(Mistake { place: ground.place_of(&Mark::Default, &(0..0)), why });
        }
        _ => {}
    }
    for name in names(&ground.values, "providers") {
        let path = join("providers", &name);
        if !is_known(&name) && !ground.marks.contains_key(&join(&path, "base_url")) {
            let known = listed(&KNOWN_PROVIDERS.iter().map(|known| known.name.to_owned()).collect::<Vec<_>>());
            miss(ground, &path, format!("there is no `base_url` in [{path}]; only {known} need none"));
        }
    }
    demand_of_slack(ground);
    demand_of_github(ground);
    demand_known_names(ground);
    demand_open_hours(ground);
}

/// Everything that names a person, a group or a repository names one that is there.
fn demand_known_names(ground: &mut Ground<'_>) {
    let [people, groups, repos] = ["people", "groups", "repos"].map(|table| names(&ground.values, table));
    let policy = ground.values.get("policy").and_then(Value::as_table).cloned().unwrap_or_default();
    if policy.get("solo") == Some(&Value::Boolean(true)) && people.len() > 1 {
        let why = format!("`solo = true` is for an installation of one person, but there are {}", people.len());
        contradict(ground, "policy.solo", why);
    }
    if let (Some(Value::Boolean(true)), Some(group)) = (policy.get("solo"), groups.first()) {
        let why = format!("`solo = true` is for an installation of one person, but there is the group {group}");
        contradict(ground, "policy.solo", why);
    }
    let rules = policy.get("deny").and_then(Value::as_array).cloned().unwrap_or_default();
    for (n, rule) in rules.iter().enumerate() {
        for (key, what, known) in
            [("person", "person", &people), ("group", "group", &groups), ("repo", "repository", &repos)]
        {
            let named: Vec<_> = rule.get(key).and_then(Value::as_str).into_iter().collect();
            demand_known(ground, &format!("policy.deny[{n}].{key}"), &named, (what, known));
        }
    }
    for (table, key, what, known) in
        [("groups", "people", "person", &people), ("channels", "repos", "repository", &repos)]
    {
        let tables = ground.values.get(table).and_then(Value::as_table).cloned().unwrap_or_default();
        for (name, one) in &tables {
            let named = one.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            let named: Vec<_> = named.iter().filter_map(Value::as_str).collect();
            demand_known(ground, &join(&join(table, name), key), &named, (what, known));
        }
    }
}

/// Somebody in Slack who is not listed among the people is named by the id there.
fn demand_known(ground: &mut Ground<'_>, path: &str, named: &[&str], (what, known): (&str, &[String])) {
    let is_told = |name: &str| what == "person" && name.starts_with("slack.");
    for name in named.iter().filter(|name| !is_told(name) && !known.iter().any(|known| known == *name)) {
        contradict(ground, path, unknown_name(what, name, known));
    }
}

/// Notes what Slack's transport lacks, and a Slack account that is two people's.
fn demand_of_slack(ground: &mut Ground<'_>) {
    let has = |key: &str| ground.marks.contains_key(&join("slack", key));
    let transport = ground.values.get("slack").and_then(|slack| slack.get("transport")).and_then(Value::as_str);
    let (key, why) = match transport.unwrap_or("socket") {
        "http" => ("signing_secret", "`transport = \"http\"` needs the secret that Slack signs its requests with"),
        _ => ("app_token", "`transport = \"socket\"` needs an app-level token with the scope connections:write"),
    };
    if ground.values.contains_key("slack") && !has(key) {
        miss(
            ground,
            "slack",
            format!("there is no `{key}` in [slack]; {why}: it is under \"Basic Information\" of the app"),
        );
    }
    let people = ground.values.get("people").and_then(Value::as_table).cloned().unwrap_or_default();
    let mut seen: Vec<(&str, &String)> = Vec::new();
    for (name, person) in &people {
        let Some(account) = person.get("slack").and_then(Value::as_str) else { continue };
        match seen.iter().find(|(other, _)| *other == account) {
            Some((_, first)) => {
                let why = format!("the Slack account `{account}` is that of `{first}` already");
                contradict(ground, &join(&join("people", name), "slack"), why);
            }
            None => seen.push((account, name)),
        }
    }
}

/// Notes whom we are on GitHub where that is said by halves, twice or not at all, and a repository there without [github].
fn demand_of_github(ground: &mut Ground<'_>) {
    let has = |key: &str| ground.marks.contains_key(&join("github", key));
    let [token, id, key] = ["token", "app_id", "private_key"].map(has);
    let what = match (token, id, key) {
        (true, false, false) | (false, true, true) => return,
        (false, false, false) => {
            "there is neither `token` nor `app_id` in [github]; name a token, or an App and its `private_key`"
        }
        (true, ..) => "there are a `token` and an App in [github]; one of the two is who we are",
        (false, true, false) => {
            "there is no `private_key` in [github]; make one on the App's page, under \"Private keys\""
        }
        (false, false, true) => "there is no `app_id` in [github]; it is on the App's page, under \"About\"",
    };
    if ground.values.contains_key("github") {
        return miss(ground, "github", what.to_owned());
    }
    for name in names(&ground.values, "repos") {
        let path = join(&join("repos", &name), "github");
        if ground.marks.contains_key(&path) {
            contradict(ground, &path, "there is no [github], which says who we are there".to_owned());
        }
    }
}

pub(super) fn contradict(ground: &mut Ground<'_>, path: &str, why: String) {
    let mark = ground.marks.get(path).cloned().unwrap_or(Mark::Default);
    let why = match &mark {
        Mark::Variable(name) if overlay::is_from_file(name) => {
            format!("what is in its file is not what `{path}` can be")
        }
        Mark::Variable(_) | Mark::At(..) | Mark::Default => why,
    };
    let shown = if let Mark::At(_, span) = &mark { span.clone() } else { 0..0 };
    let place = ground.place_of(&mark, &shown);
    ground.mistakes.push(Mistake { place, why });
}

fn names(values: &toml::Table, table: &str) -> Vec<String> {
    values.get(table).and_then(Value::as_table).map(|named| named.keys().cloned().collect()).unwrap_or_default()
}

fn unknown_name(what: &str, name: &str, known: &[String]) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no {what} `{name}`; did you mean `{near}`?"),
        None if known.is_empty() => format!("there is no {what} `{name}`; the config has none"),
        None => format!("there is no {what} `{name}`; the config has {}", listed(known)),
    }
}

fn listed(names: &[String]) -> String {
    /// The most names that a mistake lists: as many as a person reads before they look for themselves.
    const SHOWN_MAX: usize = 10;
    let shown = super::key::in_backquotes(&names[..names.len().min(SHOWN_MAX)]);
    if names.len() > SHOWN_MAX { format!("{shown} and {} more", names.len() - SHOWN_MAX) } else { shown }
}

/// Puts the defaults where nothing was said; lists the paths of all keys in their order, with the defaults among them.
fn fill(path: &str, keys: &'static [Key], values: &mut toml::Table, held: &mut Vec<(String, Option<Value>)>) {
    let kind = values.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    for key in keys.iter().filter(|key| key.fits_kind(&kind)) {
        let path = join(path, key.name);
        if matches!((key.form, key.absent), (Form::Table(_), Absent::Otherwise(AN_EMPTY_TABLE))) {
            values.entry(key.name).or_insert_with(|| Value::Table(toml::Table::new()));
        }
        let mut default = None;
        if let (Absent::Default(written), false) = (key.absent, values.contains_key(key.name)) {
            default = Some(default_of(written));
            values.extend(default.clone().map(|value| (key.name.to_owned(), value)));
        }
        let Some((step, below)) = key.below() else {
            held.push((path, default));
            continue;
        };
        for (path, one) in values.get_mut(key.name).map(|value| entries(path, step, value)).unwrap_or_default() {
            if let Some(table) = one.as_table_mut() {
                fill(&path, below, table, held);
            }
        }
    }
}

/// The tables one step below a value, with their paths.
fn entries(path: String, step: Step, value: &mut Value) -> Vec<(String, &mut Value)> {
    match (step, value) {
        (Step::Name, Value::Table(named)) => named.iter_mut().map(|(name, one)| (join(&path, name), one)).collect(),
        (Step::Index, Value::Array(list)) => {
            list.iter_mut().enumerate().map(|(n, one)| (format!("{path}[{n}]"), one)).collect()
        }
        (_, value) => vec![(path, value)],
    }
}

/// A default as the list of keys writes it.
pub fn default_of(written: &str) -> Value {
    let table: toml::Table = format!("value = {written}").parse().expect("a default is written as TOML");
    table["value"].clone()
}
