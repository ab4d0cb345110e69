//! The vocabulary of checks, and how a repository names its own in `.downbeat/config.toml`.
//!
//! ```toml
//! [[checks]]
//! name = "test"
//! command = "cargo test"
//! timeout = "20m"     # or a number of seconds; 10 minutes without it
//! retries = 1         # for a check that is known to fail by chance; 0 without it
//! junit = "target/**/junit.xml"   # where it leaves its report, so that people read which tests failed
//! failed_first = "cargo test -- --exact {tests}"   # how it runs just those tests that failed in runs before this one
//! lanes = ["web"]     # it sees only the paths of these [lanes], and what concerns every lane; the whole tree without it
//! ```
//!
//! A repository that wants none writes `checks = []`. One that says nothing cannot land, because silence is more often
//! forgotten than meant.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use domain::policy::Globs;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::lanes::{Lanes, SHARED, lanes_in};

/// Where a repository names its checks.
pub const CHECKS_FILE: &str = ".downbeat/config.toml";

/// One command that decides about a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// What people call it; no other check of the repository has this name.
    pub name: String,
    /// A line for `sh -c`, run at the root of the tree.
    pub command: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many times a failed attempt is repeated.
    pub retries: u32,
    /// Where it leaves its report in JUnit's XML, as a path or a pattern below the root of the tree. No verdict depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
    /// A line for `sh -c` that runs the tests alone which take the place of [`CheckSpec::TESTS`], and leaves the same report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_first: Option<String>,
    /// The lanes whose paths it sees, in order and each once; it sees the whole tree where there is none. See
    /// [`crate::Mirror::view_of`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<String>,
}

impl CheckSpec {
    /// What stands for the names of tests in [`CheckSpec::failed_first`].
    pub const TESTS: &str = "{tests}";

    /// One of which its repository says no more than this: it has ten minutes, and one attempt.
    pub fn named(name: &str, command: &str) -> Self {
        let (name, command) = (name.to_owned(), command.to_owned());
        let (timeout, junit, failed_first, lanes) = (TIMEOUT_DEFAULT, None, None, Vec::new());
        Self { name, command, timeout, retries: 0, junit, failed_first, lanes }
    }

    /// The line that runs these tests alone, each name quoted for the shell; none where the check cannot, or no name can
    /// stand there. A name that begins with a dash would be an option.
    pub fn line_for(&self, tests: &FailedTests) -> Option<String> {
        let template = self.failed_first.as_ref()?;
        let names = tests.named.iter().filter(|name| !name.starts_with('-') && !name.contains('\0'));
        let quoted: Vec<String> = names.map(|name| format!("'{}'", name.replace('\'', r"'\''"))).collect();
        (!quoted.is_empty()).then(|| template.replace(Self::TESTS, &quoted.join(" ")))
    }
}

/// The tests that failed, as a check's report names them. Reads `tests::a, tests::b, tests::c and 3 more`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTests {
    /// Their names, in order, at most [`FailedTests::NAMED_MAX`].
    pub named: Vec<String>,
    /// How many there are beside them.
    pub more: usize,
}

impl FailedTests {
    /// The most names that are kept: enough to run those first that failed, few enough for every row they are written to.
    pub const NAMED_MAX: usize = 20;
    /// The most names that are shown in a sentence.
    const SHOWN_MAX: usize = 3;

    /// Those of these names, in their order.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let mut named: Vec<String> = names.into_iter().collect();
        let more = named.len().saturating_sub(Self::NAMED_MAX);
        named.truncate(Self::NAMED_MAX);
        Self { named, more }
    }

    /// Whether no report named any.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl fmt::Display for FailedTests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_shown = self.named.len().min(Self::SHOWN_MAX);
        f.write_str(&self.named[..n_shown].join(", "))?;
        match self.named.len() - n_shown + self.more {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What a tree says about its own checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// Nothing: it cannot land.
    Missing,
    /// `checks = []` is written: it lands untested, and the card says so.
    Untested,
    /// These, all of which have to pass.
    Checks(Vec<CheckSpec>),
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conclusion {
    /// The command ended with 0.
    Passed,
    /// The command ended otherwise.
    Failed,
    /// It was stopped because nobody needs the answer any more. Says nothing about the tree.
    Cancelled,
    /// The command could not be started. Says nothing about the tree.
    NeverStarted,
    /// It ran into its time limit.
    TimedOut,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NeverStarted => "never started",
            Self::TimedOut => "timed out",
        })
    }
}

