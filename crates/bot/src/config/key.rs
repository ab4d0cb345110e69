//! How one key of the config is described: its form, what holds without it, and when a change of it takes effect.

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written, without the table around it.
    pub name: &'static str,
    /// What may stand there.
    pub form: Form,
    /// What holds when it is left out.
    pub absent: Absent,
    /// When a change takes effect.
    pub applied: Applied,
    /// What it is for, and the reason of its default.
    pub why: &'static str,
    /// The kinds, of which a table has to be one to have this key; of any kind when empty.
    pub kinds: &'static [&'static str],
}

/// A rule that a text has to follow; its error fits behind the text's key and never holds a secret.
pub type Rule = fn(&str) -> Result<(), String>;

/// What may stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A text.
    Text(Rule),
    /// A text that may hold a password: written out, or `{ env = "NAME" }`, or `{ file = "PATH" }`.
    Secret(Rule),
    /// A text that is a secret as a whole, given in the same three ways.
    Password(Rule),
    /// `true` or `false`.
    Flag,
    /// A number without a fraction, both bounds included.
    Whole {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list.
    List {
        /// What each of its values is.
        each: &'static Form,
        /// How many there have to be.
        min: usize,
    },
    /// A table of texts by any name.
    Variables,
    /// Checks, as a repository writes them itself.
    Checks,
    /// A table of these keys.
    Table(&'static [Key]),
    /// Tables of these keys, each by a name that people give.
    Named {
        /// What the name has to be like.
        rule: Rule,
        /// The keys of each.
        keys: &'static [Key],
    },
}

/// What a table is that is there even when nobody wrote it, with the defaults of its keys.
pub const AN_EMPTY_TABLE: &str = "an empty table";

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// Nothing: it has to be there.
    Needed,
    /// Nothing for tables of this kind; something that cannot be written as a value for others.
    NeededBy(&'static str, &'static str),
    /// This value, as it would be written.
    Default(&'static str),
    /// Something that cannot be written as a value.
    Otherwise(&'static str),
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// When the config is read again.
    AtReload,
    /// At the next start.
    AtStart,
}

impl Key {
    /// A key of a table of any kind.
    pub const fn new(name: &'static str, form: Form, absent: Absent, applied: Applied, why: &'static str) -> Self {
        Self { name, form, absent, applied, why, kinds: &[] }
    }

    /// The same, for tables of these kinds only.
    pub const fn of_kinds(self, kinds: &'static [&'static str]) -> Self {
        Self { kinds, ..self }
    }

    /// Whether a table of this kind may have it.
    pub fn fits_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Whether a table of this kind, or of none, must have it.
    pub fn is_needed_by(&self, kind: &str) -> bool {
        match self.absent {
            Absent::Needed => self.fits_kind(kind),
            Absent::NeededBy(needing, _) => needing == kind,
            Absent::Default(_) | Absent::Otherwise(_) => false,
        }
    }

    /// The kinds in words, as in "agents of …".
    pub fn kinds_in_words(&self) -> String {
        format!("the kind{} {}", if self.kinds.len() == 1 { "" } else { "s" }, in_backquotes(self.kinds))
    }

    /// The keys below this one, with the step that leads to them.
    pub fn below(&self) -> Option<(Step, &'static [Key])> {
        match self.form {
            Form::Table(keys) => Some((Step::Direct, keys)),
            Form::Named { keys, .. } => Some((Step::Name, keys)),
            Form::List { each: Form::Table(keys), .. } => Some((Step::Index, keys)),
            Form::Text(_) | Form::Secret(_) | Form::Password(_) | Form::Flag | Form::Whole { .. } => None,
            Form::Choice(_) | Form::List { .. } | Form::Variables | Form::Checks => None,
        }
    }
}

/// What lies between a key and the keys below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: `queue.policy`.
    Direct,
    /// A name: `people.ana.roles`.
    Name,
    /// A place in a list: `policy.deny[0].why`.
    Index,
}

impl Form {
    /// The form in words, as in "`queue.batch_max` is …".
    pub fn words(&self) -> String {
        match self {
            Self::Text(_) => "a text in quotes".to_owned(),
            Self::Secret(_) | Self::Password(_) => {
                "a text in quotes, or { env = \"NAME\" }, or { file = \"PATH\" }".to_owned()
            }
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(choices) => match choices {
                [one, other] => format!("`{one}` or `{other}`"),
                _ => format!("one of {}", in_backquotes(choices)),
            },
            Self::List { each: Self::Table(_), .. } => "a list of tables, each begun with a line [[…]]".to_owned(),
            Self::List { each, .. } => format!("a list in brackets, in which each is {}", each.words()),
            Self::Variables => "a table of texts, as in { NAME = \"value\" }".to_owned(),
            Self::Checks => "a list of checks, each with `name` and `command`".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Named { .. } => "a table of tables, each by its name".to_owned(),
        }
    }
}

/// `a`, `b` and `c`, each in backquotes.
pub fn in_backquotes<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The known name that was most likely meant, if any is near.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    // Whoever wrote only the beginning of a name meant it.
    let is_begun = |name: &str| word.len() >= 3 && name.starts_with(&word);
    let distance = |name: &str| if is_begun(name) { 1 } else { strsim::osa_distance(&word, &name.to_lowercase()) };
    let measured = known.into_iter().map(|name| (distance(name), name));
    // A letter in three may be wrong; more than that is another word.
    let near = measured.filter(|(distance, name)| *distance <= name.chars().count().max(word.chars().count()) / 3);
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}
