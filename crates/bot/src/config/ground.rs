//! What has been read so far, key by key: the values, where each stands, and everything that is wrong with them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use secrecy::SecretString;
use toml::de::{DeInteger, DeTable, DeValue};
use toml::{Spanned, Value};

use super::Environment;
use super::key::{Form, Key, in_backquotes, nearest};
use super::keys::ROOT;
use super::mistake::{Mistake, Place, Text};
use super::secret;

/// The most mistakes that are noted: whoever has more has named a file of another program.
const MISTAKES_MAX: usize = 500;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A layer, by its number, and the span in it.
    At(usize, Range<usize>),
    /// An environment variable.
    Variable(String),
    /// It was left out, and its default holds.
    Default,
}

/// What has been read so far.
pub struct Ground<'a> {
    /// The texts, each over the one before.
    pub layers: Vec<Text<'a>>,
    /// The environment.
    pub env: &'a Environment,
    /// What is read now; spans are spans of it.
    pub source: Mark,
    /// What serde gets. Secrets are in it as they are.
    pub values: toml::Table,
    /// Where each key and table stands, wrong ones too.
    pub marks: BTreeMap<String, Mark>,
    /// The value of each key that is right, as people may see it, with what is hidden.
    pub settings: BTreeMap<String, (Value, Option<SecretString>)>,
    /// Whether every layer was TOML; after one that is not, nothing else can be trusted.
    pub is_toml: bool,
    /// What is wrong.
    pub mistakes: Vec<Mistake>,
    /// What is right and still not good.
    pub warnings: Vec<Mistake>,
}

/// The path of a key below a table, with quotes where TOML wants them.
pub fn join(table: &str, name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let name = if is_bare { name.to_owned() } else { format!("{name:?}") };
    if table.is_empty() { name } else { format!("{table}.{name}") }
}

/// A table as the file begins it: `[queue]`, `[[policy.deny]]`.
pub fn heading(path: &str) -> String {
    match path.rsplit_once('[') {
        Some((list, place)) if place.ends_with(']') => format!("[[{list}]]"),
        _ => format!("[{path}]"),
    }
}

