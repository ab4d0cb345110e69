//! What models cost, from a dated list that a person can put their own in front of.

use serde::Deserialize;

use crate::session::event::Usage;

/// The list that this release brings, as text.
pub const SHIPPED: &str = include_str!("prices.toml");

/// The most bytes that a list of one's own may have; the shipped one has five thousand.
pub const LIST_BYTES_MAX: usize = 1 << 20;

/// The price of one model, in US dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model's name without a date, as `gpt-5-mini`.
    pub name: String,
    /// Who published it.
    #[serde(default)]
    pub provider: String,
    /// When, as `2025-11`.
    #[serde(default)]
    pub as_of: String,
    /// Input that was not cached.
    pub input: f64,
    /// Input from a cache; as `input` when absent.
    #[serde(default)]
    pub cache_read: Option<f64>,
    /// Input into a cache; as `input` when absent.
    #[serde(default)]
    pub cache_write: Option<f64>,
    /// Output.
    pub output: f64,
}

/// Prices by model; the first that fits counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceList {
    prices: Vec<Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    model: Vec<Price>,
}

/// A list that does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrices {
    /// It is no TOML, or not of this shape.
    #[error("{0}")]
    Unreadable(String),
    /// A price that nobody has.
    #[error("model `{0}` has a price that is below zero or no number")]
    Impossible(String),
}

impl Default for PriceList {
    /// The shipped one.
    fn default() -> Self {
        Self { prices: prices_in(SHIPPED).expect("the shipped list reads, which a test sees to") }
    }
}

impl PriceList {
    /// The prices of `text`, and behind them the shipped ones.
    pub fn with_own(text: &str) -> Result<Self, BadPrices> {
        let mut prices = prices_in(text)?;
        prices.extend(Self::default().prices);
        Ok(Self { prices })
    }

    /// The price of a model as an agent names it: `anthropic/claude-sonnet-4-5-20250929` has that of
    /// `claude-sonnet-4-5`.
    pub fn find(&self, model: &str) -> Option<&Price> {
        let lower = model.to_lowercase();
        let name = lower.rsplit('/').next().unwrap_or_default();
        self.prices.iter().find(|price| name.strip_prefix(&price.name.to_lowercase()).is_some_and(is_release))
    }

    /// What this usage costs in millionths of a dollar: by the list, else as the agent reckons. `None` is "unknown".
    pub fn cost_of(&self, usage: &Usage) -> Option<u64> {
        let Some(price) = self.find(&usage.model) else { return usage.cost_micros };
        let parts = [
            (usage.input, price.input),
            (usage.cache_read, price.cache_read.unwrap_or(price.input)),
            (usage.cache_write, price.cache_write.unwrap_or(price.input)),
            (usage.output, price.output),
        ];
        // Dollars for a million tokens are millionths of a dollar for one.
        Some(parts.iter().map(|(tokens, dollars)| *tokens as f64 * dollars).sum::<f64>().round() as u64)
    }
}

fn prices_in(text: &str) -> Result<Vec<Price>, BadPrices> {
    let listed: Listed = toml::from_str(text).map_err(|error| BadPrices::Unreadable(error.to_string()))?;
    for price in &listed.model {
        let all = [Some(price.input), price.cache_read, price.cache_write, Some(price.output)];
        if !all.into_iter().flatten().all(|dollars| dollars.is_finite() && dollars >= 0.0) {
            return Err(BadPrices::Impossible(price.name.clone()));
        }
    }
    Ok(listed.model)
}

/// Whether what follows a model's name only says which release of it: `-20250929`, `-2025-08-07`, `-latest`,
/// `-preview-05-06`, `@20250929`.
fn is_release(rest: &str) -> bool {
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = rest.strip_prefix(['-', '@']) else { return false };
    let is_word =
        |word: &str| matches!(word, "latest" | "preview" | "exp") || word.parse::<u32>().is_ok_and(|_| word.len() > 1);
    rest.split('-').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(model: &str, cost_micros: Option<u64>) -> Usage {
        let model = model.to_owned();
        Usage { model, input: 10_000, cache_read: 100_000, cache_write: 1_000, output: 2_000, cost_micros }
    }

    #[test]
    fn the_shipped_list_says_when_and_by_whom_each_price_was_published() {
        let list = PriceList::default();
        for price in &list.prices {
            let is_month = price.as_of.len() == 7 && price.as_of.starts_with("20");
            assert!(is_month && ["Anthropic", "OpenAI", "Google"].contains(&price.provider.as_str()), "{price:?}");
            assert!(price.output >= price.input && price.cache_read.unwrap_or(0.0) <= price.input, "{price:?}");
            assert_eq!(list.find(&price.name), Some(price), "each is found by its own name");
        }
    }

    #[test]
    fn a_model_is_found_under_the_names_that_agents_give_it() {
        let list = PriceList::default();
        for (model, name) in [
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("anthropic/claude-sonnet-4-20250514", Some("claude-sonnet-4")),
            ("claude-3-5-haiku-latest", Some("claude-3-5-haiku")),
            ("GPT-5-mini-2025-08-07", Some("gpt-5-mini")),
            ("models/gemini-2.5-pro-preview-05-06", Some("gemini-2.5-pro")),
            ("gpt-5-imaginary", None),
            ("claude-sonnet-4-6", None),
            ("gpt-50", None),
            ("", None),
        ] {
            assert_eq!(list.find(model).map(|price| price.name.as_str()), name, "{model}");
        }
    }

    #[test]
    fn a_cost_is_the_sum_of_its_parts_or_the_agents_own_or_unknown() {
        let list = PriceList::default();
        assert_eq!(list.cost_of(&used("claude-sonnet-4-5", Some(1))), Some(30_000 + 30_000 + 3_750 + 30_000));
        assert_eq!(list.cost_of(&used("gpt-5", None)), Some(12_500 + 12_500 + 1_250 + 20_000));
        assert_eq!(list.cost_of(&used("mystery", Some(7))), Some(7));
        assert_eq!(list.cost_of(&used("mystery", None)), None);
    }

    #[test]
    fn a_list_of_ones_own_comes_first() {
        let own = "model = [{ name = \"gpt-5\", input = 0.0, output = 0.0 }, { name = \"house\", input = 1.0, output = 1.0 }]";
        let list = PriceList::with_own(own).unwrap();
        assert_eq!(list.cost_of(&used("gpt-5", None)), Some(0));
        assert_eq!(list.cost_of(&used("house", None)), Some(113_000));
        assert!(list.find("o3").is_some());
        let impossible = "model = [{ name = \"gpt-5\", input = -1.0, output = 0.0 }]";
        assert_eq!(PriceList::with_own(impossible), Err(BadPrices::Impossible("gpt-5".into())));
        assert!(PriceList::with_own("model = [{ nmae = \"x\" }]").unwrap_err().to_string().contains("nmae"));
    }
}
