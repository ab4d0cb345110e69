//! Why it works as it does, as one line for people.

use super::{Board, Nest};

/// With fewer items judged than this the rates are still what was believed before anything was seen: they count for
/// twenty.
const DECIDED_MIN: u64 = 20;

impl Nest {
    /// How it tests at the moment, and what it has learned of the changes and the checks.
    pub(crate) fn reason(&self, board: &Board) -> String {
        let name = if self.is_chaining(board) { "chain" } else { "nest" };
        let rates = if self.belief.decided() < DECIDED_MIN {
            "too few verdicts to judge by yet".to_owned()
        } else {
            let percent = |rate: f64| format!("{:.0} %", rate * 100.);
            let (bad, flaky) = (percent(self.belief.bad_rate()), percent(self.belief.flake_rate()));
            format!("{bad} of changes fail, {flaky} of runs are flaky")
        };
        format!("{name}: {rates}{}{}", self.said_pace(), self.said_waiting())
    }

    fn said_pace(&self) -> String {
        match self.belief.pace() {
            None => String::new(),
            Some(pace) if pace < 0.5 => ", few changes come".to_owned(),
            Some(pace) if pace < 1.5 => ", about one change comes per run".to_owned(),
            Some(pace) => format!(", about {pace:.0} changes come per run"),
        }
    }

    fn said_waiting(&self) -> String {
        match self.fresh.len() {
            0 => String::new(),
            1 => ", 1 waits".to_owned(),
            n => format!(", {n} wait"),
        }
    }
}