/// One check as it was run on one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    /// The check's name.
    pub name: String,
    /// How its last attempt ended.
    pub conclusion: Conclusion,
    /// The exit code; none if it was killed or never started.
    pub exit: Option<i32>,
    /// The end of what it printed.
    pub output_tail: String,
    /// How long all attempts took.
    pub duration_ms: u64,
    /// How many attempts there were.
    pub attempts: u32,
    /// What its report says of its last attempt, where it failed and left one.
    #[serde(default, skip_serializing_if = "FailedTests::is_empty")]
    pub failed_tests: FailedTests,
}

/// A mistake in the file, with its place. Shown over several lines, the last of which points at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{CHECKS_FILE}, line {line}, column {column}: {why}\n{line:>4} | {excerpt}\n     | {caret:>column$}",
    caret = "^"
)]
pub struct GateError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub why: String,
    excerpt: String,
}

/// A mistake in checks that stand in some text, with its place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateFault {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl GateFault {
    pub(crate) fn new(span: Range<usize>, why: impl Into<String>) -> Self {
        Self { span, why: why.into() }
    }
}

impl GateError {
    pub(crate) fn at(fault: GateFault, text: &str) -> Self {
        let before = text.get(..fault.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let excerpt = text[line_start..].lines().next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            why: fault.why,
            excerpt: excerpt.chars().take(EXCERPT_CHARS_MAX).collect(),
        }
    }
}

/// The longest file: nobody reviews more.
const FILE_BYTES_MAX: usize = 64 << 10;
/// The most checks: a card shows them all.
const CHECKS_MAX: usize = 32;
/// The longest name: a card shows it in one line.
const NAME_CHARS_MAX: usize = 60;
/// The longest command: what is longer belongs into a script that the repository keeps.
const COMMAND_BYTES_MAX: usize = 4 << 10;
/// A check without a timeout: longer than most suites run, short enough to notice a hang the same morning.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10 * 60);
/// The longest timeout: a queue that waits longer for one answer stands still.
const TIMEOUT_MAX: Duration = Duration::from_secs(4 * 60 * 60);
/// The longest pattern: paths of repositories are below it.
const PATTERN_BYTES_MAX: usize = 500;
/// The most retries: a check that needs more tells nothing.
const RETRIES_MAX: u32 = 5;

const FILE_KEYS: &[&str] = &["checks", "lanes"];
const CHECK_KEYS: &[&str] = &["name", "command", "timeout", "retries", "junit", "failed_first", "lanes"];

/// Reads the checks out of the text of `.downbeat/config.toml`; `None` is a tree without that file.
pub fn gate_from_toml(text: Option<&str>) -> Result<Gate, GateError> {
    let Some(text) = text else { return Ok(Gate::Missing) };
    gate_in(text).map_err(|fault| GateError::at(fault, text))
}

fn gate_in(text: &str) -> Result<Gate, GateFault> {
    if text.len() > FILE_BYTES_MAX {
        return Err(GateFault::new(0..0, format!("the file is longer than {FILE_BYTES_MAX} bytes")));
    }
    let parsed = DeTable::parse(text);
    let table = parsed.map_err(|error| GateFault::new(error.span().unwrap_or(0..0), error.message()))?;
    refuse_unknown_keys(table.get_ref(), FILE_KEYS)?;
    let lanes = lanes_in(table.get_ref())?;
    table.get_ref().get("checks").map_or(Ok(Gate::Missing), |checks| gate_among(checks, Some(&lanes)))
}