impl<'a> Ground<'a> {
    /// Nothing yet.
    pub fn new(env: &'a Environment) -> Self {
        Self {
            layers: Vec::new(),
            env,
            source: Mark::Default,
            values: toml::Table::new(),
            marks: BTreeMap::new(),
            settings: BTreeMap::new(),
            is_toml: true,
            mistakes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Lays a text over what is there: a key at its top replaces all that was said about that key before.
    pub fn lay(&mut self, layer: Text<'a>) {
        self.source = Mark::At(self.layers.len(), 0..0);
        self.layers.push(layer);
        match DeTable::parse(layer.text) {
            Ok(table) => {
                for name in table.get_ref().keys() {
                    self.values.remove(name.get_ref().as_ref());
                    self.forget(name.get_ref());
                }
                let values = self.table("", ROOT, table.get_ref());
                self.values.extend(values);
            }
            Err(error) => {
                self.is_toml = false;
                let span = error.span().unwrap_or(0..0);
                self.mistake(&span, &(0..0), error.message().to_owned());
            }
        }
    }

    /// Forgets where a key and all below it stood.
    pub fn forget(&mut self, key: &str) {
        let is_other =
            |path: &str| path.strip_prefix(key).is_none_or(|rest| !rest.is_empty() && !rest.starts_with(['.', '[']));
        self.marks.retain(|path, _| is_other(path));
        self.settings.retain(|path, _| is_other(path));
    }

    /// Reads one table. What is wrong in it is noted and left out.
    fn table(&mut self, path: &str, keys: &'static [Key], table: &DeTable<'_>) -> toml::Table {
        let kind = table.get("kind").and_then(|kind| kind.get_ref().as_str());
        let mut values = toml::Table::new();
        for (name, value) in table.iter() {
            let known = keys.iter().find(|key| key.name == name.get_ref());
            match known {
                Some(key) if kind.is_none_or(|kind| key.fits_kind(kind)) => {
                    let read = self.value(&join(path, key.name), key.form, value);
                    values.extend(read.map(|value| (key.name.to_owned(), value)));
                }
                Some(key) => {
                    let why = format!("`{}` is for agents of {}", key.name, key.kinds_in_words());
                    self.mistake(&name.span(), &(0..0), why);
                }
                None => {
                    self.mistake(&name.span(), &(0..0), unknown_key(path, keys, name.get_ref()));
                    if let Some(meant) = nearest(name.get_ref(), keys.iter().map(|key| key.name)) {
                        // It is not missing too.
                        let mark = self.mark(name.span());
                        self.marks.entry(join(path, meant)).or_insert(mark);
                    }
                }
            }
        }
        values
    }

    /// Reads the value of one key, at whatever depth it has further keys.
    pub fn value(&mut self, path: &str, form: Form, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let mark = self.mark(value.span());
        self.marks.insert(path.to_owned(), mark);
        match (form, value.get_ref()) {
            (Form::Table(keys), DeValue::Table(table)) => Some(Value::Table(self.table(path, keys, table))),
            (Form::Named { .. }, DeValue::Table(table)) => Some(Value::Table(self.named(path, form, table))),
            (Form::List { each: Form::Table(keys), .. }, DeValue::Array(list)) => {
                let each = |(n, one): (usize, &Spanned<DeValue<'_>>)| {
                    self.value(&format!("{path}[{n}]"), Form::Table(keys), one)
                };
                Some(Value::Array(list.iter().enumerate().filter_map(each).collect()))
            }
            (Form::Table(_) | Form::Named { .. }, _) => {
                self.wrong_form(path, form, value);
                None
            }
            _ => {
                let read = self.leaf(path, form, value, &value.span())?;
                self.settings.insert(path.to_owned(), setting(form, &read, value.get_ref()));
                Some(read)
            }
        }
    }

    fn named(&mut self, path: &str, form: Form, table: &DeTable<'_>) -> toml::Table {
        let Form::Named { rule, keys } = form else { return toml::Table::new() };
        let mut values = toml::Table::new();
        for (name, value) in table.iter() {
            if let Err(why) = rule(name.get_ref()) {
                self.mistake(&name.span(), &name.span(), why);
                continue;
            }
            let read = self.value(&join(path, name.get_ref()), Form::Table(keys), value);
            values.extend(read.map(|value| (name.get_ref().to_string(), value)));
        }
        values
    }

    /// Reads a value without keys below it. Of `shown` it is known that it holds no secret.
    fn leaf(&mut self, path: &str, form: Form, value: &Spanned<DeValue<'_>>, shown: &Range<usize>) -> Option<Value> {
        let read = match (form, value.get_ref()) {
            (Form::Text(rule), DeValue::String(text)) => rule(text).map(|()| Value::String(text.to_string())),
            (Form::Secret(rule) | Form::Password(rule), _) => return self.secret(path, form, rule, value),
            (Form::Flag, DeValue::Boolean(flag)) => Ok(Value::Boolean(*flag)),
            (Form::Whole { min, max }, DeValue::Integer(number)) => {
                let whole = whole(number).filter(|whole| (min..=max).contains(&whole.unsigned_abs()) && *whole >= 0);
                whole.map(Value::Integer).ok_or_else(|| format!("{number} is not {}", form.words()))
            }
            (Form::Choice(choices), DeValue::String(text)) => chosen(choices, text),
            (Form::Variables, DeValue::Table(table)) => return self.variables(path, table),
            (Form::List { each, min }, DeValue::Array(list)) => {
                if list.len() < min {
                    let why = format!("`{path}` is empty, and has at least the program");
                    self.mistake(&value.span(), &value.span(), why);
                }
                let read: Vec<_> = list.iter().map(|one| self.leaf(path, *each, one, shown)).collect();
                return read.into_iter().collect::<Option<Vec<_>>>().map(Value::Array);
            }
            (Form::Checks, DeValue::Array(_)) => return self.checks(path, value),
            _ => {
                self.wrong_form(path, form, value);
                return None;
            }
        };
        read.map_err(|why| self.mistake(&value.span(), shown, format!("`{path}`: {why}"))).ok()
    }

    fn variables(&mut self, path: &str, table: &DeTable<'_>) -> Option<Value> {
        let mut values = toml::Table::new();
        for (name, value) in table.iter() {
            match value.get_ref().as_str() {
                Some(text) => drop(values.insert(name.get_ref().to_string(), Value::String(text.to_owned()))),
                None => {
                    let why = format!("`{}` is a text in quotes", join(path, name.get_ref()));
                    self.mistake(&value.span(), &value.span(), why);
                }
            }
        }
        Some(Value::Table(values))
    }

    /// Reads checks by the rules of a repository's own file.
    fn checks(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let gate = forge::gate_of(value)
            .map_err(|fault| self.mistake(&fault.span, &fault.span, format!("`{path}`: {}", fault.why)));
        Some(Value::try_from(gate.ok()?).expect("a gate is made of texts and numbers"))
    }

    /// Reads a value that may hold a password; nothing that is said about it quotes it.
    fn secret(
        &mut self,
        path: &str,
        form: Form,
        rule: super::key::Rule,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Value> {
        let text = match value.get_ref() {
            DeValue::String(text) => {
                let is_open = matches!(form, Form::Password(_)) || secret::has_password(text);
                if matches!(self.source, Mark::At(..)) && is_open {
                    let why = format!(
                        "`{path}` has a password written into it; give it as {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
                    );
                    self.warnings.push(Mistake { place: self.place(&value.span(), &(0..0)), why });
                }
                Ok(text.to_string())
            }
            DeValue::Table(table) => self.fetched(table).unwrap_or_else(|| Err(form.words())),
            _ => {
                self.wrong_form(path, form, value);
                return None;
            }
        };
        let usable = text.and_then(|text| rule(&text).map(|()| Value::String(text)));
        usable.map_err(|why| self.mistake(&value.span(), &(0..0), format!("`{path}`: {why}"))).ok()
    }

    /// The secret that `{ env = … }` or `{ file = … }` names; nothing where the table is neither.
    fn fetched(&self, table: &DeTable<'_>) -> Option<Result<String, String>> {
        let (name, value) = table.iter().next().filter(|_| table.len() == 1)?;
        let named = value.get_ref().as_str()?;
        match name.get_ref().as_ref() {
            "env" => Some(match self.env.get(named) {
                Some(text) if !text.is_empty() => Ok(text.clone()),
                Some(_) => Err(format!("the variable {named} is empty")),
                None => Err(format!("the variable {named} is not set")),
            }),
            "file" => Some(secret::read_file(Path::new(named))),
            _ => None,
        }
    }

    fn wrong_form(&mut self, path: &str, form: Form, value: &Spanned<DeValue<'_>>) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let shown = if matches!(form, Form::Secret(_) | Form::Password(_)) { 0..0 } else { value.span() };
        self.mistake(&value.span(), &shown, format!("`{path}` is {}, not {found}", form.words()));
    }

    /// Notes a mistake in what is read now; `shown` is the part that may be quoted.
    pub fn mistake(&mut self, span: &Range<usize>, shown: &Range<usize>, why: String) {
        if self.mistakes.len() < MISTAKES_MAX {
            let place = self.place(span, shown);
            self.mistakes.push(Mistake { place, why });
        }
    }

    fn mark(&self, span: Range<usize>) -> Mark {
        match &self.source {
            Mark::At(layer, _) => Mark::At(*layer, span),
            other => other.clone(),
        }
    }

    fn place(&self, span: &Range<usize>, shown: &Range<usize>) -> Place {
        self.place_of(&self.mark(span.clone()), shown)
    }

    /// The place of a mark.
    pub fn place_of(&self, mark: &Mark, shown: &Range<usize>) -> Place {
        match mark {
            Mark::At(layer, span) => self.layers[*layer].place(span, shown),
            Mark::Variable(name) => Place::Variable(name.clone()),
            Mark::Default => self.layers.last().map_or(Place::Default, |layer| Place::Whole(layer.name.to_owned())),
        }
    }
}

fn chosen(choices: &[&'static str], text: &str) -> Result<Value, String> {
    if choices.contains(&text) {
        return Ok(Value::String(text.to_owned()));
    }
    Err(match nearest(text, choices.iter().copied()) {
        Some(near) => format!("there is no `{text}`; did you mean `{near}`?"),
        None => format!("there is no `{text}`; choose from {}", in_backquotes(choices)),
    })
}

/// A value as people may see it, and what is hidden.
fn setting(form: Form, read: &Value, written: &DeValue<'_>) -> (Value, Option<SecretString>) {
    match (form, read) {
        (Form::Password(_), Value::String(text)) => {
            (Value::String(secret::HIDDEN.to_owned()), Some(SecretString::from(text.as_str())))
        }
        (Form::Secret(_), Value::String(text)) => {
            (Value::String(secret::shown(text)), Some(SecretString::from(text.as_str())))
        }
        (Form::Checks, _) => (plain(written), None),
        _ => (read.clone(), None),
    }
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A value as it was written, without its places.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => Value::Integer(whole(number).unwrap_or_default()),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or_default()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(list) => Value::Array(list.iter().map(|one| plain(one.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(name, one)| (name.get_ref().to_string(), plain(one.get_ref()))).collect())
        }
    }
}

/// What to say about a key that this table does not have.
fn unknown_key(path: &str, keys: &'static [Key], name: &str) -> String {
    let place = if path.is_empty() { "at the top of the file".to_owned() } else { format!("in {}", heading(path)) };
    let names = keys.iter().map(|key| key.name);
    if let Some(near) = nearest(name, names.clone()) {
        return format!("there is no key `{name}` {place}; did you mean `{near}`?");
    }
    if ROOT.iter().any(|key| key.name == name) {
        return format!("there is no key `{name}` {place}; it belongs to the top of the file, above the first [table]");
    }
    let elsewhere =
        ROOT.iter().find(|table| matches!(table.form, Form::Table(keys) if keys.iter().any(|key| key.name == name)));
    if let Some(table) = elsewhere {
        return format!("there is no key `{name}` {place}; it belongs to [{}]", table.name);
    }
    format!("there is no key `{name}` {place}; known are {}", in_backquotes(&names.collect::<Vec<_>>()))
}
