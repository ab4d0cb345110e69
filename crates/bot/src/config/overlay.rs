//! Environment variables over the file: `DOWNBEAT__QUEUE__BATCH_MAX=4`, and `DOWNBEAT__DATABASE_FILE=/run/secrets/db`
//! where the value lies in a file.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::DeValue;
use toml::{Spanned, Value};

use super::ground::{Ground, Mark, join};
use super::key::{Form, Key, nearest};
use super::keys::{ROOT, described};
use super::mistake::{Mistake, Place};
use super::secret;

const PREFIX: &str = "DOWNBEAT__";
const BETWEEN: &str = "__";
const FROM_FILE: &str = "_FILE";

/// The variable that sets a key, as `config explain` and `config show` name it.
pub fn variable_of(path: &str) -> String {
    let name = path.replace('.', BETWEEN).replace(['-', '/', ' '], "_").replace('"', "");
    format!("{PREFIX}{}", name.to_uppercase())
}

/// Whether a variable names a file in which the value is.
pub fn is_from_file(variable: &str) -> bool {
    variable.ends_with(FROM_FILE)
}

/// Lays all variables over what was read from texts.
pub fn lay(ground: &mut Ground<'_>) {
    let variables = ground.env.iter().filter(|(name, _)| name.starts_with(PREFIX));
    let mut seen = BTreeSet::new();
    for (name, written) in variables {
        ground.source = Mark::Variable(name.clone());
        if let Err(why) = lay_one(ground, name, written, &mut seen) {
            ground.mistakes.push(Mistake { place: Place::Variable(name.clone()), why });
        }
    }
}

fn lay_one(ground: &mut Ground<'_>, name: &str, written: &str, seen: &mut BTreeSet<Vec<String>>) -> Result<(), String> {
    let words = name.trim_start_matches(PREFIX);
    let (target, file) = match (find(&ground.values, words), words.strip_suffix(FROM_FILE)) {
        (Ok(target), _) => (target, None),
        (Err(why), None) => return Err(why),
        (Err(why), Some(words)) => (find(&ground.values, words).map_err(|_| why)?, Some(Path::new(written))),
    };
    if !seen.insert(target.steps.clone()) {
        return Err("another variable sets the same key; keep one of them".to_owned());
    }
    let Some(file) = file else { return lay_text(ground, &target, written) };
    let text = secret::read_file(file)?;
    let n_mistakes = ground.mistakes.len();
    let laid = lay_text(ground, &target, &text);
    // Whoever names the wrong file does not want to see what is in it.
    let is_wrong = laid.is_err() || ground.mistakes.len() > n_mistakes;
    ground.mistakes.truncate(n_mistakes);
    if is_wrong {
        Err(format!("what is in {} cannot be used as {}", file.display(), target.form.words()))
    } else {
        Ok(())
    }
}

fn lay_text(ground: &mut Ground<'_>, target: &Target, text: &str) -> Result<(), String> {
    let path = target.path();
    let value = match target.form {
        Form::Text(_) | Form::Secret(_) | Form::Password(_) | Form::Choice(_) => {
            Spanned::new(0..0, DeValue::String(text.into()))
        }
        Form::Flag | Form::Whole { .. } => {
            DeValue::parse(text.trim()).map_err(|_| format!("`{text}` is not {}", target.form.words()))?
        }
        Form::List { .. } | Form::Variables | Form::Checks => DeValue::parse(text.trim())
            .map_err(|error| format!("it is not {}: {}", target.form.words(), error.message()))?,
        Form::Table(_) | Form::Named { .. } => {
            let below = described().into_iter().find(|(known, key)| known.starts_with(&path) && key.below().is_none());
            let below = below.map(|(known, _)| variable_of(&known)).unwrap_or_default();
            return Err(format!("`{path}` is a table; name a key in it, as in {below}"));
        }
    };
    ground.forget(&path);
    if let Some(value) = ground.value(&path, target.form, &value) {
        put(&mut ground.values, &target.steps, value);
        mark_tables(ground, &target.steps);
    }
    Ok(())
}

/// A key that a variable names.
struct Target {
    steps: Vec<String>,
    form: Form,
}

impl Target {
    fn path(&self) -> String {
        self.steps.iter().fold(String::new(), |path, step| join(&path, step))
    }
}

/// Finds the key that the words of a variable name, in letters of either case.
fn find(values: &toml::Table, words: &str) -> Result<Target, String> {
    let mut target = Target { steps: Vec::new(), form: Form::Table(ROOT) };
    let mut here = Some(values);
    for word in words.split(BETWEEN) {
        let step = match target.form {
            Form::Table(keys) => {
                let key = keys.iter().find(|key| key.name.eq_ignore_ascii_case(word));
                let key = key.ok_or_else(|| unknown(&target.steps, keys, word))?;
                target.form = key.form;
                key.name.to_owned()
            }
            Form::Named { keys, .. } => {
                target.form = Form::Table(keys);
                let known = here.and_then(|table| table.keys().find(|name| same_name(name, word)));
                known.cloned().unwrap_or_else(|| word.to_lowercase())
            }
            Form::Variables => {
                target.form = Form::Text(|_| Ok(()));
                let known = here.and_then(|table| table.keys().find(|name| same_name(name, word)));
                known.cloned().unwrap_or_else(|| word.to_owned())
            }
            Form::Text(_) | Form::Secret(_) | Form::Password(_) | Form::Flag | Form::Whole { .. } | Form::Choice(_) => {
                return Err(format!("`{}` is {}", target.steps.join("."), target.form.words()));
            }
            Form::List { .. } | Form::Checks => {
                return Err(format!("`{}` is set as a whole: {}", target.steps.join("."), target.form.words()));
            }
        };
        here = here.and_then(|table| table.get(&step)).and_then(Value::as_table);
        target.steps.push(step);
    }
    Ok(target)
}

/// A variable's name has no room for signs that other names have.
fn same_name(name: &str, word: &str) -> bool {
    name.replace(['-', '.', '/'], "_").eq_ignore_ascii_case(&word.replace('-', "_"))
}

fn unknown(steps: &[String], keys: &[Key], word: &str) -> String {
    if word.is_empty() {
        return "it names no key; a name has two underscores between its parts, as in DOWNBEAT__QUEUE__BATCH_MAX"
            .to_owned();
    }
    let path = |name: &str| [steps, &[name.to_owned()]].concat().join(".");
    let name = word.to_lowercase();
    match nearest(&name, keys.iter().map(|key| key.name)) {
        Some(near) => format!("there is no key `{}`; did you mean {}?", path(&name), variable_of(&path(near))),
        None => format!("there is no key `{}`; `downbeat config explain` lists all keys", path(&name)),
    }
}

fn put(table: &mut toml::Table, steps: &[String], value: Value) {
    match steps {
        [] => {}
        [last] => drop(table.insert(last.clone(), value)),
        [first, rest @ ..] => {
            let below = table.entry(first.clone()).or_insert_with(|| Value::Table(toml::Table::new()));
            if let Some(below) = below.as_table_mut() {
                put(below, rest, value);
            }
        }
    }
}

/// Tables that only the variable made are marked with it.
fn mark_tables(ground: &mut Ground<'_>, steps: &[String]) {
    let mut path = String::new();
    for step in steps {
        path = join(&path, step);
        let source = ground.source.clone();
        ground.marks.entry(path.clone()).or_insert(source);
    }
}
