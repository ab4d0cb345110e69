//! One measured number with its spread.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use mergeq::sim::Mean;
use serde::Serialize;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    what: String,
    unit: &'static str,
    median: f64,
    p99: Option<f64>,
    /// The lowest and the highest.
    spread: [f64; 2],
    n: usize,
    /// The most that the median or the p99 may be, or the least.
    limit: Option<(&'static str, f64)>,
    note: String,
}

impl Figure {
    /// Of a few runs: their median, with the lowest and the highest.
    pub fn of_runs(what: &str, unit: &'static str, mut runs: Vec<f64>) -> Self {
        runs.sort_by(f64::total_cmp);
        let (median, spread) = (runs[runs.len() / 2], [runs[0], runs[runs.len() - 1]]);
        Self { what: what.to_owned(), unit, median, p99: None, spread, n: runs.len(), limit: None, note: String::new() }
    }

    /// Of many waits, in milliseconds.
    pub fn of_waits(what: &str, waits: impl IntoIterator<Item = Duration>) -> Self {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits are allowed");
        for wait in waits {
            histogram.record(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)).expect("it grows by itself");
        }
        let ms = |micros: u64| micros as f64 / 1_000.0;
        Self {
            what: what.to_owned(),
            unit: "ms",
            median: ms(histogram.value_at_quantile(0.5)),
            p99: Some(ms(histogram.value_at_quantile(0.99))),
            spread: [ms(histogram.min()), ms(histogram.max())],
            n: usize::try_from(histogram.len()).unwrap_or(usize::MAX),
            limit: None,
            note: String::new(),
        }
    }

    /// A mean, with its 95 % interval.
    pub fn of_mean(what: &str, unit: &'static str, Mean { mean, low, high }: Mean) -> Self {
        let spread = [low, high];
        Self { what: what.to_owned(), unit, median: mean, p99: None, spread, n: 30, limit: None, note: String::new() }
    }

    /// What the product promises of the mean.
    pub fn at_least(mut self, limit: f64) -> Self {
        self.limit = Some(("least", limit));
        self
    }

    /// What the product promises of the median.
    pub fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(("median", limit));
        self
    }

    /// What the product promises of the p99.
    pub fn p99_at_most(mut self, limit: f64) -> Self {
        self.limit = Some(("p99", limit));
        self
    }

    /// Words beside the number.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The number that stands for all.
    pub fn median(&self) -> f64 {
        self.median
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, unit, median, p99, spread: [lowest, highest], n, note, .. } = self;
        let p99 = p99.map_or(String::new(), |p99| format!(", p99 {p99:.2}"));
        write!(f, "{what}: {median:.2} {unit}{p99} ({lowest:.2} to {highest:.2}, n = {n}) {note}")
    }
}
