//! What models cost, and how much is spent before a person is asked.

use std::path::{Path, PathBuf};

use agents::money::{Caps, DOLLAR, LIST_BYTES_MAX, PriceList};
use serde::Deserialize;

/// Money.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostsConfig {
    /// A list of prices that comes before the shipped one.
    pub prices: Option<PathBuf>,
    /// Dollars of one task; 0 for no cap.
    pub task_usd: u64,
    /// Dollars of the tasks of one channel in one day; 0 for no cap.
    pub channel_usd: u64,
    /// Dollars of all tasks in one day; 0 for no cap.
    pub day_usd: u64,
}

/// A list of prices that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`costs.prices`: {}: {why}", path.display())]
pub struct UnusablePrices {
    path: PathBuf,
    why: String,
}

impl CostsConfig {
    /// When a person is asked.
    pub fn caps(&self) -> Caps {
        let cap = |dollars: u64| (dollars > 0).then_some(dollars * DOLLAR);
        Caps { task: cap(self.task_usd), channel: cap(self.channel_usd), day: cap(self.day_usd) }
    }

    /// What models cost. Reads the file that the config names.
    pub fn price_list(&self) -> Result<PriceList, UnusablePrices> {
        let Some(path) = &self.prices else { return Ok(PriceList::default()) };
        let unusable = |why: String| UnusablePrices { path: path.clone(), why };
        let text = text_of(path).map_err(unusable)?;
        PriceList::with_own(&text).map_err(|error| unusable(error.to_string()))
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LIST_BYTES_MAX as u64 {
        return Err(format!("it has more than {LIST_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(prices: Option<PathBuf>) -> CostsConfig {
        CostsConfig { prices, task_usd: 10, channel_usd: 0, day_usd: 100 }
    }

    #[test]
    fn a_cap_of_nothing_is_no_cap() {
        let expected = Caps { task: Some(10 * DOLLAR), channel: None, day: Some(100 * DOLLAR) };
        assert_eq!(costs(None).caps(), expected);
    }

    #[test]
    fn a_list_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        let why = || costs(Some(path.clone())).price_list().unwrap_err().to_string();
        let missing = format!("`costs.prices`: {}: No such file or directory (os error 2)", path.display());
        assert_eq!(why(), missing);
        std::fs::write(&path, "model = [{ name = \"x\", input = -1.0, output = 1.0 }]").unwrap();
        assert!(why().ends_with("model `x` has a price that is below zero or no number"), "{}", why());
        std::fs::write(&path, "model = [{ name = \"x\", input = 1.0, output = 1.0 }]").unwrap();
        assert!(costs(Some(path)).price_list().unwrap().find("x").is_some());
    }
}
