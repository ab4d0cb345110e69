//! The defaults of a channel: who sets them, and what holds there in the end and why.

use agents::money::{DOLLAR, dollars};
use domain::policy::Verb;
use domain::{Cause, DeliveryId, Rejected, RepoName};
use serde::{Deserialize, Serialize};

use super::channel::{Change, Channel, ChannelEvent, ChannelId, Chosen};
use super::intake::{Answer, Intake, Trouble};
use super::messenger::Heard;

/// What a person wants to hold in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted(pub Vec<(String, Option<String>)>);

/// The defaults by name.
const KEYS: [&str; 3] = ["agent", "budget", "repo"];

/// `repo=web budget=5` after `set`; none when it is something else.
pub(super) fn to_set(rest: &str) -> Option<Wanted> {
    let pair = |word: &str| {
        let (key, value) = word.split_once('=')?;
        (KEYS.contains(&key) && !value.is_empty()).then(|| (key.to_owned(), Some(value.to_owned())))
    };
    rest.split_whitespace().map(pair).collect::<Option<Vec<_>>>().filter(|wanted| !wanted.is_empty()).map(Wanted)
}

/// `repo agent` after `unset`; none when it is something else.
pub(super) fn to_unset(rest: &str) -> Option<Wanted> {
    let key = |word: &str| KEYS.contains(&word).then(|| (word.to_owned(), None));
    rest.split_whitespace().map(key).collect::<Option<Vec<_>>>().filter(|wanted| !wanted.is_empty()).map(Wanted)
}

/// A sum as people write it: `5`, `$5`, `2.50`.
pub(super) fn micros_of(value: &str) -> Option<u64> {
    let (whole, cents) = value.trim_start_matches('$').split_once('.').unwrap_or((value.trim_start_matches('$'), "0"));
    let is_cents = cents.len() <= 2 && !cents.is_empty();
    let tens = if cents.len() == 1 { 10 } else { 1 };
    let (whole, cents): (u64, u64) = (whole.parse().ok()?, cents.parse().ok()?);
    let micros = whole.checked_mul(DOLLAR)?.checked_add(cents * tens * (DOLLAR / 100))?;
    (is_cents && micros > 0).then_some(micros)
}

impl Intake {
    pub(super) async fn set_defaults(
        &self,
        heard: &Heard,
        wanted: &Wanted,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        self.may(heard, Verb::Configure)?;
        let changes: Vec<Change> =
            wanted.0.iter().map(|(key, value)| self.change_of(key, value.as_deref())).collect::<Result<_, _>>()?;
        for change in &changes {
            if let Change::Repo(Some(repo)) = change {
                self.may_with(heard, Verb::Configure, Some(repo))?;
            }
        }
        let id = ChannelId(heard.message.thread.channel());
        let event = ChannelEvent::DefaultsSet { by: heard.author.clone(), changes };
        let start = || Channel::new(id.clone());
        self.store.apply_or_start(&id, start, event, Cause::Delivery(delivery.clone())).await?;
        self.show_settings(heard).await
    }

    fn change_of(&self, key: &str, value: Option<&str>) -> Result<Change, Rejected> {
        let Some(value) = value else {
            return Ok(match key {
                "repo" => Change::Repo(None),
                "agent" => Change::Agent(None),
                _ => Change::BudgetMicros(None),
            });
        };
        match key {
            "repo" => {
                let known: Vec<_> = self.repositories.iter().map(|repository| repository.name.clone()).collect();
                let repo = known.iter().find(|repo| repo.as_str() == value).cloned();
                let all = known.iter().map(RepoName::as_str).collect::<Vec<_>>().join(", ");
                let unknown =
                    || Rejected::new(format!("I do not know the repository {value}"), format!("I know {all}"));
                Ok(Change::Repo(Some(repo.ok_or_else(unknown)?)))
            }
            "agent" => {
                self.roster.may_run(value, agents::task::PlanMode::default())?;
                Ok(Change::Agent(Some(value.to_owned())))
            }
            _ => Ok(Change::BudgetMicros(Some(budget_of(value)?))),
        }
    }

    /// What holds in the channel in the end, each with where it comes from.
    pub(super) async fn show_settings(&self, heard: &Heard) -> Result<Answer, Trouble> {
        self.may(heard, Verb::View)?;
        let channel = heard.message.thread.channel();
        let (defaults, settings) = (self.defaults_in(&heard.message.thread).await?, self.settings.load_full());
        let rules = self.rules.load();
        let repos: Vec<_> = self.repositories.iter().map(|repository| &repository.name).collect();
        let allowed: Vec<_> =
            repos.iter().filter(|repo| rules.grounds().allow(&channel, repo)).map(|repo| repo.as_str()).collect();
        let repo = match (&defaults.repo, &allowed[..]) {
            (Some(chosen), _) => chosen_by(&chosen.value.to_string(), chosen),
            (None, [only]) => format!("{only} (the only one here)"),
            (None, _) => "asked when a request names none".to_owned(),
        };
        let agent = match &defaults.agent {
            Some(chosen) => chosen_by(&chosen.value, chosen),
            None => format!("{} (`agent` in the config)", settings.agent),
        };
        let budget = match (&defaults.budget_micros, settings.task_cap_micros) {
            (Some(chosen), _) => chosen_by(&format!("{} a task", dollars(chosen.value)), chosen),
            (None, Some(cap)) => format!("{} a task (`costs.task_usd` in the config)", dollars(cap)),
            (None, None) => "no cap a task (`costs.task_usd` in the config)".to_owned(),
        };
        let mut lines = vec![format!("What holds in {channel}:")];
        lines.push(format!("repo: {repo}"));
        lines.push(format!("agent: {agent}"));
        lines.push(format!("budget: {budget}"));
        lines.push("plan: ask (a request says otherwise with plan=auto or plan=off)".to_owned());
        if allowed.len() < repos.len() {
            let named = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
            lines.push(format!("worked on from here: {named} (`channels` in the config)"));
        }
        lines.push(
            "An operator changes it: `@agent set repo=NAME agent=NAME budget=5`, `@agent unset repo`.".to_owned(),
        );
        Ok(Answer::words(lines.join("\n")))
    }
}

/// A budget, or what is wrong with it.
pub(super) fn budget_of(value: &str) -> Result<u64, Rejected> {
    let bad =
        || Rejected::new(format!("I cannot use `budget={value}`"), "Say dollars, as in `budget=5` or `budget=2.50`");
    micros_of(value).ok_or_else(bad)
}

fn chosen_by<T>(shown: &str, chosen: &Chosen<T>) -> String {
    format!("{shown} (set by {} at {})", chosen.by, chosen.at.of_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_dollars() {
        let read = |text: &str| micros_of(text);
        assert_eq!((read("5"), read("$2.50"), read("0.5")), (Some(5_000_000), Some(2_500_000), Some(500_000)));
        for text in ["", "$", "0", "-1", "1.", "1.234", "five", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