/// Reads the value of a key `checks` that stands elsewhere, where no check can name a lane.
pub fn gate_of(checks: &Spanned<DeValue<'_>>) -> Result<Gate, GateFault> {
    gate_among(checks, None)
}

fn gate_among(checks: &Spanned<DeValue<'_>>, lanes: Option<&Lanes>) -> Result<Gate, GateFault> {
    let Some(listed) = checks.get_ref().as_array() else {
        return Err(GateFault::new(checks.span(), "`checks` is a list: write `[[checks]]`, or `checks = []` for none"));
    };
    if listed.len() > CHECKS_MAX {
        return Err(GateFault::new(checks.span(), format!("{} checks are more than {CHECKS_MAX}", listed.len())));
    }
    let mut specs: Vec<CheckSpec> = Vec::new();
    for check in listed.iter() {
        let (spec, name_span) = spec_of(check, lanes)?;
        if specs.iter().any(|other| other.name == spec.name) {
            return Err(GateFault::new(name_span, format!("another check is named `{}` already", spec.name)));
        }
        specs.push(spec);
    }
    Ok(if specs.is_empty() { Gate::Untested } else { Gate::Checks(specs) })
}

fn spec_of(check: &Spanned<DeValue<'_>>, known: Option<&Lanes>) -> Result<(CheckSpec, Range<usize>), GateFault> {
    let Some(table) = check.get_ref().as_table() else {
        return Err(GateFault::new(check.span(), "a check is a table with `name` and `command`"));
    };
    refuse_unknown_keys(table, CHECK_KEYS)?;
    let (name, name_span) = line_of(check, table, "name")?;
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(GateFault::new(name_span, format!("a name has at most {NAME_CHARS_MAX} characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(GateFault::new(name_span, "a name has no control characters"));
    }
    let (command, command_span) = line_of(check, table, "command")?;
    if command.len() > COMMAND_BYTES_MAX {
        let why = format!("a command has at most {COMMAND_BYTES_MAX} bytes; put it into a script");
        return Err(GateFault::new(command_span, why));
    }
    let timeout = table.get("timeout").map_or(Ok(TIMEOUT_DEFAULT), timeout_of)?;
    let retries = table.get("retries").map_or(Ok(0), retries_of)?;
    let junit = table.get("junit").map(junit_of).transpose()?;
    let failed_first = table.get("failed_first").map(|value| failed_first_of(value, junit.is_some())).transpose()?;
    let lanes = table.get("lanes").map_or(Ok(Vec::new()), |value| lanes_seen(value, known))?;
    Ok((CheckSpec { name, command, timeout, retries, junit, failed_first, lanes }, name_span))
}

fn line_of(check: &Spanned<DeValue<'_>>, table: &DeTable<'_>, key: &str) -> Result<(String, Range<usize>), GateFault> {
    let value = table.get(key).ok_or_else(|| GateFault::new(check.span(), format!("a check needs a `{key}`")))?;
    match value.get_ref().as_str().map(str::trim) {
        Some(text) if !text.is_empty() && !text.contains('\0') => Ok((text.to_owned(), value.span())),
        _ => Err(GateFault::new(value.span(), format!("`{key}` is a text that is not empty"))),
    }
}

fn timeout_of(value: &Spanned<DeValue<'_>>) -> Result<Duration, GateFault> {
    let duration = match value.get_ref() {
        DeValue::String(text) => duration_in(text),
        _ => whole_number(value.get_ref()).map(Duration::from_secs),
    };
    let Some(duration) = duration.filter(|duration| !duration.is_zero()) else {
        return Err(GateFault::new(value.span(), "a timeout is written \"90s\", \"20m\", \"1h\" or as seconds"));
    };
    if duration > TIMEOUT_MAX {
        let why = format!("a timeout is at most {} h", TIMEOUT_MAX.as_secs() / 3_600);
        return Err(GateFault::new(value.span(), why));
    }
    Ok(duration)
}

fn retries_of(value: &Spanned<DeValue<'_>>) -> Result<u32, GateFault> {
    let retries = whole_number(value.get_ref()).and_then(|n| u32::try_from(n).ok());
    let allowed = retries.filter(|n| *n <= RETRIES_MAX);
    allowed.ok_or_else(|| GateFault::new(value.span(), format!("`retries` is a number from 0 to {RETRIES_MAX}")))
}

fn junit_of(value: &Spanned<DeValue<'_>>) -> Result<String, GateFault> {
    let wrong = |why: String| GateFault::new(value.span(), why);
    let text =
        value.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty() && text.len() <= PATTERN_BYTES_MAX);
    let text = text.ok_or_else(|| {
        wrong(format!("`junit` is where the check leaves its report, in at most {PATTERN_BYTES_MAX} bytes"))
    })?;
    match Globs::new(&[text]) {
        Ok(_) => Ok(text.to_owned()),
        Err(bad) => Err(wrong(bad.to_string())),
    }
}

fn failed_first_of(value: &Spanned<DeValue<'_>>, has_report: bool) -> Result<String, GateFault> {
    let line = value.get_ref().as_str().filter(|line| line.contains(CheckSpec::TESTS));
    match line {
        Some(line) if has_report => Ok(line.to_owned()),
        Some(_) => {
            let why = "`failed_first` needs `junit`: which tests failed is only known from a report";
            Err(GateFault::new(value.span(), why))
        }
        None => {
            let why =
                "`failed_first` is a command with `{tests}` where the names of the tests go, as in \"pytest {tests}\"";
            Err(GateFault::new(value.span(), why))
        }
    }
}

/// The lanes that a check names, in order and each once; `known` is none where there are no lanes to name.
fn lanes_seen(value: &Spanned<DeValue<'_>>, known: Option<&Lanes>) -> Result<Vec<String>, GateFault> {
    let Some(known) = known else {
        let why = format!("a check names lanes only in the repository's own {CHECKS_FILE}, which has the `[lanes]`");
        return Err(GateFault::new(value.span(), why));
    };
    let listed = value.get_ref().as_array().filter(|listed| !listed.is_empty()).ok_or_else(|| {
        let why =
            "`lanes` are those whose paths the check sees, as in [\"web\"]; without it the check sees the whole tree";
        GateFault::new(value.span(), why)
    })?;
    let names: Vec<String> = known.all().iter().map(ToString::to_string).collect();
    let mut lanes = Vec::new();
    for one in listed.iter() {
        let fault = |why: String| GateFault::new(one.span(), why);
        let lane = one.get_ref().as_str().ok_or_else(|| fault("a lane is named by a text".to_owned()))?;
        if lane == SHARED {
            return Err(fault(format!("`{SHARED}` is no lane: every check sees what concerns every lane")));
        }
        if !names.iter().any(|name| name == lane) {
            let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(fault(format!("there is no lane `{lane}`; known are {names}")));
        }
        lanes.push(lane.to_owned());
    }
    lanes.sort();
    lanes.dedup();
    Ok(lanes)
}

fn refuse_unknown_keys(table: &DeTable<'_>, known: &[&str]) -> Result<(), GateFault> {
    let unknown = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown else { return Ok(()) };
    let meant = nearest(key.get_ref(), known).map_or_else(
        || format!("; known are {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        |name| format!(", did you mean `{name}`?"),
    );
    Err(GateFault::new(key.span(), format!("unknown key `{}`{meant}", key.get_ref())))
}

/// The most of a line that a mistake quotes: what a chat shows without wrapping twice.
const EXCERPT_CHARS_MAX: usize = 160;

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn duration_in(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let seconds_each = match text[digits.len()..].trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(seconds_each).map(Duration::from_secs)
}

/// The known name that a person most likely meant: the closest within two changed letters.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let measured = known.iter().map(|name| (letters_changed(word, name), *name));
    measured.filter(|(distance, _)| *distance <= 2).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn letters_changed(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
