//! Recipes: named deterministic commands that a repository carries in `.downbeat/recipes/NAME.toml`.
//!
//! A recipe is code that somebody committed. It is only ever run in the cage.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;

/// The directory in a repository that holds its recipes.
pub const RECIPES_DIR: &str = ".downbeat/recipes";

/// The longest file, the most steps and the longest timeout: what a person can still read, and a morning.
const FILE_BYTES_MAX: usize = 64 << 10;
const STEPS_MAX: usize = 32;
const TIMEOUT_MAX: Duration = Duration::from_secs(4 * 60 * 60);
/// A step without a timeout: longer than most formatters and code generators run.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10 * 60);

/// Named commands, run one after the other until one fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What it is for, in a sentence.
    pub description: String,
    /// The commands, in order.
    pub steps: Vec<RecipeStep>,
}

/// One command of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeStep {
    /// What people call it.
    pub name: String,
    /// A line for `sh -c`, run at the root of the tree.
    pub command: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// A mistake in a recipe, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}, column {column}: {why}")]
pub struct RecipeError {
    /// The file in the repository.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong; names the key where one is to blame.
    pub why: String,
}

/// The file of the recipe of this name; none if no recipe can be called that.
pub fn recipe_file(name: &str) -> Option<String> {
    let fits = !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    fits.then(|| format!("{RECIPES_DIR}/{name}.toml"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    description: toml::Spanned<String>,
    steps: toml::Spanned<Vec<WrittenStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    name: toml::Spanned<String>,
    command: toml::Spanned<String>,
    timeout: Option<toml::Spanned<String>>,
}

/// Reads a recipe; `file` is its name in the repository, for mistakes.
pub fn parse_recipe(file: &str, text: &str) -> Result<Recipe, RecipeError> {
    let mistake = |span: Range<usize>, why: String| {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        RecipeError { file: file.to_owned(), line, column: before[line_start..].chars().count() + 1, why }
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(mistake(0..0, format!("a recipe has at most {FILE_BYTES_MAX} bytes")));
    }
    let written: Written = toml::from_str(text)
        .map_err(|error| mistake(error.span().unwrap_or(0..0), error.message().trim().replace('\n', "; ")))?;
    let filled = |key: &str, value: &toml::Spanned<String>| {
        let text = value.get_ref().trim();
        let usable = !text.is_empty() && !text.contains('\0');
        if usable { Ok(text.to_owned()) } else { Err(mistake(value.span(), format!("`{key}` is empty"))) }
    };
    let count = written.steps.get_ref().len();
    if count == 0 || count > STEPS_MAX {
        return Err(mistake(written.steps.span(), format!("`steps` has 1 to {STEPS_MAX} steps, not {count}")));
    }
    let steps = written.steps.get_ref().iter().map(|step| {
        let timeout = step.timeout.as_ref().map_or(Ok(TIMEOUT_DEFAULT), |written| {
            let rule = || "`timeout` is written \"90s\", \"20m\" or \"1h\", and is at most 4 h".to_owned();
            duration_in(written.get_ref()).ok_or_else(|| mistake(written.span(), rule()))
        })?;
        Ok(RecipeStep { name: filled("name", &step.name)?, command: filled("command", &step.command)?, timeout })
    });
    let steps = steps.collect::<Result<_, _>>()?;
    Ok(Recipe { description: filled("description", &written.description)?, steps })
}

fn duration_in(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let seconds_each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let duration = digits.parse::<u64>().ok()?.checked_mul(seconds_each).map(Duration::from_secs)?;
    (!duration.is_zero() && duration <= TIMEOUT_MAX).then_some(duration)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_recipe_reads_as_it_is_written() {
        let text = "description = \"Format\"\n[[steps]]\nname = \"fmt\"\ncommand = \"cargo fmt\"\ntimeout = \"2m\"\n";
        let recipe = parse_recipe("r.toml", text).unwrap();
        let step = RecipeStep { name: "fmt".into(), command: "cargo fmt".into(), timeout: Duration::from_secs(120) };
        assert_eq!(recipe, Recipe { description: "Format".into(), steps: vec![step] });
    }

    #[test]
    fn mistakes_name_file_line_column_and_key() {
        let step = "[[steps]]\nname = \"a\"\ncommand = \"b\"\n";
        let mistakes = [
            format!("descripton = \"x\"\n{step}"),
            format!("description = \"x\"\n{step}timeout = \"5 weeks\"\n"),
            "description = \"x\"\nsteps = []\n".to_owned(),
            format!("description = \" \"\n{step}"),
            "description = \"x\"\n[[steps]]\nname = \"a\"\n".to_owned(),
            format!("description = 5\n{step}"),
            "description = \n".to_owned(),
        ];
        let said = mistakes.map(|text| parse_recipe("r.toml", &text).unwrap_err().to_string()).join("\n");
        expect![[r#"
            r.toml, line 1, column 1: unknown field `descripton`, expected `description` or `steps`
            r.toml, line 5, column 11: `timeout` is written "90s", "20m" or "1h", and is at most 4 h
            r.toml, line 2, column 9: `steps` has 1 to 32 steps, not 0
            r.toml, line 1, column 15: `description` is empty
            r.toml, line 2, column 1: missing field `command`
            r.toml, line 1, column 15: invalid type: integer `5`, expected a string
            r.toml, line 1, column 15: string values must be quoted, expected literal string"#]]
        .assert_eq(&said);
    }

    #[test]
    fn only_a_plain_name_is_a_recipe() {
        assert_eq!(recipe_file("tidy"), Some(".downbeat/recipes/tidy.toml".into()));
        for bad in ["", "../x", "a/b", "-x", ".x", "a.b", "ü", &"x".repeat(65)] {
            assert_eq!(recipe_file(bad), None, "{bad}");
        }
    }
}
