//! What passed, failed and was skipped, as told by the programs that ran the tests.

use std::fmt;
use std::ops::AddAssign;

/// How many tests, or steps that count as one test, ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Counts {
    pub const ONE_PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub const ONE_FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub const ONE_SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Adds up the summaries that cargo-nextest or `cargo test` printed; `None` when there was none. Nextest repeats what
    /// a test's own process printed, so where it summed up, only its word counts.
    pub fn from_output(output: &str) -> Option<Self> {
        let of_nextest = Self::sum(output.lines().filter_map(nextest_summary));
        of_nextest.or_else(|| Self::sum(output.lines().filter_map(libtest_summary)))
    }

    fn sum(summaries: impl Iterator<Item = Self>) -> Option<Self> {
        summaries.fold(None, |sum, counts| {
            let mut sum = sum.unwrap_or_default();
            sum += counts;
            Some(sum)
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `Summary [ 1.0s] 22 tests run: 20 passed (1 slow), 1 failed, 1 timed out, 3 skipped`
fn nextest_summary(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, endings) = rest.split_once(" run: ")?;
    Some(sum_endings(&without_parentheses(endings), ','))
}

/// `test result: FAILED. 20 passed; 1 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.10s`
fn libtest_summary(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("test result: ")?;
    let (_, endings) = rest.split_once(". ")?;
    Some(sum_endings(endings, ';'))
}

fn sum_endings(endings: &str, separator: char) -> Counts {
    let mut counts = Counts::default();
    for (number, ending) in endings.split(separator).filter_map(|part| part.trim().split_once(' ')) {
        let number: u32 = number.parse().unwrap_or(0);
        match ending {
            "passed" => counts.passed += number,
            "failed" | "exec failed" | "timed out" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// The details in parentheses (`1 slow, 1 flaky`) are counted in the number before them already.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let outside = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    let kept: String = text.chars().filter(outside).collect();
    kept.replace(" ,", ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u32, failed: u32, skipped: u32) -> Option<Counts> {
        Some(Counts { passed, failed, skipped })
    }

    #[test]
    fn what_a_test_printed_itself_is_not_counted_again() {
        let output = "test result: FAILED. 0 passed; 1 failed; 0 ignored\nSummary [ 1.0s] 5 tests run: 4 passed, 1 failed, 0 skipped";
        assert_eq!(Counts::from_output(output), Some(Counts { passed: 4, failed: 1, skipped: 0 }));
    }

    #[test]
    fn nextest_is_understood() {
        let line = "     Summary [   1.090s] 22 tests run: 18 passed (1 slow, 1 flaky), 1 failed, 2 timed out, 1 exec failed, 3 skipped";
        assert_eq!(Counts::from_output(line), counts(18, 4, 3));
        assert_eq!(Counts::from_output("Summary [ 0.1s] 1 test run: 1 passed, 0 skipped"), counts(1, 0, 0));
        assert_eq!(
            Counts::from_output("Summary [ 0.1s] 12/22 tests run: 11 passed, 1 failed, 0 skipped"),
            counts(11, 1, 0)
        );
    }

    #[test]
    fn every_summary_of_cargo_test_is_added() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(Counts::from_output(output), counts(5, 1, 1));
    }

    #[test]
    fn silence_is_not_success() {
        assert_eq!(Counts::from_output("error: could not compile `store`"), None);
    }
}
