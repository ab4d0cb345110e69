//! `downbeat config`: check it, show what holds, explain a key, print the schema.

use clap::Subcommand;
use serde_json::json;

use super::Config;
use super::key::{Absent, Applied, Form, Key, nearest};
use super::keys::{described, find};
use super::overlay::variable_of;
use super::reading::{Origin, Reading, Setting, Sources};
use super::schema::schema;

/// One verb of `downbeat config`.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Say whether the config is right, or all that is wrong with it
    Check,
    /// Print what holds, and where each value comes from; secrets are hidden
    Show {
        /// Print a list of objects with `key`, `value` and `from`
        #[arg(long)]
        json: bool,
    },
    /// Say what a key is for, what it takes, and what holds without it
    Explain {
        /// The key, such as `queue.batch_max`; without it all keys are listed
        key: Option<String>,
    },
    /// Print a JSON Schema for editors
    Schema,
}

/// What a command came to, for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// For standard output; the exit code is 0.
    Right(String),
    /// For standard error; the config, or the key that was asked for, is not right.
    Wrong(String),
}

/// Does what was asked for, with the config of these sources.
pub fn answer(command: &ConfigCommand, sources: &Sources<'_>) -> Answer {
    match command {
        ConfigCommand::Check => with_config(sources, |reading| checked(reading, sources)),
        ConfigCommand::Show { json: true } => with_config(sources, shown_as_json),
        ConfigCommand::Show { json: false } => with_config(sources, shown),
        ConfigCommand::Explain { key: None } => Answer::Right(listed()),
        ConfigCommand::Explain { key: Some(key) } => explained(key),
        ConfigCommand::Schema => Answer::Right(format!("{:#}\n", schema())),
    }
}

fn with_config(sources: &Sources<'_>, tell: impl FnOnce(&Reading) -> String) -> Answer {
    match Config::read(sources) {
        Ok(reading) => Answer::Right(tell(&reading)),
        Err(error) => Answer::Wrong(format!("{error}\n")),
    }
}

fn checked(reading: &Reading, sources: &Sources<'_>) -> String {
    let name = sources.file.map_or("the generated config".to_owned(), |path| path.display().to_string());
    let config = &reading.config;
    let found = [
        counted(config.people.len(), "person", "people"),
        counted(config.repos.len(), "repository", "repositories"),
        counted(config.agents.len(), "agent", "agents"),
    ];
    let n_variables = reading.settings.iter().filter(|one| matches!(one.origin, Origin::Variable(_))).count();
    let variables = match n_variables {
        0 => String::new(),
        n => format!(", {} from the environment", counted(n, "value", "values")),
    };
    let warnings: String = reading.warnings.iter().map(|warning| format!("\nwarning: {warning}\n")).collect();
    format!("ok: {name} has {}{variables}\n{warnings}", found.join(", "))
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The config as TOML, each value with its origin.
fn shown(reading: &Reading) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut table = "";
    for setting in &reading.settings {
        let (of, name) = setting.path.rsplit_once('.').unwrap_or(("", &setting.path));
        if of != table {
            table = of;
            lines.push((String::new(), String::new()));
            lines.push((super::ground::heading(of), String::new()));
        }
        lines.push((format!("{name} = {}", setting.shown), format!("# {}", from(setting))));
    }
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= ALIGNED_MAX).max();
    let width = width.unwrap_or_default();
    lines.into_iter().map(|(line, origin)| format!("{}\n", format!("{line:width$}  {origin}").trim_end())).collect()
}

/// Values longer than this stand out of the column of origins.
const ALIGNED_MAX: usize = 60;

fn shown_as_json(reading: &Reading) -> String {
    let one = |setting: &Setting| json!({ "key": setting.path, "value": setting.shown, "from": from(setting) });
    let all: Vec<_> = reading.settings.iter().map(one).collect();
    format!("{:#}\n", json!(all))
}

fn from(setting: &Setting) -> String {
    match &setting.origin {
        Origin::Default => "default".to_owned(),
        Origin::Generated => "found out at the start".to_owned(),
        Origin::Line(line) => format!("line {line}"),
        Origin::Variable(name) => name.clone(),
    }
}

/// All keys, one a line.
fn listed() -> String {
    let keys: Vec<_> = described().into_iter().filter(|(_, key)| key.below().is_none()).collect();
    let width = keys.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
    let lines = keys.iter().map(|(path, key)| format!("{path:width$}  {}\n", first_sentence(key.why)));
    lines.collect::<String>() + "\n`downbeat config explain KEY` says more about one.\n"
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text.trim_end_matches('.'), |(first, _)| first)
}

fn explained(wanted: &str) -> Answer {
    match find(wanted) {
        Some((path, key)) if key.below().is_none() => Answer::Right(explained_key(&path, key)),
        Some((path, key)) => {
            let below = described().into_iter().filter(|(one, of)| is_below(one, &path) && of.below().is_none());
            let lines = below.map(|(path, key)| format!("  {path}: {}\n", first_sentence(key.why)));
            Answer::Right(format!("{path}\n  {}\n\n{}", key.why, lines.collect::<String>()))
        }
        None => {
            let all = described();
            let last = wanted.rsplit('.').next().unwrap_or_default();
            let by_path = nearest(wanted, all.iter().map(|(path, _)| path.as_str())).map(str::to_owned);
            let near = by_path.or_else(|| {
                let name = nearest(last, all.iter().map(|(_, key)| key.name))?;
                all.iter().find(|(_, key)| key.name == name).map(|(path, _)| path.clone())
            });
            Answer::Wrong(match near {
                Some(near) => format!("there is no key `{wanted}`; did you mean `{near}`?\n"),
                None => format!("there is no key `{wanted}`; `downbeat config explain` lists all\n"),
            })
        }
    }
}

fn is_below(path: &str, table: &str) -> bool {
    path.strip_prefix(table).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn explained_key(path: &str, key: &Key) -> String {
    let default = match key.absent {
        Absent::Needed => "none; it has to be there".to_owned(),
        Absent::NeededBy(kind, words) => format!("{words}; for `{kind}` none, and it has to be there"),
        Absent::Default(written) => written.to_owned(),
        Absent::Otherwise(words) => words.to_owned(),
    };
    let applied = match key.applied {
        Applied::AtReload => "when the config is read again (SIGHUP)",
        Applied::AtStart => "at the next start",
    };
    let variable = match path.split_once("[]") {
        Some((list, _)) => format!("{}, the whole list", variable_of(list)),
        None if matches!(key.form, Form::Secret(_) | Form::Password(_)) => {
            format!("{0}, or {0}_FILE with the path of a file", variable_of(path))
        }
        None => variable_of(path),
    };
    let kind =
        if key.kinds.is_empty() { String::new() } else { format!("  only      agents of {}\n", key.kinds_in_words()) };
    format!(
        "{path}\n  {}\n\n{kind}  takes     {}\n  default   {default}\n  changes   take effect {applied}\n  variable  {variable}\n",
        key.why,
        key.form.words(),
    )
}
