//! The `key=value` options of a request.

use std::fmt;

use agents::money::dollars;
use agents::task::PlanMode;
use domain::{BranchName, Rejected, RepoName};
use serde::{Deserialize, Serialize};

use super::defaults::budget_of;

/// What a person settled in the request itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// `repo=`: the repository.
    pub repo: Option<RepoName>,
    /// `branch=`: where the change is to land.
    pub branch: Option<BranchName>,
    /// `agent=`: the agent by its name in the config.
    pub agent: Option<String>,
    /// `model=`: the model, by the agent's own name for it.
    pub model: Option<String>,
    /// `budget=`: what it may cost before a person is asked, in millionths of a dollar.
    #[serde(default)]
    pub budget_micros: Option<u64>,
    /// `plan=ask|auto|off`.
    pub plan: Option<PlanMode>,
    /// `merge=ask|auto`: whether it enters the queue by itself.
    pub merges_itself: Option<bool>,
}

const KEYS: [&str; 7] = ["agent", "branch", "budget", "merge", "model", "plan", "repo"];
/// Keys that people write about; they resemble one of ours and are none.
const WORDS: [&str; 1] = ["mode"];

/// Takes the options out of the words. A `key=value` whose key only resembles a known one is refused rather than
/// guessed; any other stays in the words, because people write about settings too.
pub(super) fn split(said: &str) -> Result<(String, Options), Rejected> {
    let mut options = Options::default();
    let mut lines = Vec::new();
    for line in said.lines() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            match word.split_once('=') {
                Some((key, value)) if KEYS.contains(&key) => take(&mut options, key, value)?,
                Some((key, value)) => match KEYS.into_iter().find(|known| is_slip(key, known) && !WORDS.contains(&key))
                {
                    Some(known) => return Err(unknown(key, known, value)),
                    None => words.push(word),
                },
                None => words.push(word),
            }
        }
        lines.push(words.join(" ").trim_end().to_owned());
    }
    Ok((lines.join("\n").trim().to_owned(), options))
}

fn unknown(key: &str, known: &str, value: &str) -> Rejected {
    Rejected::new(
        format!("There is no option `{key}`"),
        format!("Did you mean `{known}={value}`? I know agent, branch, budget, merge, model, plan and repo"),
    )
}

fn take(options: &mut Options, key: &str, value: &str) -> Result<(), Rejected> {
    let bad = |next: &str| Rejected::new(format!("I cannot use `{key}={value}`"), next.to_owned());
    match key {
        "agent" if !value.is_empty() => options.agent = Some(value.to_owned()),
        "agent" => return Err(bad("Name an agent of the config, as in `agent=claude`")),
        "model" if !value.is_empty() => options.model = Some(value.to_owned()),
        "model" => return Err(bad("Name a model as the agent does, as in `model=opus`")),
        "budget" => options.budget_micros = Some(budget_of(value)?),
        "branch" => options.branch = Some(value.parse().map_err(|_| bad("Name a branch, as in `branch=main`"))?),
        "repo" => options.repo = Some(value.parse().map_err(|_| bad("Name a repository, as in `repo=acme/web`"))?),
        "plan" => {
            options.plan = Some(match value {
                "ask" => PlanMode::Ask,
                "auto" => PlanMode::Auto,
                "off" => PlanMode::Off,
                _ => return Err(bad("Say `plan=ask`, `plan=auto` or `plan=off`")),
            });
        }
        _ => {
            options.merges_itself = Some(match value {
                "ask" => false,
                "auto" => true,
                _ => return Err(bad("Say `merge=ask` or `merge=auto`")),
            });
        }
    }
    Ok(())
}

/// Whether `key` is `known` with one letter too many, too few, or other, or with two neighbours swapped.
pub(super) fn is_slip(key: &str, known: &str) -> bool {
    let (key, known) = (key.as_bytes(), known.as_bytes());
    let same_start = key.iter().zip(known).take_while(|(a, b)| a == b).count();
    let same_end = key.iter().rev().zip(known.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = key.len().max(known.len());
    let is_swap = || {
        let at = |word: &[u8]| word.get(same_start..same_start + 2).map(|pair| (pair[0], pair[1]));
        let swapped = at(known).map(|(first, second)| (second, first));
        same_start + same_end + 2 == longest && at(key) == swapped
    };
    key.len().abs_diff(known.len()) <= 1 && (same_start + same_end + 1 >= longest || is_swap())
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan.map(|plan| match plan {
            PlanMode::Ask => "ask",
            PlanMode::Auto => "auto",
            PlanMode::Off => "off",
        });
        let budget = self.budget_micros.map(dollars);
        let said = [
            ("repo", self.repo.as_ref().map(RepoName::as_str)),
            ("branch", self.branch.as_ref().map(BranchName::as_str)),
            ("agent", self.agent.as_deref()),
            ("model", self.model.as_deref()),
            ("budget", budget.as_deref()),
            ("plan", plan),
            ("merge", self.merges_itself.map(|itself| if itself { "auto" } else { "ask" })),
        ];
        let said: Vec<_> = said.iter().filter_map(|(key, value)| Some(format!("{key}={}", (*value)?))).collect();
        f.write_str(&said.join(" "))
    }
}
